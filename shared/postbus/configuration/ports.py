"""What the follower needs of a bus; `postbus.bus.Bus` has it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol


class KvEntry(Protocol):
    """A value of a key at a revision; `operation` is PUT or DEL."""

    @property
    def key(self) -> str: ...  # noqa: D102 - the docstring of the class says it
    @property
    def value(self) -> bytes: ...  # noqa: D102 - the docstring of the class says it
    @property
    def revision(self) -> int: ...  # noqa: D102 - the docstring of the class says it
    @property
    def operation(self) -> str: ...  # noqa: D102 - the docstring of the class says it


class ReadableBucket(Protocol):
    """A KV bucket that can be read and followed."""

    async def all(self) -> Mapping[str, KvEntry]:
        """Every live entry by key; BusUnavailable."""

    async def follow(
        self, on_change: Callable[[KvEntry], None], /
    ) -> Callable[[], Awaitable[None]]:
        """Call for each change from now on; gives back what stops it. BusUnavailable."""


class ConfigurationBus(Protocol):
    """The part of the bus that gives buckets and says when they were out of sight."""

    async def bucket(self, name: str, /) -> ReadableBucket:
        """A KV bucket; BusUnavailable."""

    def on_reconnect(self, callback: Callable[[], Awaitable[None]], /) -> None:
        """Call after every reconnect."""
