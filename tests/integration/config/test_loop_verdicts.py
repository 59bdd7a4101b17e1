"""`/loop-limits` and `/loop-verdicts`: config and the loop guard on a real nats-server."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from prometheus_client import CollectorRegistry

from builders import raw_mail
from config_service.app import build as build_config
from doubles.config_api import TOKENS, client_of, settings_in
from guard_builders import CUSTOMER, question, receipt_of
from loopguard.app import build as build_guard
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.guard import JudgeRequest, SendKind, Verdict
from postbus.runtime.serve import Service
from postbus.tokens import Stamper, StampKind
from servers.nats import NatsServer

KEY = b"k" * 32


class World:
    """An admin's client, a guard that may be stopped, and dispatch, which asks it."""

    def __init__(self, client: httpx.AsyncClient, config: Service, guard: Service, bus: Bus):
        self.client, self.config, self.guard, self.bus = client, config, guard, bus

    async def ask(self, request: JudgeRequest) -> Verdict:
        return await self.bus.ask(JUDGE_SUBJECT, request, Verdict, timeout_seconds=5)

    async def until_rule(self, request: JudgeRequest, rule: str) -> None:
        n = 0
        async with asyncio.timeout(10):
            while True:
                n += 1
                fresh = request.model_copy(update={"send_id": f"{request.send_id}-{n}"})
                if (await self.ask(fresh)).rule == rule:
                    return
                await asyncio.sleep(0.05)

    async def verdicts(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """So many of them, as soon as they are told."""
        async with asyncio.timeout(10):
            while True:
                answer = await self.client.get("loop-verdicts", params=query)
                assert answer.status_code == 200, answer.text
                items: list[dict[str, Any]] = answer.json()["items"]
                if len(items) >= count:
                    return items
                await asyncio.sleep(0.05)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    server = NatsServer(tmp_path / "nats").start()
    admin = await nats.connect(server.url)
    await apply(admin.jetstream())
    (tmp_path / "stamps").write_text(base64.b64encode(KEY).decode())
    settings, _ = settings_in(
        tmp_path / "config", nats_url=server.url, stamp_keys_file=tmp_path / "stamps",
        tenant="here",
    )  # fmt: skip
    config = build_config(settings)
    guard = build_guard(LoopguardSettings(nats_url=server.url, graceful_seconds=2))
    await config.start()
    await guard.start()
    bus = Bus(BusSettings(server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    async with client_of(config, TOKENS["admin"]) as client:
        yield World(client, config, guard, bus)
    await bus.stop()
    await guard.stop()
    await config.stop()
    await admin.close()
    server.stop(kill=True)


async def test_the_limits_are_those_that_come_with_postbus_until_somebody_changes_them(
    world: World,
) -> None:
    answer = await world.client.get("loop-limits")
    assert answer.json()["correspondent"] == {"ten_minutes": 3, "hour": 6, "day": 10}
    assert answer.json()["stop"] == "nothing"
    patch = {"correspondent": {"ten_minutes": 1}}
    refused = await world.client.patch("loop-limits", json=patch)
    assert refused.status_code == 428
    changed = await world.client.patch(
        "loop-limits", json=patch, headers={"If-Match": answer.headers["ETag"]}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["correspondent"] == {"ten_minutes": 1, "hour": 6, "day": 10}
    await world.ask(receipt_of(0))
    await world.until_rule(receipt_of(1), "L12")
    old = await world.client.patch("loop-limits", json={}, headers={"If-Match": '"0"'})
    assert old.status_code == 412
    gone = await world.client.delete("loop-limits", headers={"If-Match": "*"})
    assert gone.status_code == 204
    assert (await world.client.get("loop-limits")).json() == answer.json()
    audit = (await world.client.get("audit", params={"kind": "loop-limits"})).json()["items"]
    assert [one["action"] for one in audit] == ["deleted", "created"]


@pytest.mark.parametrize(
    "patch",
    [
        {"correspondent": {"ten_minutes": 0}},
        {"stop": "perhaps"},
        {"id": "other"},
        {"no_such_limit": 3},
        {"fuse_times": 0},
    ],
)
async def test_limits_that_make_no_sense_are_refused(world: World, patch: dict[str, Any]) -> None:
    answer = await world.client.patch("loop-limits", json=patch, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert (await world.client.get("loop-limits")).json()["stop"] == "nothing"


async def test_the_kill_switch_holds_all_mail_within_a_second_and_is_taken_back(
    world: World,
) -> None:
    stop = {"stop": "everything"}
    await world.client.patch("loop-limits", json=stop, headers={"If-Match": "*"})
    reply = question(SendKind.AGENT_REPLY)
    async with asyncio.timeout(1):
        await world.until_rule(reply, "stop")
    back = {"stop": "nothing"}
    await world.client.patch("loop-limits", json=back, headers={"If-Match": "*"})
    await world.until_rule(reply, "L19")


async def test_verdicts_are_listed_newest_first_and_found_by_what_they_are_about(
    world: World,
) -> None:
    for n in range(5):
        await world.ask(receipt_of(n))
    await world.ask(receipt_of(7, "bert@example.com", queue="sales"))
    items = await world.verdicts(6)
    assert [one["send_id"] for one in items] == ["s-7", "s-4", "s-3", "s-2", "s-1", "s-0"]
    assert [one["decision"] for one in items] == ["allow", "hold", "hold", *["allow"] * 3]
    held = items[1]
    assert (held["rule"], held["caused_by"], held["ticket_number"]) == ("L12", CUSTOMER, 104)
    assert held["lifted_by"].startswith("time: ")
    assert held["evidence"]["sent"]["10 min"] == 3
    for query, found in (
        ({"decision": "hold"}, ["s-4", "s-3"]),
        ({"queue": "sales"}, ["s-7"]),
        ({"rule": "L12"}, ["s-4", "s-3"]),
        ({"address": "Bert+x@EXAMPLE.com"}, ["s-7"]),
        ({"ticket": 102}, ["s-2"]),
        ({"queue": "nowhere"}, []),
    ):
        answer = await world.client.get("loop-verdicts", params=query)
        assert [one["send_id"] for one in answer.json()["items"]] == found, query
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = (await world.client.get("loop-verdicts", params=query)).json()
        seen += [one["send_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [one["send_id"] for one in items]


def mail(**headers: str) -> str:
    return raw_mail(headers, "My printer burns, and I cannot put it out.\n").decode()


STAMP = Stamper("here", [KEY]).stamp(
    ticket_number=7, kind=StampKind.RECEIPT, hop=0, at=datetime(2026, 11, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("body", "decision", "rule"),
    [
        ({"mail": mail()}, "allow", "none"),
        ({"mail_base64": base64.b64encode(mail().encode()).decode()}, "allow", "none"),
        ({"mail": mail(**{"Auto-Submitted": "auto-replied"})}, "hold", "L3"),
        ({"mail": mail(**{"List-Id": "<users.example.com>"})}, "hold", "L5"),
        ({"mail": mail(), "envelope_from": ""}, "hold", "L4"),
        ({"mail": mail(**{"X-Postbus-Stamp": STAMP})}, "hold", "L8"),
        ({"mail": mail(**{"In-Reply-To": f"<pb.{STAMP}.1@x>"})}, "hold", "L8"),
        ({"mail": mail(**{"In-Reply-To": f"<pb.{STAMP}.1@x>"}), "kind": "notification",
          "recipient": "eve@desk.example"}, "allow", "none"),
        ({"mail": mail(From="support@postbus.localhost")}, "hold", "filter"),
        ({"mail": mail(From="support@postbus.localhost"), "kind": "notification",
          "recipient": "eve@desk.example"}, "hold", "L2"),
        ({"kind": "agent-reply", "recipient": "support@postbus.localhost"}, "hold", "filter"),
        ({"kind": "agent-reply", "recipient": CUSTOMER}, "allow", "L19"),
        ({"kind": "notification", "recipient": "eve@desk.example"}, "allow", "none"),
    ],
)  # fmt: skip
async def test_any_mail_is_explained(
    world: World, body: dict[str, Any], decision: str, rule: str
) -> None:
    answer = await world.client.post("loop-verdicts/explain", json=body)
    assert answer.status_code == 200, answer.text
    verdict = answer.json()["verdict"]
    assert (verdict["decision"], verdict["rule"]) == (decision, rule), verdict
    assert answer.json()["stamps_checked"] is True


async def test_explaining_counts_nothing_and_tells_what_was_counted(world: World) -> None:
    body = {"mail": mail()}
    for _ in range(10):
        answer = await world.client.post("loop-verdicts/explain", json=body)
        assert answer.json()["verdict"]["rule"] == "none"
    for n in range(3):
        assert (await world.ask(receipt_of(n))).rule == "none"
    answer = await world.client.post("loop-verdicts/explain", json=body)
    assert answer.json()["verdict"]["rule"] == "L12"
    assert len(await world.verdicts(3)) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "recipient"),
        ({"mail": "x", "mail_base64": "eA=="}, "mail_base64"),
        ({"mail_base64": "!"}, "base64"),
        ({"mail": mail(), "queue": "nowhere"}, "no queue nowhere"),
        ({"mail": mail(), "outbound_channel": "nowhere"}, "does not exist"),
        ({"mail": "no header at all"}, "say who is meant"),
        ({"recipient": CUSTOMER}, "a receipt answers a mail"),
    ],
)
async def test_what_cannot_be_explained_is_said(
    world: World, body: dict[str, Any], field: str
) -> None:
    answer = await world.client.post("loop-verdicts/explain", json=body)
    assert answer.status_code == 422
    assert field in answer.text


async def test_a_dry_run_shows_what_other_limits_would_have_held(world: World) -> None:
    for n in range(6):
        await world.ask(receipt_of(n, f"c{n % 2}@example.com"))
    await world.verdicts(6)
    same = await world.client.post("loop-verdicts/dry-run", json={})
    assert same.json()["judged"] == 6
    assert same.json()["newly_held"] == 0
    body = {"limits": {"receipts_day": 1}, "days": 1}
    tighter = (await world.client.post("loop-verdicts/dry-run", json=body)).json()
    assert (tighter["newly_held"], tighter["by_rule"]) == (4, {"L11": 4})
    assert {one["after"]["rule"] for one in tighter["differences"]} == {"L11"}
    assert (await world.client.get("loop-limits")).json()["receipts_day"] == 3, "nothing changed"
    wrong = await world.client.post("loop-verdicts/dry-run", json={"limits": {"receipts_day": 0}})
    assert wrong.status_code == 422


async def test_an_admin_lets_the_guard_forget_an_address(world: World) -> None:
    for n in range(4):
        await world.ask(receipt_of(n))
    assert (await world.ask(receipt_of(5))).rule == "L12"
    body = {"address": "Anna+x@example.com"}
    async with client_of(world.config, TOKENS["reader"]) as reader:
        assert (await reader.post("loop-verdicts/lift", json=body)).status_code == 403
    done = await world.client.post("loop-verdicts/lift", json=body)
    assert done.json() == {"lifted": ["what it was sent, and that mail to it bounced"]}
    assert (await world.ask(receipt_of(5))).rule == "none"
    nothing = await world.client.post("loop-verdicts/lift", json={"fuse": "*"})
    assert nothing.json() == {"lifted": []}
    assert (await world.client.post("loop-verdicts/lift", json={})).status_code == 422
    assert (await world.client.get("loop-verdicts/alarms")).json()["items"] == []


async def test_without_the_guard_it_says_so(world: World) -> None:
    await world.guard.stop()
    for path, body in (
        ("explain", {"mail": mail()}),
        ("dry-run", {}),
        ("lift", {"address": CUSTOMER}),
    ):
        answer = await world.client.post(f"loop-verdicts/{path}", json=body, timeout=130)
        assert answer.status_code == 503, path
        assert answer.json()["type"].endswith("/problems/guard-unavailable")
    assert (await world.client.get("loop-verdicts")).status_code == 200
