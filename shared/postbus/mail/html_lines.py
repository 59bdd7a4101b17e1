"""The lines of text that HTML comes to, and what the HTML says of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborNode

from postbus.mail.html_marks import Mark
from postbus.mail.line_kinds import Kind

_MAX_SHOWN_QUOTES: Final = 8
_WHITE: Final = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True)
class HtmlText:
    """The text, and what the HTML says of its lines, which are numbered from 0."""

    text: str
    kinds: Mapping[int, Kind] = field(default_factory=dict)


class LineWriter:
    """Collects lines; knows how deep it stands in quotes, and what the HTML says of them."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, Kind | None]] = []
        self._line = ""
        self._marks: list[tuple[int, Mark]] = []
        self._is_over = False
        self._is_apart = False
        self._depth = 0
        self.quotes = 0
        self.preformatted = 0

    def begin_marked(self, node: LexborNode, mark: Mark) -> None:
        """What follows is of that kind; what a quote says of itself below counts for nothing."""
        is_within = bool(self.quotes or self._marks or self._is_over)
        if is_within and (mark.is_to_end or mark.kind is Kind.SIGNATURE):
            return
        self.end_block()
        if mark.is_to_end:
            self._is_over = True
        else:
            self._marks.append((node.mem_id, mark))

    def end_marked(self, node: LexborNode) -> None:
        """The element is over."""
        if self._marks and self._marks[-1][0] == node.mem_id:
            self.end_block()
            self._marks.pop()

    def _kind(self) -> Kind | None:
        if self._is_over:
            return Kind.QUOTE
        return self._marks[-1][1].kind if self._marks else None

    def words(self, text: str) -> None:
        """Add words to the line; only preformatted ones have lines of their own."""
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._line += first
            for other in others:
                self.end_line()
                self._line = other
            return
        text = _WHITE.sub(" ", text)
        self._line += text.lstrip(" ") if not self._line or self._line.endswith(" ") else text

    def end_line(self) -> None:
        """Write the line down, empty or not."""
        kind = self._kind()
        if self._is_apart and self._lines and self._lines[-1][0].strip("> "):
            depth = min(self.quotes, self._depth)
            self._lines.append(
                (_prefix(depth).rstrip(), kind if kind is self._lines[-1][1] else None)
            )
        self._is_apart = False
        self._depth = self.quotes
        self._lines.append((_prefix(self.quotes) + self._line.rstrip(), kind))
        self._line = ""

    def end_block(self) -> None:
        """Write the line down if there are words in it."""
        if self._line.strip():
            self.end_line()
        self._line = ""

    def blank_line(self) -> None:
        """Put one above what comes next; between a quote and what is none it is in neither."""
        self.end_block()
        self._is_apart = True

    def result(self) -> HtmlText:
        """The text; of empty lines one stays, and none at its ends."""
        self.end_block()
        kept: list[str] = []
        kinds: dict[int, Kind] = {}
        for line, kind in self._lines:
            text = line.replace("\u00a0", " ").replace("\u200b", "").rstrip()
            if not text and not (kept and kept[-1]):
                continue
            if kind is not None:
                kinds[len(kept)] = kind
            kept.append(text if kept else text.lstrip())
        return HtmlText("\n".join(kept).rstrip(), kinds)


def _prefix(depth: int) -> str:
    return "> " * min(depth, _MAX_SHOWN_QUOTES)
