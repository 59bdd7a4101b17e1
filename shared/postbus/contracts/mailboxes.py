"""What services say of mailboxes: their health, the completeness proof, and copies of sent mail.

Sets of UIDs are written as IMAP writes them, `1:4,7` (sequence-set, RFC 9051 §9). Where a server
has no UIDs its own ids stand beside them, a list of each.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import BlobRef, Contract, Slug


class ChannelState(StrEnum):
    """How a channel is doing; `unknown`: nobody has used or tried it yet."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    NEEDS_SIGN_IN = "needs-sign-in"
    PAUSED = "paused"
    UNKNOWN = "unknown"


class MarksProof(Contract):
    """Which marks of ours were still on a mail that a channel sent, read back from its mailbox."""

    checked_at: datetime
    send_id: str
    kept: tuple[str, ...] = Field(description="names of header fields, and `Message-ID`")
    lost: tuple[str, ...] = Field(description="gone, or with another value")


class KnownHealth(Contract):
    """What the service that uses a channel knows of it (KV bucket `postbus-health`).

    Key `inbound.<id>` or `outbound.<id>`; the last entry is how it stands.
    """

    channel: Slug
    state: ChannelState
    since: datetime
    reason: str = Field(default="", description="a stable word for programs, `wrong-password` …")
    last_error: str | None = Field(default=None, description="in words; what the server said")
    advice: str = Field(default="", description="what to do about it, for people")
    checked_at: datetime
    last_mail_at: datetime | None = None
    lag_seconds: float | None = Field(
        default=None, description="from the arrival of the last mail in its mailbox to the fact"
    )
    credential_expires_at: datetime | None = None
    waiting: int = Field(default=0, description="mails that lie there and are not fetched yet")
    marks: MarksProof | None = Field(
        default=None, description="of an outbound channel whose sent mail can be read: once a day"
    )


class Prove(Contract):
    """Compare the mailbox of a channel with what is known of it, now."""

    channel: Slug


class FolderProof(Contract):
    """One folder: what it has against what is known.

    `seen` mails lie in it. Of these `before` lay there before the mailbox was connected, `filed`
    are on tickets as ticketing itself says, `held` are kept and not filed, `waiting` are on their
    way since a short while, and `unexplained` are none of these. `gone` UIDs were given to mails
    that left the folder before they were fetched, or to none.
    """

    folder: str
    uidvalidity: int | None = None
    seen: int
    before: int = 0
    filed: int = 0
    held: int = 0
    waiting: int = 0
    unexplained: int = 0
    gone: int = 0
    held_uids: str = ""
    waiting_uids: str = ""
    unexplained_uids: str = ""
    held_ids: tuple[str, ...] = ()
    waiting_ids: tuple[str, ...] = ()
    unexplained_ids: tuple[str, ...] = ()


class CompletenessProof(Contract):
    """The sums over the folders, and each folder; kept under `proof.<channel>`."""

    channel: Slug
    proved_at: datetime
    ok: bool = Field(description="nothing is unexplained, and the mailbox could be read")
    seen: int = 0
    before: int = 0
    filed: int = 0
    held: int = 0
    waiting: int = 0
    unexplained: int = 0
    gone: int = 0
    folders: tuple[FolderProof, ...] = ()
    error: str | None = Field(default=None, description="why it could not be proved, in words")


class AskFiled(Contract):
    """Which of these mails of a mailbox are on tickets? They have UIDs, or ids of their server."""

    channel: Slug
    folder: str
    uidvalidity: int | None = None
    uids: str = ""
    ids: tuple[str, ...] = Field(default=(), max_length=5000)


class Filed(Contract):
    """Those that are not; an empty set is none. What ticketing itself holds is not missing.

    Where it could not be looked up the answer is a `NotLooked`, which cannot be read as this.
    """

    missing: str
    missing_ids: tuple[str, ...] = ()


class NotLooked(Contract):
    """Nobody could look; whoever asked finds no answer that it can read, and asks again later."""

    error: str


class PutSent(Contract):
    """Put a copy of a mail that was sent into the folder of sent mail, unless it is there."""

    channel: Slug = Field(description="the inbound channel that reads the mailbox")
    message_id: str = Field(description="without the angle brackets")
    mail: BlobRef = Field(description="the mail as it was sent")
    sent_at: datetime


class PutSentResult(Contract):
    """`ok`: it is there now. Otherwise why not, and whether to come again."""

    ok: bool
    again: bool = False
    detail: str = ""


class FindSent(Contract):
    """Does a mail lie in the folder of sent mail?"""

    channel: Slug
    message_id: str
    with_head: bool = Field(default=False, description="its header is wanted, too")


class FoundSent(Contract):
    """`found` is None when nobody could look."""

    found: bool | None
    detail: str = ""
    head: str | None = Field(default=None, description="the header as it lies there, ASCII")
