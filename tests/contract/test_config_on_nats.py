"""The config service as a restricted user of a real nats-server, seen by another service."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import nats
import nkeys
import pytest
from prometheus_client import CollectorRegistry

from builders import raw_mail
from config_service.app import build
from config_service.resources.held_mails import KIND
from doubles.config_api import TOKENS, client_of, settings_in
from postbus.blobs import open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.bus.permissions import SETUP_USER, server_users
from postbus.bus.topology import TOPOLOGY, inbox_prefix
from postbus.configuration import Configuration, Follower
from postbus.contracts.base import BlobRef
from postbus.contracts.catalogue import PROVE_SUBJECT, TRY_INBOUND_SUBJECT, TRY_OUTBOUND_SUBJECT
from postbus.contracts.mail import MailHeld, MailReceived, MailReceivedEvent, MailReleased, Route
from postbus.contracts.mailboxes import ChannelState, CompletenessProof, KnownHealth, Prove
from postbus.contracts.trying import TryInbound, TryOutbound, TryResult, TryStep, TryStepName
from postbus.runtime.serve import Service
from postbus.secrets import Opener
from servers.nats import NatsServer

ANY = {"If-Match": "*"}
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SMTP = {
    "id": "it",
    "name": "IT",
    "kind": "smtp",
    "from_address": "it@abc.com",
    "smtp": {"host": "mail.abc.com", "username": "it", "auth": "password", "secret": "pw"},
}


@dataclass
class Guarded:
    server: NatsServer
    folder: Path
    setup: nats.NATS

    def config(self, **others: Any) -> tuple[Service, Opener]:
        settings, _ = settings_in(
            self.folder,
            nats_url=self.server.url,
            nats_seed_file=self.folder / "config.seed",
            try_timeout_seconds=2,
            **others,
        )
        return build(settings), Opener.from_file(self.folder / "private")

    def bus(self, service: str) -> Bus:
        seed = self.folder / f"{service}.seed"
        settings = BusSettings(self.server.url, service, seed, graceful_seconds=2)
        return Bus(settings, CollectorRegistry())

    async def told(self) -> list[dict[str, Any]]:
        """The audit facts in their stream, from the beginning."""
        jetstream = self.setup.jetstream()
        stream = (await jetstream.stream_info("POSTBUS_AUDIT")).state
        messages = [
            await jetstream.get_msg("POSTBUS_AUDIT", sequence)
            for sequence in range(1, stream.last_seq + 1)
        ]
        return [json.loads(message.data or b"")["data"] for message in messages]


async def _quiet(_: Exception) -> None:
    """The server goes away on purpose."""


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    public = {}
    for user in (*TOPOLOGY.users, SETUP_USER):
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        (tmp_path / f"{user}.seed").write_bytes(seed)
        public[user] = nkeys.from_seed(bytearray(seed)).public_key.decode()
    users = server_users(public, subscriber_password="pw")
    server = NatsServer(tmp_path / "nats", users).start()
    setup = await nats.connect(
        server.url,
        nkeys_seed=str(tmp_path / f"{SETUP_USER}.seed"),
        inbox_prefix=inbox_prefix(SETUP_USER),
        error_cb=_quiet,
    )
    await apply(setup.jetstream())
    yield Guarded(server, tmp_path, setup)
    await setup.close()
    server.stop(kill=True)


@pytest.fixture
async def started(guarded: Guarded) -> AsyncIterator[httpx.AsyncClient]:
    service, _ = guarded.config()
    await service.start()
    async with client_of(service, TOKENS["admin"]) as client:
        yield client
    await service.stop()


async def within(seconds: float, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_change_reaches_another_service_within_a_second(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    """INVARIANT: what an admin changes takes effect without a restart."""
    bus = guarded.bus("ticketing")
    await bus.connect()
    follower = Follower()
    await follower.start(bus)
    assert follower.current.filter.match("support@postbus.localhost") is not None
    body = {"id": "second", "name": "Second", "kind": "relay", "from_address": "it@abc.com"}
    await started.post("outbound-channels?force=true", json=body)
    patch = {"reply_via": "second"}
    answer = await started.patch("inbound-channels/support", json=patch, headers=ANY)
    assert answer.status_code == 200

    def seen() -> bool:
        channel = follower.current.inbound("support")
        return channel is not None and channel.reply_via == "second"

    await within(1, seen)
    await follower.stop()
    await bus.stop()


async def test_a_mail_is_listed_as_held_until_it_is_told_that_it_was_read(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    """Every part of it as the restricted user that it is."""
    raw = BlobRef(sha256="a" * 64, size_bytes=3)
    route = Route(door="forward", received_at=NOW)
    held = MailHeld(
        mail_id=raw.sha256, channel="support", reason="not-readable", raw=raw, route=route
    )
    ingest, archivist = guarded.bus("ingest-forward"), guarded.bus("archivist")
    await ingest.connect()
    await archivist.connect()
    await ingest.tell("postbus.mail.held", "support", held, event_id="h1")
    (listed,) = (await started.get("held-mails")).json()["items"]
    assert (listed["state"], listed["reason"]) == ("held", "not-readable")
    released = MailReleased(mail_id=raw.sha256, received_as="m1", channel="support", raw=raw)
    await archivist.tell("postbus.mail.released", "support", released, event_id="r1")
    (listed,) = (await started.get("held-mails")).json()["items"]
    assert (listed["state"], listed["received_as"]) == ("filed", "m1")
    await ingest.stop()
    await archivist.stop()


async def test_a_released_mail_is_told_as_received_for_ticketing_to_file(
    guarded: Guarded,
) -> None:
    """Every part of it as the restricted user that it is."""
    stamps = guarded.folder / "stamps"
    stamps.write_text(base64.b64encode(b"k" * 32).decode())
    service, _ = guarded.config(stamp_keys_file=stamps)
    await service.start()
    raw = await open_store((guarded.folder / "blobs").as_uri()).put(raw_mail({"Subject": "Held"}))
    route = Route(door="forward", received_at=NOW)
    held = MailHeld(
        mail_id=raw.sha256, channel="support", reason="not-readable", raw=raw, route=route
    )
    ingest, ticketing = guarded.bus("ingest-forward"), guarded.bus("ticketing")
    heard: list[MailReceived] = []

    async def file(event: MailReceivedEvent) -> None:
        """As ticketing does."""
        mail = event.data
        released = MailReleased(
            mail_id=mail.released.held_as if mail.released else "", received_as=mail.mail_id,
            channel=mail.channel, raw=mail.raw, by="the admin", ticket=12,
        )  # fmt: skip
        await ticketing.tell("postbus.mail.released", "support", released, event_id="r1")
        heard.append(mail)

    ticketing.consume("ticketing-mail", MailReceivedEvent, file)
    await ingest.connect()
    await ticketing.start()
    await ingest.tell("postbus.mail.held", "support", held, event_id="h1")
    path = f"held-mails/support.{raw.sha256}"
    async with client_of(service, TOKENS["admin"]) as client:
        assert (await client.post(f"{path}/discard")).json()["state"] == "discarded"
        assert (await client.post(f"{path}/release")).status_code == 202
        await within(10, lambda: bool(heard))
        (mail,) = heard
        assert (mail.subject, mail.released and mail.released.by) == ("Held", "the admin")
        again = await client.post(f"{path}/release")
        assert (again.status_code, again.json()["state"], again.json()["ticket"]) == (
            200, "filed", 12,
        )  # fmt: skip
        assert (await client.post(f"{path}/discard")).json()["type"] == "/problems/already-filed"
    told = [(one["who"], one["action"]) for one in await guarded.told() if one["kind"] == KIND]
    assert told == [("the admin", "discarded"), ("the admin", "released")]
    await ingest.stop()
    await ticketing.stop()
    await service.stop()


async def test_a_snapshot_follows_again_after_the_server_was_restarted(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    bus = guarded.bus("dispatch")
    await bus.connect()
    snapshots: list[Configuration] = []
    follower = Follower()
    follower.on_change(snapshots.append)
    await follower.start(bus)
    guarded.server.stop(kill=True)
    guarded.server.start()
    async with asyncio.timeout(20):
        while True:
            answer = await started.post("outbound-filter", json={"pattern": "*@example.com"})
            if answer.status_code in (201, 409):
                break
            assert answer.status_code == 503
            await asyncio.sleep(0.1)
    await within(10, lambda: follower.current.filter.match("a@example.com") is not None)
    await follower.stop()
    await bus.stop()


async def test_a_secret_reaches_dispatch_sealed_and_a_try_is_answered(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    """INVARIANT: only the holder of the private key can read what was typed into the console."""
    opener = Opener.from_file(guarded.folder / "private")
    opened: list[str] = []

    async def answer_try(question: TryOutbound) -> TryResult:
        secret = opener.open("outbound-channels.it", question.sealed_secret or "")
        opened.append(secret.get_secret_value())
        step = TryStep(name=TryStepName.SIGN_IN, ok=question.channel.name == "IT", detail="no")
        return TryResult(ok=step.ok, steps=(step,))

    bus = guarded.bus("dispatch")
    bus.answer(
        TRY_OUTBOUND_SUBJECT, TryOutbound, answer_try, otherwise=lambda _: TryResult(ok=False)
    )
    await bus.start()
    refused = await started.post("outbound-channels", json={**SMTP, "name": "Bad"})
    assert refused.status_code == 422
    made = await started.post("outbound-channels", json=SMTP)
    assert made.status_code == 201
    assert opened == ["pw", "pw"]
    kept = await (await bus.bucket("postbus-secrets")).get("outbound-channels.it")
    assert kept is not None
    assert opener.open("outbound-channels.it", kept.value.decode()).get_secret_value() == "pw"
    await started.delete("outbound-channels/it", headers=ANY)
    assert await (await bus.bucket("postbus-secrets")).get("outbound-channels.it") is None
    await bus.stop()


def tried_by(opener: Opener, prefix: str, opened: dict[str, str]) -> Callable[[Any], Any]:
    """Answers a try with success, and remembers the secret that it came with."""

    async def answer(question: TryInbound | TryOutbound) -> TryResult:
        name = f"{prefix}.{question.channel.id}"
        opened[name] = opener.open(name, question.sealed_secret or "").get_secret_value()
        return TryResult(ok=True, steps=(TryStep(name=TryStepName.SIGN_IN, ok=True),))

    return answer


async def test_a_gmail_mailbox_is_connected_by_both_services(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    """INVARIANT: each of the two can open its own secret and only that, and sees its channel."""
    opener = Opener.from_file(guarded.folder / "private")
    opened: dict[str, str] = {}
    dispatch, ingest = guarded.bus("dispatch"), guarded.bus("ingest-imap")
    no = TryResult(ok=False)
    dispatch.answer(
        TRY_OUTBOUND_SUBJECT,
        TryOutbound,
        tried_by(opener, "outbound-channels", opened),
        otherwise=lambda _: no,
    )
    ingest.answer(
        TRY_INBOUND_SUBJECT,
        TryInbound,
        tried_by(opener, "inbound-channels", opened),
        otherwise=lambda _: no,
    )
    await dispatch.start()
    await ingest.start()
    asked = {"address": "help@xyz.com", "app_password": "abcd efgh ijkl mnop"}
    made = await started.post("connect/gmail", json=asked)
    assert made.status_code == 201, made.text
    names = {f"{kind}.help-xyz-com" for kind in ("inbound-channels", "outbound-channels")}
    assert opened == dict.fromkeys(names, "abcdefghijklmnop")
    bucket = await ingest.bucket("postbus-secrets")
    for name in names:
        kept = await bucket.get(name)
        assert kept is not None
        assert opener.open(name, kept.value.decode()).get_secret_value() == "abcdefghijklmnop"
    follower = Follower()
    await follower.start(ingest)
    channel = follower.current.inbound("help-xyz-com")
    assert channel is not None
    assert channel.imap is not None
    assert follower.current.filter.match("help@xyz.com") is not None
    assert {record["id"] for record in await guarded.told()} >= {"help-xyz-com"}
    await follower.stop()
    await dispatch.stop()
    await ingest.stop()


async def test_health_and_proof_are_read_where_the_services_write_them(
    guarded: Guarded, started: httpx.AsyncClient
) -> None:
    body = {
        "id": "it", "name": "IT", "kind": "imap", "address": "it@abc.com",
        "imap": {"host": "mail.abc.com", "username": "it", "secret": "pw"},
    }  # fmt: skip
    made = await started.post("inbound-channels?force=true", json=body)
    assert made.status_code == 201
    now = datetime.now(UTC)
    ingest = guarded.bus("ingest-imap")
    proof = CompletenessProof(channel="it", proved_at=now, ok=True, seen=3, filed=3)

    async def prove(_: Prove) -> CompletenessProof:
        return proof.model_copy(update={"seen": 4})

    ingest.answer(PROVE_SUBJECT, Prove, prove, otherwise=lambda _: proof)
    await ingest.start()
    health = await ingest.bucket("postbus-health")
    said = KnownHealth(
        channel="it", state=ChannelState.NEEDS_SIGN_IN, since=now, checked_at=now, waiting=2
    )
    await health.create("inbound.it", said.model_dump_json().encode())
    await health.create("proof.it", proof.model_dump_json().encode())
    listed = (await started.get("health")).json()["items"]
    (shown,) = [one for one in listed if one["channel"] == "it"]
    assert (shown["state"], shown["waiting"]) == ("needs-sign-in", 2)
    path = "inbound-channels/it/completeness"
    assert (await started.get(path)).json()["seen"] == 3
    assert (await started.get(f"{path}?fresh=true")).json()["seen"] == 4
    await ingest.stop()


async def test_without_ingest_imap_a_mailbox_is_not_saved_untried(
    started: httpx.AsyncClient,
) -> None:
    asked = {"address": "help@xyz.com", "app_password": "abcd efgh ijkl mnop"}
    answer = await started.post("connect/gmail", json=asked)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/try-unavailable")
    assert (await started.get("inbound-channels/help-xyz-com")).status_code == 404


async def test_without_dispatch_a_try_is_answered_with_503(started: httpx.AsyncClient) -> None:
    answer = await started.post("outbound-channels", json=SMTP)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/try-unavailable")


async def test_the_audit_is_in_its_stream_once_however_often_the_service_starts(
    guarded: Guarded,
) -> None:
    for number in range(3):
        service, _ = guarded.config()
        await service.start()
        async with client_of(service, TOKENS["admin"]) as client:
            body = {"id": f"type-{number}", "name": "Type"}
            assert (await client.post("ticket-types", json=body)).status_code == 201
            listed = (await client.get("audit", params={"limit": 200})).json()["items"]
        await service.stop()
    told = await guarded.told()
    assert [one["revision"] for one in told] == sorted({one["revision"] for one in told})
    assert list(reversed(told)) == listed
