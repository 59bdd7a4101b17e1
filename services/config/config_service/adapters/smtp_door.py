"""Knocks at the SMTP door of ingest-forward."""

import asyncio
from contextlib import suppress

from config_service.domain.channel_health import Step

STEP = "door-reachable"
KNOCK_SECONDS = 2.0


class SmtpDoor:
    """`config_service.ports.CheckDoor`: the door is good when it greets (RFC 5321 §4.3.1)."""

    def __init__(self, address: str | None) -> None:
        self._address = address

    async def __call__(self) -> Step:
        """The step; `ok` is None when no door is set."""
        if self._address is None:
            return Step(STEP, None, "this service was not told where the SMTP door is")
        host, _, port = self._address.rpartition(":")
        try:
            async with asyncio.timeout(KNOCK_SECONDS):
                greeting = await _greeting(host, int(port))
        except (OSError, TimeoutError) as error:
            reason = type(error).__name__
            return Step(STEP, ok=False, detail=f"the SMTP door does not answer: {reason}")
        if not greeting.startswith(b"220"):
            return Step(STEP, ok=False, detail="the SMTP door does not greet as it should")
        return Step(STEP, ok=True, detail="the SMTP door greets")


async def _greeting(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        greeting = await reader.readline()
        writer.write(b"QUIT\r\n")
        return greeting
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
