"""Setting up a whole mailbox in one call, as it comes in over HTTP and goes out."""

from datetime import datetime
from typing import Literal

import orjson
from pydantic import AwareDatetime, Field, SecretStr, field_validator

from config_service.bodies import STRICT, StepView
from config_service.channel_bodies import MAX_SECRET, InboundChannelView, OutboundChannelView
from config_service.domain.mailbox_wish import MailboxWish
from config_service.domain.microsoft import Place, SendBy
from postbus.contracts.base import Colour, Contract, JsonObject, Slug
from postbus.contracts.configuration import (
    GRAPH_URL,
    MICROSOFT_AUTHORITY,
    AfterFetch,
    FilterEntry,
    Folder,
    History,
    HttpsUrl,
    MailAddress,
    Tenant,
)


class MailboxBody(Contract):
    """The mailbox; what is left out is as usual."""

    model_config = STRICT

    address: MailAddress
    id: Slug | None = Field(
        default=None, description="of both channels; default: made of the address"
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=100, description="default: what is before the @"
    )
    colour: Colour | None = None
    ticket_type: Slug | None = None
    from_name: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00-\x1f]*$")
    history: History | None = None
    after_fetch: AfterFetch | None = None
    folders: tuple[Folder, ...] | None = Field(default=None, min_length=1, max_length=5)

    def wish(self) -> MailboxWish:
        """What shall be set up, without how to sign in."""
        return MailboxWish(**{name: getattr(self, name) for name in MailboxBody.model_fields})


class GmailBody(MailboxBody):
    """A mailbox at Gmail with an app password."""

    app_password: SecretStr = Field(
        min_length=1, max_length=200, description="16 letters; spaces do not matter"
    )


class GoogleClientBody(Contract):
    """An OAuth client of one's own, from the Google Cloud console."""

    model_config = STRICT

    client_id: str = Field(min_length=1, max_length=300)
    client_secret: SecretStr = Field(default=SecretStr(""), max_length=300)


class GoogleBody(MailboxBody):
    """A mailbox at Google whose owner signs in and consents."""

    redirect: Literal["web", "installed"] = Field(
        default="web",
        description="`web`: Google sends the browser back to PUBLIC_URL; `installed`: the person "
        "gives the code, or the address that the browser ends at, to `connect/google/finish`",
    )
    client: GoogleClientBody | None = Field(
        default=None, description="default: GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET_FILE"
    )


class MicrosoftClientBody(Contract):
    """An app registration of one's own, and how it proves itself."""

    model_config = STRICT

    client_id: str = Field(min_length=1, max_length=300)
    client_secret: SecretStr = Field(default=SecretStr(""), max_length=1000)
    certificate: str = Field(default="", max_length=MAX_SECRET, description="PEM")
    private_key: SecretStr = Field(default=SecretStr(""), max_length=MAX_SECRET, description="PEM")
    expires_at: AwareDatetime | None = Field(
        default=None, description="of a secret; of a certificate it is read from there"
    )


class AtMicrosoftBody(MailboxBody):
    """A mailbox of Microsoft 365."""

    tenant: Tenant = Field(
        default="organizations",
        description="the organisation: its id or a domain of it; `organizations`: that of whoever "
        "signs in",
    )
    send_by: SendBy = Field(
        default="graph", description="`smtp` needs SMTP AUTH switched on for the mailbox"
    )
    authority: HttpsUrl = MICROSOFT_AUTHORITY
    base_url: HttpsUrl = GRAPH_URL

    @property
    def place(self) -> Place:
        """Where the mailbox is."""
        return Place(self.tenant, self.authority, self.base_url)


class MicrosoftBody(AtMicrosoftBody):
    """A mailbox of Microsoft 365 that a person signs in for."""

    flow: Literal["code", "device"] = Field(
        default="code",
        description="`code`: in a browser that comes back; `device`: by a code that is typed in "
        "at Microsoft, on any machine",
    )
    redirect: Literal["web", "installed"] = Field(
        default="web",
        description="of `code`: Microsoft sends the browser back to PUBLIC_URL, or the person "
        "gives the address that it ends at to `connect/microsoft/finish`",
    )
    client: MicrosoftClientBody | None = Field(
        default=None, description="default: MICROSOFT_CLIENT_ID and what belongs to it"
    )


class MicrosoftAppBody(AtMicrosoftBody):
    """A mailbox of Microsoft 365 that an app opens as itself."""

    client: MicrosoftClientBody | None = Field(
        default=None, description="default: MICROSOFT_CLIENT_ID and what belongs to it"
    )
    probe_mailbox: MailAddress | None = Field(
        default=None, description="a mailbox that the app must not open; it is tried"
    )


class MicrosoftStarted(Contract):
    """Where the person is to go: `authorize_url`, or `verification_uri` with `user_code`."""

    authorize_url: str | None = None
    user_code: str | None = None
    verification_uri: str | None = None
    message: str | None = Field(default=None, description="of Microsoft, for the person")
    interval_seconds: int | None = Field(
        default=None, description="how often `connect/microsoft/finish` may ask"
    )
    state: str = Field(description="proof of who started this; good once")
    expires_at: datetime


class MicrosoftFinishBody(Contract):
    """Of a device code the `state` alone, else what the browser ended at."""

    model_config = STRICT

    state: str | None = Field(default=None, description="needed where `code` is the code only")
    code: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=8192,
        description="the code, or the whole address that has it",
    )


class MicrosoftPending(Contract):
    """The person is not done yet."""

    state: str
    expires_at: datetime


class SignInStarted(Contract):
    """Where the owner of the mailbox is to go."""

    authorize_url: str = Field(description="open it in a browser, signed in as the mailbox")
    state: str = Field(description="proof of who started this; good once")
    expires_at: datetime


class FinishBody(Contract):
    """What the browser ended at."""

    model_config = STRICT

    code: SecretStr = Field(
        min_length=1, max_length=4096, description="the code, or the whole address that has it"
    )
    state: str | None = Field(default=None, description="needed where `code` is the code only")


class ServiceAccountBody(MailboxBody):
    """A Workspace mailbox that a service account acts for."""

    key: SecretStr = Field(
        min_length=1, max_length=MAX_SECRET, description="the JSON key file, as an object or text"
    )

    @field_validator("key", mode="before")
    @classmethod
    def _an_object_is_its_text(cls, value: object) -> object:
        return _text_of(value) if isinstance(value, dict) else value


class ConnectedView(Contract):
    """What was set up, together."""

    inbound: InboundChannelView
    outbound: OutboundChannelView | None = Field(
        description="null: the mailbox was there and answers by a channel that is not its own"
    )
    filter_entries: tuple[FilterEntry, ...]
    warnings: tuple[StepView, ...] = Field(
        default=(), description="what works and should be looked at all the same"
    )


def _text_of(document: JsonObject) -> str:
    return orjson.dumps(document).decode()
