"""Several replicas of ingest-graph, as processes that can be killed."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from servers.graph_house import GraphHouse, mail
from servers.replicas import Replicas

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def looking_often(replicas: Replicas) -> None:
    replicas.settings |= {"POLL_SECONDS": "0.3", "SWEEP_SECONDS": "2"}


async def test_a_killed_replica_is_replaced_in_seconds(
    house: GraphHouse, replicas: Replicas
) -> None:
    address = await house.mailbox()
    replicas.start("one")
    await house.until_state("connected")
    replicas.start("two")
    house.microsoft.graph.deliver(address, mail(1))
    await house.until_received(1)
    await asyncio.sleep(1)
    leases = await house.admin.jetstream().key_value("postbus-leases")
    holder = (await leases.get("mailbox.support")).value or b""
    replicas.kill(holder.decode().partition("/")[0])
    house.microsoft.graph.deliver(address, mail(2))
    began = asyncio.get_running_loop().time()
    facts = await house.until_received(2)
    assert asyncio.get_running_loop().time() - began < 8
    assert [fact.subject for fact in facts] == ["Mail 1", "Mail 2"]


async def test_many_mails_through_every_trouble_come_once_each(
    house: GraphHouse, replicas: Replicas
) -> None:
    """INVARIANT: 500 mails are 500 facts in any weather; else some are lost, or answered twice.

    Notices are lost, doubled and out of order; there are storms, resets, failures and kills.
    """
    address = await house.mailbox(after_fetch="mark-seen")
    graph = house.microsoft.graph
    graph.latency_seconds = 0.005
    graph.notices.lose, graph.notices.double, graph.notices.reorder = 0.3, 0.3, True
    chance = random.Random(5)
    replicas.start("one")
    replicas.start("two")
    await house.until_state("connected")
    killed = faults = 0
    for number in range(500):
        graph.deliver(address, mail(number))
        if number % 60 == 30:
            graph.faults.storm(seconds=0.5, retry_after_seconds=1)
        if number % 50 == 20:
            graph.reset_delta(address)
        if number % 20 == 0:
            await house.until_received(number - 15, seconds=60)
            graph.faults.fail_next(1, chance.choice([500, 502, 503, 504]))
            graph.faults.break_answer_after(100)
            faults += 2
        if number % 100 == 80:
            name = chance.choice(["one", "two"])
            replicas.kill(name)
            replicas.start(name)
            killed += 1
        await asyncio.sleep(0.01)
    facts = await house.until_received(500, seconds=150)
    assert killed == 5
    assert faults > 30
    assert graph.notices.lost > 50
    assert graph.notices.sent > 50
    assert Counter(Counter(fact.mail_id for fact in facts).values()) == {1: 500}
    assert graph.peak_concurrency <= 4
    assert graph.throttled == 0
    assert await house.facts("postbus.mail.held") == []

    async def proved() -> Any:
        proof = await house.proof()
        return proof if proof.filed == 500 else None

    proof = await house.until(proved, what="a proof")
    assert (proof.seen, proof.waiting, proof.unexplained, proof.ok) == (500, 0, 0, True)
    assert graph.without_immutable_id == 0


async def test_mailboxes_are_shared_among_replicas(house: GraphHouse, replicas: Replicas) -> None:
    addresses = {f"box-{number}": await house.mailbox(f"box-{number}") for number in range(8)}
    replicas.start("one")
    replicas.start("two")
    await house.until_shared(addresses, kind="graph", instances=("one", "two"))
    for address in addresses.values():
        house.microsoft.graph.deliver(address, mail(address))
    facts = await house.until_received(8)
    assert Counter(fact.channel for fact in facts) == Counter(list(addresses))
