"""From the bytes of a mail to what Postbus knows of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from postbus.contracts.mail import Address, Bounce, MailKind, Signals
from postbus.mail.addresses import read_addresses
from postbus.mail.bodies import Bodies, Written
from postbus.mail.bounces import read_bounce
from postbus.mail.charsets import Note
from postbus.mail.forwarded import passes_on, read_forwarded
from postbus.mail.headers import HeaderFields, read_date
from postbus.mail.ids import read_id, read_ids
from postbus.mail.kind import classify
from postbus.mail.own_words import own_words
from postbus.mail.parsed import ParsedMail
from postbus.mail.part_reader import charset_of, read_bodies
from postbus.mail.signals import read_signals
from postbus.mail.structure import Raw, read_tree

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
        except MemoryError:
            raise  # a matter of the machine: elsewhere, or later, the mail can be read
        except Exception as error:  # noqa: BLE001 - strangers' bytes; one part must not cost the rest
            self.note(f"{what}-unreadable:{type(error).__name__}")
            return fallback


def parse(raw: Raw) -> ParsedMail:
    """Read a mail (RFC 5322, MIME); never raises, whatever the bytes are (but MemoryError).

    What cannot be read is empty and named in `problems`; the raw bytes are the caller's to keep.
    """
    problems = _Problems()
    raw, is_changed = _with_line_ends(raw)
    tree = read_tree(raw, problems.note)
    hint = problems.guard("charset", None, lambda: charset_of(tree))
    header = replace(tree.header, charset_hint=hint)
    bodies = problems.guard("body", Bodies(), lambda: read_bodies(raw, tree, problems.note))
    written = problems.guard("text", Written(), bodies.written)
    full_text = _printable(written.full_text)
    mail = _of_header(header, bodies, problems)
    mail = replace(
        mail,
        full_text=full_text,
        text=problems.guard("own-words", full_text, lambda: _own_words(mail, full_text, written)),
        html=problems.guard("html", None, lambda: bodies.safe_html(problems.note)),
        attachments=tuple(
            replace(one, content=one.content.freed()) if is_changed else one
            for one in mail.attachments
        ),
    )
    return replace(
        mail,
        forwarded=problems.guard("forward", None, lambda: read_forwarded(mail)),
        bounce=problems.guard("bounce", None, lambda: _bounce(mail)),
        problems=problems.found(),
    )


def _own_words(mail: ParsedMail, full_text: str, written: Written) -> str:
    has_parent = bool(mail.in_reply_to or mail.references)
    is_forward = passes_on(mail.subject, full_text, has_parent=has_parent)
    return own_words(full_text, marked=written.kinds, is_forward=is_forward)


def _bounce(mail: ParsedMail) -> Bounce | None:
    """What it reports, where it may be a bounce: with an empty envelope sender, if need be."""
    kind, _ = classify(mail, "", None)
    return read_bounce(mail) if kind is MailKind.BOUNCE else None


def _of_header(header: HeaderFields, bodies: Bodies, problems: _Problems) -> ParsedMail:
    note, guard = problems.note, problems.guard

    def mailboxes(name: str) -> tuple[Address, ...]:
        return guard(name, (), lambda: _printable_all(read_addresses(header, name, note)))

    from_, sender = mailboxes("from"), mailboxes("sender")
    if not from_:
        note("no-from")
    subject = guard("subject", "", lambda: header.text("subject", note))
    return ParsedMail(
        message_id=guard("message-id", None, lambda: read_id(header.raw("message-id"))),
        in_reply_to=guard("in-reply-to", (), lambda: read_ids(header.raw("in-reply-to"))),
        references=guard("references", (), lambda: read_ids(header.raw("references"))),
        date=guard("date", None, lambda: _date(header, note)),
        from_=from_[0] if from_ else sender[0] if sender else _NOBODY,
        sender=sender[0] if sender else None,
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
        calendar=bodies.calendar,
        protection=tuple(bodies.protection),
        problems=(),
    )


def _date(header: HeaderFields, note: Note) -> datetime | None:
    date = read_date(header.raw("date"))
    if date is None and header.raw("date").strip():
        note("date-unreadable")
    return date


def _with_line_ends(raw: Raw) -> tuple[Raw, bool]:
    """Mails from old Macs end their lines with CR alone; whether this is one."""
    if raw.find(b"\n") != -1:
        return raw, False
    return raw[:].replace(b"\r", b"\n"), True


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
