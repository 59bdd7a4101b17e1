"""The settings that every service has; each service adds its own in a class on top."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read once, in `__main__`, from the environment (upper-case names), and passed down."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    nats_url: str = Field(
        default="nats://127.0.0.1:8030", description="NATS servers, separated by commas"
    )
    nats_seed_file: Path | None = Field(
        default=None, description="file with the nkey seed of this service's NATS user"
    )
    blob_url: str = Field(
        default="file:///var/lib/postbus/blobs",
        description="blob store: `file:///folder` or `s3://bucket/prefix`",
    )
    http_host: str = Field(default="127.0.0.1", description="address of the HTTP server")
    http_port: int = Field(default=8080, description="port of the HTTP server")
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json` for machines, `console` for people"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least level that is logged"
    )
    graceful_seconds: float = Field(
        default=25, description="how long running work may take to finish at shutdown, seconds"
    )
