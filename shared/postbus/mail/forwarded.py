"""Whose mail it was that a person passed on by hand: "Fwd:", "Tr:", "WG:", "Doorst:".

Either the mail is attached whole (message/rfc822), or its header stands in the text. A header that
stands in the text may as well belong to the mail that is answered, so a forward needs evidence:
the line that programs put above it, or a subject that says so, and no answer to a mail of ours.
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from typing import Final

from postbus.contracts.mail import Address, Confidence, Forwarded
from postbus.mail import quote_marks as marks
from postbus.mail.addresses import read_addresses
from postbus.mail.charsets import Note
from postbus.mail.header_labels import HeaderBlock, block_at, field_of
from postbus.mail.parsed import ParsedAttachment, ParsedMail
from postbus.mail.structure import read_tree

_SUBJECT: Final = re.compile(
    r"^\s*(?:(?:re|aw|sv|antw)\s*:\s*)*(?:fwd?|wg|weitergeleitet|tr|doorst|doorgest(?:uurd)?|rv|renv"
    r"|enc|i|vs|vb|vl|pd|pdl|p[rř]ed|ilt|továbbítás|fs|转发|轉寄|転送)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]",
    re.IGNORECASE,
)
_ANSWER: Final = re.compile(
    r"^\s*(?:re|aw|sv|antw|odp|ynt|res|rif|r|vá|回复|返信)\s*[:：]", re.IGNORECASE
)
_FINNISH_ANSWER: Final = re.compile(r"^\s*vs\s*:", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+\.[^\s<>()\[\]\"',;:]+")
_AROUND_ADDRESS: Final = re.compile(
    r"[<(\[]?\s*(?:mailto:)?\s*[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+\s*[>)\]]?", re.IGNORECASE
)
_MAX_LINES_ABOVE: Final = 400
_MAX_COVER_CHARACTERS: Final = 2000


def says_forwarded(subject: str) -> bool:
    """Whether the subject begins as programs mark a forward, in any language."""
    return _SUBJECT.match(subject) is not None


def passes_on(subject: str, full_text: str, *, has_parent: bool) -> bool:
    """Whether a header in the text is that of a mail passed on, and not of the one answered.

    The subject says so, or it is there and neither it nor In-Reply-To (``has_parent``) speaks of an
    answer.
    """
    if _ANSWER.match(subject) or _is_finnish_answer(subject, full_text):
        return False
    return says_forwarded(subject) or (bool(subject.strip()) and not has_parent)


def _is_finnish_answer(subject: str, full_text: str) -> bool:
    """`VS:` begins an answer in Finnish, and a forward in Danish and Norwegian."""
    return _FINNISH_ANSWER.match(subject) is not None and "Lähettäjä:" in full_text


def read_forwarded(parsed: ParsedMail) -> Forwarded | None:
    """Who wrote the mail that is passed on, and the evidence; None if it is no forward."""
    is_finnish = _is_finnish_answer(parsed.subject, parsed.full_text)
    marked = says_forwarded(parsed.subject) and not is_finnish
    attached = _attached(parsed, marked=marked)
    if attached is not None:
        return attached
    found = forward_in(parsed.full_text)
    if found is None:
        return None
    block, has_line = found
    author = _author(block)
    if author is None:
        return None
    signs = {
        "forward-line": has_line,
        "subject": marked,
        "x-forwarded-message-id": parsed.headers.has("x-forwarded-message-id"),
    }
    evidence = [name for name, holds in signs.items() if holds]
    is_answer = parsed.in_reply_to or parsed.references or _ANSWER.match(parsed.subject)
    if not evidence and (is_answer or is_finnish):
        return None  # an answer, with the header of the mail it answers
    confidence = Confidence.CERTAIN if evidence else Confidence.LIKELY
    return Forwarded(
        author=author,
        by=parsed.from_,
        subject=block.fields.get("subject") or None,
        date=block.fields.get("date") or None,
        confidence=confidence,
        evidence=(*(evidence or ("no-answer",)), "header-in-text"),
    )


def forward_in(text: str) -> tuple[HeaderBlock, bool] | None:
    """The first header that stands in the text, and whether a line above it says "forwarded"."""
    lines = text.split("\n")
    has_line = False
    for at, line in enumerate(lines[:_MAX_LINES_ABOVE]):
        if marks.FORWARD.match(line):
            has_line = True
        elif marks.ORIGINAL.match(line):
            has_line = has_line or not any(one.strip() for one in lines[:at])
        elif field_of(line) is not None:
            block = block_at(lines, at)
            if block is not None:
                return block, has_line
    return None


def _author(block: HeaderBlock) -> Address | None:
    """The mailbox in From, or in Reply-To where From has only a name."""
    for name in ("from", "reply-to"):
        value = block.fields.get(name, "")
        address = _ADDRESS.search(value)
        if address is not None:
            shown = _AROUND_ADDRESS.sub(" ", block.fields.get("from", ""))
            return Address(name=_tidy_name(shown), address=address[0].removeprefix("mailto:"))
    return None


def _tidy_name(name: str) -> str:
    return " ".join(name.replace("mailto:", " ").split()).strip(" \"'<>[]()*,;")


def _attached(parsed: ParsedMail, *, marked: bool) -> Forwarded | None:
    """The one mail that is attached, with few words of the writer's own beside it."""
    mails = [one for one in parsed.attachments if one.content_type == "message/rfc822"]
    if len(mails) != 1 or len(parsed.text) > _MAX_COVER_CHARACTERS:
        return None
    if not marked and (parsed.in_reply_to or len(parsed.attachments) > 1):
        return None
    problems: list[str] = []
    inner = _header_of(mails[0], problems.append)
    if inner is None:
        return None
    author, subject, date = inner
    return Forwarded(
        author=author,
        by=parsed.from_,
        subject=subject or None,
        date=date or None,
        confidence=Confidence.CERTAIN if marked else Confidence.LIKELY,
        evidence=("attached-mail", *(("subject",) if marked else ())),
    )


def _header_of(mail: ParsedAttachment, note: Note) -> tuple[Address, str, str] | None:
    header = read_tree(mail.data, note).header
    authors = read_addresses(header, "from", note)
    if not authors or not authors[0].address:
        return None
    return authors[0], header.text("subject", note), header.text("date", note)
