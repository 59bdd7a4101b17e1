"""How long a verdict takes: two replicas and the asker in one process, on a real nats-server."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import nats
import structlog
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from bench.figures import percentiles
from guard_builders import cause, question
from loopguard.app import build
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.bus.topology import CONFIG_BUCKET
from postbus.configuration import key_of, value_of
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.configuration import Change
from postbus.contracts.guard import (
    GUARD_ERROR_RULE,
    Fingerprint,
    JudgeRequest,
    SendKind,
    Verdict,
)
from postbus.runtime.garbage import spare_what_is_loaded
from servers.nats import NatsServer

AT_ONCE = (1, 4, 16)
PER_SECOND = 150
"""As many receipts as the whole is to make (docs/benchmarks.md), due at times of their own."""
_NOT_MEASURED = (GUARD_ERROR_RULE, "L17")


def receipt(n: int, recipient: str) -> JudgeRequest:
    """For a mail of many words, each its own, so that all there is to read and write is."""
    print_ = Fingerprint(
        subject=f"{n:016x}",
        content=blake2b(f"{recipient}-{n}".encode(), digest_size=8).hexdigest(),
        similar="0f" * 8,
    )
    return question(
        send_id=f"{recipient}-{n}",
        ticket_number=n,
        recipients=(recipient,),
        cause=cause(sender=recipient, fingerprint=print_),
    )


CASES: dict[str, Callable[[int], JudgeRequest]] = {
    "agent's reply": lambda n: question(SendKind.AGENT_REPLY, send_id=f"r-{n}"),
    "receipt, new correspondent": lambda n: receipt(n, f"c{n}@example.com"),
    "receipt, known correspondent": lambda n: receipt(n + 1_000_000, f"c{n}@example.com"),
    "receipt, over the limit": lambda n: receipt(n, "robot@example.com"),
}
"""In this order: the correspondents of the third are known from the second."""


async def verdicts(questions: int) -> dict[str, Any]:
    """Percentiles of each case, and the worst p99 with four under way; RuntimeError if it fails.

    `paced` is a receipt that is allowed, asked for `PER_SECOND` times a second.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(prefix="postbus-guard-") as folder:
        server = NatsServer(Path(folder)).start()
        try:
            cases, paced = await _measured(server, questions)
        finally:
            server.stop()
    worst = max(case["p99"] for case in cases if case["at_once"] == 4)
    return {"questions": questions, "p99_ms": worst, "cases": cases, "paced": paced}


async def _measured(
    server: NatsServer, questions: int
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    client = await nats.connect(server.url)
    await apply(client.jetstream())
    await _widen_the_fuse(client)
    services = [build(LoopguardSettings(nats_url=server.url)) for _ in range(2)]
    spare_what_is_loaded()  # as a service does before it serves
    for service in services:
        await service.start()
    bus = Bus(BusSettings(server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    try:
        await _ask(bus, lambda n: receipt(n, f"warm{n}@example.com"), at_once=4, questions=200)
        cases = [
            await _case(bus, name, at_once=at_once, questions=questions)
            for at_once in AT_ONCE
            for name in CASES
        ]
        return cases, percentiles(await _paced(bus, questions))
    finally:
        await bus.stop()
        for service in services:
            await service.stop()
        await client.close()


async def _widen_the_fuse(client: Client) -> None:
    """Thousands of receipts within seconds would open it, and then nothing would be counted."""
    limits = {"id": "default", "fuse_ten_minutes": 100_000}
    bucket = await client.jetstream().key_value(CONFIG_BUCKET)
    value = value_of(limits, Change(by="bench", at=datetime.now(UTC)))
    await bucket.put(key_of("loop-limits", "default"), value)


async def _case(bus: Bus, name: str, *, at_once: int, questions: int) -> dict[str, Any]:
    make = CASES[name]
    begun = time.perf_counter()
    took = await _ask(bus, lambda n: _fresh(make(n), at_once), at_once=at_once, questions=questions)
    rate = questions / (time.perf_counter() - begun)
    return {"case": name, "at_once": at_once, "per_second": rate, **percentiles(took)}


async def _ask(
    bus: Bus, make: Callable[[int], JudgeRequest], *, at_once: int, questions: int
) -> list[float]:
    """Seconds from question to verdict; `at_once` questions are under way all the time."""
    numbers = iter(range(questions))

    async def asker() -> list[float]:
        return [await _took(bus, make(n), since=time.perf_counter()) for n in numbers]

    return list(chain(*await asyncio.gather(*(asker() for _ in range(at_once)))))


async def _paced(bus: Bus, questions: int) -> list[float]:
    """Seconds from when a question was due to its verdict, whatever is under way already."""
    begun = time.perf_counter() + 0.1

    async def asker(n: int) -> float:
        due = begun + n / PER_SECOND
        request = receipt(n, f"paced{n}@example.com")
        await asyncio.sleep(max(0, due - time.perf_counter()))
        return await _took(bus, request, since=due)

    return await asyncio.gather(*(asker(n) for n in range(questions)))


async def _took(bus: Bus, request: JudgeRequest, *, since: float) -> float:
    verdict = await bus.ask(JUDGE_SUBJECT, request, Verdict, timeout_seconds=5)
    if verdict.rule in _NOT_MEASURED:
        raise RuntimeError(verdict.reason)
    return time.perf_counter() - since


def _fresh(request: JudgeRequest, at_once: int) -> JudgeRequest:
    """The same question about correspondents that earlier rounds did not ask about."""
    recipients = tuple(f"{at_once}-{address}" for address in request.recipients)
    return request.model_copy(update={"recipients": recipients})
