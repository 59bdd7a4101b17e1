"""Settings of ingest-graph."""

from pydantic import Field

from postbus.connecting import ConnectingSettings
from postbus.contracts.configuration import HttpsUrl
from postbus.mailboxes.settings import MailboxSettings
from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings


class IngestGraphSettings(MailboxSettings, ConnectingSettings, ReadingSettings, ServiceSettings):
    """What ingest-graph needs on top of what every service has."""

    hooks_url: HttpsUrl | None = Field(
        default=None,
        description="where Graph reaches this service from outside, `https://…`; without it "
        "mailboxes are asked for news and nothing is told by Graph",
    )
    poll_seconds: float = Field(
        default=30, gt=0, description="how often a folder is asked for news, seconds"
    )
    sweep_seconds: float = Field(
        default=300,
        gt=0,
        description="the same where Graph tells of news, as the safety net, seconds",
    )
    places: int = Field(default=8, ge=2, description="folders that are fetched from at a time")
