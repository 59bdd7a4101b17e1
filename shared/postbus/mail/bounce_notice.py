"""What a mail system writes to people: who was not reached, and in which words."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from postbus.mail import notice_marks as marks

_MAX_CHARACTERS: Final = 64 * 1024
_MAX_LINE_CHARACTERS: Final = 1000
_MAX_ADDRESSES: Final = 100


@dataclass(frozen=True)
class Named:
    """An address that a notice names as not reached, and what it says of it."""

    address: str
    words: str
    original_address: str | None = None


@dataclass(frozen=True)
class Notice:
    """A report's text for people, and the text of the mail that came back below it."""

    text: str
    returned: str


def read_notice(full_text: str) -> Notice:
    """The text cut where the returned mail begins."""
    text = full_text[:_MAX_CHARACTERS]
    found = marks.RETURNED.search(text)
    while found is not None and not text[: found.start()].strip():
        found = marks.RETURNED.search(text, found.end())  # a heading above everything ends nothing
    if found is None:
        return Notice(text.strip(), "")
    return Notice(text[: found.start()].strip(), text[found.start() :])


def named_in(notice: Notice, is_ours: Callable[[str], bool]) -> tuple[Named, ...]:
    """The addresses that were not reached, in their order, each once.

    An address that has a line for itself is one the notice is about. Where there is none, those in
    a sentence about delivery are, and then any other. ``is_ours`` says which one the report was
    sent to: it counts only where no other is named.
    """
    lines = [line[:_MAX_LINE_CHARACTERS] for line in notice.text.split("\n")]
    for find in (_listed, _right_at_the_words, _in_sentences, _anywhere):
        found = find(lines)
        others = [one for one in found if not is_ours(one[1])]
        chosen = others or (found if find is _listed else [])
        if chosen:
            return _with_words(lines, chosen[:_MAX_ADDRESSES])
    return ()


def addresses_in(text: str) -> list[str]:
    """The addresses of a text in their order, at most 100."""
    return [_trimmed(one[0]) for one in islice(marks.ADDRESS.finditer(text), _MAX_ADDRESSES)]


_Found = tuple[int, str]


def _listed(lines: list[str]) -> list[_Found]:
    found = []
    for at, line in enumerate(lines):
        match = _first_match(line)
        if match is None or marks.GENERATED_FROM.search(line[: match.end("address")]):
            continue
        if _describes_the_mail(lines, at):
            continue
        address = _trimmed(match["address"])
        before = lines[at - 1] if at else ""
        if marks.SYSTEM.match(address) or _is_of_others(
            line[: match.start("address")], before, line
        ):
            continue
        found.append((at, address))
    return found


def _first_match(line: str) -> re.Match[str] | None:
    return (
        marks.LIST_LINE.match(line)
        or marks.NAMED_LINE.match(line)
        or marks.TRANSCRIPT.match(line)
        or marks.X400.search(line)
    )


def _describes_the_mail(lines: list[str], at: int) -> bool:
    """Whether the line is To in a small header of the mail that is reported: Subject is near."""
    if not lines[at].lstrip(" *>\t").lower().startswith("to:"):
        return False
    near = lines[max(at - 4, 0) : at + 5]
    return any(one.lstrip(" *>\t").lower().startswith(("subject:", "date:")) for one in near)


def _is_of_others(lead: str, line_above: str, line: str) -> bool:
    """Whether the address stands there for another reason than not being reached."""
    if marks.OF_OTHERS.search(lead) is not None:
        return True
    # a sentence that is cut right before an address: "please contact" / "anna@example.com"
    if marks.ENDS_BEFORE_OTHERS.search(line_above) is not None:
        return True
    origin = marks.GENERATED_FROM.search(f"{line_above.strip()} {line.strip()}")
    return (
        origin is not None and not line_above.rstrip().endswith(")") and lead.strip() in ("", "<")
    )


def _right_at_the_words(lines: list[str]) -> list[_Found]:
    """Addresses at once before or behind the words that say they were not reached."""
    found: list[_Found] = []
    for at, line in enumerate(lines):
        behind = lines[at - 1].rstrip()[-80:] + " " if at else ""
        around = f"{behind}{line} {lines[at + 1].lstrip()[:40] if at + 1 < len(lines) else ''}"
        for match in marks.ADDRESS.finditer(line):
            address = _trimmed(match[0])
            lead = around[: len(behind) + match.start()]
            after = around[len(behind) + match.end() :]
            if not marks.SYSTEM.match(address) and (
                marks.LEADS_TO.search(lead) or marks.FOLLOWS.match(after) is not None
            ):
                found.append((at, address))
    return found


def _in_sentences(lines: list[str]) -> list[_Found]:
    found = []
    for at, line in enumerate(lines):
        around = f"{lines[at - 1] if at else ''} {line}"
        if not marks.ABOUT_DELIVERY.search(around):
            continue
        for match in marks.ADDRESS.finditer(line):
            address, lead = _trimmed(match[0]), line[: match.start()]
            if not marks.SYSTEM.match(address) and not marks.OF_OTHERS.search(lead[-40:]):
                found.append((at, address))
    return found


def _anywhere(lines: list[str]) -> list[_Found]:
    found = []
    for at, line in enumerate(lines):
        for match in marks.ADDRESS.finditer(line):
            address = _trimmed(match[0])
            if not marks.SYSTEM.match(address) and not marks.OF_OTHERS.search(
                line[: match.start()][-40:]
            ):
                found.append((at, address))
    return found


def _with_words(lines: list[str], found: list[_Found]) -> tuple[Named, ...]:
    """Each address with the lines from its own up to that of the next one."""
    named: dict[str, Named] = {}
    if len({address.lower() for _, address in found}) == 1:
        found = found[:1]  # all below is about this one
    for number, (at, address) in enumerate(found):
        end = next((other for other, _ in found[number + 1 :] if other > at), len(lines))
        words = "\n".join(lines[at:end])
        if len(found) > 1 and marks.TRANSCRIPT.match(
            lines[at]
        ):  # what stands below is about another host
            answer = lines[at - 1] if at and lines[at - 1].startswith("<<<") else ""
            words = f"{answer}\n{lines[at]}"
        origin = marks.GENERATED_FROM.search(" ".join(words.split())[:400])
        original = _trimmed(origin[1]) if origin else None
        key = address.lower()
        if key in named:
            words = f"{named[key].words}\n{words}"
            original = named[key].original_address or original
        named[key] = Named(named[key].address if key in named else address, words, original)
    return tuple(named.values())


def _trimmed(address: str) -> str:
    return address.strip("<>[]()'\"*`").rstrip(".!?,;:")
