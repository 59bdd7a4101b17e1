"""The settings of the config service."""

from pathlib import Path

from pydantic import AwareDatetime, Field

from config_service.domain.gmail import (
    GMAIL_IMAP_HOST,
    GMAIL_IMAP_PORT,
    GMAIL_SMTP_HOST,
    GMAIL_SMTP_PORT,
)
from config_service.domain.microsoft import MICROSOFT_SMTP_HOST, MICROSOFT_SMTP_PORT
from postbus.connecting.google import TOKEN_URL
from postbus.reading.settings import ReadingSettings
from postbus.runtime.settings import ServiceSettings

_HOST_PORT = r"^.+:\d{1,5}$"
AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"


class Settings(ServiceSettings, ReadingSettings):
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
        pattern=_HOST_PORT,
    )
    tenant: str = Field(default="postbus", description="name of this installation, signed along")
    stamp_keys_file: Path | None = Field(
        default=None,
        description="the keys of our stamps: with them an explanation of a verdict recognises our "
        "own mail; without them no held mail is released",
    )
    dns_server: str | None = Field(
        default=None,
        pattern=_HOST_PORT,
        description="address:port of the resolver that is asked whether a DKIM key is published; "
        "without it that of the machine, which inside a company may not see what the world sees",
    )
    max_request_bytes: int = Field(
        default=1024 * 1024, gt=0, description="largest body of an API request, bytes"
    )
    try_timeout_seconds: float = Field(
        default=30,
        description="how long a try of a channel may take, seconds",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+(/\S*)?$",
        description="where browsers reach this API, e.g. `https://config.example.com`; "
        "sign-ins with Google and Microsoft come back to it",
    )
    google_client_id: str | None = Field(
        default=None, description="OAuth client of Google; without it each sign-in gives its own"
    )
    google_client_secret_file: Path | None = Field(
        default=None, description="file with that client's secret"
    )
    google_authorize_url: str = Field(
        default=AUTHORIZE_URL, description="where people sign in with Google"
    )
    google_token_url: str = Field(
        default=TOKEN_URL, description="where Google gives tokens for a code"
    )
    google_ca_file: Path | None = Field(
        default=None, description="certificates to trust instead of the usual ones, for Google"
    )
    gmail_imap: str = Field(
        default=f"{GMAIL_IMAP_HOST}:{GMAIL_IMAP_PORT}",
        pattern=_HOST_PORT,
        description="host:port that mailboxes set up by `connect/…` are read from, implicit TLS",
    )
    gmail_smtp: str = Field(
        default=f"{GMAIL_SMTP_HOST}:{GMAIL_SMTP_PORT}",
        pattern=_HOST_PORT,
        description="host:port that they send by, implicit TLS",
    )
    gmail_ca_file: Path | None = Field(
        default=None, description="certificates that their channels trust besides the usual ones"
    )
    microsoft_client_id: str | None = Field(
        default=None,
        description="app registration of Microsoft Entra; without it each sign-in gives its own",
    )
    microsoft_client_secret_file: Path | None = Field(
        default=None, description="file with a client secret of that app"
    )
    microsoft_client_certificate_file: Path | None = Field(
        default=None, description="or file with a certificate that was uploaded to it, PEM"
    )
    microsoft_client_key_file: Path | None = Field(
        default=None, description="file with that certificate's private key, PEM"
    )
    microsoft_client_expires_at: AwareDatetime | None = Field(
        default=None,
        description="when the client secret ends; of a certificate it is read from there",
    )
    microsoft_smtp: str = Field(
        default=f"{MICROSOFT_SMTP_HOST}:{MICROSOFT_SMTP_PORT}",
        pattern=_HOST_PORT,
        description="host:port that `connect/microsoft` with `send_by` `smtp` sends by, STARTTLS",
    )
    microsoft_ca_file: Path | None = Field(
        default=None, description="certificates to trust besides the usual ones, for Microsoft"
    )
    allow_private_hosts: bool = Field(
        default=False,
        description="sign-ins with Microsoft may name an `authority` inside the private network, "
        "loopback included",
    )
