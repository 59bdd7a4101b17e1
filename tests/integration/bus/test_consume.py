"""The consume policy on a real nats-server: each trap of the stack has its test."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from doubles.mails import mail_received
from postbus.bus import Bus, BusSettings
from postbus.bus.retry import Policy
from postbus.bus.topology import MAIL, PARKED
from postbus.contracts.channels import ParkedEvent
from postbus.contracts.mail import MailReceivedEvent
from postbus.errors import BusUnavailable, MailHostUnavailable, PermanentError, StoreUnavailable
from servers.nats import NatsServer

QUICK = Policy(
    delays_seconds=(0.2, 0.4, 0.8),
    wait_here_delays_seconds=(0.1,),
    wait_here_seconds=30,
    max_deliveries=6,
)
RECEIVED = "postbus.mail.received"

MakeBus = Callable[..., Bus]


@pytest.fixture
async def make_bus(nats_server: NatsServer, admin: Client) -> AsyncIterator[MakeBus]:
    made: list[Bus] = []

    def make(service: str = "ticketing", policy: Policy = QUICK) -> Bus:
        settings = BusSettings(nats_server.url, service, policy=policy, graceful_seconds=5)
        made.append(Bus(settings, CollectorRegistry()))
        return made[-1]

    yield make
    for bus in made:
        await bus.stop()


async def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.02)


async def parked(admin: Client) -> list[ParkedEvent]:
    js = admin.jetstream()
    count = (await js.stream_info(PARKED)).state.messages
    found = [await js.get_msg(PARKED, seq=number + 1) for number in range(count)]
    return [ParkedEvent.model_validate_json(message.data or b"") for message in found]


async def pending(admin: Client) -> tuple[int, int]:
    info = await admin.jetstream().consumer_info(MAIL, "ticketing-mail")
    return info.num_pending or 0, info.num_ack_pending or 0


class Handler:
    """Fails as told, then succeeds; remembers when it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[float] = []
        self.done: list[str] = []

    async def __call__(self, event: MailReceivedEvent) -> None:
        self.calls.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        self.done.append(event.data.mail_id)


async def hearing(bus: Bus, handler: Callable[..., object]) -> Bus:
    bus.consume("ticketing-mail", MailReceivedEvent, handler)  # type: ignore[arg-type]
    await bus.start()
    return bus


async def short_ack_wait(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redelivery after 0.6 s of silence, and a heartbeat that fits."""
    info = await admin.jetstream().consumer_info(MAIL, "ticketing-mail")
    info.config.ack_wait = 0.6
    await admin.jetstream().add_consumer(MAIL, info.config)
    monkeypatch.setattr("postbus.bus.consume.HEARTBEAT_SECONDS", 0.2)


async def tell(bus: Bus, mail_id: str = "m1") -> None:
    await bus.tell(RECEIVED, "support", mail_received(mail_id), event_id=f"e-{mail_id}")


async def test_a_message_whose_handler_raised_comes_again_later_and_later(
    make_bus: MakeBus, admin: Client
) -> None:
    """INVARIANT: one failure must not terminate the message; FastStream's default would."""
    handler = Handler(MailHostUnavailable("a"), MailHostUnavailable("b"))
    bus = await hearing(make_bus(), handler)
    await tell(bus)
    await until(lambda: handler.done)
    first, second = (b - a for a, b in zip(handler.calls, handler.calls[1:], strict=False))
    assert first >= 0.2
    assert second >= 0.4
    await asyncio.sleep(0.1)
    assert await pending(admin) == (0, 0)


async def test_a_message_is_parked_whole_with_its_reason_after_its_tries(
    make_bus: MakeBus, admin: Client
) -> None:
    """INVARIANT: what cannot be handled is kept and shown, and holds up nothing."""
    handler = Handler(*[MailHostUnavailable("never")] * 4)
    bus = await hearing(make_bus(), handler)
    await tell(bus)
    await until(lambda: len(handler.calls) == 4)
    await tell(bus, "m2")
    await until(lambda: handler.done == ["m2"])
    (found,) = await parked(admin)
    assert found.data.reason == "tries-exhausted"
    assert found.data.deliveries == 4
    assert found.data.durable == "ticketing-mail"
    assert found.data.headers["Nats-Msg-Id"] == "e-m1"
    assert await pending(admin) == (0, 0)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{not json", "ValidationError"),
        (b'{"specversion": "1.0"}', "ValidationError"),
        (b"\xff\xfe", "ValidationError"),
        (b"", "ValidationError"),
    ],
)
async def test_what_cannot_be_read_is_parked_at_once(
    make_bus: MakeBus, admin: Client, payload: bytes, reason: str
) -> None:
    handler = Handler()
    await hearing(make_bus(), handler)
    await admin.jetstream().publish(f"{RECEIVED}.support", payload)
    for _ in range(100):
        if found := await parked(admin):
            break
        await asyncio.sleep(0.05)
    assert [(one.data.reason, one.data.deliveries) for one in found] == [(reason, 1)]
    assert handler.calls == []


async def test_a_permanent_error_is_parked_at_once(make_bus: MakeBus, admin: Client) -> None:
    handler = Handler(PermanentError("no"))
    bus = await hearing(make_bus(), handler)
    await tell(bus)
    await until(lambda: handler.calls)
    await asyncio.sleep(0.3)
    assert [one.data.reason for one in await parked(admin)] == ["PermanentError"]
    assert len(handler.calls) == 1


async def test_an_outage_is_waited_for_and_uses_no_tries(make_bus: MakeBus, admin: Client) -> None:
    """INVARIANT: an hour without MongoDB parks no mail."""
    handler = Handler(*[StoreUnavailable("away")] * 12)
    bus = await hearing(make_bus(), handler)
    await tell(bus)
    await until(lambda: handler.done)
    assert len(handler.calls) == 13
    assert await parked(admin) == []


async def test_a_shutdown_during_an_outage_gives_the_message_back(
    make_bus: MakeBus, admin: Client
) -> None:
    waiting = Handler(*[StoreUnavailable("away")] * 1000)
    bus = await hearing(make_bus(), waiting)
    await tell(bus)
    await until(lambda: waiting.calls)
    started = time.monotonic()
    await bus.stop()
    assert time.monotonic() - started < 3
    handler = Handler()
    await hearing(make_bus(), handler)
    await until(lambda: handler.done == ["m1"])


async def test_a_slow_handler_runs_once_although_another_replica_waits(
    make_bus: MakeBus, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: a handler slower than ack_wait is not run twice (the heartbeat)."""
    await short_ack_wait(admin, monkeypatch)
    calls: list[str] = []

    async def slow(event: MailReceivedEvent) -> None:
        calls.append(event.id)
        await asyncio.sleep(2)

    first, _ = [await hearing(make_bus(), slow) for _ in range(2)]
    await tell(first)
    await asyncio.sleep(3)
    assert calls == ["e-m1"]
    assert await pending(admin) == (0, 0)


async def test_the_same_fact_told_twice_is_in_the_stream_once(
    make_bus: MakeBus, admin: Client
) -> None:
    handler = Handler()
    bus = await hearing(make_bus(), handler)
    await asyncio.gather(*(tell(bus) for _ in range(5)))
    await until(lambda: handler.done)
    assert (await admin.jetstream().stream_info(MAIL)).state.messages == 1


async def test_every_subscriber_resumes_after_a_restart_of_nats(
    make_bus: MakeBus, nats_server: NatsServer
) -> None:
    handler = Handler()
    bus = await hearing(make_bus(), handler)
    await tell(bus, "before")
    await until(lambda: handler.done == ["before"])
    nats_server.stop(kill=True)
    with pytest.raises(BusUnavailable):
        await tell(bus, "during")
    nats_server.start()
    await until(lambda: bus.connected)
    await tell(bus, "after")
    await until(lambda: handler.done == ["before", "after"])


async def test_readiness_sees_a_durable_that_was_deleted(make_bus: MakeBus, admin: Client) -> None:
    """INVARIANT: a running subscriber goes silent then, without any error of its own."""
    bus = await hearing(make_bus(), Handler())
    assert await bus.ready_problems() == []
    await admin.jetstream().delete_consumer(MAIL, "ticketing-mail")
    (problem,) = await bus.ready_problems()
    assert "ticketing-mail" in problem


async def test_a_service_does_not_start_deaf_when_its_durable_is_missing(
    make_bus: MakeBus, admin: Client
) -> None:
    await admin.jetstream().delete_consumer(MAIL, "ticketing-mail")
    bus = make_bus()
    bus.consume("ticketing-mail", MailReceivedEvent, Handler())
    with pytest.raises(BusUnavailable):
        await bus.start()
    assert await bus.ready_problems() != []


async def test_a_message_that_kills_the_process_is_parked_in_the_end(
    make_bus: MakeBus, admin: Client
) -> None:
    """The last net: deliveries that ended without any verdict are counted by the server."""
    policy = Policy(max_deliveries=3)
    js = admin.jetstream()
    await js.publish(f"{RECEIVED}.support", json.dumps({"x": 1}).encode())
    subscription = await js.pull_subscribe_bind("ticketing-mail", MAIL)
    for _ in range(3):  # three processes that fetched it and died
        (message,) = await subscription.fetch(1, timeout=2)
        await message.nak()
    handler = Handler()
    await hearing(make_bus(policy=policy), handler)
    for _ in range(100):
        if found := await parked(admin):
            break
        await asyncio.sleep(0.05)
    assert [one.data.reason for one in found] == ["deliveries-exhausted"]
    assert handler.calls == []


async def test_running_handlers_finish_at_shutdown_and_nothing_comes_twice(
    make_bus: MakeBus, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await short_ack_wait(admin, monkeypatch)
    ended: list[str] = []

    async def slow(event: MailReceivedEvent) -> None:
        await asyncio.sleep(0.5)
        ended.append(event.data.mail_id)

    bus = await hearing(make_bus(), slow)
    for number in range(12):
        await tell(bus, f"m{number}")
    await asyncio.sleep(0.2)
    await bus.stop()
    assert ended, "what was running was cut off"
    second = Handler()
    await hearing(make_bus(), second)
    # What was on its way to the first process comes back after ack_wait.
    await until(lambda: len(ended) + len(second.done) >= 12)
    await asyncio.sleep(1)
    assert sorted(ended + second.done) == sorted(f"m{number}" for number in range(12))


async def test_one_trace_goes_through_all_that_a_message_causes(
    make_bus: MakeBus, admin: Client
) -> None:
    bus = make_bus()

    async def cause(event: MailReceivedEvent) -> None:
        await bus.tell(RECEIVED, "other", mail_received("m2"), event_id="e-caused")

    await hearing(bus, cause)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = MailReceivedEvent(
        id="e1", source="/t", type=RECEIVED, time=mail_received().route.received_at,
        data=mail_received(),
    ).model_dump_json(by_alias=True)  # fmt: skip
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    await admin.jetstream().publish(f"{RECEIVED}.support", body.encode(), headers=headers)
    for _ in range(100):
        if (await admin.jetstream().stream_info(MAIL)).state.messages > 1:
            break
        await asyncio.sleep(0.05)
    caused = await admin.jetstream().get_msg(MAIL, seq=2)
    assert (caused.headers or {})["traceparent"].split("-")[1] == trace_id
