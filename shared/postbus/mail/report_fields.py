"""The fields of a delivery report (RFC 3464 §2, RFC 6533), read as loosely as they are written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_FIELD: Final = re.compile(r"[> \t]{0,3}([A-Za-z][A-Za-z0-9-]{2,40})[ \t]*:[ \t]*(.*)")
_OF_RECIPIENT: Final = frozenset((
    "final-recipient", "original-recipient", "x-actual-recipient", "action", "status",
    "remote-mta", "diagnostic-code", "last-attempt-date", "will-retry-until", "final-log-id",
))  # fmt: skip
_ONCE: Final = frozenset(("final-recipient", "original-recipient", "action", "status"))
_ESCAPED: Final = re.compile(r"\\x\{([0-9a-fA-F]{2,6})\}")
_TYPED: Final = re.compile(r"^\s*[A-Za-z0-9-]{1,20}\s*;\s*")
_MAX_RECIPIENTS: Final = 100
_MAX_VALUE_CHARACTERS: Final = 4000
_MAX_LINES: Final = 20_000
_MAX_CHARACTERS: Final = 1024 * 1024

Fields = dict[str, str]


@dataclass
class Report:
    """What a report says of the mail as a whole, and of each recipient."""

    of_mail: Fields = field(default_factory=dict)
    of_recipients: list[Fields] = field(default_factory=list)


def read_report(text: str) -> Report:
    """The report in the text of a delivery-status part, or in a mail that writes one as text.

    Blank lines between recipients are missing and doubled in practice; a field that comes a second
    time begins the next recipient.
    """
    report = Report()
    current: Fields = {}
    gap = False
    for name, value in _fields(text):
        if not name:
            gap = True
            continue
        if name not in _OF_RECIPIENT:
            report.of_mail.setdefault(name, value)
            continue
        if _begins_another(current, name, gap=gap):
            if len(report.of_recipients) >= _MAX_RECIPIENTS:
                break
            current = {}
        if not current:
            report.of_recipients.append(current)
        joined = f"{current[name]} {value}" if name in current else value
        current[name] = joined[:_MAX_VALUE_CHARACTERS]
        gap = False
    report.of_recipients = [one for one in report.of_recipients if _says_who_or_what(one)]
    return report


def _begins_another(current: Fields, name: str, *, gap: bool) -> bool:
    if name in current:
        return name in _ONCE or gap
    return (
        gap and name in ("final-recipient", "original-recipient") and "final-recipient" in current
    )


def _says_who_or_what(fields: Fields) -> bool:
    return any(name in fields for name in ("final-recipient", "original-recipient", "status"))


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Names in lower case and unfolded values; an empty name is a blank line."""
    name, value = "", ""
    for line in (
        text[:_MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_MAX_LINES]
    ):
        if name and line[:1] in " \t" and line.strip():
            value = f"{value} {line.strip()}"[:_MAX_VALUE_CHARACTERS]
            continue
        if name:
            yield name, value.strip()
        found = _FIELD.fullmatch(line.rstrip())
        name, value = (found[1].lower(), found[2]) if found else ("", "")
        if not line.strip():
            yield "", ""
    if name:
        yield name, value.strip()


def untyped(value: str) -> str:
    """A value without its type: `rfc822; anna@x` is `anna@x` (RFC 3464 §2.1.2)."""
    bare = _TYPED.sub("", value.strip())
    return _ESCAPED.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), bare)
