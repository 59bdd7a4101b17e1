"""Settings of ingest-imap."""

import socket
from pathlib import Path

from pydantic import Field

from postbus.connecting import ConnectingSettings
from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings


class IngestImapSettings(ConnectingSettings, ReadingSettings, ServiceSettings):
    """What ingest-imap needs on top of what every service has."""

    secrets_private_key_file: Path | None = Field(
        default=None, description="private keys that open sealed secrets; the newest first"
    )
    stamp_keys_file: Path = Field(
        default=Path("/etc/postbus/stamp.keys"),
        description="keys that verify stamps, base64, one a line",
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        description="name of this replica, another one for each; a pod's own name",
    )
    tenant: str = Field(default="postbus", description="name of this installation, signed along")
    max_mail_bytes: int = Field(
        default=100 * 1024 * 1024,
        gt=0,
        description="largest mail that is fetched, bytes; a larger one is held without its text",
    )
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
    proof_seconds: float = Field(
        default=3600,
        gt=0,
        description="how often each mailbox is compared with what is known of it, seconds",
    )
    daily_bytes: int = Field(
        default=2_000_000_000,
        gt=0,
        description="fetched from one mailbox in 24 hours at most, bytes; Gmail gives 2,500 MB",
    )
    lease_seconds: float = Field(
        default=6,
        ge=1,
        description="a replica that was not heard of for so long has lost its mailboxes, seconds",
    )
