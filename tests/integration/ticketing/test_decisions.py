"""What agents decide about mail that is held, waits, failed or is in doubt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from doubles.blobs import MemoryBlobs
from doubles.bus import KeptBus
from doubles.crash import Crash, CrashAt
from doubles.desk import CHANGED, FAR, Desk
from doubles.mails import NOW, mail_received
from doubles.ticketing import channel
from postbus.configuration import Configuration
from postbus.contracts.configuration import ApiToken, FilterEntry, OutboundChannel
from postbus.contracts.guard import Decision, Verdict
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendDecided, SendOutcome, SendOutcomeEvent, WhatNext
from postbus.errors import StateConflict
from postbus.runtime import problems
from postbus.runtime.auth import BearerAuth, hash_of
from ticketing import deciding_alike
from ticketing.api.parts import Api
from ticketing.api.routes import router
from ticketing.deciding import Deciding
from ticketing.domain.model import Message
from ticketing.handlers import OutcomeHandlers
from ticketing.telling import Telling

pytestmark = pytest.mark.xdist_group("mongodb")

DECIDED = "postbus.send.decided.support"
_TOO_MANY = Verdict(decision=Decision.HOLD, rule="L12", reason="too many", lifted_by="time")
_BLOCKED = Verdict(decision=Decision.BLOCK, rule="L2", reason="our own address")


class Scene:
    """A ticket with an answer, of which dispatch tells something."""

    def __init__(self, desk: Desk, client: httpx.AsyncClient) -> None:
        self.desk = desk
        self.client = client
        self.seconds = 0

    async def answer(self, state: str, **fields: Any) -> Message:
        await self.desk.file(mail_received("a"))
        message = await self.desk.reply()
        await self.outcome(message, state, **fields)
        return message

    async def outcome(self, message: Message, state: str, **fields: Any) -> None:
        self.seconds += 1
        data = SendOutcome(
            send_id=message.id, ticket_number=1, queue="support", message_id="x@y",
            kind="agent-reply", automatic=False, state=state, outbound_channel="relay",
            at=NOW.replace(year=2027, second=self.seconds), **fields,
        )  # fmt: skip
        event = SendOutcomeEvent(
            id="e", source="/t", type=f"postbus.send.{state}", time=NOW, data=data
        )
        await OutcomeHandlers(self.desk.store).on_outcome(event)

    async def decide(self, message: Message, what: str, **body: Any) -> httpx.Response:
        path = f"tickets/1/messages/{message.id}/{what}"
        return await self.client.post(path, json=body or None)

    async def delivery(self, message: Message) -> dict[str, Any]:
        items = (await self.client.get("tickets/1/messages")).json()["items"]
        return next(one["delivery"] for one in items if one["id"] == message.id)

    def told(self) -> list[SendDecided]:
        return self.desk.bus.of(DECIDED)

    def configure(self, *more: Any) -> None:
        outbound = [
            OutboundChannel(id="relay", name="Relay", kind="relay"),
            OutboundChannel(id="paused", name="Paused", kind="relay", enabled=False),
        ]
        known = Configuration.of([channel("support"), channel("sales"), *outbound, *more])
        self.desk.around = replace(self.desk.around, configuration=lambda: known)


@pytest.fixture
async def scene(desk: Desk) -> AsyncIterator[Scene]:
    tokens = [ApiToken(id=hash_of(name), name=name, scope=name) for name in ("agent", "reader")]
    known: Any = SimpleNamespace(current=Configuration.of(tokens))
    app = FastAPI()
    problems.install(app)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://ticketing/api/v1/",
        headers={"Authorization": "Bearer agent"},
    ) as client:
        made = Scene(desk, client)
        made.configure()
        around: Any = _Current(made)
        parts: Any = Api(around, desk.listed, MemoryBlobs(), desk.answering, desk.notices)
        app.include_router(router(parts, BearerAuth(known)))
        yield made


class _Current:
    """The surroundings that the desk has at the moment."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scene.desk.around, name)


async def test_a_held_answer_shows_why_and_what_may_be_decided(scene: Scene) -> None:
    message = await scene.answer("held", reason="too many", verdict=_TOO_MANY)
    shown = await scene.delivery(message)
    assert (shown["state"], shown["rule"], shown["lifted_by"]) == ("held", "L12", "time")
    assert shown["possible"] == ["release", "discard", "send-via"]
    assert shown["verdict"] == _TOO_MANY.model_dump(mode="json")
    assert (shown["decisions"], shown["under_way"]) == ([], None)


async def test_an_answer_that_waits_for_hours_shows_since_when_agents_know(scene: Scene) -> None:
    late = NOW.replace(year=2027)
    message = await scene.answer("deferred")
    await scene.outcome(message, "deferred", late_since=late, next_attempt_at=late)
    shown = await scene.delivery(message)
    assert (shown["late_since"], shown["next_attempt_at"]) == (late.isoformat()[:19] + "Z",) * 2
    await scene.outcome(message, "sent")
    assert (await scene.delivery(message))["late_since"] is None


async def test_a_decision_is_told_once_shown_and_part_of_the_story(scene: Scene) -> None:
    message = await scene.answer("held", verdict=_TOO_MANY)
    answers = [await scene.decide(message, "release") for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json()["delivery"] == answers[1].json()["delivery"]
    [told] = scene.told()
    assert (told.send_id, told.message_id) == (message.id, message.message_id)
    assert (told.decision.what, told.decision.number, told.decision.by) == ("release", 1, "agent")
    under_way = (await scene.delivery(message))["under_way"]
    assert (under_way["what"], under_way["by"]) == ("release", "agent")
    story = scene.desk.bus.of(CHANGED)[-1]
    assert (story.by, story.change["send"]["what"], story.message.id) == (
        "agent", "release", message.id,
    )  # fmt: skip

    await scene.outcome(message, "sent", decision=1, attempt=1)
    shown = await scene.delivery(message)
    assert (shown["state"], shown["under_way"], shown["possible"]) == ("sent", None, [])
    again = await scene.decide(message, "release")
    assert (again.status_code, len(scene.told())) == (202, 1)


async def test_held_again_after_a_release_it_may_be_released_once_more(scene: Scene) -> None:
    message = await scene.answer("held", verdict=_TOO_MANY)
    await scene.decide(message, "release")
    await scene.outcome(message, "held", decision=1)
    await scene.decide(message, "release")
    assert [one.decision.number for one in scene.told()] == [1, 2]
    # Word of what was before the decision comes late.
    await scene.outcome(message, "sent", decision=2)
    await scene.outcome(message, "held", decision=1)
    assert (await scene.delivery(message))["state"] == "sent"


@pytest.mark.parametrize(
    ("state", "what", "ok"),
    [
        ("held", "discard", True), ("held", "send-again", False), ("held", "take-as-sent", False),
        ("deferred", "discard", True), ("deferred", "release", False),
        ("failed", "send-again", True), ("failed", "discard", False),
        ("in-doubt", "send-again", True), ("in-doubt", "take-as-sent", True),
        ("in-doubt", "discard", False), ("sent", "discard", False), ("sent", "send-again", False),
        ("discarded", "send-again", False),
    ],
)  # fmt: skip
async def test_what_may_be_decided_follows_from_the_state(
    scene: Scene, state: str, what: str, *, ok: bool
) -> None:
    message = await scene.answer(state)
    answer = await scene.decide(message, what)
    assert answer.status_code == (202 if ok else 409), answer.text
    assert len(scene.told()) == ok
    if not ok:
        assert answer.json()["type"] == "/problems/not-waiting"
        assert state in answer.json()["detail"]


async def test_the_filter_comes_before_a_release(scene: Scene) -> None:
    """INVARIANT: an agent does not reach whoever is on the filter without taking them off it."""
    message = await scene.answer("held")
    scene.configure(FilterEntry(id="f", pattern="*@example.com"))
    refused = await scene.decide(message, "release")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/on-filter")
    assert "Remove the entry" in refused.json()["detail"]
    assert scene.told() == []
    scene.configure()
    assert (await scene.decide(message, "release")).status_code == 202


async def test_what_the_guard_blocked_is_not_released(scene: Scene) -> None:
    message = await scene.answer("held", verdict=_BLOCKED)
    assert (await scene.delivery(message))["possible"] == ["discard", "send-via"]
    assert (await scene.decide(message, "release")).status_code == 409


@pytest.mark.parametrize(
    ("outbound", "problem"),
    [("paused", "outbound-channel-disabled"), ("nowhere", "outbound-channel-missing")],
)
async def test_an_answer_is_not_sent_through_a_channel_that_cannot_carry_it(
    scene: Scene, outbound: str, problem: str
) -> None:
    message = await scene.answer("deferred")
    refused = await scene.decide(message, "send-via", outbound=outbound)
    assert (refused.status_code, refused.json()["type"]) == (422, f"/problems/{problem}")
    taken = await scene.decide(message, "send-via", outbound="relay")
    assert taken.status_code == 202
    assert scene.told()[0].decision.outbound == "relay"


async def test_only_agents_decide_and_only_about_messages_of_the_ticket(scene: Scene) -> None:
    message = await scene.answer("held")
    reader = {"Authorization": "Bearer reader"}
    path = f"tickets/1/messages/{message.id}/discard"
    assert (await scene.client.post(path, headers=reader)).status_code == 403
    await scene.desk.file(mail_received("b"))
    other = await scene.client.post(f"tickets/2/messages/{message.id}/discard")
    assert (other.status_code, other.json()["type"]) == (404, "/problems/no-such-message")
    note = await scene.desk.answering.note(await scene.desk.ticket(), "x", key="n", by="bob")
    assert (await scene.decide(note, "discard")).status_code == 409


async def test_of_two_agents_at_once_one_decides(scene: Scene) -> None:
    """INVARIANT: no two decisions about a mail have one number."""
    message = await scene.answer("held")
    deciding, ticket = Deciding(scene.desk.around), await scene.desk.ticket()
    done = await asyncio.gather(
        deciding.decide(ticket, message.id, WhatNext.RELEASE, by="anna"),
        deciding.decide(ticket, message.id, WhatNext.DISCARD, by="bob"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, StateConflict) for one in done) == 1
    assert [one.decision.number for one in scene.told()] == [1]
    await scene.decide(message, "discard")
    await scene.decide(message, "release")
    numbers = [one.decision.number for one in scene.told()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("after_the_work", [False, True])
async def test_a_crash_at_any_point_keeps_the_decision_or_was_no_decision(
    scene: Scene, *, after_the_work: bool
) -> None:
    """INVARIANT: what was decided is told and shown; the next decision has the next number."""
    message = await scene.answer("held")
    for call in range(1, 12):
        crash = CrashAt(call, after_the_work)
        desk = scene.desk
        store, bus = crash.wrap(desk.store), crash.wrap(desk.bus)
        telling = Telling(store, bus, desk.around.telling.crossing_off)
        dying = replace(desk.around, store=store, telling=telling)
        before = len(scene.told())
        with suppress(Crash):
            await Deciding(dying).decide(
                await desk.ticket(), message.id, WhatNext.DISCARD, by="bob"
            )
        await desk.around.telling.sweep(now=FAR)
        told = scene.told()
        shown = (await scene.delivery(message))["decisions"]
        assert [one["number"] for one in shown] == [one.decision.number for one in told]
        assert len(told) <= before + 1
        await scene.outcome(message, "held", decision=len(told))
        if crash.calls < call:
            break
    assert call > 5
    assert len(scene.told()) >= call - 3


async def test_a_decision_while_the_bus_is_away_is_told_later(scene: Scene, bus: KeptBus) -> None:
    message = await scene.answer("held")
    bus.away = True
    assert (await scene.decide(message, "discard")).status_code == 202
    bus.away = False
    assert scene.told() == []
    await scene.desk.around.telling.sweep(now=FAR)
    assert [one.decision.what for one in scene.told()] == ["discard"]


async def test_held_mail_of_all_tickets_is_listed_until_somebody_decides(scene: Scene) -> None:
    held = []
    for n in range(5):
        await scene.desk.file(mail_received(f"m{n}", subject=f"Matter {n}"))
        message = await scene.desk.reply(n + 1, key=f"k{n}")
        await scene.outcome(message, "held" if n != 2 else "sent", verdict=_TOO_MANY)
        held.append((n + 1, message.id))
    del held[2]
    wanted = list(reversed(held))
    page = (await scene.client.get("outgoing", params={"limit": 3})).json()
    assert [(one["ticket"], one["id"]) for one in page["items"]] == wanted[:3]
    shown = page["items"][0]["delivery"]
    assert (shown["rule"], shown["possible"]) == ("L12", ["release", "discard", "send-via"])
    rest = {"limit": 3, "cursor": page["next_cursor"]}
    second = (await scene.client.get("outgoing", params=rest)).json()
    assert [(one["ticket"], one["id"]) for one in second["items"]] == wanted[3:]
    assert second["next_cursor"] is None
    sent = (await scene.client.get("outgoing", params={"state": "sent"})).json()["items"]
    assert [one["ticket"] for one in sent] == [3]
    assert (await scene.client.get("outgoing", params={"state": "no"})).status_code == 422


async def test_all_that_one_rule_holds_is_released_at_once(scene: Scene) -> None:
    """INVARIANT: only that, each once, and what the filter forbids stays held and is named."""
    fuse = Verdict(decision=Decision.HOLD, rule="L17", reason="far more than usual")
    verdicts = [fuse, fuse, _TOO_MANY, fuse, fuse]
    ids = []
    for n, verdict in enumerate(verdicts):
        customer = Address(address=f"c{n}@example.com")
        mail = mail_received(f"m{n}", subject=f"Matter {n}", customer=customer)
        await scene.desk.file(mail)
        message = await scene.desk.reply(n + 1, key=f"k{n}")
        await scene.outcome(message, "held", verdict=verdict)
        ids.append(message.id)
    listed = (await scene.client.get("outgoing", params={"rule": "L17"})).json()["items"]
    assert [one["id"] for one in listed] == [ids[n] for n in (4, 3, 1, 0)]
    assert (await scene.client.get("outgoing", params={"outbound": "no"})).json()["items"] == []
    scene.configure(FilterEntry(id="f", pattern="c3@example.com"))
    body = {"rule": "L17", "outbound": "relay"}
    reader = {"Authorization": "Bearer reader"}
    refused = await scene.client.post("outgoing/release", json=body, headers=reader)
    assert refused.status_code == 403
    assert (await scene.client.post("outgoing/release", json={})).status_code == 422
    assert (await scene.client.post("outgoing/send-again", json=body)).status_code in {404, 405}
    answer = await scene.client.post("outgoing/release", json=body)
    assert answer.status_code == 202
    done = answer.json()
    assert (done["decided"], done["more"]) == (3, False)
    assert [(one["ticket"], one["id"], one["reason"]) for one in done["left"]] == [
        (4, ids[3], "on-filter")
    ]
    assert {one.send_id for one in scene.told()} == {ids[0], ids[1], ids[4]}
    assert {(one.decision.what, one.decision.by) for one in scene.told()} == {("release", "agent")}
    again = (await scene.client.post("outgoing/release", json=body)).json()
    assert (again["decided"], len(again["left"]), len(scene.told())) == (0, 1, 3)


async def test_very_much_held_mail_is_decided_in_several_calls(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding_alike, "MOST", 3)
    monkeypatch.setattr(deciding_alike, "_PAGE", 2)
    await scene.desk.file(mail_received("a"))
    for n in range(5):
        message = await scene.desk.reply(key=f"k{n}")
        await scene.outcome(message, "held", verdict=_TOO_MANY)
    calls = [
        (await scene.client.post("outgoing/discard", json={"rule": "L12"})).json() for _ in range(3)
    ]
    assert [(one["decided"], one["more"]) for one in calls] == [(3, True), (2, False), (0, False)]
    assert len({one.send_id for one in scene.told()}) == 5


async def test_what_the_guard_said_is_part_of_the_story_of_mail_that_went_out(scene: Scene) -> None:
    cleared = Verdict(decision=Decision.ALLOW, rule="L19", reason="A person asked for it.")
    message = await scene.answer("sent", verdict=cleared)
    shown = await scene.delivery(message)
    assert shown["verdict"]["rule"] == "L19"
    assert (shown["state"], shown["rule"], shown["lifted_by"]) == ("sent", "", "")
