"""Settings of ingest-imap."""

from pydantic import Field

from postbus.connecting import ConnectingSettings
from postbus.mailboxes.settings import MailboxServiceSettings


class IngestImapSettings(MailboxServiceSettings, ConnectingSettings):
    """What ingest-imap needs on top of what every service has."""

    imap_threads: int = Field(
        default=8, ge=2, description="mailboxes that are spoken with at a time"
    )
    imap_command_seconds: float = Field(
        default=60, gt=0, description="how long a server may take for one answer, seconds"
    )
    imap_connect_seconds: float = Field(default=20, gt=0, description="time to connect, seconds")
    idle_seconds: float = Field(
        default=500,
        gt=0,
        le=1740,
        description="IDLE is asked for anew and the folder looked at that often, seconds "
        "(RFC 2177: under 29 minutes; Gmail: under 10)",
    )
    poll_seconds: float = Field(
        default=30, gt=0, description="the same where a server has no IDLE, seconds"
    )
    daily_bytes: int = Field(
        default=2_000_000_000,
        gt=0,
        description="fetched from one mailbox in 24 hours at most, bytes; Gmail gives 2,500 MB",
    )
