"""What a mail says as hashes, so that mails which say the same are seen without keeping a word."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from postbus.contracts.guard import Fingerprint
from postbus.mail.subjects import stripped_subject

FEW_WORDS: Final = 8
"""People write fewer words than this alike (`Please call me back`); more of them they do not."""
_MOST_WORDS: Final = 2000
_SHINGLE: Final = 3
_BITS: Final = 64
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NAMES: Final = re.compile(r"\S*(?:@|://|\d)\S*")
"""Addresses, links, and whatever has a digit in it: what a robot changes from mail to mail."""
_COUNTER_BITS: Final = 16
_COUNTER_MOST: Final = (1 << _COUNTER_BITS) - 1
_COUNTERS: Final = tuple(
    sum((byte >> bit & 1) << bit * _COUNTER_BITS for bit in range(8)) for byte in range(256)
)
"""Each byte as eight counters in one number, so that a run adds to eight counters at once; none
overflows, since there are fewer runs than words."""


def fingerprint_of(subject: str, text: str) -> Fingerprint:
    """The hashes of a mail; ``text`` are the writer's own words, without quote and signature.

    A subject counts without `Re:` and its like. Words count without case, numbers, dates, addresses
    and links, so a counter in an otherwise same text makes no other one.
    """
    about, words = _words(stripped_subject(subject)), _words(text)
    few = len(words) < FEW_WORDS
    return Fingerprint(
        subject=_digest(about),
        content=_digest((*about, "", *words)) if few else _digest(words),
        similar="" if few else f"{_simhash(words):016x}",
    )


def differing_bits(one: str, other: str) -> int:
    """How many of the 64 bits of two `similar` differ; all of them where one of them is empty."""
    if not one or not other:
        return _BITS
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_NAMES.sub(" ", text).casefold())[:_MOST_WORDS])


def _digest(words: Sequence[str]) -> str:
    return blake2b("\x1f".join(words).encode(), digest_size=8).hexdigest()


def _simhash(words: Sequence[str]) -> int:
    """Of runs of three words (Charikar 2002): every run votes on every bit."""
    runs = max(1, len(words) - _SHINGLE + 1)
    ones = [0] * (_BITS // 8)
    for at in range(runs):
        run = "\x1f".join(words[at : at + _SHINGLE]).encode()
        for place, byte in enumerate(blake2b(run, digest_size=_BITS // 8).digest()):
            ones[place] += _COUNTERS[byte]
    bits = 0
    for counters in ones:
        for bit in reversed(range(8)):
            count = counters >> bit * _COUNTER_BITS & _COUNTER_MOST
            bits = bits << 1 | (2 * count > runs)
    return bits
