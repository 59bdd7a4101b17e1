"""Settings of ingest-graph."""

from pydantic import Field

from postbus.connecting import ConnectingSettings
from postbus.contracts.configuration import HttpsUrl
from postbus.mailboxes.settings import MailboxServiceSettings


class IngestGraphSettings(MailboxServiceSettings, ConnectingSettings):
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
    upkeep_seconds: float = Field(
        default=3600,
        gt=0,
        description="how often the sign-ins of paused mailboxes are looked after, seconds",
    )
    places: int = Field(default=8, ge=2, description="folders that are fetched from at a time")
