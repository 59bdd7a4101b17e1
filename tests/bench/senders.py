"""Customers: hand mails over by SMTP on a few connections, as fast as it goes or at a rate."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiosmtplib

from bench.generator import TO, Mail

CONNECTIONS = 8


@dataclass(frozen=True)
class Handed:
    """When a mail was begun and when the door said 250, in seconds of the clock."""

    began: float
    accepted_at: float


async def hand_over(
    mails: Sequence[Mail], door: tuple[str, int], *, per_second: float | None = None
) -> list[Handed]:
    """Send all, in order, and give back when each was taken; SMTPException for a refusal.

    At a rate, a mail is due at its time whether or not those before it were answered.
    """
    handed: list[Handed | None] = [None] * len(mails)
    numbers = iter(range(len(mails)))
    start = time.time()

    async def connection() -> None:
        async with aiosmtplib.SMTP(hostname=door[0], port=door[1], timeout=120) as smtp:
            for n in numbers:
                if per_second is not None:
                    await asyncio.sleep(max(0.0, start + n / per_second - time.time()))
                began = time.time()
                await smtp.sendmail(mails[n].envelope_from, [TO], mails[n].raw)
                handed[n] = Handed(began, time.time())

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(connection())
    return [one for one in handed if one is not None]
