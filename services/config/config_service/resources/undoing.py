"""All or nothing on KV, which has no transactions: what was done is undone when a later step fails.

A crash undoes nothing, so the order of the steps must make what it leaves harmless.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from postbus.errors import TemporaryError
from postbus.runtime.problems import Problem

Undo = Callable[[], Awaitable[None]]
log = structlog.get_logger("config.undoing")


@asynccontextmanager
async def all_or_nothing() -> AsyncIterator[Callable[[Undo], None]]:
    """Gives what remembers how to undo a step; say it before the step, which may fail half way.

    The last step is undone first, and where that fails the rest stays as well: an earlier step may
    be what a later one stands on.
    """
    steps: list[Undo] = []
    try:
        yield steps.append
    except Exception as error:
        log.warning("undoing", error=type(error).__name__, steps=len(steps))
        await _undo(steps)
        raise


async def _undo(steps: list[Undo]) -> None:
    for undo in reversed(steps):
        try:
            await undo()
        except (TemporaryError, Problem) as error:
            log.warning("not_undone", error=type(error).__name__)
            return
