"""Settings of dispatch."""

import socket
from pathlib import Path

from pydantic import Field, SecretStr

from postbus.runtime.settings import ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs on top of what every service has."""

    relay_url: SecretStr = Field(
        default=SecretStr("smtp://127.0.0.1:8029"),
        description="the platform's mail server: `smtp://`, `smtp+starttls://` or "
        "`smtps://[user:password@]host:port`",
    )
    secrets_private_key_file: Path | None = Field(
        default=None, description="private keys that open sealed secrets; the newest first"
    )
    helo_name: str = Field(
        default="postbus.localhost", description="name given in EHLO (RFC 5321 §4.1.1.1)"
    )
    tls_ca_file: Path | None = Field(
        default=None, description="certificates to trust besides the system's, for mail servers"
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
    sweep_seconds: float = Field(
        default=15, description="how often the ledger is looked through, seconds"
    )
    smtp_connect_seconds: float = Field(default=20, description="time to connect, seconds")
    smtp_command_seconds: float = Field(default=60, description="time for one command, seconds")
    smtp_data_seconds: float = Field(
        default=300, description="time for the server to take the whole mail, seconds"
    )
