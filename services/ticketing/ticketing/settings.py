"""Settings of ticketing."""

from pathlib import Path

from pydantic import Field, SecretStr

from postbus.runtime.settings import ServiceSettings


class TicketingSettings(ServiceSettings):
    """What ticketing needs on top of what every service has."""

    mongodb_url: SecretStr = Field(
        default=SecretStr("mongodb://127.0.0.1:8031/?retryWrites=false"),
        description="MongoDB connection string; masked when printed",
    )
    mongodb_database: str = Field(default="postbus", description="name of the database")
    stamp_keys_file: Path = Field(
        default=Path("/etc/postbus/stamp.keys"),
        description="keys that sign stamps, base64, one a line; the first one signs",
    )
    tenant: str = Field(default="postbus", description="name of this installation, signed along")
    max_request_bytes: int = Field(
        default=32 * 1024 * 1024,
        gt=0,
        description="largest body of an API request, bytes; in base64 a file is a third larger",
    )
    sweep_seconds: float = Field(
        default=5, description="how often facts that a crash left untold are looked for, seconds"
    )
    notify_seconds: float = Field(
        default=2, description="how often it is looked whom a notification is due to, seconds"
    )
    desk_url: str | None = Field(
        default=None,
        description="where agents find the desk; notifications link to `<this>/tickets/<number>`",
    )
