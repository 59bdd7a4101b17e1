"""Which lines of a text are quoted, which say who is quoted, and where an answered mail begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from postbus.mail import quote_marks as marks
from postbus.mail.attributions import attribution_ending, ends_one_though_marked, may_end_one
from postbus.mail.header_labels import begins_a_mail, field_of
from postbus.mail.line_kinds import Kind
from postbus.mail.signatures import armour_in

_COLON: Final = ":"
_WIDE_COLON: Final = "\uff1a"
_COLONS: Final = (_COLON, _WIDE_COLON)
_LAST_SIGNS: Final = frozenset((*_COLONS, "-", ">"))
_MAX_GAP_LINES: Final = 5
_MAX_LABEL_CHARACTERS: Final = 32
_MAX_CLOSE_LOOKS: Final = 1000
"""So many lines of a text may look as if a program wrote them; no more are looked at closely."""
_MAX_MARK_CHARACTERS: Final = 120


@dataclass(frozen=True)
class ReadLines:
    """The lines and what each is, up to the mail that is answered without marks or passed on.

    ``end`` is where that mail begins, the number of lines where there is none; ``passed_on`` is the
    same where the writer forwards it.
    """

    lines: list[str]
    kinds: list[Kind]
    end: int
    passed_on: int | None = None


_QUOTING: Final = (Kind.QUOTE, Kind.ATTRIBUTION)


def read_lines(lines: list[str], *, marked: Mapping[int, Kind], is_forward: bool) -> ReadLines:
    """What each line is; ``marked`` is what HTML says of some, by their number from 0.

    HTML marks a forward as it marks a quote, so of a forward only its signature is believed.
    """
    if is_forward:
        marked = {at: kind for at, kind in marked.items() if kind is Kind.SIGNATURE}
    return _Reader(lines, marked).read(is_forward=is_forward)


@dataclass(frozen=True)
class _Tail:
    start: int
    is_passed_on: bool = False
    is_header: bool = True


class _Reader:
    """Goes down the lines once."""

    def __init__(self, lines: list[str], marked: Mapping[int, Kind]) -> None:
        self._lines = list(lines)
        self._kinds: list[Kind] = []
        self._marked = marked
        self._first_own: int | None = None
        self._last: int = -1
        """The last line with words."""
        self._after_quote = False
        signed = (at for at, kind in marked.items() if kind is Kind.SIGNATURE)
        for at in armour_in(lines).union(signed):
            self._lines[at] = ""

    def read(self, *, is_forward: bool) -> ReadLines:
        """What each line is, up to where another mail begins without marks."""
        tail = self._go_down()
        if tail is None:
            return ReadLines(self._lines, self._kinds, len(self._kinds))
        is_first = self._first_own is None or self._first_own >= tail.start
        is_shown = tail.is_passed_on or (is_forward and tail.is_header) or is_first
        return ReadLines(
            self._lines, self._kinds, tail.start, passed_on=tail.start if is_shown else None
        )

    def _go_down(self) -> _Tail | None:
        kinds, marked, looks = self._kinds, self._marked, _MAX_CLOSE_LOOKS
        own, quote = Kind.OWN, Kind.QUOTE  # looking members up takes a third of the time
        for at, line in enumerate(self._lines):
            words = line.strip()
            if not words:
                kinds.append(Kind.BLANK)
                continue
            if (">" in line[:6] or at in marked or self._after_quote) and self._is_quote(at, line):
                if self._begins_a_quoted_forward(line):
                    return _Tail(at, is_passed_on=True)
                kinds.append(marked.get(at, quote))
                self._after_quote = kinds[-1] is quote
            else:
                if looks and _may_be_more_than_words(words):
                    looks -= 1
                    tail = self._tail_at(at, words)
                    if tail is not None:
                        return tail
                if len(kinds) == at:
                    kinds.append(own)
                    if self._first_own is None:
                        self._first_own = at
                self._after_quote = False
            self._last = at
        return None

    def _is_quote(self, at: int, line: str) -> bool:
        if at in self._marked:
            return True
        if ">" in line[:6]:
            if marks.is_quoted(line):
                return not (
                    self._last_kind is Kind.OWN
                    and ends_one_though_marked(line, self._lines[self._last].strip())
                )
            return self._has_initials(at)
        return (
            self._after_quote
            and self._last == at - 1
            and at + 1 < len(self._lines)
            and marks.is_quoted(self._lines[at + 1])
            and marks.is_torn_off(line, self._lines[at - 1])
        )

    def _has_initials(self, at: int) -> bool:
        """Whether it is marked with initials, and the line beside it with the same."""
        initials = marks.initials_of(self._lines[at])
        return initials is not None and any(
            marks.initials_of(line) == initials
            for line in (*self._lines[max(at - 1, 0) : at], *self._lines[at + 1 : at + 2])
        )

    @property
    def _last_kind(self) -> Kind | None:
        return self._kinds[self._last] if self._last >= 0 else None

    def _begins_a_quoted_forward(self, line: str) -> bool:
        """Apple marks what it passes on as a quote, at times with the line above it."""
        if self._last_kind in _QUOTING or len(line) > _MAX_MARK_CHARACTERS:
            return False
        return marks.FORWARD.match(line) is not None

    def _tail_at(self, at: int, words: str) -> _Tail | None:
        """Where a mail without marks begins, if this line says that it does."""
        if len(words) <= _MAX_MARK_CHARACTERS and (words[-1] in _COLONS or not words[0].isalnum()):
            if marks.FORWARD.match(words):
                return _Tail(at, is_passed_on=True)
            if marks.ORIGINAL.match(words):
                return _Tail(at)
            if self._first_own is not None and marks.ABOVE_THIS_LINE.match(words):
                return _Tail(at, is_header=False)
        if field_of(words) is not None:
            tail = self._header_at(at)
            if tail is not None:
                return tail
        return self._attribution_at(at) if may_end_one(words) else None

    def _header_at(self, at: int) -> _Tail | None:
        """Where the mail begins whose header this is, with the line that is drawn above it."""
        is_near = self._last_kind is Kind.OWN and at - self._last <= _MAX_GAP_LINES
        above = self._lines[self._last][:_MAX_MARK_CHARACTERS] if is_near else ""
        is_drawn = bool(marks.RULE.match(above) or marks.ORIGINAL_BARE.match(above))
        if not begins_a_mail(self._lines, at, is_below_a_rule=is_drawn):
            return None
        is_passed_on = marks.FORWARD.match(above) is not None
        return _Tail(self._last if is_drawn or is_passed_on else at, is_passed_on=is_passed_on)

    def _attribution_at(self, at: int) -> _Tail | None:
        """Note the attribution that is over with this line; the tail if it begins one.

        Above marked quotes it is dealt with together with them, since more may follow below.
        """
        is_above_a_quote = self._is_above_a_quote(at)
        found = attribution_ending(self._lines, at, is_above_a_quote=is_above_a_quote)
        if found is None:
            return None
        self._kinds.append(Kind.ATTRIBUTION)
        first = found.start + bool(found.own)
        if found.own:
            self._lines[found.start] = found.own
            self._kinds[found.start] = Kind.OWN
        self._kinds[first:] = [Kind.ATTRIBUTION] * (at + 1 - first)
        if self._first_own is not None and self._first_own < first:
            return None if is_above_a_quote else _Tail(first, is_header=False)
        self._first_own = found.start if found.own else None
        return None

    def _is_above_a_quote(self, at: int) -> bool:
        for below in range(at + 1, min(at + 1 + _MAX_GAP_LINES, len(self._lines))):
            if self._lines[below].strip():
                return below in self._marked or marks.is_quoted(self._lines[below])
        return False


def _may_be_more_than_words(words: str) -> bool:
    """Quick, for all lines are asked: those of programs have colons, digits or signs."""
    if not words[0].isalpha() or words[-1] in _LAST_SIGNS:
        return True
    head = words[:_MAX_LABEL_CHARACTERS]
    return _COLON in head or _WIDE_COLON in head
