"""A mail as `postbus parse --json` prints it."""

from datetime import datetime

from pydantic import Field

from postbus.contracts.base import Contract, Sha256
from postbus.contracts.mail import (
    Address,
    Attachment,
    Bounce,
    CalendarItem,
    Confidence,
    Forwarded,
    MailKind,
    Signals,
)
from postbus.intake.received import attachments_of
from postbus.mail.kind import classify
from postbus.mail.parsed import ParsedMail
from postbus.mail.subjects import stripped_subject
from postbus.mail.writer import writer_of


class NormalizedMail(Contract):
    """Everything that Postbus reads in a mail, without knowing how it came and to whom.

    The names are those of the event `postbus.mail.received`. `null` or an empty list stands for
    what the mail does not have.
    """

    file: str = Field(description="as it was named; `-` is standard input")
    index: int | None = Field(default=None, description="place in the mbox file, from 0")
    mail_id: str
    size_bytes: int
    sha256: Sha256
    milliseconds: float = Field(description="how long reading took")
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    date: datetime | None
    from_: Address = Field(alias="from")
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    customer: Address = Field(description="who wrote it, as far as the mail alone can tell")
    customer_evidence: tuple[str, ...]
    customer_confidence: Confidence
    subject: str
    stripped_subject: str = Field(description="without `Re:`, `Fwd:` and their like")
    text: str = Field(description="the writer's own words, without quote")
    full_text: str
    full_text_characters: int
    html: str | None = Field(description="sanitised, safe to show")
    attachments: tuple[Attachment, ...]
    kind: MailKind
    kind_reasons: tuple[str, ...]
    signals: Signals
    bounce: Bounce | None = Field(description="only where `kind` is `bounce`")
    forwarded: Forwarded | None
    calendar: tuple[CalendarItem, ...]
    protection: tuple[str, ...]
    part_types: tuple[str, ...] = Field(description="content types of the parts, in order")
    report_type: str | None
    problems: tuple[str, ...] = Field(description="what was odd about its form")


class UnreadMail(Contract):
    """What stands in the place of a mail that could not be read."""

    file: str
    index: int | None = None
    error: str = Field(description="why not, in words")


def normalized(
    parsed: ParsedMail, *, file: str, index: int | None, milliseconds: float, **of_raw: str | int
) -> NormalizedMail:
    """The mail; `of_raw` are `mail_id`, `sha256` and `size_bytes` of its bytes.

    Nothing is known of the envelope and of addresses of ours, so kind and customer are what the
    mail alone says.
    """
    kind, reasons = classify(parsed, None, None)
    writer = writer_of(parsed, frozenset(), "")
    same = (
        "message_id", "in_reply_to", "references", "date", "from_", "sender", "reply_to", "to",
        "cc", "subject", "text", "full_text", "html", "signals", "calendar", "protection",
        "part_types", "report_type", "problems",
    )  # fmt: skip
    return NormalizedMail.model_validate(
        {
            **{name: getattr(parsed, name) for name in same},
            **of_raw,
            "file": file,
            "index": index,
            "milliseconds": round(milliseconds, 2),
            "customer": writer.address,
            "customer_evidence": writer.evidence,
            "customer_confidence": writer.confidence,
            "forwarded": writer.forwarded or parsed.forwarded,
            "stripped_subject": stripped_subject(parsed.subject),
            "full_text_characters": len(parsed.full_text),
            "attachments": attachments_of(parsed),
            "kind": kind,
            "kind_reasons": reasons,
            "bounce": parsed.bounce if kind is MailKind.BOUNCE else None,
        }
    )
