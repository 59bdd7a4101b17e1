"""The line that says who wrote what follows: "On Monday, Anna <anna@example.com> wrote:".

Seen in practice: Gmail, Apple Mail, Thunderbird, Outlook, Yahoo, Proton, Zoho, Lotus Notes, and
what they say in the languages of Europe, Turkish, Vietnamese, Chinese, Japanese and Korean.
"""

# ruff: noqa: RUF001 - other alphabets look alike, and these are meant

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MAX_CHARACTERS: Final = 400
_MAX_LINES: Final = 4
_MAX_LINES_WITH_GAPS: Final = 9

_WROTE: Final = re.compile(
    r"\b(?:wrote|writes|schreef|schrieb|geschreven|geschrieben|a [ée]crit|escribi[óo]|escreveu"
    r"|ha scritto|scrisse|skrev|skreiv|kirjoitti|napisał(?:\(a\)|a|/a)?|pisze|napisana"
    r"|napísal(?:\(a\)|a|/a)?|napsal(?:\(a\)|a|/a)?|píše|(?:на)?писал(?:\(а\)|а)?|пишет"
    r"|пише|yazdı|yazmış|đã viết|scris|írta)(?!\w)|写道|寫道|のメール"
    r"|さんは書きました|(?:が|は)書き|님이 작성",
    re.IGNORECASE,
)
_WROTE_STEMS: Final = (
    "wro", "writes", "schr", "écri", "ecri", "escri", "escrev", "scri", "skr", "kirjoi", "napis",
    "napís", "naps", "pisze", "píše", "писал", "пише", "yaz", "viết", "írta", "写", "寫",
    "のメール", "書き", "작성",
)  # fmt: skip
"""One of them is in every line that `_WROTE` finds; looking for them first is ten times faster."""
_SENT: Final = re.compile(r"\b(?:sent|said|says)\s*:$", re.IGNORECASE)
_TALK: Final = re.compile(
    r"\b(?:you|u|je|jij|ye|Sie|du|vous|tu|usted|I|ik|ich|we|wij|wir|nous|he|she|they|hij|zij|er|il"
    r"|elle|what|wat|was|as|zoals|wie|comme|como|come|that|dat|dass|que|who|which|this|below)\b",
    re.IGNORECASE,
)
"""Words that people put before "wrote:" and programs do not."""
_OPENS: Final = re.compile(
    r"^[\s\"'*(\[-]*(?:(?:On|Op|Am|Le|El|Em|Il|Den|Dne|Dňa|W dniu|Dnia|В|Vào|På|At|Às|No dia|În|Pe"
    r"|Wiadomość napisana|\w{3,12}day|\w{2,10}dag|\w{2,11}tag|\w{2,13}[.,]{0,2} \d)\b"
    r"|[在于於]|\d{1,4}[-./年]|\d{1,2}\.? \w)",
    re.IGNORECASE,
)
_NAME_OPENS: Final = re.compile(
    r"^[^<>:]{1,80}?(?:<[^<>\s]{1,80}@[^<>\s]{1,80}>|\([^()\s]{1,80}@[^()\s]{1,80}\)),?\s*"
    r"(?:schrieb|schreef|wrote|kirjoitti|ezt|yazdı|şun|[于於在]|\d)"
    r"|^[^<>@:]{2,60}\b(?:schrieb am|kirjoitti \d|schreef op|a écrit le)\b"
)
_DATED: Final = re.compile(r"\d{4}|\d{1,2}[:.h]\d{2}|\d{1,2}[./-]\d{1,2}")
_CLOCK: Final = re.compile(r"\d{1,2} ?[:.h] ?\d{2}(?!\d)|\d[点點時]\d?")
_DAY: Final = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}|\d月|\d{1,2}-\w{3}-"
)
_ADDRESSED: Final = re.compile(r"[^\s<>]@[^\s<>]|<mailto:")
_NAMED: Final = re.compile(
    r"^[^<>@:]{1,60}<[^<>\s]{1,80}@[^<>\s]{1,80}>,?\s*\S{1,15}(?: \S{1,10}){0,3}\s*[:：]$"
)
_OLD_GMAIL: Final = re.compile(
    r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?: .{0,120}<[^<>\s]{1,80}@[^<>\s]{1,80}>\s*[:：]?"
    r"| \d{1,2}:\d\d GMT[+-]\d\d:?\d\d .{1,80})$"
)
_ADDRESS_LAST: Final = re.compile(r"[<(][^<>()\s]{1,80}@[^<>()\s]{1,80}[>)]\s*[:：]$")
_FRAMED: Final = re.compile(
    r"^-{2,}\s?[^-\s].{0,300}(?:wrote|schreef|schrieb)\s*:?\s?-{2,}$", re.IGNORECASE
)
_GMT: Final = re.compile(r"GMT[+-]\d\d:?\d\d ")
_LAST_SIGNS: Final = frozenset((":", "：", "-", ">"))
_SHARED: Final = re.compile(
    r"^(?P<own>[^@<>]{0,200}?[^\s@<>-])(?:\s?-{2,}\s?|\s)"
    r"(?P<rest>(?:On|Op|Am|Le|El|Il|Em|Den|Dne)\s(?:\w{1,12}[.,]{0,2}\s){0,3}\d.*)$"
)


@dataclass(frozen=True)
class Attribution:
    """The lines from ``start`` to ``end``, both with it, and how it begins its first line.

    ``own`` is what the writer put before it into that line.
    """

    start: int
    end: int
    own: str = ""


def may_end_one(line: str) -> bool:
    """Whether an attribution may be over with this trimmed line; quick, for all are asked."""
    return line[-1:] in _LAST_SIGNS or (line[:1].isdigit() and _GMT.search(line) is not None)


def ends_one_though_marked(line: str, above: str) -> bool:
    """Whether the line is no quote: the closing bracket of an address slipped to its begin."""
    return (
        line.startswith(">")
        and line.endswith((":", "："))
        and len(line) < 30
        and ("@" in above or above.endswith("<"))
    )


def attribution_ending(lines: list[str], end: int, *, is_above_a_quote: bool) -> Attribution | None:
    """The attribution that is over with that line; it may have been cut over some lines.

    Above marked quotes a verb is enough; elsewhere it must also name a day and an address or time
    as programs do, since people write "and he wrote:", too.
    """
    joined = ""
    for start, joined in _upwards(lines, end):
        if not _opens(joined):
            continue
        is_one_line = start == end
        if _is_one(joined, is_above_a_quote=is_above_a_quote and is_one_line):
            return Attribution(start, end)
    line = lines[end].strip()
    if len(line) > _MAX_CHARACTERS:
        return None
    shared = _SHARED.match(line) if is_above_a_quote else None
    if shared is not None and _is_one(shared["rest"], is_above_a_quote=True):
        return Attribution(end, end, shared["own"])
    return Attribution(end, end) if _is_one(line, is_above_a_quote=is_above_a_quote) else None


def _upwards(lines: list[str], end: int) -> Iterator[tuple[int, str]]:
    """The line, then with the line above it, and so on, as far as an attribution may be cut."""
    joined = ""
    most = _MAX_LINES
    for start in range(end, max(end - _MAX_LINES_WITH_GAPS, -1), -1):
        line = lines[start].strip()
        if not line:
            if not joined.startswith(("<", "mailto:", ">")):
                return
            most = _MAX_LINES_WITH_GAPS
            continue
        joined = f"{line} {joined}" if joined else line
        is_quoted = start < end and line.startswith(">")
        if is_quoted or len(joined) > _MAX_CHARACTERS or end - start >= most:
            return
        yield start, joined


def _opens(line: str) -> bool:
    """Whether the line begins as programs begin one: "On", "Op", "Le", a date, a name and verb."""
    return _OPENS.match(line) is not None or _NAME_OPENS.match(line) is not None


def _is_one(line: str, *, is_above_a_quote: bool) -> bool:
    if _OLD_GMAIL.match(line):
        return is_above_a_quote or line.endswith((":", "：")) or "GMT" in line
    if not line.endswith((":", "：")):
        return _says_wrote(line) and _FRAMED.match(line) is not None
    dated, addressed = _DATED.search(line), _ADDRESSED.search(line)
    timed = _CLOCK.search(line) and _DAY.search(line) and _opens(line)
    if not _says_wrote(line):
        named_last = _ADDRESS_LAST.search(line) and dated
        is_one = named_last and (is_above_a_quote or timed)
        return bool(is_one or (is_above_a_quote and _SENT.search(line)))
    if is_above_a_quote:
        return bool(dated or addressed or not _TALK.search(line))
    return bool(timed or (addressed and (dated or _NAMED.match(line))))


def _says_wrote(line: str) -> bool:
    folded = line.lower()
    return any(stem in folded for stem in _WROTE_STEMS) and _WROTE.search(line) is not None
