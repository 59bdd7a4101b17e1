"""The configuration that admins write and every service reads (KV bucket `postbus-config`).

A document is kept under `<kind>.<id>`; its fields are those of the config API, so that an export is
what was put in. Secrets are never part of it: they are sealed, in a bucket of their own.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from postbus.contracts.appearance import Appearance
from postbus.contracts.base import Colour, Contract, Slug
from postbus.contracts.dkim import DkimSigning

MailAddress = Annotated[
    str, StringConstraints(pattern=r"^[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\]{1,253}$")
]
FilterPattern = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^(\*|[^@\s<>,;:\"()\[\]\\*]{1,64})@[^@\s<>,;:\"()\[\]\\*]{1,253}$",
    ),
]
HostName = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\[\]-]+$")
]
Folder = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""The name of an IMAP folder in Unicode, as people see it (RFC 9051 §5.1)."""
AfterFetch = Annotated[
    str, StringConstraints(pattern=r"^(keep|mark-seen|move:[^\x00-\x1f\x7f]{1,255})$")
]


class ForwardSettings(Contract):
    """Addresses that other providers forward to; mail to them becomes a ticket."""

    creation_addresses: tuple[MailAddress, ...] = Field(min_length=1)


class ReplyToClosed(StrEnum):
    """What an answer to a closed ticket does."""

    REOPEN = "reopen"
    NEW_LINKED = "new-linked"


class TlsMode(StrEnum):
    """How a connection is protected (RFC 8314 prefers implicit)."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


class ImapAuth(StrEnum):
    """How we sign in to a mailbox; the two of Google are XOAUTH2 with an access token."""

    PASSWORD = "password"  # noqa: S105 - the name of a method, no secret
    APP_PASSWORD = "app-password"  # noqa: S105 - the name of a method, no secret
    GOOGLE_OAUTH = "google-oauth"
    GOOGLE_SERVICE_ACCOUNT = "google-service-account"


class History(StrEnum):
    """What becomes of mail that lay in the mailbox before it was connected."""

    NONE = "none"
    ALL = "all"


class ReadMailbox(Contract):
    """What is read of a mailbox, whatever its server speaks."""

    folders: tuple[Folder, ...] = Field(
        default=("INBOX",),
        min_length=1,
        max_length=5,
        description="what is read; by IMAP each folder has a connection of its own",
    )
    history: History = Field(
        default=History.NONE,
        description="mail from before the mailbox was connected: left alone, or imported as "
        "tickets without any automatic mail",
    )
    since: datetime | None = Field(
        default=None,
        description="mail that arrived later is mail of today; null: since it is first read. Set "
        "when the channel is made",
    )

    @field_validator("folders")
    @classmethod
    def _each_folder_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a folder is named twice")
        return value


class ImapSettings(ReadMailbox):
    """A mailbox that is read by IMAP (RFC 9051, RFC 3501)."""

    host: HostName
    port: int = Field(default=993, ge=1, le=65535)
    tls: TlsMode = TlsMode.IMPLICIT
    username: str = Field(min_length=1, max_length=320)
    auth: ImapAuth = ImapAuth.PASSWORD
    sent_folder: Folder | None = Field(
        default=None, description="where sent mail lies; null: the one marked \\Sent (RFC 6154)"
    )
    ca_certificates: str | None = Field(
        default=None, max_length=65536, description="own authorities to trust, PEM"
    )


class GraphAuth(StrEnum):
    """As whom a mailbox of Microsoft 365 is opened: as a person who signed in, or as an app."""

    DELEGATED = "delegated"
    APP_ONLY = "app-only"


MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
GRAPH_URL = "https://graph.microsoft.com/v1.0"
Tenant = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.-]+$")
]
HttpsUrl = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^https://[^\s/?#@]+(/[^\s?#]*)?$")
]


class GraphAccess(Contract):
    """How a mailbox of Microsoft 365 is reached by Graph, for sending or for reading."""

    tenant: Tenant = Field(
        default="organizations",
        description="the organisation: its id or a domain of it; `organizations`: that of whoever "
        "signs in",
    )
    auth: GraphAuth = GraphAuth.DELEGATED
    mailbox: MailAddress
    authority: HttpsUrl = Field(
        default=MICROSOFT_AUTHORITY, description="where Microsoft signs people and apps in"
    )
    base_url: HttpsUrl = Field(default=GRAPH_URL, description="Graph and its version")

    @model_validator(mode="after")
    def _an_organisation(self) -> "GraphAccess":
        if self.tenant.lower() in ("common", "consumers"):
            # Personal accounts have no mailbox that an organisation may read (providers: 5D).
            raise ValueError("`tenant` is an organisation, or `organizations`")
        if self.auth is GraphAuth.APP_ONLY and self.tenant.lower() == "organizations":
            raise ValueError("an app signs in at one `tenant`; `organizations` names none")
        return self

    @property
    def authority_url(self) -> str:
        """Where tokens come from."""
        return f"{self.authority.rstrip('/')}/{self.tenant}"


class GraphSettings(GraphAccess, ReadMailbox):
    """A mailbox of Microsoft 365 that is read by Graph.

    A folder is a well-known name of Graph (`inbox`, `junkemail` …) or a path of display names,
    `Inbox/Support`.
    """

    folders: tuple[Folder, ...] = Field(
        default=("inbox",),
        min_length=1,
        max_length=5,
        description="what is read: well-known names (`inbox`), or paths (`Inbox/Support`)",
    )
    probe_mailbox: MailAddress | None = Field(
        default=None,
        description="of an app: a mailbox that it must not open; it is tried, and told if it can",
    )


class InboundChannel(Contract):
    """Where mail comes in; also a queue with a name and a colour."""

    id: Slug
    name: str = Field(min_length=1, max_length=100)
    colour: Colour = "#3b82f6"
    kind: Literal["forward", "imap", "graph"]
    address: MailAddress | None = Field(
        default=None, description="what customers know; default: the first creation address"
    )
    reply_via: Slug | None = Field(
        default=None, description="outbound channel for answers; null: its own or the relay"
    )
    ticket_type: Slug = "support"
    enabled: bool = True
    receipt: bool = Field(default=True, description="tell the customer that the mail arrived")
    on_reply_to_closed: ReplyToClosed = Field(
        default=ReplyToClosed.REOPEN,
        description="an answer to a closed ticket opens it again, or opens a new one linked to it",
    )
    reopen_for_days: int | None = Field(
        default=None,
        ge=0,
        le=3650,
        description="with `reopen`: later than that after closing a new one is opened all the "
        "same; null: never",
    )
    after_fetch: AfterFetch = Field(
        default="keep",
        description="a fetched mail stays as it is (`keep`), is marked as read (`mark-seen`), or "
        "goes to a folder (`move:<folder>`)",
    )
    forward: ForwardSettings | None = None
    imap: ImapSettings | None = None
    graph: GraphSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _address_defaults_to_the_first_creation_address(cls, value: object) -> object:
        if isinstance(value, dict) and not value.get("address"):
            forward = value.get("forward")
            listed = (
                forward.get("creation_addresses")
                if isinstance(forward, dict)
                else getattr(forward, "creation_addresses", None)
            )
            if listed:
                return {**value, "address": listed[0]}
        return value

    @model_validator(mode="after")
    def _kind_and_settings_agree(self) -> "InboundChannel":
        wanted = {"forward": self.forward, "imap": self.imap, "graph": self.graph}
        if wanted.pop(self.kind) is None:
            raise ValueError(f"a channel of kind {self.kind} needs `{self.kind}`")
        if any(other is not None for other in wanted.values()):
            raise ValueError(f"a channel of kind {self.kind} has `{self.kind}` only")
        if self.address is None:
            raise ValueError("a mailbox needs its `address`")
        if self.forward is not None and self.after_fetch != "keep":
            raise ValueError("forwarded mail lies in no mailbox of ours; `after_fetch` is `keep`")
        if self.mailbox is not None and self.move_to in self.mailbox.folders:
            raise ValueError("mail cannot be moved into a folder that is read")
        return self

    @property
    def mailbox(self) -> ReadMailbox | None:
        """What is read of the mailbox, if there is one."""
        return self.imap or self.graph

    @property
    def move_to(self) -> str | None:
        """The folder that fetched mail is moved to, if it is."""
        word, _, folder = self.after_fetch.partition(":")
        return folder if word == "move" else None

    def own_addresses(self) -> tuple[str, ...]:
        """Every address by which mail reaches this channel."""
        own = (self.address,) if self.address else ()
        listed = self.forward.creation_addresses if self.forward else ()
        return tuple(dict.fromkeys((*own, *listed)))


class SmtpAuth(StrEnum):
    """How we sign in to an SMTP server."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - the name of a method, no secret
    XOAUTH2 = "xoauth2"


class SmtpSettings(Contract):
    """An SMTP server of the customer's own."""

    host: HostName
    port: int = Field(default=587, ge=1, le=65535)
    tls: TlsMode = TlsMode.STARTTLS
    username: str | None = None
    auth: SmtpAuth = SmtpAuth.NONE
    ca_certificates: str | None = Field(
        default=None, max_length=65536, description="own authorities to trust, PEM"
    )


class SentCopy(StrEnum):
    """Who puts a copy of what was sent into the mailbox's folder of sent mail."""

    AUTO = "auto"
    PROVIDER = "provider"
    APPEND = "append"
    NONE = "none"


class SendLimits(Contract):
    """How many mails may leave by a channel; what is more waits. Null: what is known of its kind.

    Exchange Online takes 30 a minute of a mailbox; Gmail 2,000 in 24 hours with Workspace, and
    500 without ("Exchange Online limits", "Gmail sending limits in Google Workspace").
    """

    per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    per_day: int | None = Field(default=None, ge=1, le=100_000_000)


class OutboundChannel(Contract):
    """Where answers leave from."""

    id: Slug
    name: str = Field(min_length=1, max_length=100)
    kind: Literal["relay", "smtp", "gmail", "graph"]
    from_address: MailAddress | None = Field(
        default=None, description="null on the relay: the address of the inbound channel"
    )
    from_name: str = Field(default="", max_length=100)
    aliases: tuple[MailAddress, ...] = Field(
        default=(),
        max_length=100,
        description="other addresses that it may send as; who wrote to one is answered from it",
    )
    enabled: bool = True
    smtp: SmtpSettings | None = None
    graph: GraphAccess | None = None
    sent_copy: SentCopy = Field(
        default=SentCopy.AUTO,
        description="`provider`: the server does it itself; `append`: we do, by IMAP, where an "
        "inbound channel reads the mailbox of `from_address`; `auto`: `provider` on gmail and "
        "graph, else `append`",
    )

    limits: SendLimits = Field(
        default=SendLimits(), description="how many mails may leave by it; more waits"
    )

    @field_validator("from_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(ord(c) < 32 for c in value):
            raise ValueError("a display name is one line")
        return value

    @model_validator(mode="after")
    def _kind_and_settings_agree(self) -> "OutboundChannel":
        wanted = {"gmail": "smtp", "smtp": "smtp", "graph": "graph"}.get(self.kind)
        if wanted and (getattr(self, wanted) is None or self.from_address is None):
            raise ValueError(f"a channel of kind {self.kind} needs `{wanted}` and `from_address`")
        for other in {"smtp", "graph"} - {wanted}:
            if getattr(self, other) is not None:
                raise ValueError(f"a {self.kind} channel has no `{other}`")
        return self

    @property
    def marks_survive(self) -> bool:
        """Whether its provider keeps Auto-Submitted and the like.

        Graph is reported to drop them (microsoftgraph/msgraph-sdk-dotnet#2209).
        """
        return self.kind != "graph"

    def own_addresses(self) -> tuple[str, ...]:
        """Every address that it sends as."""
        own = (self.from_address,) if self.from_address else ()
        return tuple(dict.fromkeys((*own, *self.aliases)))


class TicketType(Contract):
    """A kind of ticket, e.g. support or complaint."""

    id: Slug
    name: str = Field(min_length=1, max_length=100)


class FilterEntry(Contract):
    """An address, or `*@domain`, that never gets mail from us."""

    id: str
    pattern: FilterPattern
    reason: str = Field(default="", max_length=500)
    automatic: bool = Field(default=False, description="Postbus made it, for a channel of its own")
    channel: Slug | None = None
    created_at: datetime | None = None


class NotifyScope(StrEnum):
    """Of which tickets an agent is notified."""

    ALL = "all"
    MINE = "mine"
    """Those assigned to the agent, and of the agent's queues those assigned to nobody."""


class Notifications(Contract):
    """What agents are notified of by mail, where they do not choose otherwise."""

    id: Literal["default"] = "default"
    new_ticket: bool = True
    answer: bool = Field(default=True, description="a customer wrote on a ticket that is there")
    assignment: bool = Field(default=True, description="somebody assigned a ticket to the agent")
    scope: NotifyScope = Field(
        default=NotifyScope.MINE, description="of new tickets and answers: of which tickets"
    )
    quiet_minutes: int = Field(
        default=10,
        ge=5,
        le=1440,
        description="after a notification, what happens is collected for so long and told at once",
    )


class NotifyChoice(Contract):
    """An agent's own choice; null: as `notifications` says."""

    new_ticket: bool | None = None
    answer: bool | None = None
    assignment: bool | None = None
    scope: NotifyScope | None = None


class Language(StrEnum):
    """The languages that Postbus writes to agents in."""

    ENGLISH = "en"
    DUTCH = "nl"


class Agent(Contract):
    """Somebody who works on tickets, and is notified by mail."""

    id: Slug = Field(description="what `assignee` of a ticket says")
    name: str = Field(min_length=1, max_length=100)
    address: MailAddress = Field(description="where notifications go; never an address of ours")
    queues: tuple[Slug, ...] = Field(default=(), max_length=1000, description="empty: all queues")
    enabled: bool = True
    language: Language = Language.ENGLISH
    notify: NotifyChoice = NotifyChoice()

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(ord(c) < 32 for c in value):
            raise ValueError("a name is one line")
        return value


class Stop(StrEnum):
    """What is not sent at all for now."""

    NOTHING = "nothing"
    AUTOMATIC = "automatic"
    EVERYTHING = "everything"


class Windows(Contract):
    """How many mails may go within ten minutes, an hour and a day, counted back from now.

    At most 200: what is remembered of a correspondent is one small document.
    """

    ten_minutes: int = Field(ge=1, le=200)
    hour: int = Field(ge=1, le=200)
    day: int = Field(ge=1, le=200)


class LoopLimits(Contract):
    """How much automatic mail there may be; the defaults bound every loop.

    A mail is counted as what caused it: a mail that came in, or an act of a person (an assignment).
    Where a transport loses our marks, half of each counts (L21).
    """

    id: Literal["default"] = "default"
    stop: Stop = Field(
        default=Stop.NOTHING, description="the kill switch: what is held whatever else holds"
    )
    correspondent: Windows = Field(
        default=Windows(ten_minutes=3, hour=6, day=10),
        description="because of mail, to one address (L12)",
    )
    ticket: Windows = Field(
        default=Windows(ten_minutes=2, hour=4, day=8),
        description="because of mail, on one ticket to one address (L13)",
    )
    people_correspondent: Windows = Field(
        default=Windows(ten_minutes=15, hour=40, day=120),
        description="because of what people did, to one address (L13b)",
    )
    people_ticket: Windows = Field(
        default=Windows(ten_minutes=5, hour=12, day=40),
        description="because of what people did, on one ticket to one address (L13b)",
    )
    receipts_ten_minutes: int = Field(
        default=1, ge=1, le=100,
        description="receipts of one queue to one address; more only for what is plainly another "
        "question (L11)",
    )  # fmt: skip
    receipts_day: int = Field(
        default=3, ge=1, le=200, description="receipts of one queue to one address in a day (L11)"
    )
    receipts_day_all_queues: int = Field(
        default=5, ge=1, le=200, description="receipts to one address in a day (L11)"
    )
    incoming_ten_minutes: int = Field(
        default=10, ge=2, le=10_000,
        description="from so many mails of one address on it gets no automatic answers (L14)",
    )  # fmt: skip
    incoming_hour: int = Field(
        default=25, ge=2, le=10_000, description="the same within an hour (L14)"
    )
    tickets_hour: int = Field(
        default=200, ge=2, le=100_000,
        description="tickets of one address within an hour; those beyond get the tag `burst`, and "
        "no agent is notified of them (L14)",
    )  # fmt: skip
    received_fields: int = Field(
        default=15, ge=5, le=1000,
        description="a mail with so many Received fields gets no automatic answer (L10)",
    )  # fmt: skip
    received_fields_held: int = Field(
        default=30, ge=5, le=1000,
        description="a mail with so many is kept and held: it goes round and round (L10)",
    )  # fmt: skip
    fuse_ten_minutes: int = Field(
        default=50, ge=5, le=100_000,
        description="more automatic answers open the fuse of a channel, or of all, where they are "
        "all of them or repeats to the same addresses (L17)",
    )  # fmt: skip
    fuse_times: int = Field(
        default=5, ge=1, le=1000,
        description="if they are also so many times what is usual there, by the last seven days "
        "(L17)",
    )  # fmt: skip

    def stops(self, *, automatic: bool) -> bool:
        """Whether the kill switch holds such a mail."""
        return self.stop is Stop.EVERYTHING or (self.stop is Stop.AUTOMATIC and automatic)


class Scope(StrEnum):
    """What a token may do; each scope includes those after it."""

    ADMIN = "admin"
    AGENT = "agent"
    READER = "reader"


class ApiToken(Contract):
    """A bearer token, known by its hash only."""

    id: str = Field(description="SHA-256 of the token, hexadecimal")
    name: str
    scope: Scope
    agent: Slug | None = Field(
        default=None, description="the agent who uses it, and is not notified of her own acts"
    )


class Change(Contract):
    """Who wrote the document, kept in the same KV value."""

    by: str
    at: datetime


KINDS: dict[str, type[Contract]] = {
    "inbound-channels": InboundChannel,
    "outbound-channels": OutboundChannel,
    "ticket-types": TicketType,
    "outbound-filter": FilterEntry,
    "loop-limits": LoopLimits,
    "tokens": ApiToken,
    "appearance": Appearance,
    "dkim": DkimSigning,
    "agents": Agent,
    "notifications": Notifications,
}
"""KV key prefix → the document kept under it."""
