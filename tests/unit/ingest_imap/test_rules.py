"""The decisions about a mailbox, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_imap.domain import cursor as c
from ingest_imap.domain.allowance import Allowance
from ingest_imap.domain.cursor import Cursor, HeldUid
from ingest_imap.domain.dating import Brief, from_before
from ingest_imap.domain.proving import folder_proof, waited_for
from postbus.contracts.configuration import History
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.proofs import whole_proof

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
