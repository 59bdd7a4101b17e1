"""The part of `postbus.bus` that this service uses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from postbus.configuration.ports import KvEntry
from postbus.contracts.base import Contract
from postbus.errors import BusUnavailable

Answer = TypeVar("Answer", bound=Contract)


class KvBucket(Protocol):
    """`postbus.bus.Bucket`."""

    async def get(self, key: str) -> KvEntry | None:
        """The live entry, or None."""

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that is not there; its revision. StateConflict."""

    async def update(self, key: str, value: bytes, *, revision: int) -> int:
        """Write if the key is still at that revision. StateConflict."""

    async def delete(self, key: str, *, revision: int | None = None) -> None:
        """Leave a deletion mark; StateConflict."""

    async def all(self) -> Mapping[str, KvEntry]:
        """Every live entry by key."""

    async def history(self, key: str) -> Sequence[KvEntry]:
        """What is still known of a key, oldest first."""

    async def follow(
        self, on_change: Callable[[KvEntry], None], /
    ) -> Callable[[], Awaitable[None]]:
        """Call for each change from now on; gives back what stops it."""


class StoredMessage(Protocol):
    """`postbus.bus.Stored`."""

    @property
    def sequence(self) -> int:
        """Its place in the stream."""

    @property
    def body(self) -> bytes:
        """The event."""


class ServiceBus(Protocol):
    """`postbus.bus.Bus`."""

    async def connect(self) -> None:
        """Connect, waiting for NATS as long as it takes."""

    async def start(self) -> None:
        """Begin to hear."""

    async def stop(self) -> None:
        """Hear no more and close."""

    async def bucket(self, name: str, /) -> KvBucket:
        """A KV bucket; BusUnavailable."""

    def stored(
        self, stream: str, subject: str, /, *, since: datetime | None = None
    ) -> AsyncIterator[StoredMessage]:
        """What a stream holds under a subject, from then on, oldest first; BusUnavailable."""

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Publish a fact; BusUnavailable unless the stream has it."""

    async def ask(
        self,
        subject: str,
        question: Contract,
        answer: type[Answer],
        *,
        timeout_seconds: float = 0.5,
    ) -> Answer:
        """The answer; BusUnavailable."""

    def on_reconnect(self, callback: Callable[[], Awaitable[None]], /) -> None:
        """Call after every reconnect."""

    async def ready_problems(self) -> list[str]:
        """What keeps this service from hearing and telling."""


class BucketWhenOpen:
    """A bucket, once the service has started."""

    def __init__(self) -> None:
        self._bucket: KvBucket | None = None

    def open(self, bucket: KvBucket) -> None:
        """From now on it is this one."""
        self._bucket = bucket

    def __call__(self) -> KvBucket:
        """The bucket; BusUnavailable before the service has started."""
        if self._bucket is None:
            raise BusUnavailable("still starting")
        return self._bucket
