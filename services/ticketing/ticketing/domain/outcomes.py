"""What an outcome of sending changes on the message: forward only.

Outcomes may arrive twice or late: a deferral told after the mail was sent changes nothing.
"""

from postbus.contracts.sending import SendOutcome, SendState
from ticketing.domain.model import Delivery

_FINAL = frozenset({SendState.SENT, SendState.FAILED, SendState.BOUNCED})
_AFTER_FINAL = {(SendState.SENT, SendState.BOUNCED)}


def delivery_of(outcome: SendOutcome) -> Delivery:
    """The delivery as the outcome tells it; the first outcome after the request is always news."""
    return Delivery(
        state=outcome.state,
        outbound_channel=outcome.outbound_channel,
        reason=outcome.reason,
        at=outcome.at,
        attempt=outcome.attempt,
    )


def after(current: Delivery | None, outcome: SendOutcome) -> Delivery | None:
    """The delivery after an outcome, or None when it says nothing new."""
    if current is None or current.state is SendState.REQUESTED:
        return delivery_of(outcome)
    if current.state in _FINAL and (current.state, outcome.state) not in _AFTER_FINAL:
        return None
    if current.at is not None and outcome.at < current.at and outcome.state not in _FINAL:
        return None
    return delivery_of(outcome)
