"""Who wrote a mail, behind everything that passed it on, and which address of ours it was for."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final

from postbus.contracts.mail import Address, Confidence, Forwarded
from postbus.mail.addresses import normalise, read_addresses, with_fewer_tags
from postbus.mail.parsed import ParsedMail
from postbus.mail.rewritten import before_rewriting

_ORIGINAL: Final = ("x-original-from", "x-original-sender")
"""Groups and lists that must put themselves into From name the writer here."""
_DELIVERED: Final = (
    "delivered-to", "x-original-to", "x-delivered-to", "x-forwarded-to", "envelope-to",
    "x-envelope-to", "x-rcpt-to", "apparently-to", "resent-to",
)  # fmt: skip
_PUBLIC: Final = frozenset((
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com",
    "icloud.com", "me.com", "mac.com", "aol.com", "gmx.net", "gmx.de", "web.de", "t-online.de",
    "proton.me", "protonmail.com", "ziggo.nl", "kpnmail.nl", "hetnet.nl", "xs4all.nl", "orange.fr",
    "wanadoo.fr", "free.fr", "laposte.net", "libero.it", "mail.ru", "yandex.ru", "qq.com",
    "163.com", "localhost",
))  # fmt: skip
"""Where everybody has an address, sharing the domain makes nobody a colleague."""


@dataclass(frozen=True)
class Writer:
    """Who wrote the mail; `evidence` is empty where it is simply From."""

    address: Address
    evidence: tuple[str, ...] = ()
    confidence: Confidence = Confidence.CERTAIN
    forwarded: Forwarded | None = None


def writer_of(
    parsed: ParsedMail,
    own_addresses: Container[str],
    our_address: str,
    *,
    envelope_from: str | None = None,
) -> Writer:
    """Who wrote the mail, with the evidence.

    ``own_addresses`` are all of ours, normalised; ``our_address`` is that of the channel. What
    moves a mail along by itself (Resent-) leaves From alone, or wraps it (SRS); groups, lists and
    web forms put themselves into From and name the writer elsewhere; a colleague who forwards by
    hand, one of the channel's own domain, leaves the writer in the text. Where the mail names
    nobody at all, the envelope does.
    """
    forwarded = parsed.forwarded
    if forwarded is not None and _is_colleague(parsed.from_.address, own_addresses, our_address):
        author = normalise(forwarded.author.address)
        if author not in own_addresses:
            return Writer(
                forwarded.author,
                ("forwarded-by-colleague", *forwarded.evidence),
                forwarded.confidence,
                forwarded,
            )
    for address, evidence, confidence in _named_elsewhere(parsed, own_addresses):
        if normalise(address.address) not in own_addresses:
            return Writer(address, (evidence,), confidence, forwarded)
    return _from_or_envelope(parsed.from_, envelope_from or "", forwarded)


def _from_or_envelope(sender: Address, envelope_from: str, forwarded: Forwarded | None) -> Writer:
    """From, as it was before a forwarder wrapped it; without one, who handed the mail over."""
    if not sender.address and envelope_from:
        address = Address(name=sender.name, address=before_rewriting(envelope_from))
        return Writer(address, ("envelope-sender",), Confidence.LIKELY, forwarded)
    plain = before_rewriting(sender.address)
    if plain != sender.address:
        return Writer(Address(name=sender.name, address=plain), ("srs",), forwarded=forwarded)
    return Writer(sender, forwarded=forwarded)


def _named_elsewhere(
    parsed: ParsedMail, own_addresses: Container[str]
) -> Iterator[tuple[Address, str, Confidence]]:
    """Who may have written a mail whose From is a group, a list, or an address of ours."""
    sender = normalise(parsed.from_.address)
    for name in _ORIGINAL:
        for address in read_addresses(parsed.headers, name, _silent)[:1]:
            if normalise(address.address) != sender:
                yield address, name, Confidence.CERTAIN
    is_ours = not sender or sender in own_addresses
    if is_ours or _is_list_address(parsed, sender):
        evidence = "reply-to-behind-our-address" if is_ours else "reply-to-behind-list"
        for address in parsed.reply_to:
            if normalise(address.address) != sender and not _is_list_address(
                parsed, normalise(address.address)
            ):
                yield address, evidence, Confidence.LIKELY


def _is_list_address(parsed: ParsedMail, address: str) -> bool:
    """Whether the list puts its own address into From, as lists do for senders with DMARC."""
    if not parsed.signals.is_list:
        return False
    local, _, domain = address.partition("@")
    listed = (
        parsed.headers.token(name)
        for name in ("list-post", "list-id", "mailing-list", "x-mailing-list", "sender")
    )
    return any(address in text or f"<{local}.{domain}>" in text for text in listed if text)


def _is_colleague(address: str, own_addresses: Container[str], our_address: str) -> bool:
    sender = normalise(address)
    if not sender or sender in own_addresses:
        return bool(sender)
    _, _, domain = sender.rpartition("@")
    _, _, our_domain = normalise(our_address).rpartition("@")
    return domain == our_domain and domain not in _PUBLIC


def meant_for(
    parsed: ParsedMail, envelope_to: tuple[str, ...], own_addresses: Container[str]
) -> str | None:
    """The address of ours that the mail was written to.

    The traces of delivery come first, oldest last, since each hop writes above the one before;
    then To and Cc, then the envelope. None where no address of ours is named.
    """
    for address in _recipients(parsed, envelope_to):
        known = normalise(address)
        if any(one in own_addresses for one in with_fewer_tags(known)):
            return known
    return None


def _recipients(parsed: ParsedMail, envelope_to: tuple[str, ...]) -> Iterator[str]:
    for name in _DELIVERED:
        for one in read_addresses(parsed.headers, name, _silent):
            yield one.address
    for address in (*parsed.to, *parsed.cc):
        yield address.address
    yield from envelope_to


def _silent(_: str) -> None:
    """What is odd about these fields is nobody's concern."""
