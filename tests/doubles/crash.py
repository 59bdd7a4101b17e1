"""Lets a program die, or a port be away, at any step: the n-th call works, or not, and raises."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Crash(BaseException):
    """The process is gone; nothing catches this."""


@dataclass
class CrashAt:
    """Counts calls to everything it wraps; at the chosen one the program dies."""

    call: int | None = None
    after_the_work: bool = False
    calls: int = 0
    error: BaseException = field(default_factory=Crash)

    def wrap(self, port: Any) -> Any:
        return _Wrapped(port, self)


class _Wrapped:
    def __init__(self, port: Any, crash: CrashAt) -> None:
        self._port = port
        self._crash = crash

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)
        crash = self._crash

        async def call(*args: Any, **kwargs: Any) -> Any:
            crash.calls += 1
            mine = crash.calls == crash.call
            if mine and not crash.after_the_work:
                raise crash.error
            result = await method(*args, **kwargs)
            if mine:
                raise crash.error
            return result

        return call
