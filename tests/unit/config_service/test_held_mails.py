"""Mails that are kept and not filed: who sees which, and who took their bytes."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config_service.domain.held_mails import HeldQuery, Told, held_mails, page_of
from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running
from postbus.blobs import open_store
from postbus.contracts.base import BlobRef, Contract
from postbus.contracts.channels import AuditRecord
from postbus.contracts.mail import MailDecided, MailHeld, MailReleased, Origin, Route

AT = datetime(2026, 3, 2, tzinfo=UTC)


def held(data: bytes = b"one", channel: str = "support", **fields: Any) -> MailHeld:
    ref = BlobRef(sha256=sha256(data).hexdigest(), size_bytes=len(data))
    route = Route(door="forward", received_at=AT, envelope_from="anna@example.com")
    values = {"reason": "not-readable", "detail": "ValueError", **fields}
    return MailHeld(mail_id=ref.sha256, channel=channel, raw=ref, route=route, **values)


def released(fact: MailHeld, as_: str = "m1") -> MailReleased:
    return MailReleased(mail_id=fact.mail_id, received_as=as_, channel=fact.channel, raw=fact.raw)


def decided(fact: MailHeld, decision: str, **fields: Any) -> MailDecided:
    values = {"by": "ada", "at": AT, **fields}
    return MailDecided(mail_id=fact.mail_id, channel=fact.channel, decision=decision, **values)


def told(*facts: MailHeld | MailDecided | MailReleased) -> list[Told]:
    return [Told(n, AT + timedelta(hours=n), fact) for n, fact in enumerate(facts, 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_mail_that_was_read_after_all_is_filed_in_whatever_order_that_is_known(
    order: int,
) -> None:
    one, two = held(b"one"), held(b"two")
    facts = told(one, two, released(one, "m7"))
    found = held_mails(facts[::order])
    assert [(mail.fact, mail.state, mail.received_as) for mail in found] == [
        (two, "held", None),
        (one, "filed", "m7"),
    ]


def test_a_mail_that_is_held_again_is_one_with_the_newest_reason() -> None:
    (mail,) = held_mails(told(held(), held(reason="takes-too-much-to-read")))
    assert mail.fact.reason == "takes-too-much-to-read"
    assert (mail.sequence, mail.held_at) == (1, AT + timedelta(hours=1))


def test_a_mail_that_is_held_again_after_it_was_read_waits_again() -> None:
    assert held_mails(told(held(), released(held())))[0].state == "filed"
    assert held_mails(told(held(), released(held()), held()))[0].state == "held"


ONE = held(b"one")
LATER = held(b"one", reason="takes-too-much-to-read")


@pytest.mark.parametrize(
    ("facts", "state", "by"),
    [
        ((ONE, decided(ONE, "release")), "releasing", "ada"),
        ((ONE, decided(ONE, "release"), released(ONE)), "filed", "ada"),
        ((ONE, released(ONE), decided(ONE, "release")), "filed", "ada"),
        ((ONE, decided(ONE, "discard")), "discarded", "ada"),
        ((ONE, decided(ONE, "discard"), ONE), "discarded", "ada"),
        ((ONE, decided(ONE, "discard"), LATER), "held", None),
        ((ONE, decided(ONE, "discard"), decided(ONE, "release", by="bo")), "releasing", "bo"),
        ((ONE, decided(ONE, "discard", by="bo"), released(ONE)), "filed", "bo"),
        ((ONE, decided(ONE, "release"), ONE), "held", None),
        ((ONE, decided(ONE, "release"), released(ONE), ONE), "held", None),
        ((decided(ONE, "discard"), ONE), "held", None),
    ],
)
def test_the_last_word_says_what_a_held_mail_is(
    facts: tuple[Any, ...], state: str, by: str | None
) -> None:
    (mail,) = held_mails(told(*facts))
    assert (mail.state, mail.decided.by if mail.decided else None) == (state, by)


def test_a_mail_that_its_mailbox_gave_later_is_still_on_its_ticket() -> None:
    with_ticket = released(ONE).model_copy(update={"ticket": 7, "by": "ada"})
    for order in ((with_ticket, released(ONE)), (released(ONE), with_ticket)):
        (mail,) = held_mails(told(ONE, *order))
        assert mail.released == with_ticket


def test_a_mail_that_lies_in_two_places_is_one_that_came_by_two_routes() -> None:
    def at(uid: int) -> MailHeld:
        origin = Origin(folder="INBOX", uidvalidity=1, uid=uid)
        route = Route(door="imap", received_at=AT, origin=origin)
        return held().model_copy(update={"route": route})

    (mail,) = held_mails(told(at(1), at(2), at(1)))
    assert [route.origin.uid for route in mail.routes if route.origin] == [1, 2]


def test_the_same_bytes_for_two_channels_are_two_mails() -> None:
    mails = held_mails(told(held(), held(channel="sales"), released(held(channel="sales"))))
    assert {mail.id: mail.state for mail in mails} == {
        f"sales.{sha256(b'one').hexdigest()}": "filed",
        f"support.{sha256(b'one').hexdigest()}": "held",
    }


@pytest.mark.parametrize(
    ("query", "sequences", "next_sequence"),
    [
        (HeldQuery(), [5, 4, 3, 2, 1], None),
        (HeldQuery(limit=2), [5, 4], 4),
        (HeldQuery(limit=2, before_sequence=4), [3, 2], 2),
        (HeldQuery(limit=2, before_sequence=2), [1], None),
        (HeldQuery(limit=5), [5, 4, 3, 2, 1], None),
        (HeldQuery(channel="sales"), [4, 2], None),
        (HeldQuery(state="filed"), [5], None),
        (HeldQuery(state="held", limit=1), [4], 4),
        (HeldQuery(channel="none"), [], None),
        (HeldQuery(state="discarded"), [], None),
    ],
)
def test_pages_go_from_the_newest_to_the_oldest(
    query: HeldQuery, sequences: list[int], next_sequence: int | None
) -> None:
    facts = [held(bytes([n]), "sales" if n % 2 == 0 else "support") for n in range(1, 6)]
    mails = held_mails(told(*facts, released(facts[4])))
    page, following = page_of(mails, query)
    assert ([mail.sequence for mail in page], following) == (sequences, next_sequence)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path, blob_url=(tmp_path / "blobs").as_uri()) as under_test:
        yield under_test


async def tell(api: ConfigUnderTest, *facts: Contract) -> None:
    for fact in facts:
        kind = {MailHeld: "held", MailReleased: "released", MailDecided: "decided"}[type(fact)]
        event_id = sha256(repr(fact).encode()).hexdigest()
        await api.bus.tell(
            f"postbus.mail.{kind}", getattr(fact, "channel", ""), fact, event_id=event_id
        )


def downloads(told_facts: Sequence[Any]) -> list[AuditRecord]:
    return [one.data for one in told_facts if getattr(one.data, "kind", "") == "held-mails"]


async def test_held_mails_are_listed_newest_first_with_their_reason(api: ConfigUnderTest) -> None:
    one, two = held(b"one"), held(b"two!", reason="takes-too-much-to-read", detail="30 s")
    await tell(api, one, two, released(one))
    newest, oldest = await api.items("held-mails")
    assert newest == {
        "id": f"support.{two.mail_id}",
        "mail_id": two.mail_id,
        "channel": "support",
        "state": "held",
        "reason": "takes-too-much-to-read",
        "detail": "30 s",
        "held_at": "2026-11-23T09:00:00Z",
        "received_at": "2026-03-02T00:00:00Z",
        "received_as": None,
        "ticket": None,
        "decided_by": None,
        "decided_at": None,
        "door": "forward",
        "envelope_from": "anna@example.com",
        "envelope_to": [],
        "size_bytes": 4,
        "sha256": two.raw.sha256,
    }
    assert (oldest["state"], oldest["received_as"]) == ("filed", "m1")
    assert await api.items("held-mails", state="held") == [newest]
    assert (await api.client.get(f"held-mails/{newest['id']}")).json() == newest


async def test_pages_of_held_mails_join_up(api: ConfigUnderTest) -> None:
    await tell(api, *(held(bytes([n])) for n in range(5)))
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.client.get("held-mails", params=query)).json()
        seen += [item["mail_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [held(bytes([n])).mail_id for n in reversed(range(5))]


async def test_the_bytes_are_a_download_and_the_audit_says_who_took_them(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    data = b"Subject: x\r\n\r\n" + b"y" * 3_000_000
    await open_store((tmp_path / "blobs").as_uri()).put(data)
    await tell(api, held(data))
    (mail,) = await api.items("held-mails")
    for _ in range(2):
        answer = await api.client.get(f"held-mails/{mail['id']}/raw")
        assert (answer.status_code, answer.content) == (200, data)
        assert answer.headers["content-type"] == "message/rfc822"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
    records = downloads(api.bus.told)
    assert [(one.who, one.action, one.id) for one in records] == [
        ("the admin", "read", mail["id"]),
    ] * 2


async def test_only_admins_get_the_bytes(api: ConfigUnderTest) -> None:
    await tell(api, held())
    (mail,) = await api.items("held-mails")
    async with client_of(api.service, TOKENS["reader"]) as reader:
        assert (await reader.get("held-mails")).status_code == 200
        assert (await reader.get(f"held-mails/{mail['id']}/raw")).status_code == 403
    async with client_of(api.service, None) as nobody:
        assert (await nobody.get("held-mails")).status_code == 401
    assert downloads(api.bus.told) == []


async def test_bytes_that_nobody_can_audit_are_not_given(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    """INVARIANT: a mail leaves here only with a line that says who took it."""
    await open_store((tmp_path / "blobs").as_uri()).put(b"one")
    await tell(api, held(b"one"))
    api.bus.deaf = True
    answer = await api.client.get(f"held-mails/{'support.' + held(b'one').mail_id}/raw")
    assert answer.status_code == 503


async def test_discarded_mails_are_listed_by_their_state_only(api: ConfigUnderTest) -> None:
    one, two = held(b"one"), held(b"two")
    await tell(api, one, two, decided(one, "discard"))
    assert [item["mail_id"] for item in await api.items("held-mails")] == [two.mail_id]
    (item,) = await api.items("held-mails", state="discarded")
    assert (item["mail_id"], item["decided_by"]) == (one.mail_id, "ada")


@pytest.mark.parametrize("path", ["", "/raw"])
async def test_a_mail_that_is_not_held_is_not_there(api: ConfigUnderTest, path: str) -> None:
    answer = await api.client.get(f"held-mails/support.{'0' * 64}{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_bytes_that_are_gone_are_said_to_be_gone(api: ConfigUnderTest) -> None:
    await tell(api, held(b"gone"))
    (mail,) = await api.items("held-mails")
    answer = await api.client.get(f"held-mails/{mail['id']}/raw")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/bytes-missing")
    assert downloads(api.bus.told) == []


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=999", "state=lost"])
async def test_a_question_that_makes_no_sense_is_refused(api: ConfigUnderTest, query: str) -> None:
    assert (await api.client.get(f"held-mails?{query}")).status_code == 422
