"""The table of `make loops`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from loops.peers import PEERS
from loops.running import Result

_HEADS = (
    "row", "adversary", "mails in", "automatic out", "10 min", "24 h", "silent after",
    "stopped by", "tickets", "held", "lost", "as required",
    *(peer.name for peer in PEERS),
)  # fmt: skip


def table(results: Iterable[Result]) -> str:
    """One line a row, in columns, which is a table of Markdown as well."""
    cells = [_HEADS, *(_cells(one) for one in results)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADS))]
    lines = [_line(row, widths) for row in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return (
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
    )


def _cells(result: Result) -> tuple[str, ...]:
    figures, row = result.figures, result.row
    bounds = (peer.bound(row.marks, one_address=row.one_address) for peer in PEERS)
    return (
        row.name,
        row.title,
        str(figures.mails_in),
        str(figures.automatic),
        str(figures.ten_minutes),
        str(figures.a_day),
        _time(figures.silent_after),
        _reasons(figures.stopped_by),
        str(figures.tickets),
        str(figures.held),
        str(figures.lost),
        _verdict(result),
        *(" / ".join(one) for one in bounds),
    )


def _verdict(result: Result) -> str:
    if result.row.required is None:
        return "nothing asked"
    return "; ".join(result.missed) or "yes"


def _reasons(found: Counter[str]) -> str:
    return ", ".join(f"{reason} ×{count}" for reason, count in found.most_common())


def _time(length: timedelta | None) -> str:
    if length is None:
        return "never"
    seconds = round(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
