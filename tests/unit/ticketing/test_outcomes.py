"""What an outcome changes on a message."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postbus.contracts.sending import SendOutcome, SendState
from ticketing.domain import outcomes
from ticketing.domain.model import Delivery, Report

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


def test_a_bounce_that_came_first_learns_how_the_mail_was_sent() -> None:
    report = Report("m", "mail", "bounce", NOW, address="a@x.example", action="failed")
    before = outcomes.with_reports(Delivery(SendState.REQUESTED, at=NOW), (report,))
    assert (before.state, before.reason) == (SendState.BOUNCED, "a@x.example")
    after = outcomes.after(before, outcome(SendState.SENT, seconds=9))
    assert after == replace(before, outbound_channel="relay", attempt=2)
    assert after is not None
    assert outcomes.after(after, outcome(SendState.SENT, seconds=9)) is None


def test_reports_stand_by_time_in_whatever_order_they_come_and_each_once() -> None:
    reports = [
        Report(f"m{n}", f"mail{n}", "bounce", NOW + timedelta(seconds=n), "a@x.example", action)
        for n, action in enumerate(("delayed", "failed", "failed", "delivered"))
    ]
    ends = set()
    for order in itertools.permutations(reports):
        delivery = Delivery(SendState.SENT, at=NOW)
        for report in (*order, *order):
            delivery = outcomes.with_reports(delivery, (report,))
        ends.add(delivery)
    (end,) = ends
    assert end.reports == tuple(reports)
    assert end.at == reports[1].at


@pytest.mark.parametrize("final", [SendState.SENT, SendState.FAILED])
def test_nothing_but_a_bounce_comes_after_the_end(final: SendState) -> None:
    before = Delivery(final, "relay", at=NOW)
    assert outcomes.after(before, outcome(SendState.DEFERRED, seconds=9)) is None
    bounced = outcomes.after(before, outcome(SendState.BOUNCED, seconds=9))
    assert (bounced is not None) is (final is SendState.SENT)
