"""Sets of UIDs as IMAP writes them: `1:4,7` (sequence-set, RFC 9051 §9).

Kept as ranges, so that a mailbox of a hundred thousand mails is a few characters.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"^(\d+(:\d+)?(,\d+(:\d+)?)*)?$", re.ASCII)

Range = tuple[int, int]


@dataclass(frozen=True)
class UidSet:
    """Some UIDs; `ranges` are sorted, apart from each other, both ends included."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "UidSet":
        """The set written so; ValueError for anything else (`*` is no UID)."""
        if not _FORM.match(text):
            raise ValueError("not a set of UIDs")
        pairs = (part.partition(":") for part in text.split(",") if part)
        return cls._joined(
            sorted((min(a, b), max(a, b)) for a, b in ((int(x), int(y or x)) for x, _, y in pairs))
        )

    @classmethod
    def of(cls, uids: Iterable[int]) -> "UidSet":
        """The set of these."""
        return cls._joined([(uid, uid) for uid in sorted(uids)])

    @classmethod
    def span(cls, first: int, last: int) -> "UidSet":
        """All from the first to the last; none when the last comes before the first."""
        return cls(((first, last),)) if first <= last else cls()

    @classmethod
    def _joined(cls, ranges: Iterable[Range]) -> "UidSet":
        """From sorted ranges that may touch or lie over one another."""
        joined: list[Range] = []
        for low, high in ranges:
            if joined and low <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], high))
            else:
                joined.append((low, high))
        return cls(tuple(joined))

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __contains__(self, uid: object) -> bool:
        if not isinstance(uid, int):
            return False
        at = bisect_right(self.ranges, (uid, float("inf"))) - 1
        return at >= 0 and self.ranges[at][0] <= uid <= self.ranges[at][1]

    def __or__(self, other: "UidSet") -> "UidSet":
        return self._joined(sorted((*self.ranges, *other.ranges)))

    def __and__(self, other: "UidSet") -> "UidSet":
        found: list[Range] = []
        mine, others = 0, 0
        while mine < len(self.ranges) and others < len(other.ranges):
            (low, high), (low_other, high_other) = self.ranges[mine], other.ranges[others]
            if max(low, low_other) <= min(high, high_other):
                found.append((max(low, low_other), min(high, high_other)))
            if high < high_other:
                mine += 1
            else:
                others += 1
        return UidSet(tuple(found))

    def __sub__(self, other: "UidSet") -> "UidSet":
        left: list[Range] = []
        others = 0
        for low, high in self.ranges:
            start = low
            while others < len(other.ranges) and other.ranges[others][1] < start:
                others += 1
            at = others
            while at < len(other.ranges) and other.ranges[at][0] <= high:
                if start < other.ranges[at][0]:
                    left.append((start, other.ranges[at][0] - 1))
                start = max(start, other.ranges[at][1] + 1)
                at += 1
            if start <= high:
                left.append((start, high))
        return UidSet(tuple(left))

    @property
    def max_uid(self) -> int:
        """The highest; 0 of none."""
        return self.ranges[-1][1] if self.ranges else 0

    def first(self, count: int) -> "UidSet":
        """The lowest so many of them."""
        taken: list[Range] = []
        for low, high in self.ranges:
            if count <= 0:
                break
            taken.append((low, min(high, low + count - 1)))
            count -= high - low + 1
        return UidSet(tuple(taken))
