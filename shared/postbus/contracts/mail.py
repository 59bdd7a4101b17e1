"""A mail that came in: what the three ingest services tell and ticketing files."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, model_validator

from postbus.contracts.base import BlobRef, Contract, Event, Sha256, Slug


class Address(Contract):
    """A mailbox (RFC 5322 §3.4): display name, decoded, and addr-spec as written."""

    name: str = ""
    address: str


class Attachment(Contract):
    """A file of a mail; its bytes are in the blob store under `sha256`."""

    name: str
    content_type: str
    size_bytes: int = Field(ge=0)
    sha256: Sha256
    inline: bool = Field(default=False, description="shown inside the HTML (RFC 2392 cid:)")
    content_id: str | None = Field(default=None, description="without the angle brackets")


class MailKind(StrEnum):
    """What wrote this mail."""

    HUMAN = "human"
    AUTO_REPLY = "auto-reply"
    AUTO_GENERATED = "auto-generated"
    BOUNCE = "bounce"
    FEEDBACK_REPORT = "feedback-report"
    LIST = "list"
    MACHINE = "machine"
    OWN = "own"


class Signals(Contract):
    """The header facts that the loop guard reads; the rules about them are its own."""

    auto_submitted: str | None = Field(
        default=None, description="keyword of Auto-Submitted, lower case (RFC 3834 §5)"
    )
    suppress: tuple[str, ...] = Field(
        default=(), description="values of X-Auto-Response-Suppress, lower case"
    )
    precedence: str | None = Field(default=None, description="Precedence, lower case")
    is_list: bool = Field(default=False, description="a List-* header (RFC 2369, RFC 2919)")
    null_return_path: bool = Field(default=False, description="envelope sender <>")
    from_mail_system: bool = Field(default=False, description="mailer-daemon@, postmaster@ …")
    is_report: bool = Field(default=False, description="multipart/report (RFC 6522)")
    received_count: int = Field(default=0, description="Received fields: hops so far")


class OwnStamp(Contract):
    """A signed mark of ours that came back with the mail, already verified."""

    ticket_number: int
    kind: str
    hop: int
    found_in: str = Field(description="`recipient`, `references`, `header` or `body`")


class OtherStamp(Contract):
    """The mark of another installation's own mail: its form is ours, its signature is not."""

    kind: str
    hop: int
    found_in: str = Field(description="`header`, `message-id`, `reply-to` or `body`")


class BouncedRecipient(Contract):
    """One address that a mail did not reach, as the report about it says (RFC 3464 §2.3)."""

    address: str = Field(description="Final-Recipient or what the report names instead")
    original_address: str | None = Field(default=None, description="Original-Recipient")
    action: str = Field(
        default="failed", description="`failed`, `delayed`, `delivered`, `relayed` or `expanded`"
    )
    status: str | None = Field(default=None, description="enhanced status code (RFC 3463)")
    hard: bool | None = Field(
        default=None, description="true: will never arrive; None: the report does not say"
    )
    diagnostic: str = Field(default="", description="what the refusing server said, shortened")


class Bounce(Contract):
    """What a mail system reports about a mail of ours."""

    recipients: tuple[BouncedRecipient, ...] = ()
    message_id: str | None = Field(
        default=None, description="Message-ID of the mail that came back, without angle brackets"
    )
    reporting_mta: str | None = None
    evidence: tuple[str, ...] = ()


class Confidence(StrEnum):
    """How sure a reading is."""

    CERTAIN = "certain"
    LIKELY = "likely"


class Forwarded(Contract):
    """A mail that a person passed on by hand: whose mail it was, and how that was seen."""

    author: Address
    by: Address = Field(description="who passed it on")
    subject: str | None = None
    date: str | None = Field(default=None, description="as written in the forwarded header")
    confidence: Confidence
    evidence: tuple[str, ...] = ()


class CalendarItem(Contract):
    """An invitation or an answer to one (RFC 5545, RFC 5546)."""

    method: str = Field(description="REQUEST, REPLY, CANCEL …, upper case")
    uid: str = ""
    summary: str = ""
    organizer: str = ""
    starts: str = Field(default="", description="RFC 3339 where it has a zone, else as written")
    ends: str = ""
    location: str = ""
    answer: str = Field(default="", description="PARTSTAT of a REPLY, upper case")


class Origin(Contract):
    """Where a fetched mail lay: the layers of its identity that its server gives.

    By IMAP that is folder, `uidvalidity` and `uid`; by Graph `provider_id` alone, an immutable id,
    which a mail keeps in whatever folder of its mailbox it lies.
    """

    folder: str
    uidvalidity: int | None = Field(
        default=None, description="the folder's UIDVALIDITY (RFC 9051 §2.3.1.1)"
    )
    uid: int | None = None
    provider_id: str | None = Field(
        default=None, description="the server's own id for the mail: X-GM-MSGID, Graph's id"
    )

    @model_validator(mode="after")
    def _names_one_mail(self) -> "Origin":
        if (self.uid is None) is not (self.uidvalidity is None):
            raise ValueError("`uid` and `uidvalidity` go together")
        if self.uid is None and self.provider_id is None:
            raise ValueError("an origin names its mail by `uid` or by `provider_id`")
        return self

    @property
    def place(self) -> tuple[str, ...]:
        """The layers that tell it from every other mail of its mailbox."""
        if self.uid is None:
            return (self.provider_id or "",)
        return (self.folder, str(self.uidvalidity), str(self.uid))


class Route(Contract):
    """How the mail came to us."""

    door: str = Field(description="`forward`, `imap`, `graph` or `import`")
    received_at: datetime = Field(
        description="when we took it; of an imported mail: when its mailbox got it"
    )
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    origin: Origin | None = Field(default=None, description="of a mail that was fetched")


class OpenAs(StrEnum):
    """In which status a mail from before opens its ticket, where it opens one."""

    NEW = "new"
    SOLVED = "solved"
    CLOSED = "closed"


class Release(Contract):
    """Somebody's word that a held mail is filed all the same."""

    by: str
    at: datetime
    held_as: str = Field(description="`mail_id` of the fact that it was held")


class MailReceived(Contract):
    """One mail for one channel, normalized.

    `text`, `full_text` and `html` are cut at 64 KiB each; where anything was cut, `content` refers
    to a JSON blob with the three of them whole.
    """

    mail_id: str = Field(description="identity of the mail, the same by whatever route it comes")
    channel: Slug
    queue: Slug
    ticket_type: Slug
    route: Route
    message_id: str | None = Field(default=None, description="without the angle brackets")
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    from_: Address = Field(alias="from")
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    customer: Address = Field(description="who wrote it, behind forwarding where that is known")
    customer_evidence: tuple[str, ...] = Field(
        default=(), description="why `customer` is not simply From"
    )
    customer_confidence: Confidence = Confidence.CERTAIN
    forwarded: Forwarded | None = None
    meant_for: str | None = Field(
        default=None, description="the address of ours that the mail was written to"
    )
    subject: str
    text: str = Field(description="the writer's own words, without quote")
    full_text: str
    html: str | None = Field(default=None, description="sanitised, safe to show")
    content: BlobRef | None = None
    attachments: tuple[Attachment, ...] = ()
    kind: MailKind
    kind_reasons: tuple[str, ...] = ()
    signals: Signals = Signals()
    stamp: OwnStamp | None = None
    other_stamp: OtherStamp | None = Field(
        default=None, description="it is automatic mail of another installation of Postbus"
    )
    bounce: Bounce | None = None
    calendar: tuple[CalendarItem, ...] = ()
    protection: tuple[str, ...] = Field(
        default=(),
        description="`smime-signed`, `smime-encrypted`, `pgp-signed`, `pgp-encrypted`: recognised",
    )
    raw: BlobRef
    problems: tuple[str, ...] = Field(default=(), description="what was odd about its form")
    reread_at: datetime | None = Field(
        default=None,
        description="the kept bytes were read again then; what is filed under `mail_id` is "
        "brought up to date, and nothing is opened, answered or notified because of it",
    )
    open_as: OpenAs | None = Field(
        default=None,
        description="of an imported mail: the status of a ticket that it opens; null: `closed`",
    )
    released: Release | None = Field(
        default=None,
        description="it was held, and is filed whatever it was held for; what it is stays as it "
        "was, so the loop guard lets nothing more go because of it",
    )


class MailHeld(Contract):
    """A mail that is kept and not filed, and why."""

    mail_id: str
    channel: Slug
    reason: str
    detail: str = ""
    raw: BlobRef
    route: Route
    imported: bool = Field(
        default=False,
        description="a mail from before; read later, it is imported and nothing automatic follows",
    )
    stamp: OwnStamp | None = Field(
        default=None, description="of a mail that was read: our mark that came back with it"
    )


class HeldDecision(StrEnum):
    """What becomes of a held mail."""

    RELEASE = "release"
    """It is filed all the same."""
    DISCARD = "discard"
    """It is kept and nothing is made of it; it can still be released."""


class MailDecided(Contract):
    """Somebody decided what becomes of a held mail."""

    mail_id: str = Field(description="as the held fact has it")
    channel: Slug
    decision: HeldDecision
    by: str
    at: datetime


class MailReleased(Contract):
    """A mail that was held is held no longer, and as which mail it was received."""

    mail_id: str = Field(description="as the held fact has it")
    received_as: str = Field(description="`mail_id` of the fact that it was received")
    channel: Slug
    raw: BlobRef
    by: str = Field(default="", description="who released it, where somebody did")
    ticket: int | None = Field(default=None, description="number of the ticket it is on, if known")


class MailReceivedEvent(Event[MailReceived]):
    """`postbus.mail.received.<channel>`"""


class MailImportedEvent(Event[MailReceived]):
    """`postbus.mail.imported.<channel>`"""


class MailHeldEvent(Event[MailHeld]):
    """`postbus.mail.held.<channel>`"""


class MailDecidedEvent(Event[MailDecided]):
    """`postbus.mail.decided.<channel>`"""


class MailReleasedEvent(Event[MailReleased]):
    """`postbus.mail.released.<channel>`"""


INLINE_TEXT_LIMIT_BYTES = 64 * 1024
"""Texts longer than this travel by reference: the bus carries facts, not megabytes."""


class Content(Contract):
    """The JSON blob behind `MailReceived.content`: the texts, whole."""

    text: str
    full_text: str
    html: str | None = None
