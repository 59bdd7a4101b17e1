"""The whole service on a real nats-server and a real folder."""

import asyncio
import base64
import smtplib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nats.aio.client import Client

from builders import raw_mail
from ingest_forward.app import build
from ingest_forward.settings import IngestForwardSettings
from postbus.blobs import open_store
from postbus.configuration import key_of, value_of
from postbus.contracts.configuration import Change
from postbus.contracts.mail import MailReceivedEvent
from postbus.runtime.serve import Service
from servers.nats import NatsServer, free_port

SUPPORT = {
    "id": "support",
    "name": "Support",
    "kind": "forward",
    "forward": {"creation_addresses": ["support@postbus.localhost"]},
}


@dataclass
class Running:
    """The service, its settings and what is behind it."""

    service: Service
    settings: IngestForwardSettings

    async def send(self, raw: bytes) -> int:
        def client() -> int:
            with smtplib.SMTP("127.0.0.1", self.settings.smtp_port, timeout=20) as smtp:
                smtp.ehlo("client.test")
                smtp.mail("anna@example.com")
                code, _ = smtp.rcpt("support@postbus.localhost")
                return smtp.data(raw)[0] if code == 250 else code

        return await asyncio.to_thread(client)


@pytest.fixture
async def running(tmp_path: Path, nats_server: NatsServer, admin: Client) -> AsyncIterator[Running]:
    bucket = await admin.jetstream().key_value("postbus-config")
    change = Change(by="test", at=datetime(2026, 3, 2, tzinfo=UTC))
    await bucket.put(key_of("inbound-channels", "support"), value_of(SUPPORT, change))
    keys = tmp_path / "stamp.keys"
    keys.write_bytes(base64.b64encode(b"k" * 32))
    settings = IngestForwardSettings(
        nats_url=nats_server.url,
        blob_url=f"file://{tmp_path}/blobs",
        smtp_port=free_port(),
        stamp_keys_file=keys,
        graceful_seconds=2,
    )
    service = build(settings)
    await service.start()
    yield Running(service, settings)
    await service.stop()


async def test_a_mail_is_in_the_stream_and_on_the_disk_when_250_is_said(
    running: Running, admin: Client
) -> None:
    """INVARIANT: what was accepted is in the stream."""
    raw = raw_mail()
    assert await running.send(raw) == 250
    message = await admin.jetstream().get_last_msg("POSTBUS_MAIL", "postbus.mail.received.support")
    event = MailReceivedEvent.model_validate_json(message.data or b"")
    assert event.data.subject == "Printer on fire"
    assert event.data.route.door == "forward"
    assert await open_store(running.settings.blob_url).get(event.data.raw.sha256) == raw
    for check in running.service.ready_checks:
        assert await check() == []


async def test_a_mail_sent_twice_is_one_message_of_the_stream(
    running: Running, admin: Client
) -> None:
    assert [await running.send(raw_mail()) for _ in range(2)] == [250, 250]
    info = await admin.jetstream().stream_info("POSTBUS_MAIL")
    assert info.state.messages == 1


async def test_while_nats_is_away_the_answer_is_451_and_later_250(
    running: Running, nats_server: NatsServer
) -> None:
    nats_server.stop(kill=True)
    assert await running.send(raw_mail()) == 451
    nats_server.start()
    async with asyncio.timeout(20):
        while await running.send(raw_mail()) != 250:
            await asyncio.sleep(0.2)


async def test_a_channel_that_is_disabled_takes_no_mail_a_moment_later(
    running: Running, admin: Client
) -> None:
    bucket = await admin.jetstream().key_value("postbus-config")
    change = Change(by="test", at=datetime(2026, 3, 2, tzinfo=UTC))
    disabled = {**SUPPORT, "enabled": False}
    await bucket.put(key_of("inbound-channels", "support"), value_of(disabled, change))
    async with asyncio.timeout(2):
        while await running.send(raw_mail()) != 550:
            await asyncio.sleep(0.05)
