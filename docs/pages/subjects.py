"""Subjects as documents write them, and who has a consumer for which."""

from postbus.bus.topology import TOPOLOGY, Durable
from postbus.contracts.catalogue import Fact

NOT_TOLD_YET: frozenset[str] = frozenset()
"""Promised in the catalogue and told by no service so far; a contract test keeps this honest."""


def address_of(fact: Fact) -> str:
    """The subject with its variable tokens in angle brackets."""
    return f"{fact.type}.<{fact.last_token}>"


def parameters_of(fact: Fact) -> list[str]:
    """The names of the variable tokens, in order."""
    return [name.strip("<>") for name in fact.last_token.split(".")]


def durables_of(fact: Fact) -> list[Durable]:
    """Our own consumers that the event reaches."""
    return [
        durable
        for durable in TOPOLOGY.durables
        if any(f"{fact.type}.".startswith(s.removesuffix(">")) for s in durable.subjects)
    ]
