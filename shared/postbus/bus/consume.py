"""Carries out the verdicts of `postbus.bus.retry`: the only place that parks, delays or keeps.

FastStream's acknowledgement middleware stands outside this one: returning acknowledges,
`NackMessage(delay=…)` gives the message back. The broker's default would terminate a message whose
handler raised once, and a plain negative acknowledgement would be delivered again at once.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from faststream import BaseMiddleware
from faststream.exceptions import HandlerException, NackMessage
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry, Counter, Histogram

from postbus.bus import trace
from postbus.bus.retry import UNREADABLE, Park, Policy, Retry, WaitHere, verdict
from postbus.contracts.base import utc_now
from postbus.contracts.channels import ParkedMessage
from postbus.errors import PostbusError, StateConflict

log = structlog.get_logger("postbus.bus")

HEARTBEAT_SECONDS = 10.0
"""A third of the durables' ack_wait."""

ParkMessage = Callable[[ParkedMessage], Awaitable[None]]


class Consuming:
    """What all deliveries of one service share: policy, counters, the way to the parked stream."""

    def __init__(
        self, park: ParkMessage, *, policy: Policy, registry: CollectorRegistry, service: str
    ) -> None:
        self.park = park
        self.policy = policy
        self.service = service
        self.stopping = asyncio.Event()
        self.handled = Counter(
            "postbus_messages_handled_total",
            "Messages by what became of them",
            ["durable", "verdict"],
            registry=registry,
        )
        self.seconds = Histogram(
            "postbus_message_seconds", "Time to handle a message", ["durable"], registry=registry
        )

    def middleware(self, message: Any, /, *, context: Any) -> "ConsumePolicy":
        """What FastStream calls for each message."""
        return ConsumePolicy(message, consuming=self, context=context)


class ConsumePolicy(BaseMiddleware):
    """One delivery of one message."""

    def __init__(self, message: Any, /, *, consuming: Consuming, context: Any) -> None:
        super().__init__(message, context=context)
        self._all = consuming

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        """Handle the message; acknowledge by returning, give back by NackMessage."""
        raw: Msg = msg.raw_message
        if not raw.reply.startswith("$JS.ACK."):
            return await call_next(msg)
        token = trace.adopt((raw.headers or {}).get(trace.HEADER))
        try:
            async with _heartbeat(msg):
                return await self._deliver(call_next, msg, raw)
        finally:
            trace.current.reset(token)

    async def _deliver(self, call_next: Any, msg: Any, raw: Msg) -> Any:
        started = time.monotonic()
        if raw.metadata.num_delivered > self._all.policy.max_deliveries:
            await self._park(raw, Park("deliveries-exhausted"), None, started)
            return None
        waits = 0
        while True:
            try:
                result = await call_next(msg)
            except HandlerException:
                raise
            except Exception as error:  # noqa: BLE001 - every failure gets a verdict here
                decided = verdict(
                    error,
                    raw.metadata.num_delivered,
                    self._all.policy,
                    waited_seconds=time.monotonic() - started,
                    waits=waits,
                )
                if not isinstance(decided, WaitHere):
                    return await self._carry_out(decided, raw, error, started)
                waits += 1
                await self._wait(decided, raw, error)
            else:
                self._note(raw, "done", started)
                return result

    async def _wait(self, decided: WaitHere, raw: Msg, error: Exception) -> None:
        """Sit out an outage; a shutdown gives the message back at once."""
        level = log.debug if isinstance(error, StateConflict) else log.warning
        level("message_waits", error=_brief(error), **_where(raw))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all.stopping.wait(), decided.delay_seconds)
            raise NackMessage(delay=0.1) from error

    async def _carry_out(
        self, decided: Retry | Park, raw: Msg, error: Exception, started: float
    ) -> None:
        if isinstance(decided, Park):
            await self._park(raw, decided, error, started)
            return
        self._note(raw, "again", started, error=error, delay_seconds=decided.delay_seconds)
        raise NackMessage(delay=decided.delay_seconds) from error

    async def _park(self, raw: Msg, decided: Park, error: Exception | None, started: float) -> None:
        """Publish first, acknowledge second; if publishing fails, the message comes back."""
        try:
            await self._all.park(_parked(raw, decided.reason, error))
        except PostbusError as unavailable:
            self._note(raw, "again", started, error=unavailable)
            raise NackMessage(delay=self._all.policy.back_to_stream_seconds) from unavailable
        self._note(raw, "parked", started, error=error, reason=decided.reason)

    def _note(
        self,
        raw: Msg,
        what: str,
        started: float,
        *,
        error: Exception | None = None,
        **fields: object,
    ) -> None:
        seconds = time.monotonic() - started
        durable = raw.metadata.consumer
        self._all.handled.labels(durable, what).inc()
        self._all.seconds.labels(durable).observe(seconds)
        if error is not None:
            fields["error"] = _brief(error)
        level = {"done": log.info, "again": log.warning, "parked": log.error}[what]
        # A validation error quotes its input, which is somebody's mail: its name must do.
        unknown = error is not None and not isinstance(error, (PostbusError, *UNREADABLE))
        level(
            "message_handled",
            verdict=what,
            milliseconds=round(seconds * 1000, 1),
            exc_info=error if unknown and what == "parked" else None,
            **_where(raw),
            **fields,
        )


@asynccontextmanager
async def _heartbeat(msg: Any) -> Any:
    """Tell the server every third of ack_wait that the message is still being worked on.

    Without it a handler slower than ack_wait runs a second time on another replica.
    """

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(Exception):  # the next beat tries again; ack_wait is the judge
                await msg.in_progress()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


def _where(raw: Msg) -> dict[str, object]:
    metadata = raw.metadata
    return {
        "event_id": (raw.headers or {}).get("Nats-Msg-Id"),
        "subject": raw.subject,
        "durable": metadata.consumer,
        "sequence": metadata.sequence.stream,
        "delivery": metadata.num_delivered,
    }


def _brief(error: Exception) -> str:
    """The error without what it may quote: a validation error repeats its input."""
    if isinstance(error, PostbusError):
        return f"{type(error).__name__}: {error}"[:300]
    return type(error).__name__


def _parked(raw: Msg, reason: str, error: Exception | None) -> ParkedMessage:
    metadata = raw.metadata
    return ParkedMessage(
        subject=raw.subject,
        stream=metadata.stream,
        sequence=metadata.sequence.stream,
        durable=metadata.consumer,
        deliveries=metadata.num_delivered,
        reason=reason,
        error=f"{type(error).__name__}: {error}"[:2000] if error else "",
        headers=dict(raw.headers or {}),
        payload_base64=base64.b64encode(raw.data).decode(),
        parked_at=utc_now(),
    )
