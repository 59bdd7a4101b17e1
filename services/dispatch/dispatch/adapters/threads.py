"""Threads for calls that block, apart from those that the blob store needs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

Result = TypeVar("Result")

_MOST: Final = 256
"""Servers that hang hold a thread each until they time out; a thread is made when it is needed."""


class Threads:
    """Connecting and asking Google for tokens happen here, so that they hold up nothing else."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix=name)

    async def run(
        self, call: Callable[[], Result], *, too_late: Callable[[Result], None] | None = None
    ) -> Result:
        """What the call gives back or raises; `too_late` gets what nobody waits for any more."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: _give_away(done, too_late))
            raise

    def close(self) -> None:
        """Take no more calls; those that run end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _give_away(done: "asyncio.Future[Result]", too_late: Callable[[Result], None] | None) -> None:
    with suppress(asyncio.CancelledError, Exception):
        result = done.result()
        if too_late is not None:
            too_late(result)
