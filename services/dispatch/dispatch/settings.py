"""Settings of dispatch."""

import socket
from pathlib import Path

from pydantic import Field, SecretStr

from postbus.connecting import ConnectingSettings
from postbus.contracts.configuration import MailAddress
from postbus.runtime.settings import ServiceSettings


class DispatchSettings(ConnectingSettings, ServiceSettings):
    """What dispatch needs on top of what every service has."""

    relay_url: SecretStr = Field(
        default=SecretStr("smtp://127.0.0.1:8029"),
        description="the platform's mail server: `smtp://`, `smtp+starttls://` or "
        "`smtps://[user:password@]host:port`; it may be inside the private network",
    )
    bounce_address: MailAddress | None = Field(
        default=None,
        description="a creation address that bounces of what leaves by the relay go to, with the "
        "stamp as its tag; by default the creation address of the ticket's channel",
    )
    secrets_private_key_file: Path | None = Field(
        default=None, description="private keys that open sealed secrets; the newest first"
    )
    helo_name: str = Field(
        default="postbus.localhost", description="name given in EHLO (RFC 5321 §4.1.1.1)"
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        description="name of this replica, the same after a restart; a pod's own name",
    )
    lane_width: int = Field(default=4, description="mails in flight per outbound channel", ge=1)
    retry_delays_seconds: tuple[float, ...] = Field(
        default=(60, 300, 900, 1800, 3600, 7200, 14400),
        description="waits after a refusal for now (4yz), seconds; the last repeats for 5 days",
    )
    canary_after_seconds: float = Field(
        default=60,
        gt=0,
        description="how long after it was sent an automatic mail is read back where its mailbox "
        "can be read, once a day, to see whether our marks are still on it, seconds",
    )
    sweep_seconds: float = Field(
        default=15, description="how often the ledger is looked through, seconds"
    )
    smtp_connect_seconds: float = Field(default=20, description="time to connect, seconds")
    smtp_command_seconds: float = Field(default=60, description="time for one command, seconds")
    smtp_data_seconds: float = Field(
        default=300, description="time for the server to take the whole mail, seconds"
    )
    doubt_looks_seconds: tuple[float, ...] = Field(
        default=(10, 30, 80),
        min_length=1,
        description="waits before each look for a doubtful mail among sent mail, seconds",
    )
    sent_copy_delays_seconds: tuple[float, ...] = Field(
        default=(5, 30, 120, 600, 3600, 21600, 86400),
        min_length=1,
        description="waits until a copy of sent mail is put again, seconds; the last repeats for "
        "30 days",
    )
    mailbox_answer_seconds: float = Field(
        default=30, gt=0, description="how long ingest-imap may take for one answer, seconds"
    )
