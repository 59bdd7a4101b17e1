"""What `parse` gives back."""

from dataclasses import dataclass, replace
from datetime import datetime

from postbus.contracts.mail import Address, Bounce, CalendarItem, Forwarded, Signals
from postbus.mail.content import Content
from postbus.mail.headers import HeaderFields


@dataclass(frozen=True)
class ParsedAttachment:
    """A file of a mail, and where its bytes are."""

    name: str
    content_type: str
    content: Content
    sha256: str
    size_bytes: int
    inline: bool = False
    content_id: str | None = None

    @property
    def data(self) -> bytes:
        """All bytes of it, made anew each time; `content.pieces()` gives them bit by bit."""
        return self.content.data()


@dataclass(frozen=True)
class ParsedMail:
    """A mail, read: each field is filled as well as the bytes allow; `problems` says how well.

    `full_text` is all that was written, `text` the writer's own words in it, `html` safe to show.
    `from_` has an empty address where the mail names none. `part_types` are the content types of
    the parts in their order; `report_type` is that of a multipart/report (RFC 6522 §3).
    `forwarded` is there where a person passed the mail on by hand; `bounce` is what a report says
    of a mail of ours, and means something only where `classify` calls the mail a bounce.
    """

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    from_: Address
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    full_text: str
    text: str
    html: str | None
    attachments: tuple[ParsedAttachment, ...]
    signals: Signals
    headers: HeaderFields
    part_types: tuple[str, ...]
    report_type: str | None
    calendar: tuple[CalendarItem, ...]
    protection: tuple[str, ...]
    problems: tuple[str, ...]
    forwarded: Forwarded | None = None
    bounce: Bounce | None = None

    def detached(self) -> "ParsedMail":
        """The same without the bytes of the mail, to be sent elsewhere; see `attached_to`."""
        files = tuple(replace(one, content=one.content.detached()) for one in self.attachments)
        return replace(self, attachments=files)

    def attached_to(self, raw: bytes) -> "ParsedMail":
        """The same with its files in their places in ``raw``, the mail it was read from."""
        files = tuple(
            replace(one, content=one.content.attached_to(raw)) for one in self.attachments
        )
        return replace(self, attachments=files)
