"""ingest-imap on a real nats-server, with the configuration and the keys that it needs."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client
from pydantic import SecretStr

from ingest_imap.app import build
from ingest_imap.settings import IngestImapSettings
from postbus.bus.topology import CURSORS_BUCKET, HEALTH_BUCKET, LEASES_BUCKET, SECRETS_BUCKET
from postbus.configuration import key_of, value_of
from postbus.contracts.base import Contract, Event
from postbus.contracts.catalogue import FACTS, FILED_SUBJECT
from postbus.contracts.configuration import Change
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, Filed, KnownHealth
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.sharing import reader_of
from postbus.runtime.serve import Service
from postbus.secrets import Opener, Sealer, generate_key_pair, write_key_files

_MODELS: dict[str, type[Event[Any]]] = {fact.type: fact.model for fact in FACTS}


@dataclass
class Keys:
    """Files of one installation."""

    folder: Path

    def __post_init__(self) -> None:
        pair = generate_key_pair()
        self.private = self.folder / "sealing.private"
        write_key_files(pair, public_file=self.folder / "sealing.public", private_file=self.private)
        self.sealer = Sealer.from_file(self.folder / "sealing.public")
        self.opener = Opener.from_file(self.private)
        self.stamps = self.folder / "stamp.keys"
        self.stamps.write_text(base64.b64encode(b"k" * 32).decode())


@dataclass
class House:
    """NATS with the topology, and replicas of ingest-imap that a test starts and ends."""

    admin: Client
    url: str
    folder: Path
    keys: Keys = field(init=False)
    filed_late: UidSet = field(default_factory=UidSet)
    replicas: dict[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = Keys(self.folder)

    async def channel(self, id_: str = "support", *, secret: str = "secret", **fields: Any) -> None:
        """Write an inbound channel and its secret, as config does."""
        await self.secret(id_, secret)
        await self.document("inbound-channels", id_, channel(id_, **fields))

    async def secret(self, id_: str, secret: str) -> None:
        """Seal the secret of an inbound channel."""
        name = f"inbound-channels.{id_}"
        secrets = await self.admin.jetstream().key_value(SECRETS_BUCKET)
        await secrets.put(name, self.keys.sealer.seal(name, SecretStr(secret)).encode())

    async def document(self, kind: str, id_: str, content: dict[str, Any] | None) -> None:
        bucket = await self.admin.jetstream().key_value("postbus-config")
        change = Change(by="test", at=datetime.now(UTC))
        await bucket.put(key_of(kind, id_), value_of(content, change))

    async def answer_filed(self) -> None:
        """Answer as ticketing does, by what is in the stream; `filed_late` is never there."""

        async def reply(message: Any) -> None:
            asked = AskFiled.model_validate_json(message.data)
            there = UidSet.of(
                fact.data.route.origin.uid
                for fact in await self.facts("postbus.mail.received", "postbus.mail.imported")
                if fact.data.route.origin.uidvalidity == asked.uidvalidity
                and fact.data.channel == asked.channel
            )
            missing = UidSet.parse(asked.uids) - (there - self.filed_late)
            await message.respond(Filed(missing=str(missing)).model_dump_json().encode())

        await self.admin.subscribe(FILED_SUBJECT, cb=reply)

    async def start(self, name: str = "one", **settings: Any) -> Service:
        fields = {
            "nats_url": self.url,
            "blob_url": (self.folder / "blobs").as_uri(),
            "secrets_private_key_file": self.keys.private,
            "stamp_keys_file": self.keys.stamps,
            "allow_private_hosts": True,
            "instance": name,
            "lease_seconds": 1.5,
            "read_processes": 1,
            **settings,
        }
        service = self.build(fields)
        await service.start()
        self.replicas[name] = service
        return service

    def build(self, fields: dict[str, Any]) -> Service:
        """A replica with these settings."""
        return build(IngestImapSettings(**fields))

    async def stop(self, name: str = "one") -> None:
        await self.replicas.pop(name).stop()

    async def stop_all(self) -> None:
        for name in list(self.replicas):
            await self.stop(name)

    async def facts(self, *types: str) -> list[Event[Any]]:
        """Every fact of these types, oldest first."""
        found: list[Event[Any]] = []
        for type_ in types:
            stream = "POSTBUS_CHANNELS" if type_ == "postbus.channel" else "POSTBUS_MAIL"
            subscription = await self.admin.jetstream().subscribe(
                f"{type_}.>", stream=stream, ordered_consumer=True
            )
            info = await subscription.consumer_info()
            sent = info.delivered.consumer_seq if info.delivered else 0
            for _ in range((info.num_pending or 0) + sent):
                message = await subscription.next_msg(timeout=5)
                found.append(_MODELS[type_].model_validate_json(message.data))
            await subscription.unsubscribe()
        return found

    async def received(self, *, channel: str | None = None) -> list[Any]:
        """What was told as received, by its data."""
        return [
            fact.data
            for fact in await self.facts("postbus.mail.received")
            if channel in (None, fact.data.channel)
        ]

    async def until(
        self, condition: Callable[[], Any], *, seconds: float = 20, what: str = "it"
    ) -> Any:
        """Wait for something true, or something awaitable that becomes true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"waited {seconds} s for {what}")

    async def until_received(self, count: int, *, seconds: float = 20) -> list[Any]:
        async def enough() -> Any:
            found = await self.received()
            return found if len(found) >= count else None

        return await self.until(enough, seconds=seconds, what=f"{count} mails")

    async def until_shared(
        self, channels: Iterable[str], *, kind: str, instances: Iterable[str]
    ) -> None:
        """Wait until each mailbox is held by the replica to which it falls.

        Which one that is, hangs on the lives of the replicas: of a few mailboxes one replica may
        well have all.
        """
        keys = [f"session.{kind}.{instance}" for instance in instances]

        async def shared() -> bool:
            alive = [value for key in keys if (value := await self._lease(key))]
            held = [(name, await self._lease(f"mailbox.{name}")) for name in channels]
            return len(alive) == len(keys) and held == [
                (name, reader_of(name, alive)) for name in channels
            ]

        await self.until(shared, seconds=60, what="every mailbox with its reader")

    async def _lease(self, key: str) -> str | None:
        leases = await self.admin.jetstream().key_value(LEASES_BUCKET)
        try:
            return ((await leases.get(key)).value or b"").decode()
        except nats.js.errors.KeyNotFoundError:
            return None

    async def health(self, channel: str = "support") -> KnownHealth | None:
        return await self._read(HEALTH_BUCKET, f"inbound.{channel}", KnownHealth)

    async def until_state(self, state: str, channel: str = "support") -> KnownHealth:
        async def so() -> Any:
            found = await self.health(channel)
            return found if found is not None and found.state == state else None

        return await self.until(so, what=f"{channel} {state}")

    async def cursors(self) -> dict[str, Any]:
        bucket = await self.admin.jetstream().key_value(CURSORS_BUCKET)
        try:
            keys = await bucket.keys()
        except nats.js.errors.NoKeysError:
            return {}  # also, at times, when there are some (nats-py 2.16)
        return {key: json.loads((await bucket.get(key)).value or b"{}") for key in keys}

    async def ask(self, subject: str, question: Contract, answer: type[Any]) -> Any:
        reply = await self.admin.request(subject, question.model_dump_json().encode(), timeout=30)
        return answer.model_validate_json(reply.data)

    async def proof(self, channel: str = "support") -> CompletenessProof:
        from postbus.contracts.catalogue import PROVE_SUBJECT  # noqa: PLC0415 - used here only
        from postbus.contracts.mailboxes import Prove  # noqa: PLC0415 - used here only

        return await self.ask(PROVE_SUBJECT, Prove(channel=channel), CompletenessProof)

    async def _read(self, bucket: str, key: str, model: type[Any]) -> Any:
        kv = await self.admin.jetstream().key_value(bucket)
        try:
            entry = await kv.get(key)
        except nats.js.errors.KeyNotFoundError:
            return None
        return model.model_validate_json(entry.value or b"")


def channel(id_: str, **fields: Any) -> dict[str, Any]:
    """An inbound channel of kind imap; `imap` fields replace defaults."""
    imap = {"host": "127.0.0.1", "tls": "none", "username": "anna", **fields.pop("imap", {})}
    return {
        "id": id_,
        "name": id_.capitalize(),
        "kind": "imap",
        "address": f"{id_}@example.com",
        "imap": imap,
        **fields,
    }
