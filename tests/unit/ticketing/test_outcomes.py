"""What an outcome changes on a message."""

from datetime import UTC, datetime, timedelta

import pytest

from postbus.contracts.sending import SendOutcome, SendState
from ticketing.domain import outcomes
from ticketing.domain.model import Delivery

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def outcome(state: SendState, *, seconds: int) -> SendOutcome:
    return SendOutcome(
        send_id="s", ticket_number=1, queue="support", message_id="x@y", kind="receipt",
        automatic=True, state=state, outbound_channel="relay", reason="r", attempt=2,
        at=NOW + timedelta(seconds=seconds),
    )  # fmt: skip


@pytest.mark.parametrize("state", [state for state in SendState if state != SendState.REQUESTED])
@pytest.mark.parametrize("seconds", [-5, 0, 5])
def test_the_first_outcome_is_news_whatever_the_clocks_say(state: SendState, seconds: int) -> None:
    """INVARIANT: so the store may set it without a look at the message."""
    first = outcome(state, seconds=seconds)
    for before in (None, Delivery(SendState.REQUESTED, at=NOW)):
        assert outcomes.after(before, first) == outcomes.delivery_of(first)
    assert outcomes.delivery_of(first) == Delivery(state, "relay", "r", first.at, 2)


@pytest.mark.parametrize("final", [SendState.SENT, SendState.FAILED, SendState.BOUNCED])
def test_nothing_but_a_bounce_comes_after_the_end(final: SendState) -> None:
    before = Delivery(final, "relay", at=NOW)
    assert outcomes.after(before, outcome(SendState.DEFERRED, seconds=9)) is None
    bounced = outcomes.after(before, outcome(SendState.BOUNCED, seconds=9))
    assert (bounced is not None) is (final is SendState.SENT)
