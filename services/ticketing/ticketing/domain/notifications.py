"""The mail that tells an agent what happened, in her language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from postbus.contracts.configuration import Language
from ticketing.domain.notices import Happened, Happening, first_words

MOST_TOLD: Final = 1000
"""How many happenings one mail tells; more is told by the next one."""
_MOST_NAMED: Final = 100
"""How many of them it names; with more nobody reads on, so the rest is counted."""
_TITLE_CHARACTERS: Final = 100
_NAME_CHARACTERS: Final = 60
_QUOTES_UP_TO: Final = 10
"""With more than so many, their first words would make the mail longer than a look at the desk."""


@dataclass(frozen=True)
class _Phrases:
    one: dict[Happening, str]
    many: dict[Happening, tuple[str, str]]
    hello: str
    customer: str
    queue: str
    by: str
    more: str
    note: str


_PHRASES: Final = {
    Language.ENGLISH: _Phrases(
        one={
            Happening.NEW_TICKET: "New ticket",
            Happening.ANSWER: "Answer",
            Happening.ASSIGNMENT: "Assigned to you",
        },
        many={
            Happening.NEW_TICKET: ("1 new ticket", "{} new tickets"),
            Happening.ANSWER: ("1 answer", "{} answers"),
            Happening.ASSIGNMENT: ("1 ticket assigned to you", "{} tickets assigned to you"),
        },
        hello="Hello {},",
        customer="Customer: {}",
        queue="Queue: {}",
        by="By: {}",
        more="And {} more.",
        note="If you answer this mail, your words become a note on ticket #{}. The customer does"
        " not see it, and is sent nothing.",
    ),
    Language.DUTCH: _Phrases(
        one={
            Happening.NEW_TICKET: "Nieuw ticket",
            Happening.ANSWER: "Antwoord",
            Happening.ASSIGNMENT: "Aan jou toegewezen",
        },
        many={
            Happening.NEW_TICKET: ("1 nieuw ticket", "{} nieuwe tickets"),
            Happening.ANSWER: ("1 antwoord", "{} antwoorden"),
            Happening.ASSIGNMENT: (
                "1 ticket aan jou toegewezen",
                "{} tickets aan jou toegewezen",
            ),
        },
        hello="Hallo {},",
        customer="Klant: {}",
        queue="Wachtrij: {}",
        by="Door: {}",
        more="En nog {}.",
        note="Als je deze mail beantwoordt, worden je woorden een notitie bij ticket #{}. De klant"
        " ziet die niet en krijgt niets.",
    ),
}


def subject_of(happened: Sequence[Happened], language: Language) -> str:
    """What happened to the one ticket, or how much of what; no number, no prefix."""
    phrases = _PHRASES[language]
    if len(happened) == 1:
        return f"{phrases.one[happened[0].happening]}: {_title(happened[0])}"
    counts = {one: sum(h.happening is one for h in happened) for one in Happening}
    parts = [
        phrases.many[one][count > 1].format(count) for one, count in counts.items() if count > 0
    ]
    return ", ".join(parts)


def text_of(
    happened: Sequence[Happened],
    *,
    name: str,
    language: Language,
    queue_name: Callable[[str], str],
    desk_url: str | None,
    answered_on: int,
) -> str:
    """Plain text: each happening by ticket, and what an answer becomes (on `answered_on`)."""
    phrases = _PHRASES[language]
    hello = phrases.hello.format(first_words(name, most=_NAME_CHARACTERS))
    brief = len(happened) > _QUOTES_UP_TO
    named, unnamed = happened[:_MOST_NAMED], len(happened) - _MOST_NAMED
    told = [_told(one, phrases, queue_name, desk_url, brief=brief) for one in named]
    if unnamed > 0:
        told.append(phrases.more.format(unnamed))
    note = phrases.note.format(answered_on)
    return "\n\n".join([hello, *told, note]) + "\n"


def _told(
    one: Happened,
    phrases: _Phrases,
    queue_name: Callable[[str], str],
    desk_url: str | None,
    *,
    brief: bool,
) -> str:
    lines = [f"{phrases.one[one.happening]} #{one.ticket_number}: {_title(one)}"]
    customer = phrases.customer.format(first_words(one.customer, most=_NAME_CHARACTERS))
    queue = phrases.queue.format(queue_name(one.queue))
    lines.append(f"{customer} · {queue}")
    if one.by:
        lines.append(phrases.by.format(first_words(one.by, most=_NAME_CHARACTERS)))
    if one.words and not brief:
        lines.append(f"> {one.words}")
    if desk_url is not None:
        lines.append(f"{desk_url.rstrip('/')}/tickets/{one.ticket_number}")
    return "\n".join(lines)


def _title(one: Happened) -> str:
    return first_words(one.title, most=_TITLE_CHARACTERS)
