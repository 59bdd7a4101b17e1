"""The names that templates are given, and what stands behind them in the one at hand."""

from dataclasses import dataclass
from typing import Final

from postbus.appearance.look import Look, text_colour_on
from postbus.appearance.templates import Kind, Values

_PLAIN: Final = frozenset({
    "ticket.number", "customer.name", "customer.address", "queue.name", "agent.name", "language",
})  # fmt: skip
_OF_FRAMES: Final = frozenset(
    {"content", "quote", "mark", "signature", "logo", "accent", "on_accent"}
)
SIGNATURE: Final = Kind(is_html=False, names=_PLAIN)
SIGNATURE_HTML: Final = Kind(is_html=True, names=_PLAIN | {"accent", "on_accent"})
RECEIPT: Final = Kind(is_html=False, names=_PLAIN - {"agent.name"} | {"ticket.title"})
"""Subjects and texts of receipts."""
FRAME: Final = Kind(is_html=True, names=_PLAIN | _OF_FRAMES)


@dataclass(frozen=True)
class About:
    """What a mail is about, for the names in its templates."""

    ticket_number: int
    customer_name: str
    customer_address: str
    agent_name: str = ""
    ticket_title: str = ""


def values_of(about: About, look: Look, language: str) -> Values:
    """The plain names with their values."""
    return {
        "ticket": {"number": about.ticket_number, "title": about.ticket_title},
        "customer": {"name": about.customer_name, "address": about.customer_address},
        "queue": {"name": look.queue_name},
        "agent": {"name": about.agent_name},
        "language": language,
        "accent": look.accent,
        "on_accent": text_colour_on(look.accent),
    }
