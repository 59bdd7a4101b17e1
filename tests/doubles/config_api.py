"""The config service on a bus in memory, and a client for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from config_service.app import assemble
from config_service.settings import Settings
from doubles.kv import MemoryBucket, MemoryBus
from postbus.contracts.base import Contract
from postbus.contracts.catalogue import (
    PROVE_GRAPH_SUBJECT,
    PROVE_SUBJECT,
    TRY_GRAPH_SUBJECT,
    TRY_INBOUND_SUBJECT,
    TRY_OUTBOUND_SUBJECT,
)
from postbus.contracts.mailboxes import CompletenessProof, Prove
from postbus.contracts.trying import TryInbound, TryOutbound, TryResult, TryStep, TryStepName
from postbus.runtime.serve import Service
from postbus.secrets import KeyPair, Opener, generate_key_pair, write_key_files

PROVED_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TOKENS = {"admin": "the-admin-token", "agent": "the-agent-token", "reader": "the-reader-token"}


@dataclass
class Dispatch:
    """Answers tries as dispatch would: good, unless a step is set to fail."""

    fails_at: TryStepName | None = None
    asked: list[TryOutbound] = field(default_factory=list)

    def answer(self, question: Contract) -> TryResult:
        assert isinstance(question, TryOutbound)
        self.asked.append(question)
        if self.fails_at is None:
            return TryResult(ok=True, steps=(TryStep(name=TryStepName.RESOLVE, ok=True),))
        step = TryStep(name=self.fails_at, ok=False, detail="535 no")
        return TryResult(ok=False, steps=(step,))


@dataclass
class Reader:
    """Answers tries of mailboxes, and proves, as ingest-imap or ingest-graph would."""

    fails_at: TryStepName | None = None
    reason: str = "wrong-password"
    warns: TryStep | None = None
    """A further step, which is good and yet has a reason."""
    asked: list[TryInbound] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)

    def answer(self, question: Contract) -> TryResult:
        assert isinstance(question, TryInbound)
        self.asked.append(question)
        if self.fails_at is None:
            names = (TryStepName.RESOLVE, TryStepName.SIGN_IN, TryStepName.FOLDERS)
            steps = tuple(TryStep(name=one, ok=True) for one in names)
            return TryResult(ok=True, steps=(*steps, *((self.warns,) if self.warns else ())))
        step = TryStep(
            name=self.fails_at, ok=False, detail="it said no", reason=self.reason, advice="Do it."
        )
        return TryResult(ok=False, steps=(step,))

    def prove(self, question: Contract) -> CompletenessProof:
        assert isinstance(question, Prove)
        self.proved.append(question.channel)
        return CompletenessProof(
            channel=question.channel, proved_at=PROVED_AT, ok=True, seen=2, filed=2
        )


@dataclass
class ConfigUnderTest:
    """Everything that a test of the config service touches."""

    service: Service
    client: httpx.AsyncClient
    bus: MemoryBus
    dispatch: Dispatch
    ingest: Reader
    graph: Reader
    keys: KeyPair

    @property
    def config(self) -> MemoryBucket:
        return self.bus.buckets["postbus-config"]

    @property
    def secrets(self) -> MemoryBucket:
        return self.bus.buckets["postbus-secrets"]

    async def opened(self, name: str) -> str | None:
        """The secret that is kept under a name."""
        entry = await self.secrets.get(name)
        if entry is None:
            return None
        opener = Opener([self.keys.private_key])
        return opener.open(name, entry.value.decode()).get_secret_value()

    async def say(self, key: str, said: Contract) -> None:
        """What another service puts into the bucket of healths and proofs."""
        bucket = self.bus.buckets["postbus-health"]
        before = await bucket.get(key)
        value = said.model_dump_json().encode()
        if before is None:
            await bucket.create(key, value)
        else:
            await bucket.update(key, value, revision=before.revision)

    async def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def patterns(self) -> set[str]:
        return {entry["pattern"] for entry in await self.items("outbound-filter")}


def settings_in(folder: Path, **others: Any) -> tuple[Settings, KeyPair]:
    """Settings with a key pair and one token of each scope."""
    folder.mkdir(exist_ok=True)
    pair = generate_key_pair()
    if not (folder / "private").exists():
        write_key_files(pair, public_file=folder / "public", private_file=folder / "private")
    tokens = [
        {"name": f"the {scope}", "scope": scope, "sha256": sha256(token.encode()).hexdigest()}
        for scope, token in TOKENS.items()
    ]
    (folder / "tokens.json").write_text(json.dumps(tokens))
    blobs = {"blob_url": (folder / "blobs").as_uri()}
    given = {"secrets_public_key_file": folder / "public", **blobs, **others}
    return Settings(bootstrap_tokens_file=folder / "tokens.json", **given), pair


def client_of(service: Service, token: str | None) -> httpx.AsyncClient:
    """A client that presents a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(service.api, raise_app_exceptions=False),
        base_url="http://config/api/v1/",
        headers=headers,
    )


@asynccontextmanager
async def running(
    folder: Path, *, bus: MemoryBus | None = None, **others: Any
) -> AsyncIterator[ConfigUnderTest]:
    """The service, started, with an admin's client."""
    settings, pair = settings_in(folder, **others)
    bus = bus or MemoryBus()
    dispatch, ingest, graph = Dispatch(), Reader(), Reader()
    bus.answers[TRY_OUTBOUND_SUBJECT] = dispatch.answer
    bus.answers[TRY_INBOUND_SUBJECT] = ingest.answer
    bus.answers[PROVE_SUBJECT] = ingest.prove
    bus.answers[TRY_GRAPH_SUBJECT] = graph.answer
    bus.answers[PROVE_GRAPH_SUBJECT] = graph.prove
    service = assemble(settings, bus, CollectorRegistry())
    await service.start()
    async with client_of(service, TOKENS["admin"]) as client:
        try:
            yield ConfigUnderTest(service, client, bus, dispatch, ingest, graph, pair)
        finally:
            await service.stop()


@asynccontextmanager
async def serving(api: ConfigUnderTest, port: int) -> AsyncIterator[None]:
    """On a port, as a browser reaches it."""
    server = uvicorn.Server(
        uvicorn.Config(api.service.api, port=port, log_level="critical", lifespan="off")
    )
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task
