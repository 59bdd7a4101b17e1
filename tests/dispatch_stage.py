"""Dispatch on a real nats-server, with whoever it speaks with: a stage for tests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import KeyNotFoundError, NoKeysError

from dispatch.app import build
from dispatch.settings import DispatchSettings
from postbus.bus import Bus
from postbus.bus.topology import HEALTH_BUCKET, LEDGER_BUCKET, SECRETS_BUCKET
from postbus.configuration import key_of, value_of
from postbus.contracts.base import Contract
from postbus.contracts.catalogue import FIND_SENT_SUBJECT, JUDGE_SUBJECT, PUT_SENT_SUBJECT
from postbus.contracts.channels import ChannelEvent
from postbus.contracts.configuration import Change
from postbus.contracts.guard import Decision, Verdict
from postbus.contracts.mailboxes import FindSent, FoundSent, KnownHealth, PutSent, PutSentResult
from postbus.contracts.sending import SendOutcome, SendOutcomeEvent, SendRequested
from postbus.runtime.serve import Service

_NO_OUTCOMES = ("postbus.send.requested", "postbus.send.decided", "postbus.send.claimed")
CHANGE = Change(by="test", at=datetime(2026, 3, 2, tzinfo=UTC))
ADDRESS = "it@abc.com"


@dataclass
class Mailbox:
    """Answers for ingest-imap: what lies among the sent mail, and what it says instead."""

    found: list[bool | None] = field(default_factory=list)
    """Answers to looks, used up from the front; then whether the mail is in `mails`."""
    refusals: list[PutSentResult] = field(default_factory=list)
    mails: dict[str, bytes] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    puts: list[PutSent] = field(default_factory=list)

    def put(self, copy: PutSent, data: bytes) -> PutSentResult:
        self.puts.append(copy)
        if self.refusals:
            return self.refusals.pop(0)
        self.mails.setdefault(copy.message_id, data)
        return PutSentResult(ok=True)

    def find(self, question: FindSent) -> FoundSent:
        self.looks.append(question.message_id)
        if question.with_head:
            mail = self.mails.get(question.message_id)
            head = mail.partition(b"\r\n\r\n")[0].decode() if mail is not None else None
            return FoundSent(found=mail is not None, head=head)
        if self.found:
            return FoundSent(found=self.found.pop(0))
        return FoundSent(found=question.message_id in self.mails)


@dataclass
class Stage:
    """Configures, starts replicas, asks to send, and sees what became of it."""

    nats_url: str
    admin: Client
    ticketing: Bus
    folder: Path
    relay_port: int
    replicas: AsyncExitStack
    settings: dict[str, Any] = field(default_factory=dict)
    guard_leaves: Callable[[], Awaitable[None]] | None = None

    async def configure(self, kind: str, document: dict[str, Any]) -> None:
        bucket = await self.admin.jetstream().key_value("postbus-config")
        await bucket.put(key_of(kind, document["id"]), value_of(document, CHANGE))

    async def own_channel(self, kind: str, port: int, **fields: Any) -> None:
        """Answers of `support` leave by an own server on that port; a mailbox reads the address."""
        smtp = {"host": "localhost", "port": port, "tls": "none", **fields.pop("smtp", {})}
        own = {"id": "own", "name": "Own", "kind": kind, "from_address": ADDRESS, "smtp": smtp}
        await self.configure("outbound-channels", own | fields)
        await self.configure("inbound-channels", support(reply_via="own"))
        box = {
            "id": "box", "name": "Box", "kind": "imap", "address": "IT@abc.com",
            "imap": {"host": "localhost", "username": "it"},
        }  # fmt: skip
        await self.configure("inbound-channels", box)

    async def keep_secret(self, channel: str, sealed: str) -> None:
        bucket = await self.admin.jetstream().key_value(SECRETS_BUCKET)
        await bucket.put(f"outbound-channels.{channel}", sealed.encode())

    async def guard_allows(self) -> None:
        verdict = Verdict(decision=Decision.ALLOW, rule="none", reason="a test")
        await self.judged_by(lambda _: _done(verdict))

    async def judged_by(self, judge: Callable[[bytes], Awaitable[Contract]]) -> None:
        """From now on that is what the guard says."""
        if self.guard_leaves is not None:
            await self.guard_leaves()
        self.guard_leaves = await self._answer(JUDGE_SUBJECT, judge)

    async def read_by(self, mailbox: Mailbox) -> Callable[[], Awaitable[None]]:
        """Somebody reads the mailbox and answers; gives back what makes them go away."""

        async def put(data: bytes) -> Contract:
            copy = PutSent.model_validate_json(data)
            sha256 = copy.mail.sha256
            file = self.folder / "blobs" / sha256[:2] / sha256[2:4] / sha256
            return mailbox.put(copy, file.read_bytes())

        async def find(data: bytes) -> Contract:
            return mailbox.find(FindSent.model_validate_json(data))

        stops = [
            await self._answer(PUT_SENT_SUBJECT, put),
            await self._answer(FIND_SENT_SUBJECT, find),
        ]

        async def go_away() -> None:
            for stop in stops:
                await stop()

        return go_away

    async def _answer(
        self, subject: str, answer: Callable[[bytes], Awaitable[Contract]]
    ) -> Callable[[], Awaitable[None]]:
        async def reply(question: Msg) -> None:
            made = await answer(question.data)
            await question.respond(made.model_dump_json(by_alias=True).encode())

        return (await self.admin.subscribe(subject, cb=reply)).unsubscribe

    async def start(self, instance: str = "a", **settings: Any) -> Service:
        """A replica; it is stopped in the end, if the test has not stopped it."""
        service = build(
            DispatchSettings(
                **{
                    "nats_url": self.nats_url,
                    "blob_url": f"file://{self.folder}/blobs",
                    "relay_url": f"smtp://127.0.0.1:{self.relay_port}",
                    "instance": instance,
                    "sweep_seconds": 0.2,
                    "graceful_seconds": 2,
                    "allow_private_hosts": True,
                    "retry_delays_seconds": (0.2,),
                    "doubt_looks_seconds": (0.1, 0.1, 0.1),
                    "sent_copy_delays_seconds": (0.1,),
                    "mailbox_answer_seconds": 1,
                    **self.settings,
                    **settings,
                }
            )
        )
        await service.start()
        self.replicas.push_async_callback(service.stop)
        return service

    async def ask_to_send(self, sent: SendRequested) -> None:
        await self.ticketing.tell(
            "postbus.send.requested", "support", sent, event_id=f"e-{sent.send_id}"
        )

    async def keys(self) -> set[str]:
        """What the ledger holds."""
        bucket = await self.admin.jetstream().key_value(LEDGER_BUCKET)
        try:
            return set(await bucket.keys())
        except NoKeysError:
            return set()

    async def until_keys(self, *wanted: str) -> None:
        async def are_there() -> bool:
            return await self.keys() == set(wanted)

        await self.until(are_there)

    async def outcomes(self) -> list[SendOutcome]:
        """What was told of sendings, oldest first."""
        told = await self._told("POSTBUS_SENDING", "postbus.send.")
        return [
            SendOutcomeEvent.model_validate_json(one.data).data
            for one in told
            if not one.subject.startswith(_NO_OUTCOMES)
        ]

    async def channel_facts(self) -> list[str]:
        """`<fact>.<channel>` of every fact about a channel."""
        told = await self._told("POSTBUS_CHANNELS", "postbus.channel.")
        for one in told:
            data = ChannelEvent.model_validate_json(one.data).data
            assert one.subject == f"postbus.channel.{data.fact}.{data.channel}"
        return [one.subject.removeprefix("postbus.channel.") for one in told]

    async def health(self, channel: str) -> KnownHealth | None:
        bucket = await self.admin.jetstream().key_value(HEALTH_BUCKET)
        try:
            entry = await bucket.get(f"outbound.{channel}")
        except KeyNotFoundError:
            return None
        return KnownHealth.model_validate_json(entry.value or b"")

    async def until_state(self, channel: str, state: str) -> None:
        """Health is written after the end of a mail."""

        async def is_so() -> bool:
            health = await self.health(channel)
            return health is not None and health.state == state

        await self.until(is_so)

    async def until(self, is_so: Callable[[], Awaitable[bool]], *, seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while not await is_so():
                await asyncio.sleep(0.05)

    async def _told(self, stream: str, prefix: str) -> list[Msg]:
        js = self.admin.jetstream()
        state = (await js.stream_info(stream)).state
        subscription = await js.subscribe(f"{prefix}>", stream=stream, ordered_consumer=True)
        found = [await subscription.next_msg(timeout=2) for _ in range(state.messages)]
        await subscription.unsubscribe()
        return found


def support(**fields: Any) -> dict[str, Any]:
    """The inbound channel that the tickets are of."""
    return {
        "id": "support", "name": "Support", "kind": "forward",
        "forward": {"creation_addresses": ["support@postbus.localhost"]}, **fields,
    }  # fmt: skip


async def _done(answer: Contract) -> Contract:
    return answer
