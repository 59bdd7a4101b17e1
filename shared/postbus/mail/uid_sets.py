"""Sets of UIDs as IMAP writes them, `1:4,7` (sequence-set, RFC 9051 §9), kept as ranges.

A mailbox of a hundred thousand mails is a few ranges, so every operation costs by ranges.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Range = tuple[int, int]
"""First and last UID, both in it."""

_MAX_UID: Final = 2**32 - 1
_PART: Final = re.compile(r"([1-9][0-9]{0,9})(?::([1-9][0-9]{0,9}))?")


@dataclass(frozen=True)
class UidSet:
    """UIDs in ascending order; `ranges` neither overlap nor touch, so equal sets are equal."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "UidSet":
        """The set of a sequence-set; an empty text is the empty set.

        Raises:
            ValueError: it is none, or has a `*`, whose meaning only the server knows.
        """
        found: list[Range] = []
        for part in text.split(",") if text else ():
            matched = _PART.fullmatch(part)
            if matched is None:
                raise ValueError(f"{part[:20]!r} is no UID and no range of UIDs")
            one, other = int(matched[1]), int(matched[2] or matched[1])
            if max(one, other) > _MAX_UID:
                raise ValueError(f"{max(one, other)} is over the largest UID")
            # RFC 9051 §9: `4:2` is `2:4`.
            found.append((min(one, other), max(one, other)))
        return cls(_merged(sorted(found)))

    @classmethod
    def of(cls, uids: Iterable[int]) -> "UidSet":
        """The set of these UIDs, in any order and as often as they come."""
        return cls(_merged((uid, uid) for uid in sorted(uids)))

    @classmethod
    def span(cls, first: int, last: int) -> "UidSet":
        """All from the first to the last; none when the last comes before the first."""
        return cls(((first, last),)) if first <= last else cls()

    def first(self, count: int) -> "UidSet":
        """The lowest so many of them."""
        taken: list[Range] = []
        for first, last in self.ranges:
            if count <= 0:
                break
            taken.append((first, min(last, first + count - 1)))
            count -= last - first + 1
        return UidSet(tuple(taken))

    @property
    def max_uid(self) -> int:
        """The largest UID; 0 for the empty set."""
        return self.ranges[-1][1] if self.ranges else 0

    def __str__(self) -> str:
        return ",".join(f"{a}" if a == b else f"{a}:{b}" for a, b in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int):
            return False
        at = bisect_right(self.ranges, (uid, _MAX_UID)) - 1
        return at >= 0 and self.ranges[at][0] <= uid <= self.ranges[at][1]

    def __or__(self, other: "UidSet") -> "UidSet":
        return UidSet(_merged(sorted((*self.ranges, *other.ranges))))

    def __and__(self, other: "UidSet") -> "UidSet":
        return UidSet(tuple(_common(self.ranges, other.ranges)))

    def __sub__(self, other: "UidSet") -> "UidSet":
        return UidSet(tuple(_without(self.ranges, other.ranges)))


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Ranges in ascending order as ranges that neither overlap nor touch."""
    found: list[Range] = []
    for first, last in ranges:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _common(one: tuple[Range, ...], other: tuple[Range, ...]) -> Iterator[Range]:
    at = there = 0
    while at < len(one) and there < len(other):
        first, last = max(one[at][0], other[there][0]), min(one[at][1], other[there][1])
        if first <= last:
            yield first, last
        # The one that ends first meets no more of the other's.
        if one[at][1] < other[there][1]:
            at += 1
        else:
            there += 1


def _without(one: tuple[Range, ...], other: tuple[Range, ...]) -> Iterator[Range]:
    there = 0
    for first, last in one:
        rest = first
        while there < len(other) and other[there][1] < rest:
            there += 1
        at = there
        while at < len(other) and other[at][0] <= last:
            if rest < other[at][0]:
                yield rest, other[at][0] - 1
            rest = other[at][1] + 1
            at += 1
        if rest <= last:
            yield rest, last
