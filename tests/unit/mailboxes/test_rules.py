"""The decisions about every mailbox, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from postbus.contracts.mailboxes import ChannelState
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.mailboxes.health import Seen, fact_of, health, is_expiring, trouble, worst
from postbus.mailboxes.patience import again_after
from postbus.mailboxes.sharing import reader_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


# Which replica.


def test_every_replica_has_about_its_share_and_keeps_it() -> None:
    boxes = [f"box-{number}" for number in range(3000)]
    three = {box: reader_of(box, ("a", "b", "c")) for box in boxes}
    counts = [sum(one == who for one in three.values()) for who in "abc"]
    assert min(counts) > 850
    two = {box: reader_of(box, ("a", "b")) for box in boxes}
    assert all(two[box] == three[box] for box in boxes if three[box] != "c")
    assert reader_of("box", ()) is None


# When again.


@pytest.mark.parametrize(
    ("failures", "refused", "asked", "least", "most"),
    [
        (1, False, None, 0.1, 0.3),
        (4, False, None, 3, 7),
        (99, False, None, 225, 375),
        (1, True, None, 600, 1200),
        (1, False, 3600, 3600, 3600),
    ],
)
def test_it_is_tried_again(
    failures: int, *, refused: bool, asked: float | None, least: float, most: float
) -> None:
    for spread in (0.0, 0.5, 1.0):
        seconds = again_after(failures, refused=refused, asked_seconds=asked, spread=spread)
        assert least <= seconds <= most


# Health.


def test_the_worst_folder_speaks_for_the_mailbox() -> None:
    ill = trouble(MailHostUnavailable("away", reason="unreachable"))
    refused = trouble(CredentialsRejected("no", reason="wrong-password", advice="do this"))
    well = Seen(ChannelState.CONNECTED, waiting=3)
    assert worst([well, ill]).reason == "unreachable"
    assert worst([ill, refused, well]).state is ChannelState.NEEDS_SIGN_IN
    assert worst([ill, refused, well]).waiting == 3
    assert worst([]).state is ChannelState.UNKNOWN


@pytest.mark.parametrize(
    ("states", "facts"),
    [
        (["connected", "connected"], ["connected", None]),
        (["degraded", "connected"], ["unhealthy", "recovered"]),
        (["connected", "needs-sign-in", "connected"], ["connected", "needs-sign-in", "recovered"]),
        (["unknown", "connected"], [None, "connected"]),
    ],
)
def test_a_change_of_state_is_a_fact(states: list[str], facts: list[str | None]) -> None:
    before, found = None, []
    for number, state in enumerate(states):
        at = NOW + timedelta(minutes=number)
        after = health("support", Seen(ChannelState(state)), before, now=at)
        found.append(fact_of(before, after))
        before = after
    assert found == facts


def test_since_stays_while_the_state_does() -> None:
    well = Seen(ChannelState.CONNECTED)
    first = health("support", well, None, now=NOW)
    later = health("support", well, first, now=NOW + timedelta(hours=1))
    assert (later.since, later.checked_at) == (NOW, NOW + timedelta(hours=1))


@pytest.mark.parametrize(("days", "soon"), [(20, False), (13, True), (-1, True), (None, False)])
def test_a_credential_that_ends_is_warned_of(days: int | None, *, soon: bool) -> None:
    known = health("support", Seen(ChannelState.CONNECTED), None, now=NOW)
    at = None if days is None else NOW + timedelta(days=days)
    known = known.model_copy(update={"credential_expires_at": at})
    assert is_expiring(known, now=NOW) is soon
