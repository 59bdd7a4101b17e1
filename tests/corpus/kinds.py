"""What wrote a mail, and what a bounce says."""

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from corpus.answers import Answer, answer
from corpus.source import Mail
from postbus.contracts.mail import Bounce, MailKind
from postbus.mail.bounces import read_bounce
from postbus.mail.kind import classify
from postbus.mail.parsed import ParsedMail

_REPLY: Final = frozenset((MailKind.AUTO_REPLY, MailKind.AUTO_GENERATED))
_KINDS: Final[dict[str, tuple[str, frozenset[MailKind]]]] = {
    "bounce": ("kind: bounce", frozenset((MailKind.BOUNCE,))),
    "delay-notice": ("kind: bounce", frozenset((MailKind.BOUNCE,))),
    "delivery-report-ok": ("kind: bounce", frozenset((MailKind.BOUNCE,))),
    "auto-reply": ("kind: auto-reply or auto-generated", _REPLY),
    "auto-generated": ("kind: auto-reply or auto-generated", _REPLY),
    "read-receipt": ("kind: report", frozenset((MailKind.AUTO_REPLY, MailKind.FEEDBACK_REPORT))),
    "feedback-report": ("kind: report", frozenset((MailKind.FEEDBACK_REPORT,))),
    "machine-report": ("kind: report", frozenset((MailKind.MACHINE, MailKind.AUTO_GENERATED))),
    "list": ("kind: list", frozenset((MailKind.LIST,))),
    "normal": ("kind: human", frozenset((MailKind.HUMAN,))),
}
_INVENTED: Final = re.compile(r"\.9\d\d$")
"""Sisimai makes up such a code where the mail has none."""


def kinds(mail: Mail, parsed: ParsedMail, ordinary: Collection[str]) -> Iterator[Answer]:
    """Its kind, and for a bounce what it says."""
    kind, reasons = classify(parsed, None, None)
    got = f"{kind.value} {' '.join(reasons)}"
    if mail.label in ordinary:
        right = int(kind is MailKind.HUMAN)
        yield Answer("kind: no false alarm", mail.label, right, want="human", got=got)
    expected = _KINDS.get(mail.want.get("cls", ""))
    if expected is None:
        return
    question, right_kinds = expected
    yield Answer(question, mail.label, int(kind in right_kinds), want=mail.want["cls"], got=got)
    yield from _bounce(mail, read_bounce(parsed), is_bounce=question == "kind: bounce")


def _bounce(mail: Mail, found: Bounce | None, *, is_bounce: bool) -> Iterator[Answer]:
    recipients = found.recipients if found else ()
    want = mail.want
    addresses = {
        one.lower() for key in ("permanent", "temporary", "recipients") for one in want.get(key, [])
    }
    if addresses:
        got = {(one.original_address or one.address).lower() for one in recipients}
        yield answer("bounce: addresses exactly", mail.label, want=addresses, got=got)
    if not is_bounce:
        return
    codes = _codes(want)
    if codes:
        got_codes = {one.status for one in recipients}
        yield Answer(
            "bounce: status", mail.label, int(codes <= got_codes), want=codes, got=got_codes
        )
    hard = sorted(bool(one["hard"]) for one in want.get("reports", []))
    if hard:
        got_hard = sorted(bool(one.hard) for one in recipients)
        yield answer("bounce: hard or soft", mail.label, want=hard, got=got_hard)


def _codes(want: dict[str, Any]) -> set[str]:
    if want.get("status"):
        return {want["status"]}
    codes = (one["status"] for one in want.get("reports", []))
    return {code for code in codes if code and not _INVENTED.search(code)}
