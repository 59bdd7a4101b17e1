"""How fast a mailbox of Microsoft 365 is read that answers after 50 ms, four calls at a time.

The stand-in of Graph counts what is asked and whether a limit was broken; it shares the machine
with what is measured.
"""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import nats

from bench.figures import percentiles
from postbus.bus.apply import apply
from servers.graph_house import GraphHouse
from servers.microsoft365 import Microsoft365
from servers.nats import NatsServer
from servers.replicas import Replicas

_LATENCY_SECONDS = 0.05
_SINGLE_MAILS = 30
_PATIENCE_SECONDS = 300.0
_RECEIVED = "postbus.mail.received"


async def graph_mailbox(mails: int) -> dict[str, Any]:
    """Figures for so many mails that lie there at once, and for single ones."""
    with tempfile.TemporaryDirectory(prefix="postbus-bench-graph-") as folder:
        server = NatsServer(Path(folder) / "nats").start()
        microsoft = Microsoft365().start()
        microsoft.graph.latency_seconds = _LATENCY_SECONDS
        client = await nats.connect(server.url)
        await apply(client.jetstream(timeout=10))
        house = GraphHouse(client, server.url, Path(folder), microsoft=microsoft)
        address = await house.mailbox()
        process = _start(house)
        try:
            await house.until_state("connected")
            return await _measured(house, address, mails)
        finally:
            process.terminate()
            process.wait(60)
            await client.close()
            microsoft.stop()
            server.stop(kill=True)


async def _measured(house: GraphHouse, address: str, mails: int) -> dict[str, Any]:
    graph = house.microsoft.graph
    before, began = graph.requests, time.monotonic()
    for number in range(mails):
        graph.deliver(address, _mail(f"heap {number}"))
    await _until(house, mails)
    seconds, asked = time.monotonic() - began, graph.requests - before
    lags = []
    for number in range(_SINGLE_MAILS):
        laid = time.monotonic()
        graph.deliver(address, _mail(f"single {number}"))
        await _until(house, mails + number + 1)
        lags.append(time.monotonic() - laid)
    return {
        "mails": mails,
        "latency_ms": _LATENCY_SECONDS * 1000,
        "mails_a_minute": 60 * mails / seconds,
        "requests_per_mail": asked / mails,
        "peak_concurrency": graph.peak_concurrency,
        "throttled": graph.throttled,
        "event_ms": percentiles(lags),
    }


def _start(house: GraphHouse) -> "subprocess.Popen[bytes]":
    settings = {"TLS_CA_FILE": str(house.microsoft.graph.ca_file), "POLL_SECONDS": "1"}
    return Replicas(house, "ingest_graph", settings).start("bench")


async def _until(house: GraphHouse, count: int) -> None:
    """Until so many facts are in the stream; RuntimeError if they do not come."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    stream = house.admin.jetstream()
    while time.monotonic() < deadline:
        info = await stream.stream_info("POSTBUS_MAIL", subjects_filter=f"{_RECEIVED}.>")
        if sum((info.state.subjects or {}).values()) >= count:
            return
        await asyncio.sleep(0.02)
    log = (house.folder / "bench.log").read_text()[-2000:]
    raise RuntimeError(f"{count} mails did not come: {log}")


def _mail(subject: str) -> bytes:
    return (
        f"From: Anna <anna@customer.example>\r\nTo: support@example.com\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject.replace(' ', '-')}@customer.example>\r\n"
        f"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\n{'Some words of a mail. ' * 100}\r\n"
    ).encode()
