"""The header facts that the loop guard and `classify` read."""

import re
from collections.abc import Sequence
from typing import Final

from postbus.contracts.mail import Signals
from postbus.mail.headers import HeaderFields

_LIST_FIELDS: Final = frozenset((
    "list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-owner",
    "list-archive", "mailing-list", "x-mailing-list",
))  # fmt: skip
_COMMENT: Final = re.compile(r"\([^()]*\)")
_MAIL_SYSTEM: Final = re.compile(
    r"^(?:mailer[-_.]?daemon|postmaster|mail-?daemon|mdaemon|mail delivery (?:sub)?system|mailadmin"
    r"|mail[-_.]?delivery[-_.]?(?:sub)?system|bounce-?daemon)(?:$|[@+_-])",
    re.IGNORECASE,
)


def read_signals(header: HeaderFields, from_address: str, part_types: Sequence[str]) -> Signals:
    """The signals of a mail; whether the *envelope* sender is null is for the door to add."""
    names = {name for name, _ in header.fields}
    return Signals(
        auto_submitted=_keyword(header.raw("auto-submitted")),
        suppress=_suppressed(header.raw_all("x-auto-response-suppress")),
        precedence=header.token("precedence") or header.token("x-precedence") or None,
        is_list=not _LIST_FIELDS.isdisjoint(names),
        null_return_path=header.token("return-path").replace(" ", "") == "<>",
        from_mail_system=_is_mail_system(from_address, header),
        is_report=part_types[:1] == ["multipart/report"],
        received_count=sum(name == "received" for name, _ in header.fields),
    )


def _keyword(value: str) -> str | None:
    """The keyword before any parameter (RFC 3834 §5), in lower case."""
    word = _COMMENT.sub(" ", value).partition(";")[0].strip().lower()
    return _clean(word) or None


def _suppressed(values: Sequence[str]) -> tuple[str, ...]:
    words = [word.strip().lower() for value in values for word in value.split(",")]
    return tuple(dict.fromkeys(_clean(word) for word in words if word))


def _is_mail_system(from_address: str, header: HeaderFields) -> bool:
    if from_address:
        return _MAIL_SYSTEM.match(from_address) is not None
    return "mailer-daemon" in header.token("from") or "postmaster" in header.token("from")


def _clean(word: str) -> str:
    return word.encode("ascii", "replace").decode("ascii")[:100]
