"""What became of an attempt, as the fact that is told."""

from collections.abc import Mapping
from datetime import datetime

from dispatch.domain.attempts import Attempt
from dispatch.domain.permission import recipients
from postbus.contracts.mail import BouncedRecipient
from postbus.contracts.sending import SendClaimed, SendOutcome, SendState, SmtpReply
from postbus.mail.status_codes import hard_by_code


def claimed(attempt: Attempt) -> SendClaimed:
    """The fact that a replica claimed an attempt; `attempt` as it was written with the claim."""
    request = attempt.request
    return SendClaimed(
        send_id=request.send_id,
        ticket_number=request.ticket_number,
        queue=request.queue,
        message_id=request.message_id,
        sent_as=attempt.sent_as,
        kind=request.kind,
        automatic=request.automatic,
        outbound_channel=attempt.outbound_channel or "relay",
        recipients=recipients(request),
        attempt=attempt.attempt,
        by=attempt.claimed_by or "",
        at=attempt.claimed_at or attempt.accepted_at,
    )


def never_taken(refused: Mapping[str, SmtpReply]) -> tuple[BouncedRecipient, ...]:
    """Recipients that the server refused for ever, as a report of a bounce would name them."""
    return tuple(
        BouncedRecipient(
            address=address,
            status=said.enhanced,
            hard=hard_by_code(said.enhanced) if said.enhanced else None,
            diagnostic=said.text,
        )
        for address, said in refused.items()
    )


def outcome(
    attempt: Attempt,
    state: SendState,
    *,
    outbound_channel: str,
    now: datetime,
    reason: str = "",
    reply: SmtpReply | None = None,
    from_address: str = "",
    sent_as: str | None = None,
    next_attempt_at: datetime | None = None,
    by: str = "",
) -> SendOutcome:
    """The fact about an attempt."""
    request = attempt.request
    return SendOutcome(
        send_id=request.send_id,
        ticket_number=request.ticket_number,
        queue=request.queue,
        message_id=request.message_id,
        sent_as=sent_as,
        kind=request.kind,
        automatic=request.automatic,
        state=state,
        outbound_channel=outbound_channel,
        from_address=from_address,
        recipients=recipients(request),
        reason=reason,
        verdict=attempt.verdict,
        reply=reply,
        attempt=attempt.attempt,
        next_attempt_at=next_attempt_at,
        late_since=attempt.late_since if state is SendState.DEFERRED else None,
        decision=attempt.decided,
        by=by,
        at=now,
    )
