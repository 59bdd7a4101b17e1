"""Mail addresses: reading them from header fields (RFC 5322 §3.4), and comparing them."""

import re
from collections.abc import Iterator
from typing import Final

import idna

from postbus.contracts.mail import Address
from postbus.mail.charsets import Note
from postbus.mail.encoded_words import decode_words, end_of_word, unfold
from postbus.mail.headers import HeaderFields

MAX_ADDRESSES: Final = 1000
_ESCAPED: Final = re.compile(r"\\(.)")
_COMMENT: Final = re.compile(r"\(((?:[^()\\]|\\.)*)\)")
_BARE: Final = re.compile(r"[^\s<>()\",;:\\\[\]]+@[^\s<>()\",;:\\]+")
_SPACE: Final = re.compile(r"\s+")
_ENCLOSED: Final = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"'),
    "(": re.compile(r"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)"),
    "<": re.compile(r"<[^<>]*>"),
}


def read_addresses(header: HeaderFields, name: str, note: Note) -> tuple[Address, ...]:
    """Every mailbox in the fields of that name; groups are opened, what is no address is left.

    Encoded words are read after the commas are, so a comma inside one splits nothing.
    """
    found: list[Address] = []
    for raw in header.raw_all(name):
        # the value keeps its encoded words until it is split
        for piece in _split(unfold(header.decoded_bytes(raw, note))):
            address = _read_one(piece, note)
            if address is not None:
                found.append(address)
            if len(found) >= MAX_ADDRESSES:
                note("too-many-addresses")
                return tuple(found)
    return tuple(found)


_OPENING: Final = re.compile(r"[\\\"(<,;:=]")


def _split(value: str) -> Iterator[str]:
    """The mailboxes of a list: cut at commas and semicolons outside quotes, comments, brackets."""
    start, at = 0, 0
    while (found := _OPENING.search(value, at)) is not None:
        at = found.start()
        sign = value[at]
        if sign in ",;":
            yield value[start:at]
            start = at + 1
        elif sign == ":" and "@" not in value[start:at]:
            start = at + 1  # what stood before was the name of a group
        at = max(at + 1, _end_of_enclosed(value, at))
    yield value[start:]


def _end_of_enclosed(value: str, at: int) -> int:
    """Where the quote, comment, bracket or encoded word that begins here ends.

    What is never closed encloses nothing, so a lone quote does not swallow the other mailboxes.
    """
    sign = value[at]
    if sign == "\\":
        return at + 2
    if sign == "=":
        return end_of_word(value, at)
    pattern = _ENCLOSED.get(sign)
    found = pattern.match(value, at) if pattern is not None else None
    return found.end() if found else at


def _read_one(piece: str, note: Note) -> Address | None:
    piece = piece.strip()
    if not piece:
        return None
    if piece.endswith(">") and "<" in piece:
        name, _, spec = piece[:-1].rpartition("<")
        # RFC 5322 §4.4: an obsolete route before the address
        spec = spec.rpartition(":")[2] if spec.startswith("@") else spec
        address = _cleaned(spec)
        return Address(name=_display_name(name, note), address=address) if address else None
    comments = " ".join(_COMMENT.findall(piece))
    rest = _COMMENT.sub(" ", piece)
    found = _BARE.search(rest)
    if found is None:
        spec = _cleaned(rest)
        return Address(name=_display_name(comments, note), address=spec) if "@" in spec else None
    name = comments or (rest[: found.start()] + rest[found.end() :]).strip(" <>'\"")
    return Address(name=_display_name(name, note), address=_cleaned(found[0]))


def _cleaned(spec: str) -> str:
    """An addr-spec without white space, comments and the quotes people put around it."""
    bare = _SPACE.sub("", _COMMENT.sub("", spec)).strip("<>,;'").rstrip(".")
    if bare.startswith('"') and bare.endswith('"'):
        bare = bare.strip('"')
    found = _BARE.fullmatch(bare)
    if found or "@" not in bare or bare.startswith('"'):
        return bare if "@" in bare.strip("@") or bare.startswith('"') else ""
    inside = _BARE.search(bare)
    return inside[0] if inside else ""


def _display_name(name: str, note: Note) -> str:
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    name = _ESCAPED.sub(r"\1", name) if "\\" in name else name.replace('"', "")
    name = unfold(decode_words(name, note))
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1]
    return _SPACE.sub(" ", name).strip()


def normalise(address: str) -> str:
    """The address for comparing: lower case, its domain in ASCII (IDNA 2008, UTS #46).

    The local part is folded, too: RFC 5321 §2.4 lets hosts tell Anna@ from anna@, none does.
    A domain that is none is only folded. What has no `@` comes back folded and trimmed.
    """
    local, at, domain = address.strip().strip("<>").rpartition("@")
    if not at:
        return domain.lower()
    return f"{local.lower()}@{_ascii_domain(domain.rstrip('.'))}"


def with_ascii_domain(address: str) -> str:
    """The address with its domain in A-labels (RFC 5890 §2.3.2.1); the local part as it is.

    A domain that is none stays as it is.
    """
    local, at, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}{at}{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return domain.lower()


def without_plus(address: str) -> str:
    """The address without its plus-tag: `support+x@example.com` is `support@example.com`."""
    return list(with_fewer_tags(address))[-1]


def with_fewer_tags(address: str) -> Iterator[str]:
    """The address, and then without its plus-tags, one less each time.

    A mailbox may have a plus of its own: `shop+returns+x@example.com` is a tag of that.
    """
    yield address
    local, at, domain = address.rpartition("@")
    while "+" in local.lstrip("+"):
        local, _, _ = local.rpartition("+")
        yield f"{local}{at}{domain}"


def plus_tag(address: str) -> str | None:
    """The plus-tag of an address; None if it has none."""
    local, _, _ = address.rpartition("@")
    base, plus, tag = local.partition("+")
    return tag if plus and base else None
