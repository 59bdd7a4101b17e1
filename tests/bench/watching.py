"""Hears the events of a stack as another team's service would, and notes when each came."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nats
from nats.aio.msg import Msg

_OPEN_ENDS = (
    "postbus.send.requested",
    "postbus.send.judged",
    "postbus.send.claimed",
    "postbus.send.deferred",
)
_POLL_SECONDS = 0.02


class Stalled(Exception):
    """Something did not come, and nothing else did for a long time."""


@dataclass(frozen=True)
class Told:
    """An event as it came; `at` is the time of the clock in seconds."""

    at: float
    subject: str
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The data of the CloudEvent."""
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


class Watching:
    """Lists that grow: tickets, mails held, requests to send, ends of sending, what was parked."""

    def __init__(self) -> None:
        self.tickets: list[Told] = []
        self.held: list[Told] = []
        self.requested: list[Told] = []
        self.ended: list[Told] = []
        self.parked: list[Told] = []
        self._last = time.time()

    async def open(self, url: str) -> None:
        """Subscribe from the beginning of each stream."""
        self._client = await nats.connect(url)
        js = self._client.jetstream()
        self._subscriptions = [
            await js.subscribe(subject, ordered_consumer=True, cb=self._hear)
            for subject in (
                "postbus.ticket.>",
                "postbus.mail.held.>",
                "postbus.send.>",
                "postbus.parked.>",
            )
        ]

    async def close(self) -> None:
        """Hang up; first the subscriptions, which would try to come back."""
        for subscription in self._subscriptions:
            await subscription.unsubscribe()
        await self._client.close()

    async def until(
        self, done: Callable[[], bool], what: Callable[[], str], *, quiet_seconds: float = 60
    ) -> float:
        """Wait, and give back when it was so; Stalled after so long without any event."""
        self._last = time.time()
        while not done():
            if time.time() - self._last > quiet_seconds:
                raise Stalled(what())
            await asyncio.sleep(_POLL_SECONDS)
        return time.time()

    async def read(self, subject: str) -> list[dict[str, Any]]:
        """The data of everything on a stream so far."""
        js = self._client.jetstream()
        subscription = await js.subscribe(subject, ordered_consumer=True)
        found = []
        try:
            while True:
                message = await subscription.next_msg(timeout=2)
                found.append(json.loads(message.data)["data"])
        except nats.errors.TimeoutError:
            return found
        finally:
            await subscription.unsubscribe()

    async def _hear(self, message: Msg) -> None:
        self._last = time.time()
        told = Told(self._last, message.subject, message.data)
        if message.subject.startswith("postbus.ticket."):
            self.tickets.append(told)
        elif message.subject.startswith("postbus.mail.held."):
            self.held.append(told)
        elif message.subject.startswith("postbus.parked."):
            self.parked.append(told)
        elif not message.subject.startswith(_OPEN_ENDS):
            self.ended.append(told)
        elif message.subject.startswith("postbus.send.requested"):
            self.requested.append(told)
