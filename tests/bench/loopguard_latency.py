"""How long a verdict takes: two replicas and the asker in one process, on a real nats-server.

Run as `python tests/bench/loopguard_latency.py` (with `tests` on PYTHONPATH). It prints a table; it
is no test, because a time-out on a busy machine says nothing about the code.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nats
import structlog
import uvloop
from prometheus_client import CollectorRegistry

from guard_builders import cause, question
from loopguard.app import build
from loopguard.settings import LoopguardSettings
from postbus.bus import Bus, BusSettings
from postbus.bus.apply import apply
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.guard import JudgeRequest, SendKind, Verdict
from servers.nats import NatsServer

QUESTIONS = 3000


def receipt(n: int, recipient: str) -> JudgeRequest:
    return question(send_id=f"{recipient}-{n}", recipients=(recipient,), cause=cause())


CASES: dict[str, Callable[[int], JudgeRequest]] = {
    "agent's reply": lambda n: question(SendKind.AGENT_REPLY, send_id=f"r-{n}"),
    "receipt, new correspondent": lambda n: receipt(n, f"c{n}@example.com"),
    "receipt, known correspondent": lambda n: receipt(n + QUESTIONS, f"c{n}@example.com"),
    "receipt, over the limit": lambda n: receipt(n, "robot@example.com"),
}


async def measure(bus: Bus, make: Callable[[int], JudgeRequest], *, at_once: int) -> list[float]:
    """Seconds from question to verdict; `at_once` questions are under way all the time."""
    numbers, took = iter(range(QUESTIONS)), []

    async def asker() -> None:
        for n in numbers:
            request = make(n)
            begun = time.perf_counter()
            verdict = await bus.ask(JUDGE_SUBJECT, request, Verdict, timeout_seconds=5)
            took.append(time.perf_counter() - begun)
            if verdict.rule == "guard-error":
                raise RuntimeError(verdict.reason)

    await asyncio.gather(*(asker() for _ in range(at_once)))
    return sorted(took)


async def run(server: NatsServer) -> None:
    client = await nats.connect(server.url)
    await apply(client.jetstream())
    services = [build(LoopguardSettings(nats_url=server.url)) for _ in range(2)]
    for service in services:
        await service.start()
    bus = Bus(BusSettings(server.url, "dispatch"), CollectorRegistry())
    await bus.connect()
    await measure(bus, lambda n: receipt(n, f"warm{n}@example.com"), at_once=4)
    print(f"{'case':32}{'at once':>8}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'per s':>8}")  # noqa: T201 - its result
    for at_once in (1, 4, 16):
        for name, make in CASES.items():
            begun = time.perf_counter()
            took = await measure(bus, lambda n, m=make, a=at_once: fresh(m(n), a), at_once=at_once)
            rate = QUESTIONS / (time.perf_counter() - begun)
            p50, p99, most = (took[int(len(took) * q) - 1] * 1000 for q in (0.5, 0.99, 1))
            print(f"{name:32}{at_once:8}{p50:8.2f}{p99:8.2f}{most:8.2f}{rate:8.0f}")  # noqa: T201 - its result
    await bus.stop()
    for service in services:
        await service.stop()
    await client.close()


def fresh(request: JudgeRequest, at_once: int) -> JudgeRequest:
    """The same question about correspondents that earlier rounds did not ask about."""
    recipients = tuple(f"{at_once}-{address}" for address in request.recipients)
    return request.model_copy(update={"recipients": recipients})


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder)).start()
        try:
            uvloop.run(run(server))
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
