"""Held mail is filed all the same, or set aside: what is told, in which order, and by whom."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from builders import raw_mail
from config_service.domain.held_facts import head_of
from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running
from doubles.kv import MemoryBus
from postbus.blobs import open_store
from postbus.contracts.mail import MailHeld, MailKind, MailReceived, Origin, OwnStamp, Route
from postbus.errors import BusUnavailable

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RECEIVED, IMPORTED = "postbus.mail.received", "postbus.mail.imported"
DECIDED, AUDIT = "postbus.mail.decided", "postbus.audit"
LITTLE = 300 * 1024 * 1024
HEAVY = raw_mail(
    {"Content-Type": "text/plain; charset=utf-8", "Subject": "Heavy", "Message-ID": "<h@x.org>"},
    "A line of words \U0001f642 that takes much room.\n" * 500_000,
)
"""96 MB in memory, which is more than `LITTLE` leaves for it."""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    (tmp_path / "stamps").write_text(base64.b64encode(b"k" * 32).decode())
    more = {"stamp_keys_file": tmp_path / "stamps", "read_memory_bytes": LITTLE}
    async with running(tmp_path / "config", bus=MemoryBus(), **more) as under_test:
        yield under_test


async def hold(api: ConfigUnderTest, tmp_path: Path, raw: bytes, **fields: Any) -> str:
    """A mail that is held, and its id; held as one that was never read unless said otherwise."""
    ref = await open_store((tmp_path / "config" / "blobs").as_uri()).put(raw)
    route = Route(
        door="forward", received_at=AT, envelope_from="anna@example.com",
        envelope_to=("support@postbus.localhost",),
    )  # fmt: skip
    values = {"mail_id": ref.sha256, "channel": "support", "reason": "not-readable",
              "raw": ref, "route": route, **fields}  # fmt: skip
    fact = MailHeld(**values)
    event_id = f"held-{fact.mail_id}-{fact.route.origin}"
    await api.bus.tell("postbus.mail.held", fact.channel, fact, event_id=event_id)
    return f"{fact.channel}.{fact.mail_id}"


def told(api: ConfigUnderTest, kind: str) -> list[Any]:
    facts = [one.data for one in api.bus.told if one.event_type == kind]
    return [fact for fact in facts if getattr(fact, "kind", "held-mails") != "tokens"]


def decisions(api: ConfigUnderTest) -> list[tuple[str, str]]:
    return [(one.who, one.action) for one in told(api, AUDIT) if one.kind == "held-mails"]


async def post(api: ConfigUnderTest, id_: str, what: str) -> tuple[int, dict[str, Any]]:
    answer = await api.client.post(f"held-mails/{id_}/{what}")
    return answer.status_code, answer.json()


async def test_a_mail_that_can_be_read_by_now_is_told_as_a_door_would(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    id_ = await hold(api, tmp_path, raw_mail({"Subject": "Printer"}))
    status, view = await post(api, id_, "release")
    assert (status, view["state"], view["decided_by"]) == (202, "releasing", "the admin")
    (fact,) = told(api, RECEIVED)
    assert isinstance(fact, MailReceived)
    assert (fact.subject, fact.channel, fact.kind) == ("Printer", "support", MailKind.HUMAN)
    assert (fact.attachments, fact.problems) == ((), ())
    assert fact.released is not None
    assert (fact.released.by, f"support.{fact.released.held_as}") == ("the admin", id_)
    assert fact.mail_id != fact.released.held_as, "it is known by what it says, as any mail"
    (decided,) = told(api, DECIDED)
    assert (decided.decision, decided.by, decided.at) == (
        "release", "the admin", fact.released.at,
    )  # fmt: skip
    assert decisions(api) == [("the admin", "released")]


async def test_pressing_twice_tells_once(api: ConfigUnderTest, tmp_path: Path) -> None:
    id_ = await hold(api, tmp_path, raw_mail())
    first, again = await post(api, id_, "release"), await post(api, id_, "release")
    assert first == again
    assert (len(told(api, RECEIVED)), len(told(api, DECIDED)), len(decisions(api))) == (1, 1, 1)


async def test_a_mail_that_cannot_be_read_is_filed_with_its_header_and_its_bytes(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    """INVARIANT: every mail can become a ticket, whatever reading it would cost."""
    id_ = await hold(api, tmp_path, HEAVY, reason="takes-too-much-to-read")
    assert (await post(api, id_, "release"))[0] == 202
    (fact,) = told(api, RECEIVED)
    assert (fact.subject, fact.message_id, fact.text) == ("Heavy", "h@x.org", "")
    assert fact.customer.address == "anna@example.com"
    (file,) = fact.attachments
    assert (file.name, file.content_type, file.sha256) == (
        "mail.eml", "message/rfc822", sha256(HEAVY).hexdigest(),
    )  # fmt: skip
    assert fact.problems[0] == "takes-too-much-to-read"
    assert fact.mail_id == fact.raw.sha256


async def test_what_fits_into_no_event_is_filed_with_its_header_and_its_bytes(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    raw = raw_mail({"Subject": "Large"}, "word " * 1000)
    id_ = await hold(api, tmp_path, raw, reason="too-large-to-tell")
    api.bus.most_bytes = 5000
    assert (await post(api, id_, "release"))[0] == 202
    (fact,) = told(api, RECEIVED)
    assert (fact.subject, fact.problems[0]) == ("Large", "too-large-to-tell")


async def test_a_header_that_names_nobody_and_nothing_is_a_ticket_all_the_same(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    id_ = await hold(api, tmp_path, b"\x00\xff\r\n" * 9, reason="too-large-to-fetch")
    assert (await post(api, id_, "release"))[0] == 202
    (fact,) = told(api, RECEIVED)
    assert fact.subject == "Mail that could not be read"
    assert fact.customer.address == "anna@example.com", "who handed it over"


async def test_our_own_mail_stays_our_own_though_its_key_is_withdrawn(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    """INVARIANT: read as a person's, a receipt that came back would get a receipt."""
    stamp = OwnStamp(ticket_number=7, kind="receipt", hop=1, found_in="header")
    id_ = await hold(
        api, tmp_path, raw_mail(), mail_id="m" * 64, reason="own-mail-came-back", stamp=stamp
    )
    assert (await post(api, id_, "release"))[0] == 202
    (fact,) = told(api, RECEIVED)
    assert (fact.mail_id, fact.kind, fact.stamp) == ("m" * 64, MailKind.OWN, stamp)


async def test_mail_from_before_is_told_as_such(api: ConfigUnderTest, tmp_path: Path) -> None:
    id_ = await hold(api, tmp_path, raw_mail(), imported=True)
    assert (await post(api, id_, "release"))[0] == 202
    assert (len(told(api, RECEIVED)), len(told(api, IMPORTED))) == (0, 1)


async def test_a_mail_is_told_for_each_place_where_it_lies(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    """INVARIANT: the completeness proof counts each of them as filed."""
    for uid in (1, 2):
        origin = Origin(folder="INBOX", uidvalidity=1, uid=uid)
        route = Route(door="imap", received_at=AT, origin=origin)
        id_ = await hold(api, tmp_path, raw_mail(), route=route)
    assert (await post(api, id_, "release"))[0] == 202
    assert [fact.route.origin.uid for fact in told(api, RECEIVED)] == [1, 2]


async def test_a_discarded_mail_is_kept_and_can_be_released(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    id_ = await hold(api, tmp_path, raw_mail())
    first, again = await post(api, id_, "discard"), await post(api, id_, "discard")
    assert (first[0], first[1]["state"], again) == (200, "discarded", first)
    assert (await api.items("held-mails"), len(told(api, DECIDED))) == ([], 1)
    assert (await api.client.get(f"held-mails/{id_}/raw")).content == raw_mail()
    assert (await post(api, id_, "release"))[1]["state"] == "releasing"
    assert decisions(api) == [
        ("the admin", "discarded"), ("the admin", "read"), ("the admin", "released"),
    ]  # fmt: skip
    assert (await post(api, id_, "discard"))[1]["type"] == "/problems/being-released"


@pytest.mark.parametrize("what", ["release", "discard"])
async def test_only_admins_decide(api: ConfigUnderTest, tmp_path: Path, what: str) -> None:
    id_ = await hold(api, tmp_path, raw_mail())
    async with client_of(api.service, TOKENS["agent"]) as agent:
        assert (await agent.post(f"held-mails/{id_}/{what}")).status_code == 403
    assert (told(api, RECEIVED), told(api, DECIDED), decisions(api)) == ([], [], [])


@pytest.mark.parametrize("what", ["release", "discard"])
async def test_a_mail_that_is_not_held_is_not_there(api: ConfigUnderTest, what: str) -> None:
    assert (await post(api, f"support.{'0' * 64}", what))[0] == 404


async def test_the_channel_says_whose_mail_it_is(api: ConfigUnderTest, tmp_path: Path) -> None:
    id_ = await hold(api, tmp_path, raw_mail(), channel="gone")
    status, problem = await post(api, id_, "release")
    assert (status, problem["type"], decisions(api)) == (409, "/problems/channel-gone", [])


async def test_bytes_that_are_gone_are_said_to_be_gone(
    api: ConfigUnderTest, tmp_path: Path
) -> None:
    id_ = await hold(api, tmp_path, raw_mail())
    for file in (tmp_path / "config" / "blobs").rglob(id_.removeprefix("support.")):
        file.unlink()
    status, problem = await post(api, id_, "release")
    assert (status, problem["type"], decisions(api)) == (404, "/problems/bytes-missing", [])


async def test_without_stamp_keys_nothing_is_released(tmp_path: Path) -> None:
    """INVARIANT: without them an answer to our own mail opens a ticket and gets a receipt."""
    async with running(tmp_path / "config", bus=MemoryBus()) as api:
        id_ = await hold(api, tmp_path, raw_mail())
        status, problem = await post(api, id_, "release")
        assert (status, problem["type"]) == (409, "/problems/no-stamp-keys")
        assert (told(api, RECEIVED), decisions(api)) == ([], [])


@pytest.mark.parametrize("what", ["release", "discard"])
@pytest.mark.parametrize("tells", [0, 1, 2])
async def test_what_a_crash_cuts_short_is_done_by_deciding_again(
    api: ConfigUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, tells: int
) -> None:
    """INVARIANT: after a crash at any step the mail is held, or it is filed."""
    id_ = await hold(api, tmp_path, raw_mail())
    tell, left = api.bus.tell, [tells]

    async def dying(*args: Any, **fields: Any) -> None:
        if left[0] == 0:
            raise BusUnavailable("no acknowledgement")
        left[0] -= 1
        await tell(*args, **fields)

    monkeypatch.setattr(api.bus, "tell", dying)
    status, _ = await post(api, id_, what)
    assert status == (503 if tells < {"release": 3, "discard": 2}[what] else 200)
    monkeypatch.setattr(api.bus, "tell", tell)
    state = (await api.client.get(f"held-mails/{id_}")).json()["state"]
    assert state == ("discarded" if status == 200 else "held")
    assert (await post(api, id_, what))[0] in (200, 202)
    received = told(api, RECEIVED)
    assert len({fact.mail_id for fact in received}) == (what == "release")
    assert (await api.client.get(f"held-mails/{id_}")).json()["state"] in (
        "releasing", "discarded",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "head"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody", b"A: 1\r\nB: 2\r\n\r\n"),
        (b"A: 1\nB: 2\n\nbody", b"A: 1\nB: 2\r\n\r\n"),
        (b"A: 1\r\n\r\nbody\n\nmore", b"A: 1\r\n\r\n"),
        (b"A: 1\r\nB: half", b"A: 1\r\n\r\n"),
        (b"x" * 100_000, b"\r\n"),
        (b"", b"\r\n"),
        (b"A: 1\r\n" * 20_000, b"A: 1\r\n" * (64 * 1024 // 6) + b"\r\n"),
    ],
)
def test_the_header_ends_at_an_empty_line_or_where_it_gets_long(raw: bytes, head: bytes) -> None:
    assert head_of(raw) == head
