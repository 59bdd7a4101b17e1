"""May it be sent now? What follows from the guard's verdict, or from its silence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dispatch.domain.attempts import Attempt
from postbus.configuration import Configuration
from postbus.contracts.configuration import FilterEntry
from postbus.contracts.guard import GUARD_ERROR_RULE, WITHOUT_GUARD_RULE, Decision, Verdict
from postbus.contracts.sending import SendRequested

HUMAN_WAITS = timedelta(minutes=2)


class Next(Enum):
    """What to do with the mail."""

    SEND = "send"
    HOLD = "hold"
    WAIT = "wait"


@dataclass(frozen=True)
class Permission:
    """What to do, and the verdict to record."""

    next: Next
    verdict: Verdict | None = None


def from_verdict(verdict: Verdict) -> Permission:
    """What the guard said; an answer that it could not judge counts as silence."""
    if verdict.decision is Decision.ALLOW:
        return Permission(Next.SEND, verdict)
    if verdict.rule == GUARD_ERROR_RULE:
        return Permission(Next.WAIT)
    return Permission(Next.HOLD, verdict)


def without_guard(
    request: SendRequested,
    configuration: Configuration,
    *,
    waiting_since: datetime,
    now: datetime,
) -> Permission:
    """The guard is silent (L22): automatic mail waits; a person's goes after two minutes, flagged.

    Even then the outgoing filter holds, and the kill switch.
    """
    if request.automatic or now - waiting_since < HUMAN_WAITS:
        return Permission(Next.WAIT)
    forbidden = _forbidden(request, configuration)
    if forbidden is not None:
        return Permission(Next.HOLD, forbidden)
    verdict = Verdict(
        decision=Decision.ALLOW,
        rule=WITHOUT_GUARD_RULE,
        reason="The loop guard did not answer for two minutes; an agent's own reply goes all the"
        " same.",
        evidence={"guard": "unreachable"},
    )
    return Permission(Next.SEND, verdict)


def released(attempt: Attempt, configuration: Configuration) -> Permission:
    """A person took it on: past the guard's hold; never past filter, kill switch or a block."""
    forbidden = _forbidden(attempt.request, configuration)
    if forbidden is not None:
        return Permission(Next.HOLD, forbidden)
    before = attempt.verdict
    if before is not None and before.decision is Decision.BLOCK:
        return Permission(Next.HOLD, before)
    verdict = Verdict(
        decision=Decision.ALLOW,
        rule="released",
        reason=f"{attempt.released_by} released it.",
        evidence={"held_by": before.rule} if before else {},
    )
    return Permission(Next.SEND, verdict)


def recipients(request: SendRequested) -> tuple[str, ...]:
    """Every address the mail would go to, once."""
    return tuple(dict.fromkeys(a.address for a in (*request.to, *request.cc)))


def filtered(request: SendRequested, configuration: Configuration) -> FilterEntry | None:
    """The first entry of the outgoing filter that a recipient is on."""
    for address in recipients(request):
        entry = configuration.filter.match(address)
        if entry is not None:
            return entry
    return None


def _forbidden(request: SendRequested, configuration: Configuration) -> Verdict | None:
    """What holds whoever says otherwise."""
    limits = configuration.loop_limits
    if limits.stops(automatic=request.automatic):
        return Verdict(
            decision=Decision.HOLD,
            rule="stop",
            reason="Sending is stopped by an admin.",
            evidence={"stop": limits.stop.value},
            lifted_by="an admin sets `stop` of the loop limits back to `nothing`",
        )
    listed = filtered(request, configuration)
    return None if listed is None else _listed(listed)


def _listed(entry: FilterEntry) -> Verdict:
    return Verdict(
        decision=Decision.HOLD,
        rule="filter",
        reason="A recipient is on the outgoing mail filter.",
        evidence={"pattern": entry.pattern, "automatic": entry.automatic},
        lifted_by="remove the entry from the outgoing mail filter",
    )
