"""Calls that block: apart from the rest, and nothing is left open when nobody waits any more."""

import asyncio
import socket
import threading

import pytest

from dispatch.adapters.threads import Threads
from postbus.errors import MailHostUnavailable


async def test_what_nobody_waits_for_any_more_is_given_away() -> None:
    """INVARIANT: a connection that comes too late is closed, and not forgotten open."""
    threads, go_on = Threads("test"), threading.Event()
    late: list[socket.socket] = []

    def connect() -> socket.socket:
        go_on.wait(5)
        return socket.socket()

    def close(one: socket.socket) -> None:
        one.close()
        late.append(one)

    waiting = asyncio.create_task(threads.run(connect, too_late=close))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    async with asyncio.timeout(2):
        while not late:
            await asyncio.sleep(0.01)
    assert late[0].fileno() == -1
    threads.close()


async def test_many_calls_that_hang_hold_up_no_other() -> None:
    threads, go_on = Threads("test"), threading.Event()
    hanging = [asyncio.create_task(threads.run(lambda: go_on.wait(5))) for _ in range(100)]
    async with asyncio.timeout(2):
        assert await threads.run(lambda: "done") == "done"
    go_on.set()
    await asyncio.gather(*hanging)
    threads.close()


async def test_what_a_call_raises_is_raised() -> None:
    threads = Threads("test")

    def refuse() -> None:
        raise MailHostUnavailable("no")

    with pytest.raises(MailHostUnavailable):
        await threads.run(refuse)
    threads.close()
