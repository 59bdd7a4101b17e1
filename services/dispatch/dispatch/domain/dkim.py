"""With which keys a mail is signed (DKIM, RFC 6376), and which of its headers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postbus.contracts.dkim import DkimAlgorithm, DkimKey, DkimSigning

SIGNED_HEADERS: Final = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "mime-version", "content-type", "auto-submitted", "x-auto-response-suppress", "precedence",
    "x-postbus-stamp",
)  # fmt: skip
"""Those that people and robots go by (RFC 6376 §5.4.1), where the mail has them."""
OVERSIGNED_HEADERS: Final = ("from", "to", "cc", "reply-to", "subject")
"""Signed once more than they are there, so that nobody adds one (RFC 6376 §5.4.2, §8.15)."""


class Unsigned(StrEnum):
    """Why a mail goes out unsigned though its channel has keys."""

    NOT_ALIGNED = "not-aligned"
    """No key is of the domain in From, so a signature would say nothing of it (RFC 7489 §3.1.1)."""
    NO_PRIVATE_KEY = "no-private-key"
    """Its private half is gone, or does not open."""
    NOT_SIGNABLE = "not-signable"
    """The library refuses the mail or the key."""


@dataclass(frozen=True)
class Signatures:
    """The keys to sign with, one of an algorithm; without any, why."""

    keys: tuple[DkimKey, ...] = ()
    unsigned: Unsigned | None = None


def signatures_of(signing: DkimSigning | None, from_address: str) -> Signatures:
    """The active keys of the domain in From, or of the nearest domain above it.

    One of each algorithm: a receiver believes the one that it knows (RFC 8463 §3).
    """
    active = [key for key in signing.keys if key.active] if signing else []
    if not active:
        return Signatures()
    sender = from_address.rpartition("@")[2].lower()
    aligned = [key for key in active if f".{sender}".endswith(f".{key.domain}")]
    if not aligned:
        return Signatures(unsigned=Unsigned.NOT_ALIGNED)
    nearest = max(len(key.domain) for key in aligned)
    newest = sorted(
        (key for key in aligned if len(key.domain) == nearest), key=lambda key: key.created_at
    )
    by_algorithm: dict[DkimAlgorithm, DkimKey] = {key.algorithm: key for key in newest}
    return Signatures(tuple(by_algorithm[one] for one in sorted(by_algorithm)))
