"""Settings of ingest-graph."""

import socket
from pathlib import Path

from pydantic import Field

from postbus.connecting import ConnectingSettings
from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings


class IngestGraphSettings(ConnectingSettings, ReadingSettings, ServiceSettings):
    """What ingest-graph needs on top of what every service has."""

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
