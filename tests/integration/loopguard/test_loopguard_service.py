"""The loop guard on a real nats-server, with as many replicas as the case needs."""

import asyncio
import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats
import nkeys
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from guard_builders import CUSTOMER, cause, question, receipt_of
from guard_replicas import Replicas, running
from loopguard.adapters.nats_shelf import memories
from loopguard.app import build
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Correspondent, Send
from loopguard.ports import Memories
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.bus.permissions import SETUP_USER, server_users
from postbus.bus.topology import TOPOLOGY, inbox_prefix
from postbus.configuration import key_of as configuration_key
from postbus.configuration import value_of
from postbus.contracts.base import Contract, JsonObject
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.configuration import Change
from postbus.contracts.guard import Decision, JudgeRequest, SendKind, Verdict
from postbus.contracts.mail import MailKind
from postbus.errors import BusUnavailable, PermanentError
from postbus.runtime.serve import Service
from servers.nats import NatsServer

CHANNEL: JsonObject = {
    "id": "support",
    "name": "Support",
    "kind": "forward",
    "forward": {"creation_addresses": ["support@abc.com"]},
}


async def ask(bus: Bus, request: Contract, *, timeout_seconds: float = 5) -> Verdict:
    return await bus.ask(JUDGE_SUBJECT, request, Verdict, timeout_seconds=timeout_seconds)


def receipt(n: int, recipient: str = CUSTOMER) -> JudgeRequest:
    return receipt_of(n, recipient, queue=f"q-{n}")


async def remembered(bus: Bus) -> Memories:
    bucket = await bus.bucket("postbus-guard")
    return memories(lambda: bucket)


async def counted(bus: Bus, address: str = CUSTOMER) -> list[str]:
    kept = await (await remembered(bus)).correspondents.read(key_of(address))
    return [send.send_id for send in kept.value.sends]


def verdicts(services: list[Service]) -> Counter[tuple[str, str]]:
    """What the services counted, by rule and decision."""
    found: Counter[tuple[str, str]] = Counter()
    for service in services:
        for metric in service.registry.collect():
            for sample in metric.samples:
                if sample.name == "postbus_guard_verdicts_total":
                    found[sample.labels["rule"], sample.labels["decision"]] += int(sample.value)
    return found


async def test_replicas_share_the_counters(dispatch: Bus, replica: Replicas) -> None:
    """INVARIANT: with n replicas a robot would get n times the mail."""
    services = [await replica(), await replica()]
    got = await asyncio.gather(*(ask(dispatch, receipt(n)) for n in range(40)))
    allowed = [n for n, verdict in enumerate(got) if verdict.decision is Decision.ALLOW]
    assert len(allowed) == 3
    assert {v.rule for v in got if v.decision is Decision.HOLD} == {"L12"}
    assert set(await counted(dispatch)) == {f"s-{n}" for n in allowed}
    assert verdicts(services) == {("none", "allow"): 3, ("L12", "hold"): 37}
    assert all(verdicts([one]) for one in services), "both of them answered"


async def test_asking_twice_counts_once_and_gives_the_same_verdict(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    await replica()
    again = await asyncio.gather(*(ask(dispatch, receipt(1)) for _ in range(20)))
    assert {verdict.decision for verdict in again} == {Decision.ALLOW}
    assert await counted(dispatch) == ["s-1"]


async def test_what_was_allowed_stays_allowed_when_the_windows_are_full(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    for n in range(3):
        await ask(dispatch, receipt(n))
    assert (await ask(dispatch, receipt(3))).rule == "L12"
    assert (await ask(dispatch, receipt(0))).decision is Decision.ALLOW
    assert (await ask(dispatch, receipt(3))).rule == "L12", "held mail is not counted"


async def test_a_replica_that_is_started_anew_finds_the_counters(
    server: NatsServer, dispatch: Bus, topology: None
) -> None:
    async with running(server):
        for n in range(3):
            assert (await ask(dispatch, receipt(n))).decision is Decision.ALLOW
    async with running(server):
        assert (await ask(dispatch, receipt(3))).rule == "L12"


async def test_the_counters_survive_a_restart_of_nats(
    server: NatsServer, dispatch: Bus, replica: Replicas
) -> None:
    service = await replica()
    for n in range(3):
        await ask(dispatch, receipt(n))
    server.stop(kill=True)
    server.start()
    async with asyncio.timeout(20):
        while True:
            try:
                verdict = await ask(dispatch, receipt(3), timeout_seconds=0.5)
            except BusUnavailable:
                verdict = None
            if verdict is not None and verdict.rule != "guard-error":
                break
            await asyncio.sleep(0.1)
    assert verdict.rule == "L12"
    assert [problem for check in service.ready_checks for problem in await check()] == []


async def test_correspondents_are_counted_apart_and_their_plus_addresses_together(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    got = [await ask(dispatch, receipt(n, f"Anna+{n}@EXAMPLE.com")) for n in range(5)]
    assert [verdict.decision.value for verdict in got] == ["allow"] * 3 + ["hold"] * 2
    assert (await ask(dispatch, receipt(9, "bert@example.com"))).decision is Decision.ALLOW


async def test_automatic_mail_to_several_is_counted_with_each_of_them(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    both = question(SendKind.NOTIFICATION, recipients=("a@desk.example", "b@desk.example"))
    for n in range(3):
        sent = both.model_copy(update={"send_id": f"s-{n}", "ticket_number": n})
        assert (await ask(dispatch, sent)).decision is Decision.ALLOW
    alone = question(SendKind.NOTIFICATION, send_id="s-9", recipients=("b@desk.example",))
    assert (await ask(dispatch, alone)).rule == "L12"
    assert await counted(dispatch, "a@desk.example") == ["s-0", "s-1", "s-2"]


async def test_an_agents_reply_is_neither_counted_nor_limited(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    for n in range(15):
        reply = question(SendKind.AGENT_REPLY, send_id=f"r-{n}")
        assert (await ask(dispatch, reply)).rule == "L19"
    assert await counted(dispatch) == []


async def test_mail_that_a_rule_holds_is_not_counted(dispatch: Bus, replica: Replicas) -> None:
    await replica()
    held = await ask(dispatch, question(cause=cause(kind=MailKind.AUTO_REPLY)))
    assert held.rule == "L3"
    assert await counted(dispatch) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"send_id": "s-1"}', b"\xff\xfe", b'{"kind": "x"}' * 5]
)
async def test_a_bad_question_gets_an_answer_at_once(
    server: NatsServer, replica: Replicas, body: bytes
) -> None:
    """Otherwise the asker would wait its whole time-out, twice."""
    service = await replica()
    client = await nats.connect(server.url)
    begun = time.perf_counter()
    reply = await client.request(JUDGE_SUBJECT, body, timeout=5)
    seconds = time.perf_counter() - begun
    await client.close()
    verdict = Verdict.model_validate_json(reply.data)
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "guard-error")
    assert verdict.reason == "The question could not be read."
    assert seconds < 1
    assert verdicts([service]) == {("guard-error", "hold"): 1}


async def test_an_unreadable_counter_fails_closed_for_automatic_mail_only(
    dispatch: Bus, replica: Replicas
) -> None:
    """L22: no counter, no automatic mail; a person's reply goes."""
    await replica()
    bucket = await dispatch.bucket("postbus-guard")
    await bucket.create(f"who.{key_of(CUSTOMER)}", b"not json")
    verdict = await ask(dispatch, receipt(1))
    assert (verdict.decision, verdict.rule) == (Decision.HOLD, "guard-error")
    assert (await ask(dispatch, question(SendKind.AGENT_REPLY))).decision is Decision.ALLOW


async def test_the_filter_and_our_own_addresses_are_followed_while_it_runs(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    to_us = question(recipients=("Support+7@ABC.com",), cause=cause(sender="x@y.example"))
    assert (await ask(dispatch, to_us)).decision is Decision.ALLOW
    change = Change(by="test", at=datetime.now(UTC))
    bucket = await dispatch.bucket("postbus-config")
    channel = configuration_key("inbound-channels", "support")
    await bucket.create(channel, value_of(CHANNEL, change))
    listed = {"id": "e1", "pattern": "*@listed.example", "reason": "asked for it"}
    await bucket.create(configuration_key("outbound-filter", "e1"), value_of(listed, change))
    await until(dispatch, to_us.model_copy(update={"send_id": "s-2"}), "L2")
    reply = question(SendKind.AGENT_REPLY, recipients=("who@listed.example",))
    verdict = await until(dispatch, reply, "filter")
    assert verdict.evidence["reason"] == "asked for it"


async def until(bus: Bus, request: JudgeRequest, rule: str) -> Verdict:
    async with asyncio.timeout(5):
        while (verdict := await ask(bus, request)).rule != rule:
            await asyncio.sleep(0.02)
    return verdict


async def test_a_verdict_is_one_line_in_the_log_and_names_nobody(
    dispatch: Bus, replica: Replicas
) -> None:
    await replica()
    with capture_logs() as lines:
        await ask(dispatch, receipt(1))
    judged = [line for line in lines if line["event"] == "judged"]
    assert len(judged) == 1
    assert judged[0].items() >= {"rule": "none", "decision": "allow", "send_id": "s-1"}.items()
    assert "anna" not in str(lines).lower()


async def test_a_counter_goes_away_when_nobody_adds_to_it(dispatch: Bus) -> None:
    people = (await remembered(dispatch)).correspondents
    one = Correspondent((Send("s-1", datetime.now(UTC)),))
    assert await people.keep(await people.read("x"), one, lasts=timedelta(seconds=1))
    kept = await people.read("x")
    assert kept.value == one
    async with asyncio.timeout(10):
        while (await people.read("x")).value.sends:
            await asyncio.sleep(0.1)
    gone = await people.read("x")
    assert gone.revision is None
    assert not await people.keep(kept, one, lasts=timedelta(hours=1)), "it has expired meanwhile"
    assert await people.keep(gone, one, lasts=timedelta(hours=1)), "and it can begin anew"
    assert await people.forget("x")
    assert not await people.forget("x")


async def test_of_two_replicas_that_read_the_same_only_one_writes(dispatch: Bus) -> None:
    people = (await remembered(dispatch)).correspondents
    for n in range(2):  # the key is not there at first, and is there then
        read = await people.read(key_of(CUSTOMER))
        one, other = (read.value.with_send(Send(f"{s}-{n}", datetime.now(UTC))) for s in "ab")
        assert await people.keep(read, one, lasts=timedelta(hours=1))
        assert not await people.keep(read, other, lasts=timedelta(hours=1))
    assert await counted(dispatch) == ["a-0", "a-1"]


@pytest.mark.parametrize(
    "value", [b"[]", b'{"sends": [{"send_id": "s", "at": "yesterday"}]}', b'{"sends": 5}']
)
async def test_a_counter_that_cannot_be_understood_is_refused(dispatch: Bus, value: bytes) -> None:
    bucket = await dispatch.bucket("postbus-guard")
    await bucket.create("who.x", value)
    with pytest.raises(PermanentError):
        await (await remembered(dispatch)).correspondents.read("x")


async def test_replicas_that_start_without_nats_say_so() -> None:
    service = build(LoopguardSettings(nats_url="nats://127.0.0.1:1", graceful_seconds=2))
    problems = [problem for check in service.ready_checks for problem in await check()]
    assert "counters: the counters are not open yet" in problems


async def test_it_starts_with_the_permissions_of_its_own_user(tmp_path: Path) -> None:
    """The set made from the topology is enough for all that it does."""
    seeds, keys = {}, {}
    for user in (*TOPOLOGY.users, SETUP_USER):
        pair = nkeys.from_seed(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
        seeds[user] = tmp_path / f"{user}.nk"
        seeds[user].write_bytes(pair.seed)
        keys[user] = pair.public_key.decode()
    users = server_users(keys, subscriber_password="a-password")
    server = NatsServer(tmp_path / "nats", users).start()
    try:
        client = await nats.connect(
            server.url,
            nkeys_seed=str(seeds[SETUP_USER]),
            inbox_prefix=inbox_prefix(SETUP_USER).encode(),
        )
        await apply(client.jetstream())
        await client.close()
        service = build(LoopguardSettings(nats_url=server.url, nats_seed_file=seeds["loopguard"]))
        await service.start()
        bus = Bus(BusSettings(server.url, "dispatch", seeds["dispatch"]), CollectorRegistry())
        await bus.connect()
        got = [(await ask(bus, receipt(n))).rule for n in range(4)]
        problems = [problem for check in service.ready_checks for problem in await check()]
        await bus.stop()
        await service.stop()
    finally:
        server.stop(kill=True)
    assert got == ["none", "none", "none", "L12"]
    assert problems == []
