"""The decisions about a mailbox of Microsoft 365, as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_graph.domain import cursor as c
from ingest_graph.domain.cursor import Cursor, HeldMail
from ingest_graph.domain.hints import folder_key
from ingest_graph.domain.proving import folder_proof
from ingest_graph.domain.subscription import (
    Subscription,
    hash_of,
    is_from_graph,
    is_good,
    is_to_be_renewed,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HELD = HeldMail(reason="not-given", mail_id="m", sha256="s")


def a_cursor(**fields: object) -> Cursor:
    return Cursor.model_validate(
        {"folder": "inbox", "folder_id": "F", "since": NOW, "link": "L", "in_step": True, **fields}
    )


# The cursor.


def test_a_folder_is_in_step_after_its_last_page_and_stays_so() -> None:
    cursor = a_cursor(link=None, in_step=False)
    middle = c.gone_on(cursor, "next", is_last=False)
    assert (middle.link, middle.in_step) == ("next", False)
    end = c.gone_on(middle, "delta", is_last=True)
    assert (end.link, end.in_step) == ("delta", True)
    assert c.gone_on(end, "next", is_last=False).in_step


def test_after_a_reset_everything_is_compared() -> None:
    again = c.from_the_beginning(a_cursor(held={"a": HELD}, untidied=("b",)))
    assert (again.link, again.in_step, again.again) == (None, False, True)
    assert (set(again.held), again.untidied) == ({"a"}, ("b",))


def test_a_told_mail_is_held_no_longer_and_waits_to_be_tidied_once() -> None:
    cursor = c.told(a_cursor(held={"a": HELD}, untidied=("b",)), ["a", "b"], tidy=True)
    assert cursor.held == {}
    assert cursor.untidied == ("b", "a")
    assert c.told(cursor, ["d"], tidy=False).untidied == ("b", "a")
    assert c.tidied(cursor, ["b", "unknown"]).untidied == ("a",)


def test_a_held_mail_is_asked_for_again_so_many_times() -> None:
    tried = {
        "new": HELD,
        "often": HELD.model_copy(update={"tries": c.HELD_TRIES}),
        "large": HELD.model_copy(update={"reason": "too-large"}),
    }
    assert c.to_ask_again(a_cursor(held=tried)) == ["new"]


def test_a_cursor_stays_small_whatever_cannot_be_done() -> None:
    cursor = a_cursor()
    for number in range(c.MOST_KEPT + 5):
        cursor = c.held(c.told(cursor, [f"t{number}"], tidy=True), f"h{number}", HELD)
    assert (len(cursor.held), len(cursor.untidied)) == (c.MOST_KEPT, c.MOST_KEPT)
    assert "h4" not in cursor.held
    assert cursor.untidied[-1] == f"t{c.MOST_KEPT + 4}"


# The proof.


@given(
    ids=st.sets(st.integers(0, 30)),
    missing=st.sets(st.integers(0, 30)),
    held=st.sets(st.integers(0, 30)),
    waited=st.sets(st.integers(0, 30)),
    before=st.integers(0, 5),
)
def test_every_mail_is_in_one_class(
    ids: set[int], missing: set[int], held: set[int], waited: set[int], before: int
) -> None:
    there = [str(one) for one in ids]
    old = folder_proof("inbox", None, [str(one) for one in waited], {str(o) for o in waited},
                       mails=0, old=None)  # fmt: skip
    cursor = a_cursor(held={str(one): HELD for one in held})
    proof = folder_proof(
        "inbox", cursor, there, {str(one) for one in missing}, mails=len(ids) + before, old=old
    )
    assert proof.seen == proof.before + proof.filed + proof.held + proof.waiting + proof.unexplained
    assert proof.before == before
    assert proof.filed == len(ids - missing)
    assert set(proof.unexplained_ids) == {str(one) for one in (ids & missing & waited) - held}


# Subscriptions.


def a_subscription(**fields: object) -> Subscription:
    return Subscription.model_validate(
        {
            "id": "S",
            "folder_id": "F",
            "hook": "https://hook",
            "client_state_sha256": hash_of("word"),
            "expires_at": NOW + timedelta(days=3),
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("subscription", "state", "id_", "believed"),
    [
        (a_subscription(), "word", "S", True),
        (a_subscription(), "other", "S", False),
        (a_subscription(), "", "S", False),
        (a_subscription(), "word", "T", False),
        (a_subscription(id=""), "word", "S", True),
        (None, "word", "S", False),
    ],
)
def test_a_notice_is_believed_by_its_client_state(
    subscription: Subscription | None, state: str, id_: str, *, believed: bool
) -> None:
    assert is_from_graph(subscription, state, id_) is believed


@pytest.mark.parametrize(
    ("subscription", "good"),
    [
        (a_subscription(), True),
        (a_subscription(id=""), False),
        (a_subscription(folder_id="G"), False),
        (a_subscription(hook="https://before"), False),
        (a_subscription(expires_at=NOW), False),
        (None, False),
    ],
)
def test_a_subscription_is_good_for_one_folder_and_address(
    subscription: Subscription | None, *, good: bool
) -> None:
    assert is_good(subscription, "F", "https://hook", now=NOW) is good


def test_a_subscription_is_renewed_when_a_day_is_left() -> None:
    assert not is_to_be_renewed(a_subscription(), now=NOW)
    assert is_to_be_renewed(a_subscription(), now=NOW + timedelta(days=2, seconds=1))


def test_a_folder_may_be_called_anything() -> None:
    assert len(folder_key("Inbox/Ärger & Wünsche.>*")) == 16
    assert folder_key("a") != folder_key("b")
