"""Message-IDs (RFC 5322 §3.6.4) and the wild things that stand in their place."""

import re
from typing import Final

_BRACKETED: Final = re.compile(r"<([^<>]{1,2000})>")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_SPACE: Final = re.compile(r"\s+")
_MAX_IDS: Final = 200
_MAX_ID_CHARACTERS: Final = 500


def read_ids(value: str) -> tuple[str, ...]:
    """The ids of a References or In-Reply-To field, without brackets, each once, in order.

    Ids may be folded in the middle, stand without brackets or be glued together; words beside them
    ("Your message of Tuesday") are no ids. At most 200, the first one and the newest ones.
    """
    # a replaced byte is as good as any for comparing, and no surrogate may leave this module
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    found = [_SPACE.sub("", match) for match in _BRACKETED.findall(value)]
    if not found:
        bare = _COMMENT.sub(" ", value).replace("<", " ").replace(">", " ")
        found = [word for word in re.split(r"[\s,;]+", bare) if _is_bare_id(word)]
    ids = list(dict.fromkeys(one for one in found if 0 < len(one) <= _MAX_ID_CHARACTERS))
    if len(ids) > _MAX_IDS:
        ids = [ids[0], *ids[1 - _MAX_IDS :]]
    return tuple(ids)


def read_id(value: str) -> str | None:
    """The id of a Message-ID field, without brackets; None if it holds nothing.

    An id that is no id but is there still tells this mail from others, so it counts.
    """
    ids = read_ids(value)
    if ids:
        return ids[0]
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    wild = _SPACE.sub("", value).strip("<>")
    return wild[:_MAX_ID_CHARACTERS] or None


def normalised_id(message_id: str) -> str:
    """The id for comparing: without brackets and white space; its case matters (RFC 5322)."""
    return _SPACE.sub("", message_id).strip("<>")


def _is_bare_id(word: str) -> bool:
    local, at, domain = word.partition("@")
    return bool(at and local and domain)
