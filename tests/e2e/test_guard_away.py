"""The loop guard is killed, or cannot count: automatic mail waits, an agent's answer goes (L22)."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import nats
import pytest

from loops.house import House
from loops.robot import agent_answers, letter
from loops.rows import ONE
from loops.running import World, open_world
from postbus.bus.apply import apply
from postbus.bus.permissions import SETUP_USER
from postbus.bus.topology import GUARD_BUCKET, inbox_prefix
from servers.customer import new_mail
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("loops"), pytest.mark.timeout(120)]

CUSTOMER = "anna@customers.example"
AGAIN_SECONDS = 5
"""Real ones; dispatch asks a silent guard again every three."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with open_world(ONE) as world:
        yield world


def written(world: World, subject: str) -> int:
    """A customer writes, and an agent answers while the receipt waits; the ticket's number."""
    house, to = world.houses[0], "support@postbus.localhost"
    house.take(letter(new_mail(subject, sender=CUSTOMER, to=to), CUSTOMER))
    number = house.stack.ticket_titled(subject)["number"]
    agent_answers(house, number)
    # Whoever has not taken it yet would take it for a mail of later.
    house.stack.until(
        lambda: house.services.have_heard_all(without="loopguard"), what="dispatch to have both"
    )
    return int(number)


def delivery(house: House, number: int, kind: str) -> dict[str, Any]:
    (found,) = [one for one in house.stack.messages(number) if one["kind"] == kind]
    return dict(found["delivery"])


def waits(house: House, number: int, *kinds: str) -> None:
    """Nothing becomes of them while dispatch asks once more."""
    asyncio.run(asyncio.sleep(AGAIN_SECONDS))
    assert {delivery(house, number, kind)["state"] for kind in kinds} == {"requested"}


def sent(house: House, number: int, kind: str) -> dict[str, Any]:
    house.stack.until(
        lambda: delivery(house, number, kind)["state"] == "sent", what=f"the {kind} to be sent"
    )
    return delivery(house, number, kind)


def test_without_the_guard_an_agents_answer_goes_after_two_minutes_and_says_so(
    world: World,
) -> None:
    """INVARIANT: a dead guard silences the desk, or lets every robot through."""
    (house,) = world.houses
    house.stack.kill_for_good("loopguard")
    number = written(world, "While it is dead")
    world.clock.skip(timedelta(seconds=100))
    waits(house, number, "receipt", "agent-reply")
    world.clock.skip(timedelta(seconds=30))
    answer = sent(house, number, "agent-reply")
    assert answer["rule"] == "L22"
    assert "did not answer" in answer["reason"]
    world.clock.skip(timedelta(hours=3))
    waits(house, number, "receipt")
    house.stack.start_again("loopguard")
    assert sent(house, number, "receipt")["rule"] == ""


def test_without_its_counters_automatic_mail_waits_and_an_agents_answer_goes(
    world: World,
) -> None:
    """INVARIANT: a guard that cannot count lets every robot through."""
    (house,) = world.houses
    asyncio.run(bucket_goes(house.stack))
    number = written(world, "While nothing is counted")
    world.clock.skip(timedelta(minutes=3))
    sent(house, number, "agent-reply")
    waits(house, number, "receipt")
    asyncio.run(bucket_comes(house.stack))
    sent(house, number, "receipt")


async def bucket_goes(stack: LocalStack) -> None:
    client = await setup(stack)
    await client.jetstream().delete_stream(f"KV_{GUARD_BUCKET}")
    await client.close()


async def bucket_comes(stack: LocalStack) -> None:
    client = await setup(stack)
    await apply(client.jetstream())
    await client.close()


async def setup(stack: LocalStack) -> nats.NATS:
    seed: Path = stack.home / "keys" / f"nats-{SETUP_USER}.seed"
    inbox = inbox_prefix(SETUP_USER).encode()
    return await nats.connect(stack.endpoints["nats"], nkeys_seed=str(seed), inbox_prefix=inbox)
