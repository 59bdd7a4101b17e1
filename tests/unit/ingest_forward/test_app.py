"""The service as a whole while NATS is away: it stands there and says "later"."""

import asyncio
import base64
import smtplib
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest_forward.app import build
from ingest_forward.settings import IngestForwardSettings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings_in(folder: Path) -> IngestForwardSettings:
    keys = folder / "stamp.keys"
    keys.write_bytes(base64.b64encode(b"k" * 32))
    return IngestForwardSettings(
        nats_url=f"nats://127.0.0.1:{free_port()}",
        blob_url=f"file://{folder}/blobs",
        smtp_port=free_port(),
        stamp_keys_file=keys,
        graceful_seconds=1,
    )


async def test_while_nats_is_away_senders_are_told_to_come_again(tmp_path: Path) -> None:
    """INVARIANT: an outage of ours is never a bounce to a customer."""
    settings = settings_in(tmp_path)
    service = build(settings)
    starting = asyncio.create_task(service.start())
    try:
        async with asyncio.timeout(5):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", settings.smtp_port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break

        def client() -> int:
            with smtplib.SMTP("127.0.0.1", settings.smtp_port, timeout=5) as smtp:
                smtp.ehlo("client.test")
                smtp.mail("anna@example.com")
                return smtp.rcpt("support@postbus.localhost")[0]

        assert await asyncio.to_thread(client) == 451
        problems = [problem for check in service.ready_checks for problem in await check()]
        assert problems == ["nats: not connected", "configuration: not read yet"]
    finally:
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await service.stop()


def test_a_key_without_a_certificate_is_a_mistake() -> None:
    with pytest.raises(ValidationError):
        IngestForwardSettings(tls_key_file=Path("/nowhere/key.pem"))
