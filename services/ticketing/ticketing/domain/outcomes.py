"""What an outcome of sending changes on the message: forward only.

Outcomes and bounces may arrive twice, late and in any order; a message ends the same. A decision of
a person begins anew: outcomes count by its number first.
"""

from dataclasses import replace

from postbus.contracts.guard import SendKind
from postbus.contracts.sending import SendOutcome, SendState
from postbus.mail.addresses import normalise
from ticketing.domain.model import Delivery, Report
from ticketing.domain.notices import Pause

_RANK = {
    SendState.REQUESTED: 0,
    SendState.HELD: 1,
    SendState.DEFERRED: 1,
    SendState.IN_DOUBT: 1,
    SendState.SENT: 2,
    SendState.BOUNCED: 3,
    SendState.FAILED: 4,
    SendState.DISCARDED: 4,
}
"""What is further down the way a mail goes is not taken back by what came before it."""
_MAY_COME_AGAIN = 1
_MOST_REPORTS = 50
_REASON_CHARACTERS = 500


def delivery_of(outcome: SendOutcome) -> Delivery:
    """The delivery as the outcome tells it; the first outcome after the request is always news."""
    return Delivery(
        state=outcome.state,
        outbound_channel=outcome.outbound_channel,
        reason=outcome.reason,
        at=outcome.at,
        attempt=outcome.attempt,
        verdict=outcome.verdict,
        next_attempt_at=outcome.next_attempt_at,
        late_since=outcome.late_since,
        decided=outcome.decision,
    )


def after(current: Delivery | None, outcome: SendOutcome) -> Delivery | None:
    """The delivery after an outcome, or None when it says nothing new."""
    if current is None:
        return delivery_of(outcome)
    told = replace(delivery_of(outcome), reports=current.reports, decisions=current.decisions)
    if told.decided != current.decided:
        # A person decided in between: what came before is over, whatever it was.
        return told if told.decided > current.decided else None
    before, now = _RANK[current.state], _RANK[told.state]
    if now > before:
        return told
    if now == before == _MAY_COME_AGAIN:
        late = current.at is not None and outcome.at < current.at
        return None if late else told
    if current.state is SendState.BOUNCED and outcome.attempt > current.attempt:
        # The bounce was faster than the word of how it was sent.
        return replace(current, outbound_channel=outcome.outbound_channel, attempt=outcome.attempt)
    return None


def pause_of(outcome: SendOutcome) -> Pause | None:
    """Why an agent's address gets no more notifications: it was refused as one that is none."""
    if outcome.kind is not SendKind.NOTIFICATION or outcome.state is not SendState.FAILED:
        return None
    refused = next((one for one in outcome.bounced if one.hard), None)
    return Pause(normalise(refused.address), outcome.at, outcome.reason) if refused else None


def with_reports(current: Delivery, reports: tuple[Report, ...]) -> Delivery:
    """The delivery once mails about it came in; those that say it failed make it bounced.

    In whatever order they come: the reports stand by time, and the earliest failure is the reason.
    """
    kept = {(one.mail_id, one.address): one for one in (*current.reports, *reports)}
    in_order = sorted(kept.values(), key=lambda one: (one.at, one.mail_id, one.address))
    after_all = replace(current, reports=tuple(in_order[:_MOST_REPORTS]))
    failed = [one for one in after_all.reports if one.action == "failed"]
    if not failed or current.state in (SendState.FAILED, SendState.DISCARDED):
        return after_all
    return replace(after_all, state=SendState.BOUNCED, reason=reason_of(failed), at=failed[0].at)


def reason_of(failed: list[Report]) -> str:
    """Why it bounced, in words: address, status and what the refusing server said."""
    return "; ".join(dict.fromkeys(_said(one) for one in failed))[:_REASON_CHARACTERS]


def _said(report: Report) -> str:
    words = " ".join(part for part in (report.status, report.diagnostic) if part)
    return ": ".join(part for part in (report.address, words) if part)
