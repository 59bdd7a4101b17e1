"""The decoded bytes of every part that has no parts of its own, as a corpus may have noted them."""

from collections.abc import Iterator

from postbus.mail.charsets import decode
from postbus.mail.structure import Part, Raw, read_tree
from postbus.mail.transfer import content_of

_MAX_DEPTH = 20


def leaf_readings(raw: bytes) -> Iterator[bytes]:
    """Each part's bytes; text also as UTF-8 and with both line ends, since peers write it so."""
    raw = raw if b"\n" in raw else raw.replace(b"\r", b"\n")
    yield from _below(raw, read_tree(raw, _note), 0)


def _below(raw: Raw, part: Part, depth: int) -> Iterator[bytes]:
    for child in part.children:
        yield from _below(raw, child, depth + 1)
    if part.children or depth > _MAX_DEPTH:
        return
    data = content_of(raw, part, _note).data()
    if part.content_type in ("message/rfc822", "message/news"):
        yield from _below(data, read_tree(data, _note), depth + 1)
    if part.content_type.startswith("text/"):
        lines = data.replace(b"\r\n", b"\n")
        yield lines
        yield lines.replace(b"\n", b"\r\n")
        text = decode(data, part.kind.parameters.get("charset"), _note).encode("utf-8", "replace")
        yield text
        yield text.replace(b"\r\n", b"\n")
    yield data


def _note(_problem: str) -> None:
    """What is odd about a part is no question here."""
