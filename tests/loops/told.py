"""What a Postbus tells, heard as another team's service hears it."""

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import nats
from nats.aio.msg import Msg

from postbus.bus.topology import TOPOLOGY

_AREAS = ("postbus.mail.", "postbus.ticket.", "postbus.send.", "postbus.parked.")
_ENDS = ("sent", "held", "failed", "in-doubt", "discarded")


@dataclass(frozen=True)
class Fact:
    """One event: its subject without the `postbus.` in front, and its data."""

    subject: str
    data: dict[str, Any] = field(repr=False)


class Told:
    """A thread that hears every fact of a stack, from the first one on."""

    def __init__(self, url: str) -> None:
        self.facts: list[Fact] = []
        self.heard: Counter[str] = Counter()
        """Number of the last message heard, by stream."""
        self._asked: set[str] = set()
        self._ended: set[str] = set()
        self._streams = [one for one in TOPOLOGY.streams if one.subjects[0].startswith(_AREAS)]
        self.watched = frozenset(one.name for one in self._streams)
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._open())

    @property
    def on_the_way(self) -> frozenset[str]:
        """Mails that were to be sent and have reached no end."""
        return frozenset(self._asked - self._ended)

    def close(self) -> None:
        self._do(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> None:
        self._client = await nats.connect(self._url)
        js = self._client.jetstream()
        self._subscriptions = [
            await js.subscribe(subject, stream=stream.name, ordered_consumer=True, cb=self._hear)
            for stream in self._streams
            for subject in stream.subjects
        ]

    async def _hang_up(self) -> None:
        for one in self._subscriptions:
            await one.unsubscribe()
        await self._client.close()

    async def _hear(self, message: Msg) -> None:
        fact = Fact(message.subject.removeprefix("postbus."), json.loads(message.data)["data"])
        self.facts.append(fact)
        area, what, *_ = fact.subject.split(".")
        if area == "send" and what == "requested":
            self._asked.add(fact.data["send_id"])
        elif area == "send" and what in _ENDS:
            self._ended.add(fact.data["send_id"])
        self.heard[message.metadata.stream] = message.metadata.sequence.stream
