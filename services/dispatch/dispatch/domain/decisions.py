"""What a decision of a person makes of a mail that waits, or of one that reached its end."""

from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.attempts import MAY_BE_TAKEN_UP, Attempt, Finished, Step
from postbus.contracts.sending import SendDecision, SendState, WhatNext

_OF_ENDED = {
    SendState.HELD: (WhatNext.RELEASE, WhatNext.DISCARD, WhatNext.SEND_VIA),
    SendState.IN_DOUBT: (WhatNext.SEND_AGAIN, WhatNext.TAKE_AS_SENT),
    SendState.FAILED: (WhatNext.SEND_AGAIN, WhatNext.SEND_VIA),
}
"""What may be decided about a mail that ended so; every other end stays what it is."""
_OF_WAITING = (WhatNext.RELEASE, WhatNext.DISCARD, WhatNext.SEND_VIA, WhatNext.SEND_AGAIN)


@dataclass(frozen=True)
class Ending:
    """An end that a person gave to a mail."""

    state: SendState
    reason: str


def ending_of(decision: SendDecision) -> Ending | None:
    """The end that the decision is; None where it wants the mail sent."""
    if decision.what is WhatNext.DISCARD:
        return Ending(SendState.DISCARDED, f"{decision.by} discarded it.")
    if decision.what is WhatNext.TAKE_AS_SENT:
        return Ending(SendState.SENT, f"{decision.by} took it as sent.")
    return None


def may_end_anew(finished: Finished, decision: SendDecision) -> bool:
    """Whether an end is taken back by the decision."""
    state = finished.outcome.state
    return state in MAY_BE_TAKEN_UP and decision.what in _OF_ENDED[state]


def may_change(attempt: Attempt, decision: SendDecision) -> bool:
    """Whether the decision is one about a mail that waits; a claimed one must be waited for."""
    return attempt.step is not Step.CLAIMED and decision.what in _OF_WAITING


def taken_up(attempt: Attempt, decision: SendDecision, *, now: datetime) -> Attempt:
    """The mail as the decision wants it, due now, with five days before it again."""
    chosen: dict[str, object] = {}
    if decision.what is WhatNext.RELEASE:
        chosen["released_by"] = decision.by
    if decision.what is WhatNext.SEND_VIA:
        chosen["via"] = decision.outbound
    return attempt.model_copy(
        update={
            "decision": decision,
            "step": Step.ACCEPTED,
            "accepted_at": now,
            "next_attempt_at": None,
            "claimed_by": None,
            "claimed_at": None,
            "sent_as": None,
            "handle": None,
            "doubt": None,
            "last_outcome": None,
            "late_since": None,
            **chosen,
        }
    )
