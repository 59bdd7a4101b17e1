"""What became of an attempt, as the fact that is told."""

from datetime import datetime

from dispatch.domain.attempts import Attempt
from dispatch.domain.permission import recipients
from postbus.contracts.sending import SendOutcome, SendState, SmtpReply


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
