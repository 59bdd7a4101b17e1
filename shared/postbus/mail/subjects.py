"""Subjects without what mail programs put around them."""

import re
from typing import Final

_WORDS: Final = (
    # answers: English, German, Dutch, Scandinavian, Finnish, Romance, Polish, Czech, Turkish …
    "re", "aw", "antw", "antwort", "sv", "vs", "ang", "rif", "rv", "res", "rép", "odp",
    "ynt", "cevap", "továb", "vá", "atb", "απ", "отв", "ответ", "השב", "回复", "回覆",
    "答复", "答覆", "返信", "회신", "답장",
    # passed on
    "fw", "fwd", "wg", "doorst", "doorgestuurd", "vb", "vl", "videresendt", "enc", "tr", "i", "r",
    "pd", "ilt", "i̇lt", "πρθ", "пер", "bls", "trs", "הועבר", "转发", "轉寄", "轉發", "転送",
    "전달",
)  # fmt: skip
_COUNTER: Final = r"(?:\s?[\[(]\s?\d{1,3}\s?[\])]|[\^*]?\d{1,3})?"
_PREFIX: Final = re.compile(
    rf"(?P<word>{'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))})"
    rf"{_COUNTER}\s*(?P<sign>[:\uff1a;]|-{{2,}})[\s:\uff1a;]*",
    re.IGNORECASE,
)
_IN_BRACKETS: Final = re.compile(r"[(\[]\s*fwd?\s*[)\]]\s*", re.IGNORECASE)
_TAG: Final = re.compile(r"(?P<tag>\[[^\[\]]{1,60}\])\s*(?P<rest>.+)", re.DOTALL)
_AT_THE_END: Final = re.compile(r"\s*\(\s*fwd?\s*\)$", re.IGNORECASE)
_ALONE: Final = re.compile(r"(?:re|fwd?|aw|wg)", re.IGNORECASE)
_LONE_LETTERS: Final = frozenset(("I", "R"))
"""Italian programs write them in capitals; in small letters they are words of people."""
_SHORT_WORDS: Final = frozenset(("pd", "ang"))
"""Words of their own in some language: only `Word:` at once before a space is a prefix."""
_OUR_MARK: Final = re.compile(r"\s*\[#(\d{1,12})\]")
_COLONS: Final = (":", "\uff1a")
_SPACE: Final = re.compile(r"\s+")
_MAX_ROUNDS: Final = 100


def stripped_subject(subject: str) -> str:
    """The subject without `Re:`, `Fwd:` and their like in many languages, and without our number.

    Tags of lists (`[users]`) stay: they say what it is about. Empty where nothing else was there.
    """
    rest = _SPACE.sub(" ", _OUR_MARK.sub(" ", subject)).strip()
    for _ in range(_MAX_ROUNDS):
        shorter = _once(rest)
        if shorter == rest:
            break
        rest = shorter
    return rest


def numbers_in(subject: str) -> tuple[int, ...]:
    """The ticket numbers that the subject carries as we write them: `[#123]`; a hint, no proof."""
    return tuple(dict.fromkeys(int(number) for number in _OUR_MARK.findall(subject)))


def _once(subject: str) -> str:
    """The subject with one thing less around it."""
    if subject.startswith("[") and subject.endswith("]") and _is_prefix(_match(subject[1:])):
        return subject[1:-1].strip()
    prefix = _match(subject)
    if prefix is not None and _is_prefix(prefix):
        return subject[prefix.end() :].strip()
    tag = _TAG.match(subject)
    if tag is not None and _is_prefix(inner := _match(tag["rest"])) and inner is not None:
        return f"{tag['tag']} {tag['rest'][inner.end() :]}".strip()
    in_brackets = _IN_BRACKETS.match(subject)
    if in_brackets is not None:
        return subject[in_brackets.end() :]
    return "" if _ALONE.fullmatch(subject) else _AT_THE_END.sub("", subject)


def _match(subject: str) -> re.Match[str] | None:
    return _PREFIX.match(subject)


def _is_prefix(found: re.Match[str] | None) -> bool:
    if found is None:
        return False
    word, sign = found["word"], found["sign"]
    if word.upper() in _LONE_LETTERS:
        return word in _LONE_LETTERS and sign in _COLONS
    if word.lower() in _SHORT_WORDS:
        return sign in _COLONS and word[0].isupper()
    return sign != ";" or word.isascii()
