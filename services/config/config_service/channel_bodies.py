"""Channels as they come in over HTTP and go out; a secret goes in and never out."""

from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator

from config_service.bodies import STRICT
from config_service.domain.gmail import GMAIL_SMTP_HOST, GMAIL_SMTP_PORT
from postbus.contracts.base import Contract
from postbus.contracts.configuration import (
    GraphAccess,
    GraphSettings,
    ImapSettings,
    InboundChannel,
    OutboundChannel,
    SendLimits,
    SmtpAuth,
    SmtpSettings,
    TlsMode,
)

MAX_SECRET = 16384
"""A key file of a service account has 2,400 characters."""


GRAPH_SECRET: Any = Field(
    default=None,
    exclude=True,
    min_length=1,
    max_length=MAX_SECRET,
    description="of an app: JSON with `client_id`, and `client_secret` or `certificate` and "
    "`private_key` (PEM); a person's sign-in starts at `connect/microsoft`",
)
SHOWN_ONLY: Any = Field(default=False, exclude=True, description="shown only")


class ImapBody(ImapSettings):
    """A mailbox as it is sent."""

    model_config = STRICT

    secret: SecretStr | None = Field(
        default=None,
        exclude=True,
        min_length=1,
        max_length=MAX_SECRET,
        description="the password, or the JSON key file of a service account",
    )
    secret_set: bool = Field(default=False, exclude=True, description="shown only")


class GraphBody(GraphSettings):
    """A mailbox of Microsoft 365 as it is sent."""

    model_config = STRICT

    secret: SecretStr | None = GRAPH_SECRET
    secret_set: bool = SHOWN_ONLY


class GraphAccessBody(GraphAccess):
    """How such a mailbox sends, as it is sent."""

    model_config = STRICT

    secret: SecretStr | None = GRAPH_SECRET
    secret_set: bool = SHOWN_ONLY


class InboundChannelBody(InboundChannel):
    """An inbound channel as it is sent."""

    model_config = STRICT

    imap: ImapBody | None = None
    graph: GraphBody | None = None

    @field_validator("after_fetch", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: object) -> object:
        return "keep" if value is None else value


class ImapView(ImapSettings):
    """A mailbox as it is shown."""

    secret_set: bool = Field(description="whether a secret is kept")


class GraphView(GraphSettings):
    """A mailbox of Microsoft 365 as it is shown."""

    secret_set: bool = Field(description="whether a secret is kept")


class GraphAccessView(GraphAccess):
    """How such a mailbox sends, as it is shown."""

    secret_set: bool = Field(description="whether a secret is kept")


class InboundChannelView(InboundChannel):
    """An inbound channel as it is shown."""

    imap: ImapView | None = None
    graph: GraphView | None = None


class SmtpBody(SmtpSettings):
    """An SMTP server as it is sent."""

    model_config = STRICT

    secret: SecretStr | None = Field(
        default=None,
        exclude=True,
        min_length=1,
        max_length=MAX_SECRET,
        description="the password; with `xoauth2` the JSON key file of a service account",
    )
    secret_set: bool = Field(default=False, exclude=True, description="shown only")


class SendLimitsBody(SendLimits):
    """Limits as they are sent."""

    model_config = STRICT


class OutboundChannelBody(OutboundChannel):
    """An outbound channel as it is sent; one of Gmail need not say what is known of Gmail."""

    model_config = STRICT

    smtp: SmtpBody | None = None
    graph: GraphAccessBody | None = None
    limits: SendLimitsBody = SendLimitsBody()

    @model_validator(mode="before")
    @classmethod
    def _gmail_is_known(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("kind") != "gmail":
            return value
        smtp = value.get("smtp")
        if smtp is not None and not isinstance(smtp, dict):
            return value
        known = {
            "host": GMAIL_SMTP_HOST,
            "port": GMAIL_SMTP_PORT,
            "tls": TlsMode.IMPLICIT,
            "auth": SmtpAuth.PASSWORD,
            "username": value.get("from_address"),
        }
        return {**value, "smtp": {**known, **(smtp or {})}}


class SmtpView(SmtpSettings):
    """An SMTP server as it is shown."""

    secret_set: bool = Field(description="whether a secret is kept")


class OutboundChannelView(OutboundChannel):
    """An outbound channel as it is shown."""

    smtp: SmtpView | None = None
    graph: GraphAccessView | None = None


class InboundChannels(Contract):
    """A list."""

    items: tuple[InboundChannelView, ...]
    next_cursor: str | None = None


class OutboundChannels(Contract):
    """A list."""

    items: tuple[OutboundChannelView, ...]
    next_cursor: str | None = None
