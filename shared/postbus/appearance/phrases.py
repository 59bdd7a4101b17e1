"""The fixed words of a mail, in the languages that Postbus ships."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

_WROTE: Final[Mapping[str, str]] = MappingProxyType({
    "en": "On {date} at {time} UTC, {who} wrote:",
    "nl": "Op {date} om {time} UTC schreef {who}:",
    "de": "Am {date} um {time} UTC schrieb {who}:",
    "fr": "Le {date} à {time} UTC, {who} a écrit :",
    "es": "El {date} a las {time} UTC, {who} escribió:",
    "it": "Il {date} alle {time} UTC, {who} ha scritto:",
    "pt": "Em {date} às {time} UTC, {who} escreveu:",
    "pl": "Dnia {date} o {time} UTC, {who} napisał(a):",
    "da": "Den {date} kl. {time} UTC skrev {who}:",
    "sv": "Den {date} kl. {time} UTC skrev {who}:",
    "nb": "Den {date} kl. {time} UTC skrev {who}:",
    "fi": "{who} kirjoitti {date} klo {time} UTC:",
    "cs": "Dne {date} v {time} UTC, {who} napsal(a):",
})  # fmt: skip
LANGUAGES: Final = tuple(_WROTE)


def attribution(language: str, *, who: str, at: datetime) -> str:
    """The line above what is quoted; English where the language has none. Times are in UTC."""
    words = _WROTE.get(language, _WROTE["en"])
    return words.format(date=f"{at:%Y-%m-%d}", time=f"{at:%H:%M}", who=who)
