"""The settings of whoever reads mailboxes."""

import socket
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings


class MailboxSettings(BaseSettings):
    """Mixed into the settings of a service that reads mailboxes."""

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
    proof_seconds: float = Field(
        default=3600,
        gt=0,
        description="how often each mailbox is compared with what is known of it, seconds",
    )
    lease_seconds: float = Field(
        default=6,
        ge=1,
        description="a replica that was not heard of for so long has lost its mailboxes, seconds",
    )


class MailboxServiceSettings(MailboxSettings, ReadingSettings, ServiceSettings):
    """All that `MailboxService` asks for."""
