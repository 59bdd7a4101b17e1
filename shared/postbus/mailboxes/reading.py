"""Reads one folder of one mailbox with patience: whatever happens, it is tried again."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from postbus.errors import (
    CredentialsRejected,
    MailHostUnavailable,
    NotConfigured,
    PostbusError,
    StateConflict,
    Unavailable,
)
from postbus.mailboxes.board import Board
from postbus.mailboxes.health import trouble
from postbus.mailboxes.patience import again_after
from postbus.mailboxes.ports import Lease

log = structlog.get_logger("postbus.mailboxes")
_QUIET: Final = ("connection-lost", "throttled", "unavailable")
_QUIET_TIMES: Final = 2
"""Servers end connections, slow us down and stumble; that is no trouble until it happens again at
once."""
_LEASE_SECONDS: Final = 0.5


class PatientReader(ABC):
    """The port `Reader`, but for the reading itself; `spread` gives a number between 0 and 1."""

    def __init__(
        self, board: Board, channel: str, folder: str, lease: Lease, spread: Callable[[], float]
    ) -> None:
        self._board = board
        self._id = channel
        self._folder = folder
        self._lease = lease
        self._spread = spread
        self._failures = 0
        self._look = asyncio.Event()

    @abstractmethod
    async def _read(self) -> None:
        """Read until something happens.

        Raises:
            StateConflict: another replica reads here now.
            PostbusError: anything else; it is begun again after a while.
        """

    def hurry(self) -> None:
        """Look at the folder now, or try again now if it could not be read."""
        self._look.set()

    async def run(self) -> None:
        """Read, and begin again after whatever happens."""
        while True:
            self._look.clear()
            try:
                await self._read()
            except StateConflict:
                log.warning("mailbox_read_elsewhere", channel=self._id)
                return
            except PostbusError as error:
                await self._pause(error)
            except Exception as error:
                log.exception("mailbox_failed", channel=self._id)
                await self._pause(MailHostUnavailable(type(error).__name__, reason="our-fault"))

    async def _pause(self, error: PostbusError) -> None:
        self._failures += 1
        quiet = getattr(error, "reason", "") in _QUIET and self._failures <= _QUIET_TIMES
        if not isinstance(error, Unavailable) and not quiet:
            self._board.seen(self._id, self._folder, trouble(error))
        log.warning(
            "mailbox_waits",
            channel=self._id,
            failures=self._failures,
            error=f"{type(error).__name__}: {error}"[:300],
        )
        seconds = again_after(
            self._failures,
            refused=isinstance(error, (CredentialsRejected, NotConfigured)),
            asked_seconds=getattr(error, "retry_after_seconds", None),
            spread=self._spread(),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._look.wait()

    async def _until_good(self) -> None:
        """While NATS is away nobody knows whose mailbox this is, so nothing is done with it."""
        while not self._lease.is_good():  # noqa: ASYNC110 - it is a clock that is asked
            await asyncio.sleep(_LEASE_SECONDS)
