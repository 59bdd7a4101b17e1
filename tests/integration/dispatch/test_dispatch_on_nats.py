"""The whole service on a real nats-server and a real SMTP server; the loop guard always allows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.app import build
from dispatch.domain.attempts import Attempt, Finished, Step
from dispatch.domain.outcomes import outcome
from dispatch.settings import DispatchSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET, SENDING
from postbus.configuration import key_of, value_of
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.configuration import Change
from postbus.contracts.guard import Decision, Verdict
from postbus.contracts.sending import SendRequested, SendState
from postbus.runtime.serve import Service
from send_builders import send_requested
from servers.nats import NatsServer
from servers.smtp import SmtpServer

SUPPORT = {
    "id": "support", "name": "Support", "kind": "forward",
    "forward": {"creation_addresses": ["support@postbus.localhost"]},
}  # fmt: skip
RELAY = {"id": "relay", "name": "Relay", "kind": "relay"}
Start = Callable[..., Awaitable[Service]]


@pytest.fixture
async def ticketing(nats_server: NatsServer, admin: Client) -> AsyncIterator[Bus]:
    """Whoever wants mail sent; the configuration and a guard are there too."""
    bucket = await admin.jetstream().key_value("postbus-config")
    change = Change(by="test", at=datetime(2026, 3, 2, tzinfo=UTC))
    await bucket.put(key_of("inbound-channels", "support"), value_of(SUPPORT, change))
    await bucket.put(key_of("outbound-channels", "relay"), value_of(RELAY, change))

    async def allow(question: Msg) -> None:
        verdict = Verdict(decision=Decision.ALLOW, rule="none", reason="a test")
        await question.respond(verdict.model_dump_json().encode())

    await admin.subscribe(JUDGE_SUBJECT, cb=allow)
    bus = Bus(BusSettings(nats_server.url, "ticketing"), CollectorRegistry())
    await bus.connect()
    yield bus
    await bus.stop()


@pytest.fixture
async def start(
    tmp_path: Path, nats_server: NatsServer, relay: SmtpServer, ticketing: Bus
) -> AsyncIterator[Start]:
    """Starts a replica; stops all of them in the end."""
    async with AsyncExitStack() as stack:

        async def one(instance: str = "a") -> Service:
            settings = DispatchSettings(
                nats_url=nats_server.url,
                blob_url=f"file://{tmp_path}/blobs",
                relay_url=f"smtp://127.0.0.1:{relay.port}",  # type: ignore[arg-type]
                instance=instance,
                sweep_seconds=0.2,
                graceful_seconds=2,
            )
            service = build(settings)
            await service.start()
            stack.push_async_callback(service.stop)
            return service

        yield one


@pytest.fixture
def ledger(ticketing: Bus) -> NatsLedger:
    return NatsLedger(lambda: ticketing.bucket(LEDGER_BUCKET))


async def ask_to_send(ticketing: Bus, sent: SendRequested, event_id: str) -> None:
    """Another event id is another message of the stream: a redelivery that no window drops."""
    await ticketing.tell("postbus.send.requested", "support", sent, event_id=event_id)


async def keys(ticketing: Bus) -> set[str]:
    return set(await (await ticketing.bucket(LEDGER_BUCKET)).all())


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await is_so():
            await asyncio.sleep(0.05)


async def until_keys(ticketing: Bus, *wanted: str) -> None:
    async def are_there() -> bool:
        return await keys(ticketing) == set(wanted)

    await until(are_there)


async def until_heard(admin: Client) -> None:
    """Every request that was told is handled and acknowledged."""

    async def is_idle() -> bool:
        info = await admin.jetstream().consumer_info(SENDING, "dispatch-requests")
        return not info.num_pending and not info.num_ack_pending

    await until(is_idle)


async def test_a_request_is_sent_and_its_end_is_kept(
    start: Start, ticketing: Bus, relay: SmtpServer
) -> None:
    await start()
    await ask_to_send(ticketing, send_requested(), "e-1")
    await until_keys(ticketing, "done.s-1")
    assert [mail.recipients for mail in relay.taken] == [["anna@example.com"]]


async def test_a_request_that_comes_again_after_its_end_is_not_sent_again(
    start: Start, ticketing: Bus, relay: SmtpServer, admin: Client
) -> None:
    """INVARIANT: a redelivery never sends twice, and leaves nothing open for ever."""
    await start()
    sent = send_requested()
    await ask_to_send(ticketing, sent, "e-1")
    await until_keys(ticketing, "done.s-1")
    for number in range(2, 6):
        await ask_to_send(ticketing, sent, f"e-{number}")
    await until_heard(admin)
    await until_keys(ticketing, "done.s-1")
    assert len(relay.taken) == 1


async def test_of_many_deliveries_to_two_replicas_one_sends(
    start: Start, ticketing: Bus, relay: SmtpServer, admin: Client
) -> None:
    """INVARIANT: the claim and the end hold against deliveries at any moment of the sending."""
    await start("a")
    await start("b")
    mails = [send_requested(f"s-{number}") for number in range(5)]
    for number in range(6):
        for sent in mails:
            await ask_to_send(ticketing, sent, f"{sent.send_id}-{number}")
        await asyncio.sleep(0.02)
    await until_heard(admin)
    await until_keys(ticketing, *(f"done.{sent.send_id}" for sent in mails))
    assert sorted(mail.content.count(b"X-Postbus-Stamp") for mail in relay.taken) == [1] * 5


@pytest.mark.parametrize("step", [Step.ACCEPTED, Step.CLAIMED])
async def test_what_a_crash_left_open_beside_its_end_is_cleared_and_not_sent(
    start: Start, ticketing: Bus, ledger: NatsLedger, relay: SmtpServer, step: Step
) -> None:
    sent, now = send_requested(), datetime.now(UTC)
    fields: dict[str, Any] = {"claimed_by": "z", "claimed_at": now, "attempt": 1}
    attempt = Attempt(
        request=sent,
        step=step,
        accepted_at=now - timedelta(minutes=1),
        **(fields if step is Step.CLAIMED else {}),
    )
    await ledger.accept(attempt)
    end = outcome(attempt, SendState.SENT, outbound_channel="relay", now=now)
    await ledger.finish(Finished(outcome=end))
    await start()
    await until_keys(ticketing, "done.s-1")
    assert relay.taken == []


async def test_accepting_an_unfinished_mail_again_changes_nothing(ledger: NatsLedger) -> None:
    now = datetime.now(UTC)
    await ledger.accept(Attempt(request=send_requested(), accepted_at=now))
    kept = await ledger.open("s-1")
    await ledger.accept(Attempt(request=send_requested(), accepted_at=now + timedelta(hours=1)))
    assert await ledger.open("s-1") == kept
