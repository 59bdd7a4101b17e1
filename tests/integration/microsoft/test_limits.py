"""The limits of a mailbox, on a real nats-server, between replicas."""

import asyncio
import time
from collections import Counter

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from postbus.bus.buckets import Bucket
from postbus.bus.topology import LIMITS_BUCKET
from postbus.errors import BusUnavailable, MailHostUnavailable
from postbus.microsoft import MailboxLimits, Numbers
from postbus.microsoft.limits import Allowance
from servers.nats import NatsServer

_QUICK = Numbers(slot_seconds=3, wait_seconds=5)


def _replica(admin: Client, numbers: Numbers = _QUICK) -> Allowance:
    opened: list[Bucket] = []

    async def bucket() -> Bucket:
        if not opened:
            js = admin.jetstream()
            kv = await js.key_value(LIMITS_BUCKET)
            opened.append(Bucket(kv, js, LIMITS_BUCKET, connected=lambda: admin.is_connected))
        return opened[0]

    return MailboxLimits(bucket, CollectorRegistry(), numbers).of("app", "box@example.com")


class _Mailbox:
    """Counts what is under way."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.done: Counter[str] = Counter()

    async def request(self, replica: str, allowance: Allowance, seconds: float = 0.02) -> None:
        async with allowance.slots() as held:
            self.now += held
            self.most = max(self.most, self.now)
            await asyncio.sleep(seconds)
            self.now -= held
            self.done[replica] += 1


async def test_replicas_together_are_never_more_than_four_at_once(admin: Client) -> None:
    """INVARIANT: all replicas together keep to the four requests that Graph allows.

    Without it the mailbox is throttled for everybody, whatever a single replica does.
    """
    mailbox, replicas = _Mailbox(), {name: _replica(admin) for name in "abc"}
    await asyncio.gather(
        *(mailbox.request(name, one) for name, one in replicas.items() for _ in range(40))
    )
    assert mailbox.most == 4
    assert mailbox.done == {"a": 40, "b": 40, "c": 40}


async def test_what_is_free_now_is_given_and_at_least_one(admin: Client) -> None:
    one, other = _replica(admin), _replica(admin)
    async with one.slots(3) as held:
        assert held == 3
        async with other.slots(20) as left:
            assert left == 1
            with pytest.raises(MailHostUnavailable) as late:
                async with _replica(admin, Numbers(wait_seconds=0.3)).slots():
                    pass
    assert late.value.reason == "throttled"


async def test_the_place_of_a_dead_holder_becomes_free(admin: Client) -> None:
    dead = _replica(admin, Numbers(slot_seconds=1))
    assert len(await dead._slots.take(4)) == 4  # and nobody renews them
    async with _replica(admin).slots() as held:
        assert held == 1


async def test_a_long_request_keeps_its_place(admin: Client) -> None:
    one, other = _replica(admin, Numbers(slot_seconds=1)), _replica(admin)
    async with one.slots(4) as held:
        assert held == 4
        await asyncio.sleep(2.5)
        assert await other._slots.take(4) == []


async def test_a_request_whose_place_is_lost_is_cancelled(admin: Client) -> None:
    one = _replica(admin, Numbers(slot_seconds=1))
    kv = await admin.jetstream().key_value(LIMITS_BUCKET)
    with pytest.raises(MailHostUnavailable) as lost:
        async with one.slots(4):
            for key in await kv.keys():
                if key.startswith("slot."):
                    await kv.put(key, b"taken")
            await asyncio.sleep(10)
    assert lost.value.reason == "slot-lost"


async def test_requests_are_no_more_than_the_window_has(admin: Client) -> None:
    numbers = Numbers(requests=40, requests_seconds=2, requests_chunk=4, wait_seconds=20)
    replicas, at = [_replica(admin, numbers) for _ in range(2)], []

    async def request(allowance: Allowance) -> None:
        async with allowance.slots():
            at.append(time.monotonic())

    await asyncio.gather(*(request(one) for one in replicas for _ in range(50)))

    assert len(at) == 100
    for first in at:
        assert sum(first <= one < first + 2 for one in at) <= 40


async def test_bytes_are_no_more_than_the_window_has(admin: Client) -> None:
    numbers = Numbers(upload_bytes=100, upload_seconds=1, wait_seconds=10)
    one, other, began = _replica(admin, numbers), _replica(admin, numbers), time.monotonic()
    for allowance in (one, other, one, other):
        async with allowance.slots(upload_bytes=50):
            pass
    assert time.monotonic() - began > 1


async def test_a_pause_is_for_all_and_a_shorter_one_does_not_end_it(admin: Client) -> None:
    one, other, began = _replica(admin), _replica(admin), time.monotonic()
    await one.pause(2)
    await one.pause(0.5)
    async with other.slots():
        assert time.monotonic() - began >= 1.9


async def test_nobody_waits_for_a_long_pause(admin: Client) -> None:
    one, other = _replica(admin), _replica(admin)
    await one.pause(300)
    with pytest.raises(MailHostUnavailable) as refused:
        async with other.slots():
            pass
    assert refused.value.reason == "throttled"
    assert 290 < (refused.value.retry_after_seconds or 0) <= 300


async def test_without_the_bus_nothing_is_done(admin: Client, nats_server: NatsServer) -> None:
    allowance = _replica(admin, Numbers(wait_seconds=30))
    async with allowance.slots():
        pass
    nats_server.stop(kill=True)
    with pytest.raises(BusUnavailable):
        async with allowance.slots():
            pass
