"""What an agent may decide about a mail that waits, failed, or of which nobody knows."""

from datetime import datetime

from postbus.contracts.guard import Decision
from postbus.contracts.sending import SendDecided, SendDecision, SendState, WhatNext
from ticketing.domain.facts import fact_of
from ticketing.domain.model import Delivery, Fact, Message, Ticket

SEND_DECIDED = "postbus.send.decided"

_POSSIBLE = {
    SendState.HELD: (WhatNext.RELEASE, WhatNext.DISCARD, WhatNext.SEND_VIA),
    SendState.DEFERRED: (WhatNext.SEND_VIA, WhatNext.DISCARD),
    SendState.FAILED: (WhatNext.SEND_AGAIN, WhatNext.SEND_VIA),
    SendState.IN_DOUBT: (WhatNext.SEND_AGAIN, WhatNext.TAKE_AS_SENT),
}


def possible(delivery: Delivery | None) -> tuple[WhatNext, ...]:
    """What may be decided now; mail that the guard blocked cannot be released."""
    if delivery is None:
        return ()
    found = _POSSIBLE.get(delivery.state, ())
    if delivery.verdict is not None and delivery.verdict.decision is Decision.BLOCK:
        return tuple(one for one in found if one is not WhatNext.RELEASE)
    return found


def same_as_before(
    delivery: Delivery | None, what: WhatNext, outbound: str | None
) -> SendDecision | None:
    """The last decision, where this is the same one again and it still holds.

    One that dispatch answered, after which the mail waits again, is over.
    """
    if delivery is None or not delivery.decisions:
        return None
    last = delivery.decisions[-1]
    if (last.what, last.outbound) != (what, outbound):
        return None
    is_over = delivery.under_way is None and what in possible(delivery)
    return None if is_over else last


def next_decision(
    message: Message, what: WhatNext, *, outbound: str | None, by: str, at: datetime
) -> SendDecision:
    """The decision with its number, which follows that of the last one."""
    made = message.delivery.decisions if message.delivery else ()
    return SendDecision(number=len(made) + 1, what=what, outbound=outbound, by=by, at=at)


def send_decided(
    ticket: Ticket, message: Message, decision: SendDecision, *, outbound_channel: str
) -> Fact:
    """`postbus.send.decided.<queue>`"""
    to = (*message.to, *message.cc)
    data = SendDecided(
        send_id=message.id,
        ticket_number=ticket.number,
        queue=ticket.queue,
        message_id=message.message_id or "",
        kind=message.kind,
        automatic=message.automatic,
        recipients=tuple(dict.fromkeys(one.address for one in to)),
        outbound_channel=outbound_channel,
        decision=decision,
    )
    cause = f"{message.id}-{decision.number}"
    return fact_of(SEND_DECIDED, ticket.queue, ticket, data, cause=cause)
