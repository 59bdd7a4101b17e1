"""Values with parameters: Content-Type and Content-Disposition (RFC 2045 §5.1, 2183, 2231)."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from postbus.mail.charsets import Note, decode
from postbus.mail.encoded_words import as_bytes, decode_words, readable, unfold

_PARAMETER: Final = re.compile(
    r";\s*([^\s=;\"]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;]*))", re.DOTALL
)
_SECTION: Final = re.compile(r"^([^*]+)(?:\*(\d{1,3}))?(\*)?$")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_ESCAPED: Final = re.compile(r"\\([\"\\])")
_MAX_CHARACTERS: Final = 64 * 1024


@dataclass(frozen=True)
class Valued:
    """The value in lower case, and its parameters by lower-case name."""

    value: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def read_valued(raw: str, note: Note) -> Valued:
    """What a Content-Type or Content-Disposition field says; tolerant of every spelling."""
    if not raw:
        return Valued()
    line = unfold(raw[:_MAX_CHARACTERS])
    value, separator, rest = line.partition(";")
    value = _COMMENT.sub("", value).strip().lower()
    if not separator:
        return Valued(value)
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAMETER.finditer(";" + rest):
        name = _SECTION.match(found[1].lower())
        content = _ESCAPED.sub(r"\1", found[2]) if found[2] is not None else found[3].strip()
        if name is not None:
            section = (int(name[2] or 0), name[3] is not None, content)
            sections.setdefault(name[1], []).append(section)
    return Valued(value, {name: _joined(parts, note) for name, parts in sections.items()})


def _joined(parts: list[tuple[int, bool, str]], note: Note) -> str:
    """The sections in the order of their numbers (RFC 2231 §3), decoded as one (§4.1)."""
    if not any(extended for _, extended, _ in parts):
        repeated = len({number for number, _, _ in parts}) < len(parts)
        chosen = parts[:1] if repeated else sorted(parts)
        plain = "".join(text for _, _, text in chosen)
        return decode_words(readable(plain, None, note), note)
    charset: str | None = None
    data = b""
    extended_parts = [part for part in parts if part[1] or part[0] > 0]
    for number, extended, text in sorted(extended_parts, key=lambda part: part[0]):
        content = text
        if extended and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += unquote_to_bytes(as_bytes(content)) if extended else as_bytes(content)
    return decode_words(decode(data, charset, note), note)
