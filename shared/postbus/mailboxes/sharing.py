"""Which replica reads which mailbox: the one with the highest hash of both (rendezvous hashing).

Every replica comes to the same answer by itself, and one more or one less moves only its own share.
"""

from collections.abc import Iterable
from hashlib import blake2b


def reader_of(mailbox: str, replicas: Iterable[str]) -> str | None:
    """The replica that ought to read the mailbox; None without any."""
    return max(replicas, key=lambda replica: _weight(replica, mailbox), default=None)


def _weight(replica: str, mailbox: str) -> bytes:
    return blake2b(f"{replica}\x1f{mailbox}".encode(), digest_size=8).digest()
