"""What the command line reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from postbus.reading.settings import ReadingSettings


class CliSettings(ReadingSettings):
    """Upper-case names; the defaults are those of a stack that `make up` runs in this folder."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    postbus_home: Path = Field(
        default=Path(".postbus"), description="data folder of the local stack, with its addresses"
    )
    nats_url: str | None = Field(default=None, description="NATS; none: that of the local stack")
    nats_seed_file: Path | None = Field(
        default=None, description="nkey seed of the NATS user `archivist`"
    )
    blob_url: str | None = Field(
        default=None, description="blob store; none: that of the local stack"
    )
    stamp_keys_file: Path | None = Field(
        default=None, description="keys that verify stamps; none: those of the local stack"
    )
    tenant: str = Field(default="postbus", description="name of this installation, signed along")
    tls_ca_file: Path | None = Field(
        default=None, description="certificates to trust besides the system's, for IMAP servers"
    )
    postbus_imap_password: SecretStr | None = Field(
        default=None, description="password of the mailbox to import; none: it is asked for"
    )
    max_mail_bytes: int = Field(
        default=100 * 1024 * 1024, gt=0, description="largest mail that is read, bytes"
    )
