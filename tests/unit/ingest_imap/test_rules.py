"""The decisions about a mailbox, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_imap.domain import cursor as c
from ingest_imap.domain.allowance import Allowance
from ingest_imap.domain.cursor import Cursor, HeldUid
from ingest_imap.domain.dating import Brief, from_before
from ingest_imap.domain.health import Seen, fact_of, health, is_expiring, trouble, worst
from ingest_imap.domain.patience import again_after
from ingest_imap.domain.proving import folder_proof, waited_for, whole_proof
from ingest_imap.domain.sharing import reader_of
from postbus.contracts.configuration import History
from postbus.contracts.mailboxes import ChannelState
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.mail.uid_sets import UidSet

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HELD = HeldUid(reason="not-given", mail_id="m", sha256="s")


def a_cursor(**fields: object) -> Cursor:
    return Cursor.model_validate({"folder": "INBOX", "uidvalidity": 7, "since": NOW, **fields})


# The cursor.


def test_what_is_new_is_what_is_neither_told_nor_held_nor_from_before() -> None:
    cursor = a_cursor(before="1:3", taken="4:5", held={6: HELD})
    there = UidSet.parse("1:8")
    assert str(c.live(cursor, there)) == "7:8"
    assert str(c.backlog(cursor, there, History.NONE)) == ""
    assert str(c.backlog(cursor, there, History.ALL)) == "1:3"


def test_a_told_mail_is_held_no_longer_and_waits_to_be_tidied() -> None:
    cursor = c.told(a_cursor(held={6: HELD}), UidSet.of((6,)), tidy=True)
    assert (cursor.taken, cursor.held, cursor.untidied) == ("6", {}, "6")
    assert c.tidied(cursor, UidSet.of((6,))).untidied == ""


def test_a_held_mail_is_asked_for_again_so_many_times() -> None:
    tired = HELD.model_copy(update={"tries": c.HELD_TRIES})
    large = HELD.model_copy(update={"reason": "too-large"})
    cursor = a_cursor(held={1: HELD, 2: tired, 3: large, 4: HELD})
    assert list(c.to_ask_again(cursor, UidSet.parse("1:3"))) == [1]


@pytest.mark.parametrize(
    ("uidnext", "modseq", "unchanged"),
    [(9, 50, True), (10, 50, False), (9, 51, False), (9, None, False), (None, 50, False)],
)
def test_a_folder_is_unchanged(uidnext: int, modseq: int, *, unchanged: bool) -> None:
    cursor = a_cursor(known_to=8, settled_at=50)
    assert c.is_unchanged(cursor, uidnext=uidnext, modseq=modseq) is unchanged


# What may be fetched in a day.


def test_a_day_rolls() -> None:
    hour = 3600.0
    used = Allowance().after(60, at=0).after(60, at=10 * hour)
    assert used.wait_seconds(100, at=11 * hour) == 13 * hour
    assert used.wait_seconds(121, at=11 * hour) == 0
    assert used.wait_seconds(100, at=24 * hour) == 0
    assert used.after(1, at=40 * hour).hours == {40: 1}


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


# From before or of today.


def brief(uid: int, arrived: timedelta, written: timedelta | None = None) -> Brief:
    return Brief(uid, 1, NOW + arrived, None if written is None else NOW + written)


def test_arrival_says_what_is_from_before() -> None:
    day = timedelta(days=1)
    briefs = [brief(1, -day, day), brief(2, day, -day), brief(3, day)]
    assert list(from_before(briefs, NOW)) == [1]


def test_a_restored_folder_is_told_by_the_mails_own_dates() -> None:
    day = timedelta(days=1)
    restored = [brief(uid, day, -day) for uid in range(1, 21)] + [brief(21, day, day)]
    assert str(from_before(restored, NOW)) == "1:20"


# The proof.


def test_every_mail_of_a_folder_is_in_one_class() -> None:
    cursor = a_cursor(known_to=9, before="1:2", taken="3:6", held={7: HELD})
    proof = folder_proof(
        cursor,
        UidSet.parse("1:8"),
        UidSet.parse("5:7"),
        History.NONE,
        waited=UidSet.parse("5"),
    )
    assert (proof.seen, proof.before, proof.filed, proof.held) == (8, 2, 2, 1)
    assert (proof.waiting_uids, proof.unexplained_uids, proof.gone) == ("6,8", "5", 1)


uids = st.sets(st.integers(1, 30)).map(UidSet.of)


@given(uids, uids, uids, uids, uids, uids, st.sampled_from(History))
def test_the_classes_add_up(
    there: UidSet,
    before: UidSet,
    taken: UidSet,
    held: UidSet,
    missing: UidSet,
    waited: UidSet,
    history: History,
) -> None:
    cursor = a_cursor(
        before=str(before), taken=str(taken), held=dict.fromkeys(held, HELD), known_to=30
    )
    known = there & (taken | held)
    proof = folder_proof(cursor, there, missing & known, history, waited=waited)
    assert (
        proof.seen
        == len(there)
        == (proof.before + proof.filed + proof.held + proof.waiting + proof.unexplained)
    )


def test_what_waits_a_good_while_is_unexplained() -> None:
    folder = folder_proof(a_cursor(), UidSet.parse("4"), UidSet(), History.NONE, waited=UidSet())
    proof = whole_proof("support", (folder,), at=NOW)
    assert (proof.waiting, proof.ok) == (1, True)
    assert list(waited_for(proof, "INBOX", 7, now=NOW + timedelta(minutes=9))) == []
    assert list(waited_for(proof, "INBOX", 7, now=NOW + timedelta(minutes=11))) == [4]
    assert list(waited_for(proof, "INBOX", 8, now=NOW + timedelta(minutes=11))) == []
    assert not whole_proof("support", (), at=NOW, error="away").ok


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
