"""A KV bucket and the parts of the bus that config uses, in memory.

The same suite (`tests/contract/test_config_kv.py`) runs on this and on the real one.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from postbus.bus import Entry, Stored
from postbus.bus.envelope import event_bytes
from postbus.bus.topology import TOPOLOGY
from postbus.contracts.base import Contract
from postbus.contracts.catalogue import FACTS
from postbus.errors import BusUnavailable, PermanentError, StateConflict

Answer = TypeVar("Answer", bound=Contract)
_MODELS = {fact.type: fact.model for fact in FACTS}
TOLD_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class MemoryBucket:
    """Revisions rise over all keys of the bucket, as they do on the stream behind a real one."""

    def __init__(self, *, history: int = 64) -> None:
        self._history_limit = history
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        self._followers: list[Callable[[Entry], None]] = []
        self._revision = 0
        self.away = False
        self.blind = False
        """Followers are told nothing, as after a restart of the server."""
        self.fail_writes_after: int | None = None
        """So many more writes succeed; then the process that writes is gone."""
        self.lives_seconds: dict[str, int | None] = {}
        """The time to live that each key was last written with; nothing expires by itself."""

    async def get(self, key: str) -> Entry | None:
        await self._reach()
        return self._live(key)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        await self._reach()
        if self._live(key) is not None:
            raise StateConflict(key)
        self.lives_seconds[key] = ttl_seconds
        return self._write(key, value, "PUT")

    async def update(
        self, key: str, value: bytes, *, revision: int, ttl_seconds: int | None = None
    ) -> int:
        await self._reach()
        self._expect(key, revision)
        self.lives_seconds[key] = ttl_seconds
        return self._write(key, value, "PUT")

    async def delete(self, key: str, *, revision: int | None = None) -> None:
        await self._reach()
        if revision is not None:
            self._expect(key, revision)
        self._write(key, b"", "DEL")

    async def put(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        await self._reach()
        self.lives_seconds[key] = ttl_seconds
        return self._write(key, value, "PUT")

    async def purge(self, key: str, *, revision: int | None = None) -> None:
        await self.delete(key, revision=revision)

    async def all(self, prefix: str = "") -> dict[str, Entry]:
        await self._reach()
        live = ((key, self._live(key)) for key in list(self._entries) if key.startswith(prefix))
        return {key: entry for key, entry in live if entry is not None}

    async def history(self, key: str) -> list[Entry]:
        await self._reach()
        return list(self._entries.get(key, []))

    async def follow(self, on_change: Callable[[Entry], None]) -> Callable[[], Awaitable[None]]:
        await self._reach()
        self._followers.append(on_change)

        async def stop() -> None:
            if on_change in self._followers:
                self._followers.remove(on_change)

        return stop

    @property
    def follower_count(self) -> int:
        return len(self._followers)

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise BusUnavailable("away")

    def _live(self, key: str) -> Entry | None:
        entries = self._entries.get(key)
        return entries[-1] if entries and entries[-1].operation == "PUT" else None

    def _expect(self, key: str, revision: int) -> None:
        entries = self._entries.get(key)
        if (entries[-1].revision if entries else 0) != revision:
            raise StateConflict(key)

    def _write(self, key: str, value: bytes, operation: str) -> int:
        if self.fail_writes_after is not None:
            if self.fail_writes_after == 0:
                raise BusUnavailable("gone")
            self.fail_writes_after -= 1
        self._revision += 1
        entry = Entry(key, value, self._revision, operation)
        self._entries[key].append(entry)
        del self._entries[key][: -self._history_limit]
        if not self.blind:
            for on_change in list(self._followers):
                asyncio.get_running_loop().call_soon(on_change, entry)
        return self._revision


@dataclass(frozen=True)
class Told:
    """A fact as it was told."""

    event_type: str
    last_token: str
    data: Contract
    event_id: str
    about: str | None = None


@dataclass
class MemoryBus:
    """Buckets, the facts that were told, and answers to questions."""

    buckets: dict[str, MemoryBucket] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    asked: list[tuple[Contract, float]] = field(default_factory=list)
    """Each question with how long its answer may take, in seconds."""
    answers: dict[str, Callable[[Contract], Contract]] = field(default_factory=dict)
    deaf: bool = False
    """The stream does not acknowledge what is told."""
    most_bytes: int = 1024 * 1024
    """The largest data that an event takes."""
    _reconnected: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def connect(self) -> None:
        """Nothing to do."""

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def bucket(self, name: str) -> MemoryBucket:
        return self.buckets.setdefault(name, MemoryBucket())

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        self._reconnected.append(callback)

    async def reconnect(self) -> None:
        for callback in self._reconnected:
            await callback()

    async def ready_problems(self) -> list[str]:
        return []

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        if self.deaf:
            raise BusUnavailable("no acknowledgement")
        if len(data.model_dump_json(by_alias=True)) > self.most_bytes:
            raise PermanentError(f"{event_type} is over {self.most_bytes}")
        if all(told.event_id != event_id for told in self.told):
            self.told.append(Told(event_type, last_token, data, event_id, about))

    async def stored(
        self, stream: str, subject: str, *, after: int = 0, since: datetime | None = None
    ) -> AsyncIterator[Stored]:
        """What was told, as the stream would have it; all of it at `TOLD_AT`."""
        assert TOPOLOGY.stream_of(subject).name == stream
        for sequence, told in enumerate(list(self.told), 1):
            full = f"{told.event_type}.{told.last_token}"
            late_enough = since is None or since <= TOLD_AT
            if sequence > after and late_enough and full.startswith(subject.removesuffix(">")):
                body = event_bytes(
                    _MODELS[told.event_type], told.data, id=told.event_id, source="/postbus/test",
                    type=told.event_type, subject=told.about, time=TOLD_AT,
                )  # fmt: skip
                yield Stored(sequence, full, TOLD_AT, body, 0)

    async def ask(
        self,
        subject: str,
        question: Contract,
        answer: type[Answer],
        *,
        timeout_seconds: float = 0.5,
    ) -> Answer:
        self.asked.append((question, timeout_seconds))
        if subject not in self.answers:
            raise BusUnavailable("nobody answers")
        return answer.model_validate(self.answers[subject](question).model_dump())
