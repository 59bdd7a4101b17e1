"""`parse`, in worker processes, with a limit of time and of memory for each mail.

AnyIO keeps the processes (`anyio.to_process`): it starts one when all are busy, ends one whose work
is cancelled, and lets go of the idle.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from anyio import BrokenWorkerProcess, CapacityLimiter, fail_after, to_process

from postbus.errors import MailUnreadable
from postbus.mail.parsed import ParsedMail
from postbus.reading.worker import read_bytes, read_file

_THROUGH_THE_PIPE_BYTES = 512 * 1024
"""Larger mails are handed over as a file, so that no second copy of them is made."""

Mail = TypeVar("Mail", bytes, str)


@dataclass(frozen=True)
class ReadingLimits:
    """What one mail may cost, and how many are read at a time."""

    seconds: float = 30
    memory_bytes: int = 1024 * 1024 * 1024
    processes: int = 2


class MailReader:
    """Reads mails beside the event loop. One for a service; safe to call from many tasks."""

    def __init__(self, limits: ReadingLimits | None = None) -> None:
        self._limits = limits or ReadingLimits()
        self._limiter: CapacityLimiter | None = None

    async def start(self) -> None:
        """Have a process ready before the first mail comes."""
        await self.read(b"")

    async def read(self, raw: bytes) -> ParsedMail:
        """What the mail says.

        Raises:
            MailUnreadable: it took more time or memory than a mail may take.
        """
        try:
            if len(raw) <= _THROUGH_THE_PIPE_BYTES:
                parsed = await self._in_a_process(read_bytes, raw)
            else:
                parsed = await self._through_a_file(raw)
        except TimeoutError as error:
            raise MailUnreadable(f"reading took more than {self._limits.seconds:g} s") from error
        except (BrokenWorkerProcess, MemoryError) as error:
            raise MailUnreadable("reading took more memory than a mail may take") from error
        return parsed.attached_to(raw)

    async def _through_a_file(self, raw: bytes) -> ParsedMail:
        with tempfile.NamedTemporaryFile(prefix="postbus-mail-") as file:
            await asyncio.to_thread(file.write, raw)
            file.flush()
            return await self._in_a_process(read_file, file.name)

    async def _in_a_process(
        self, work: Callable[[Mail, int], ParsedMail], mail: Mail
    ) -> ParsedMail:
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._limits.processes)
        async with self._limiter:
            # The clock starts when a process is free: a queue is not the fault of the mail.
            with fail_after(self._limits.seconds):
                return await to_process.run_sync(
                    work, mail, self._limits.memory_bytes, cancellable=True
                )
