"""Settings of ingest-forward."""

from pathlib import Path

from pydantic import Field, model_validator

from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings


class IngestForwardSettings(ReadingSettings, ServiceSettings):
    """What ingest-forward needs on top of what every service has."""

    smtp_host: str = Field(default="127.0.0.1", description="address of the SMTP and LMTP doors")
    smtp_port: int = Field(default=8028, description="port of the SMTP door")
    lmtp_port: int | None = Field(
        default=None, description="port of the LMTP door (RFC 2033); none: no such door"
    )
    smtp_hostname: str = Field(
        default="postbus.localhost", description="name that the doors greet with"
    )
    max_mail_bytes: int = Field(
        default=100 * 1024 * 1024, gt=0, description="largest mail that is taken, bytes"
    )
    max_recipients: int = Field(
        default=100, gt=0, description="recipients of one mail; more are asked to come later"
    )
    max_connections: int = Field(
        default=200, gt=0, description="clients at a time, SMTP and LMTP; others come later (421)"
    )
    max_connections_per_address: int = Field(
        default=50,
        gt=0,
        description="clients at a time from one address; MAX_CONNECTIONS or more: no limit",
    )
    smtp_timeout_seconds: float = Field(
        default=300, gt=0, description="how long a silent client is waited for, seconds"
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="certificate chain for STARTTLS, PEM; none: no STARTTLS"
    )
    tls_key_file: Path | None = Field(
        default=None, description="private key of the certificate, PEM; none: it is in that file"
    )
    stamp_keys_file: Path = Field(
        default=Path("/etc/postbus/stamp.keys"),
        description="keys that verify stamps, base64, one a line",
    )
    tenant: str = Field(default="postbus", description="name of this installation, signed along")

    @model_validator(mode="after")
    def _a_key_needs_its_certificate(self) -> "IngestForwardSettings":
        if self.tls_key_file is not None and self.tls_certificate_file is None:
            raise ValueError("TLS_KEY_FILE is set and TLS_CERTIFICATE_FILE is not")
        return self
