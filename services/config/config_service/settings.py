"""The settings of the config service."""

from pathlib import Path

from pydantic import Field

from postbus.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the config service needs to know beyond what every service does."""

    mail_domain: str = Field(
        default="postbus.localhost",
        description="domain of the first creation address, `support@…`, made once at first start",
    )
    bootstrap_tokens_file: Path | None = Field(
        default=None,
        description="JSON list of {name, scope, sha256}: API tokens that are made at start",
    )
    secrets_public_key_file: Path | None = Field(
        default=None,
        description="public key that secrets are sealed with; without it none can be taken",
    )
    forward_door: str | None = Field(
        default=None,
        description="host:port of the SMTP door of ingest-forward, for tests of channels",
        pattern=r"^.+:\d{1,5}$",
    )
    max_request_bytes: int = Field(
        default=1024 * 1024, gt=0, description="largest body of an API request, bytes"
    )
    try_timeout_seconds: float = Field(
        default=20, description="how long dispatch may take to try an outbound channel, seconds"
    )
