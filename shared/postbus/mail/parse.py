"""From the bytes of a mail to what Postbus knows of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.message import Message
from email.parser import BytesFeedParser, BytesHeaderParser
from email.policy import Policy, compat32
from typing import Final, TypeVar

from postbus.contracts.mail import Address, Signals
from postbus.mail.addresses import read_addresses
from postbus.mail.bodies import MAX_DEPTH, MAX_PARTS, Bodies, charset_of, read_bodies
from postbus.mail.charsets import Note
from postbus.mail.headers import HeaderFields, read_date
from postbus.mail.ids import read_id, read_ids
from postbus.mail.own_words import own_words
from postbus.mail.parsed import ParsedMail
from postbus.mail.signals import read_signals

_NOBODY: Final = Address(address="")
_MAX_SUBJECT_CHARACTERS: Final = 2000
Read = TypeVar("Read")


class _Problems:
    """What was odd, each once, in the order of finding."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def note(self, problem: str) -> None:
        self._found[problem] = None

    def found(self) -> tuple[str, ...]:
        return tuple(self._found)

    def guard(self, what: str, fallback: Read, read: Callable[[], Read]) -> Read:
        """What ``read`` gives; the fallback and a note if it fails, so the rest is still read."""
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - strangers' bytes; one part must not cost the rest
            self.note(f"{what}-unreadable:{type(error).__name__}")
            return fallback


class _TooMuchError(Exception):
    """The mail has more parts, or deeper ones, than anybody would send."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def parse(raw: bytes) -> ParsedMail:
    """Read a mail (RFC 5322, MIME); never raises, whatever the bytes are.

    What cannot be read is empty and named in `problems`; the raw bytes are the caller's to keep.
    """
    problems = _Problems()
    message = _tree(_without_envelope_line(raw), problems)
    hint = problems.guard("charset", None, lambda: charset_of(message))
    header = HeaderFields.of(message.raw_items(), hint)
    bodies = problems.guard("body", Bodies(), lambda: read_bodies(message, problems.note))
    full_text = problems.guard("text", "", bodies.full_text)
    mail = _of_header(header, bodies, problems)
    return replace(
        mail,
        full_text=_printable(full_text),
        text=_printable(problems.guard("own-words", full_text, lambda: own_words(full_text))),
        html=problems.guard("html", None, lambda: bodies.safe_html(problems.note)),
        problems=problems.found(),
    )


def _of_header(header: HeaderFields, bodies: Bodies, problems: _Problems) -> ParsedMail:
    note, guard = problems.note, problems.guard

    def mailboxes(name: str) -> tuple[Address, ...]:
        return guard(name, (), lambda: _printable_all(read_addresses(header, name, note)))

    from_, sender = mailboxes("from"), mailboxes("sender")
    if not from_:
        note("no-from")
    original = mailboxes("x-original-from") or mailboxes("x-original-sender")
    subject = guard("subject", "", lambda: header.text("subject", note))
    return ParsedMail(
        message_id=guard("message-id", None, lambda: read_id(header.raw("message-id"))),
        in_reply_to=guard("in-reply-to", (), lambda: read_ids(header.raw("in-reply-to"))),
        references=guard("references", (), lambda: read_ids(header.raw("references"))),
        date=guard("date", None, lambda: _date(header, note)),
        from_=from_[0] if from_ else sender[0] if sender else _NOBODY,
        sender=sender[0] if sender else None,
        original_from=original[0] if original else None,
        reply_to=mailboxes("reply-to"),
        to=mailboxes("to"),
        cc=mailboxes("cc"),
        subject=_printable(subject)[:_MAX_SUBJECT_CHARACTERS],
        full_text="",
        text="",
        html=None,
        attachments=bodies.attachments(),
        signals=guard(
            "signals",
            Signals(),
            lambda: read_signals(header, from_[0].address if from_ else "", bodies.types),
        ),
        headers=header,
        part_types=tuple(bodies.types),
        report_type=bodies.report_type,
        problems=(),
    )


def _date(header: HeaderFields, note: Note) -> datetime | None:
    date = read_date(header.raw("date"))
    if date is None and header.raw("date").strip():
        note("date-unreadable")
    return date


def _tree(raw: bytes, problems: _Problems) -> Message:
    """The parts of the mail; if they are too many or too deep, its header and one plain body.

    The policy is `compat32`: it gives the values as they are and never raises on them. Under
    `default` each field is parsed when it is asked for, which raises on what strangers send and
    takes some fifteen times as long (measured on 3.11: 2.5 ms against 0.15 ms for a mail of 4 kB).
    """
    try:
        return _feed(raw)
    except _TooMuchError as error:
        problems.note(error.problem)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        problems.note(f"structure-unreadable:{type(error).__name__}")
    flat = BytesHeaderParser(policy=compat32).parsebytes(raw)
    for name in ("content-type", "content-transfer-encoding", "content-disposition"):
        del flat[name]
    return flat


def _feed(raw: bytes) -> Message:
    """Parse, and stop where parts are too many or too deep: time grows with lines times depth."""
    made = 0
    parser: BytesFeedParser | None = None

    def part(policy: "Policy[Message]" = compat32) -> Message:
        nonlocal made
        made += 1
        if made > MAX_PARTS:
            raise _TooMuchError("too-many-parts")
        # the parser keeps its depth to itself; a test sees to it that the name stays true
        if len(getattr(parser, "_msgstack", ())) > MAX_DEPTH:
            raise _TooMuchError("too-deeply-nested")
        return Message(policy=policy)

    parser = BytesFeedParser(part, policy=compat32)
    parser.feed(raw)
    return parser.close()


def _without_envelope_line(raw: bytes) -> bytes:
    """Mails out of an mbox begin with a line that is no header."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    return raw.split(b"\n", 1)[-1] if raw.startswith(b"From ") else raw


_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _printable(text: str) -> str:
    """Text that any store and JSON takes: no lone surrogates, no controls but line ends, tabs."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return _UNPRINTABLE.sub("", text)


def _printable_all(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple(
        Address(name=_printable(one.name), address=_printable(one.address)) for one in addresses
    )
