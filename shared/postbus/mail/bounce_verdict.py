"""What a report says of one address: what happened, why, and whether it is for ever."""

import re
from typing import Final

from postbus.contracts.mail import BouncedRecipient
from postbus.mail.refusals import meaning_of
from postbus.mail.report_fields import Fields, untyped
from postbus.mail.status_codes import code_in, code_of_field, hard_by_code, is_vague, reply_in

_ACTIONS: Final = frozenset(("failed", "delayed", "delivered", "relayed", "expanded"))
_ARRIVED: Final = frozenset(("delivered", "relayed", "expanded"))
_DELAY: Final = re.compile(
    r"(?:delivery|message|mail|e-?mail)\b.{0,40}\b"
    r"(?:delayed|not yet been delivered|still being retr)"
    r"|will (?:be )?(?:retr|continue|keep trying)|warning only|temporar(?:y|ily) (?:problem|delay)"
    r"|delivery incomplete|has not yet been|delivery attempts will continue",
    re.IGNORECASE,
)
_REFUSED_DATA: Final = re.compile(
    r"in reply to (?:the )?(?:end of )?data|smtp command\s+data|after (?:end of )?data\b"
    r"|error from remote .{0,40}(?:after|in response to) (?:end of )?data",
    re.IGNORECASE,
)
"""The server took the recipient and then refused the content: a filter, whatever it says."""
_REFUSED_RECIPIENT: Final = re.compile(
    r"in reply to rcpt|>>> rcpt to|(?:does|did) not like recipient|after rcpt|rcpt to:?<",
    re.IGNORECASE,
)
_MAX_DIAGNOSTIC_CHARACTERS: Final = 500
_MAX_WORDS_CHARACTERS: Final = 4000


def judged(address: str, original: str | None, *, fields: Fields, words: str) -> BouncedRecipient:
    """What the report's fields and the notice's words come to for one address."""
    words = words[:_MAX_WORDS_CHARACTERS]
    diagnostic = untyped(fields.get("diagnostic-code", ""))
    action = fields.get("action", "").split(" ")[0].strip().lower()
    if action not in _ACTIONS:
        action = _action(fields, words)
    status = _status(fields.get("status", ""), diagnostic, words, action=action)
    return BouncedRecipient(
        address=address,
        original_address=original,
        action=action,
        status=status,
        hard=_is_hard(status, diagnostic, words, action=action),
        diagnostic=_shortened(diagnostic or words),
    )


def _action(fields: Fields, words: str) -> str:
    """What happened, where the report has no word for it that RFC 3464 §2.3.3 knows."""
    if (code_of_field(fields.get("status", "")) or "").startswith("2"):
        return "delivered"
    return "delayed" if _DELAY.search(words) else "failed"


def _status(field: str, diagnostic: str, words: str, *, action: str) -> str | None:
    """The most telling code; what the refusing server said goes before what was made of it."""
    given = code_of_field(field)
    said = code_in(diagnostic)
    candidates = [code for code in (said, given, code_in(words)) if code is not None]
    if said is not None and said == given:
        candidates = [said] if not _says_little(said) or is_vague(said) else candidates
    telling = [code for code in candidates if not _says_little(code)]
    if telling:
        return telling[0]
    # a class with a subject says more than a class, and time-out more than both
    ranked = sorted(candidates, key=lambda code: (is_vague(code), code.endswith(".0.0")))
    return ranked[0] if ranked else _derived(diagnostic, words, action=action)


def _says_little(code: str) -> bool:
    """A class only, or that it took too long: the other side may have said why."""
    return is_vague(code) or code in ("4.4.7", "5.4.7")


def _derived(diagnostic: str, words: str, *, action: str) -> str | None:
    """A code for what is only said in words or by a reply code."""
    reply = reply_in(diagnostic) or reply_in(words)
    meaning = meaning_of(diagnostic) or meaning_of(words)
    klass = "4" if action == "delayed" or (reply or "").startswith("4") else "5"
    if meaning is not None:
        return f"{klass}{meaning.code[1:]}"
    return f"{klass}.0.0" if reply else None


def _is_hard(status: str | None, diagnostic: str, words: str, *, action: str) -> bool | None:
    """Whether the address is no good for ever; None where nothing tells."""
    if action in _ARRIVED:
        return None
    if action == "delayed" or _REFUSED_DATA.search(words):
        return False
    meaning = meaning_of(diagnostic) or meaning_of(words)
    by_code = hard_by_code(status) if status is not None else None
    if meaning is not None and meaning.sure:
        # where code and words disagree, only a refusal of the recipient himself counts as hard
        disagree = meaning.hard and by_code is False
        return meaning.hard and (not disagree or _REFUSED_RECIPIENT.search(words) is not None)
    if by_code is not None:
        return by_code
    return None if status is None and meaning is None else False


def says_something(words: str) -> bool:
    """Whether the words tell why."""
    return meaning_of(words) is not None or code_in(words) is not None


def _shortened(diagnostic: str) -> str:
    return " ".join(diagnostic.split())[:_MAX_DIAGNOSTIC_CHARACTERS]
