"""The one broker factory: a service's whole connection to NATS."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
import pydantic
import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.security import NatsNKey
from nats.aio.client import Client
from nats.js import JetStreamContext
from prometheus_client import CollectorRegistry

from postbus.bus import trace
from postbus.bus.buckets import Bucket, bus_errors
from postbus.bus.consume import Consuming
from postbus.bus.envelope import event_bytes
from postbus.bus.retry import Policy
from postbus.bus.stored import Stored, read_one, read_stored
from postbus.bus.topology import MAX_EVENT_BYTES, TOPOLOGY, Durable, Topology, inbox_prefix
from postbus.contracts.base import Contract, Event, derived_id, utc_now
from postbus.contracts.catalogue import FACTS
from postbus.contracts.channels import ParkedMessage
from postbus.errors import BusUnavailable, PermanentError

log = structlog.get_logger("postbus.bus")

Question = TypeVar("Question", bound=Contract)
Answer = TypeVar("Answer", bound=Contract)
Heard = TypeVar("Heard", bound=Event[Any])

_ACK_TIMEOUT_SECONDS = 5.0
_PULL_SECONDS = 3.0
"""How long a pull waits; also how long a subscriber may be deaf after a restart of the server."""
_MODELS = {fact.type: fact.model for fact in FACTS}


@dataclass(frozen=True)
class BusSettings:
    """How one service reaches NATS. `graceful_seconds` must exceed the slowest handler."""

    url: str
    service: str
    seed_file: Path | None = None
    graceful_seconds: float = 25
    policy: Policy = field(default_factory=Policy)
    topology: Topology = TOPOLOGY


class Bus:
    """Tell facts, hear facts, ask, answer, and open KV buckets."""

    def __init__(self, settings: BusSettings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._consuming = Consuming(
            self._park, policy=settings.policy, registry=registry, service=settings.service
        )
        self._reconnected: list[Callable[[], Awaitable[None]]] = []
        self._buckets: dict[str, Bucket] = {}
        self._durables: list[Durable] = []
        self._client: Client | None = None
        self._stopping = False
        self._started = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._broker = self._make_broker()
        # It prints a traceback per failed reconnect; `_on_error` says the same in one line.
        logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)

    def _make_broker(self) -> NatsBroker:
        settings = self._settings
        seed = settings.seed_file
        return NatsBroker(
            settings.url,
            name=settings.service,
            security=NatsNKey.from_file(str(seed)) if seed else None,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            graceful_timeout=settings.graceful_seconds,
            inbox_prefix=inbox_prefix(settings.service),
            # A connection that gave up would leave pull subscribers spinning without yielding.
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            closed_cb=self._on_closed,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            middlewares=(self._consuming.middleware,),
            decoder=_undecoded,
            apply_types=False,
            logger=None,
        )

    @property
    def connected(self) -> bool:
        """The connection is up now."""
        return self._client is not None and self._client.is_connected

    async def connect(self) -> None:
        """Connect, waiting for NATS as long as it takes; safe to call again."""
        if self._client is None:
            self._client = await self._broker.connect()

    async def start(self) -> None:
        """Bind every durable and begin to hear; BusUnavailable while one is missing."""
        await self.connect()
        for durable in self._durables:
            async with bus_errors():
                await self._js.consumer_info(durable.stream, durable.name, timeout=2)
        async with bus_errors():
            await self._broker.start()
        self._started = True

    async def stop(self) -> None:
        """Let running handlers finish and acknowledge, then close."""
        self._stopping = True
        self._consuming.stopping.set()
        for task in self._tasks:
            task.cancel()
        try:
            async with bus_errors():
                await self._broker.stop()
        except BusUnavailable as error:
            log.warning("bus_stopped_without_nats", error=str(error))

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call after every reconnect: watches were blind meanwhile."""
        self._reconnected.append(callback)

    async def bucket(self, name: str) -> Bucket:
        """A KV bucket of the topology; BusUnavailable."""
        if name not in self._buckets:
            async with bus_errors():
                kv = await self._js.key_value(name)
            self._buckets[name] = Bucket(kv, self._js, name, connected=lambda: self.connected)
        return self._buckets[name]

    async def stored(
        self, stream: str, subject: str, *, after: int = 0, since: datetime | None = None
    ) -> AsyncIterator[Stored]:
        """What a stream holds under a subject behind that sequence, or from then on, oldest first.

        For those the topology names as readers of the stream. BusUnavailable from every step.
        """
        self._must_be_connected()
        async for one in read_stored(self._connection, stream, subject, after=after, since=since):
            yield one

    async def stored_at(self, stream: str, sequence: int) -> Stored | None:
        """One message of a stream; None if it is not there. BusUnavailable."""
        self._must_be_connected()
        return await read_one(self._connection, stream, sequence)

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract | bytes,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Publish a fact and wait until its stream has it.

        Bytes are the JSON of data that was kept, and go out as they stand. The same `event_id` told
        again within the stream's window is stored once. Raises BusUnavailable when the stream did
        not acknowledge (it may have it all the same), and PermanentError for a fact over 1 MiB.
        """
        body = event_bytes(
            _MODELS[event_type],
            data,
            id=event_id,
            source=f"/postbus/{self._settings.service}",
            type=event_type,
            subject=about,
            time=utc_now(),
        )
        if len(body) > MAX_EVENT_BYTES and event_type != "postbus.parked":
            raise PermanentError(f"{event_type} of {len(body)} bytes is over {MAX_EVENT_BYTES}")
        await self._publish(f"{event_type}.{last_token}", body, event_id)

    async def _publish(self, subject: str, body: bytes, event_id: str) -> None:
        stream = self._settings.topology.stream_of(subject).name
        headers = {
            "Nats-Msg-Id": event_id,
            "content-type": "application/json",
            trace.HEADER: trace.outgoing(),
        }
        # nats-py would buffer it and send it later, when we have long said that it failed.
        self._must_be_connected()
        async with bus_errors():
            try:
                await self._js.publish(
                    subject, body, stream=stream, headers=headers, timeout=_ACK_TIMEOUT_SECONDS
                )
            except (nats.errors.TimeoutError, nats.js.errors.NoStreamResponseError):
                if not self.connected:
                    raise
                # An election or a lost acknowledgement: the id makes a second try harmless.
                await self._js.publish(
                    subject, body, stream=stream, headers=headers, timeout=_ACK_TIMEOUT_SECONDS
                )

    async def ask(
        self,
        subject: str,
        question: Contract,
        answer: type[Answer],
        *,
        timeout_seconds: float = 0.5,
    ) -> Answer:
        """Ask whoever answers that subject; one retry, then BusUnavailable."""
        body = question.model_dump_json(by_alias=True).encode()
        headers = {"content-type": "application/json", trace.HEADER: trace.outgoing()}
        for attempt in (1, 2):
            self._must_be_connected()
            try:
                async with bus_errors():
                    reply = await self._connection.request(
                        subject, body, timeout=timeout_seconds, headers=headers
                    )
            except BusUnavailable:
                if attempt == 2:
                    raise
            else:
                try:
                    return answer.model_validate_json(reply.data)
                except pydantic.ValidationError as error:
                    raise BusUnavailable(f"unreadable answer on {subject}") from error
        raise AssertionError("unreachable")

    def answer(
        self,
        subject: str,
        question: type[Question],
        handler: Callable[[Question], Awaitable[Contract]],
        *,
        otherwise: Callable[[Exception], Contract],
    ) -> None:
        """Answer requests; `otherwise` makes the answer when the question or handler fails.

        Without an answer the asker would wait its whole time-out.
        """

        async def reply(body: bytes) -> bytes:
            try:
                result = await handler(question.model_validate_json(body))
            except Exception as error:  # noqa: BLE001 - an error is an answer too
                log.warning("request_failed", subject=subject, error=type(error).__name__)
                result = otherwise(error)
            return result.model_dump_json(by_alias=True).encode()

        self._broker.subscriber(subject, queue=self._settings.service, max_workers=32)(reply)

    def consume(
        self, durable: str, event: type[Heard], handler: Callable[[Heard], Awaitable[None]]
    ) -> None:
        """Hear the facts of a durable of the topology; the consume policy does the rest."""
        declared = self._settings.topology.durable(durable)
        self._durables.append(declared)

        async def hear(body: bytes) -> None:
            await handler(event.model_validate_json(body))

        for _ in range(declared.workers):
            self._broker.subscriber(
                declared.subjects[0],
                stream=JStream(declared.stream, declare=False),
                durable=declared.name,
                # One at a time and several of them: a larger batch makes nats-py hold the first
                # message back until the batch is full or `timeout` is over (seen with 2.16).
                pull_sub=PullSub(batch_size=1, timeout=_PULL_SECONDS),
                # Pull subscribers do not inherit the broker's prefix; without it they hear nothing.
                inbox_prefix=f"{inbox_prefix(self._settings.service)}.".encode(),
            )(hear)

    async def backlog(self, durable: str) -> int:
        """How many messages of a durable are not handled yet; for its watchers. BusUnavailable."""
        self._must_be_connected()
        declared = self._settings.topology.durable(durable)
        async with bus_errors():
            info = await self._js.consumer_info(declared.stream, declared.name, timeout=2)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def ready_problems(self) -> list[str]:
        """What keeps this service from hearing and telling; empty when ready.

        A deleted durable leaves a running subscriber silent, so each is asked for by name.
        """
        if not self.connected:
            return ["nats: not connected"]
        if not self._started:
            return ["nats: streams or durables are not there yet"]
        problems = []
        for durable in self._durables:
            try:
                async with bus_errors():
                    await self._js.consumer_info(durable.stream, durable.name, timeout=1)
            except BusUnavailable as error:
                problems.append(f"durable {durable.name}: {error}")
        return problems

    def _must_be_connected(self) -> None:
        if not self.connected:
            raise BusUnavailable("not connected")

    @property
    def _connection(self) -> Client:
        if self._client is None:
            raise BusUnavailable("not connected yet")
        return self._client

    @property
    def _js(self) -> JetStreamContext:
        return self._connection.jetstream()

    async def _park(self, parked: ParkedMessage) -> None:
        event_id = derived_id("parked", parked.durable, parked.stream, str(parked.sequence))
        await self.tell("postbus.parked", parked.durable, parked, event_id=event_id)

    async def _on_closed(self) -> None:
        if not self._stopping:
            log.critical("nats_connection_closed")
            os._exit(70)  # the supervisor starts us anew; going on would be deaf and busy

    async def _on_error(self, error: Exception) -> None:
        text = str(error)
        if "permissions violation" in text.lower():
            log.critical("nats_permission_refused", error=text)
        else:
            log.warning("nats_error", error=f"{type(error).__name__}: {text}")

    async def _on_disconnected(self) -> None:
        if not self._stopping:
            log.warning("nats_disconnected")

    async def _on_reconnected(self) -> None:
        log.info("nats_reconnected")
        # Not here: nats-py waits for this callback before it reads on, and these need answers.
        task = asyncio.create_task(self._refresh())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh(self) -> None:
        for bucket in self._buckets.values():
            await _try_again(bucket.reopen)
        for callback in self._reconnected:
            await _try_again(callback)


async def _try_again(action: Callable[[], Awaitable[None]]) -> None:
    """JetStream may need a moment after the connection is back."""
    for delay_seconds in (0.1, 0.5, 1, 2, 5):
        try:
            await action()
        except BusUnavailable as error:
            log.warning("refresh_waits", error=str(error))
            await asyncio.sleep(delay_seconds)
        else:
            return


async def _undecoded(message: Any) -> Any:
    """The bytes as they came: the model reads them once, and its errors park the message."""
    return message.body
