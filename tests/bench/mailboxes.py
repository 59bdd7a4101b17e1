"""What watching mailboxes costs: many idle ones in one process, and one with a long past.

Dovecot serves them, since a mailbox server of our own would prove nothing.
"""

import asyncio
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats
import psutil
from nats.aio.client import Client

from bench.figures import percentiles
from postbus.bus.apply import apply
from servers.dovecot import Dovecot, mail
from servers.mailboxes import House
from servers.nats import NatsServer
from servers.replicas import Replicas

_DOVECOT = """
service imap-login {
  service_count = 0
  client_limit = 4000
  process_min_avail = 1
}
service imap {
  client_limit = 4000
  service_count = 0
  process_limit = 2
}
service anvil {
  client_limit = 6000
}
service auth {
  client_limit = 8000
}
service config {
  client_limit = 8000
}
service stats {
  client_limit = 8000
}
default_client_limit = 8000
default_vsz_limit = 4G
"""
_CONNECT_SECONDS = 180.0
_MAILS = 100
_OLD_SECONDS = 86_400 * 30


@dataclass
class _Arrivals:
    """When each mail's fact was in the stream, by subject line."""

    at: dict[str, float] = field(default_factory=dict)

    async def listen(self, client: Client) -> None:
        async def told(message: Any) -> None:
            now = time.time()
            data = json.loads(message.data)["data"]
            self.at.setdefault(data["subject"], now)

        await client.subscribe("postbus.mail.received.>", cb=told)


async def mailboxes(boxes: int, *, old_mails: int, idle_seconds: float) -> dict[str, Any]:
    """Figures for so many mailboxes, and for one more with so many mails from before."""
    with tempfile.TemporaryDirectory(prefix="postbus-bench-imap-") as folder:
        server = NatsServer(Path(folder) / "nats").start()
        dovecot = Dovecot(options=_DOVECOT).start()
        try:
            return await _measured(
                server, dovecot, Path(folder), boxes, old_mails=old_mails, seconds=idle_seconds
            )
        finally:
            dovecot.remove()
            server.stop(kill=True)


async def _measured(
    server: NatsServer,
    dovecot: Dovecot,
    folder: Path,
    boxes: int,
    *,
    old_mails: int,
    seconds: float,
) -> dict[str, Any]:
    client = await nats.connect(server.url)
    await apply(client.jetstream(timeout=10))
    house = House(client, server.url, folder)
    names = [f"box-{number}" for number in range(boxes)]
    for name in names:
        dovecot.add_user(name)
        dovecot.maildir(name)
        await house.channel(name, imap={"port": dovecot.port, "username": name})
    arrivals = _Arrivals()
    await arrivals.listen(client)
    process = _start(house)
    try:
        began = time.time()
        await _until_connected(house, process, boxes)
        connected = time.time() - began
        idle = await _idle(process, seconds)
        lags = await _deliver(dovecot, arrivals, names)
        figures = {
            "boxes": boxes,
            "connected_seconds": connected,
            **idle,
            "event_ms": percentiles(lags),
        }
        return figures | await _beside_a_long_past(house, dovecot, arrivals, names, old_mails)
    finally:
        process.terminate()
        process.wait(30)
        await client.close()


def _start(house: House) -> "subprocess.Popen[bytes]":
    return Replicas(house, "ingest_imap", {}).start("bench")


async def _until_connected(house: House, process: "subprocess.Popen[bytes]", boxes: int) -> None:
    deadline = time.time() + _CONNECT_SECONDS
    stream = house.admin.jetstream()
    while time.time() < deadline and process.poll() is None:
        info = await stream.stream_info("POSTBUS_CHANNELS")
        if info.state.messages >= boxes:
            await asyncio.sleep(2)
            return
        await asyncio.sleep(0.5)
    log = (house.folder / "bench.log").read_text()[-2000:]
    raise RuntimeError(f"not all mailboxes were connected: {log}")


async def _idle(process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, float]:
    """Of the process that watches; those that read mails beside it are given apart."""
    head = psutil.Process(process.pid)
    before, began = head.cpu_times(), time.time()
    await asyncio.sleep(seconds)
    after = head.cpu_times()
    used = (after.user + after.system) - (before.user + before.system)
    children = sum(child.memory_info().rss for child in head.children(recursive=True))
    return {
        "idle_core_percent": 100 * used / (time.time() - began),
        "megabytes": head.memory_info().rss / 1e6,
        "megabytes_of_readers": children / 1e6,
        "threads": head.num_threads(),
    }


async def _deliver(dovecot: Dovecot, arrivals: _Arrivals, names: list[str]) -> list[float]:
    """From the moment a mail lies in its mailbox to its fact, seconds, for mails spread out."""
    sent: dict[str, float] = {}
    mark = f"{time.time():.3f}"
    for number in range(_MAILS):
        subject = f"live {mark} {number}"
        dovecot.deliver(names[number * 37 % len(names)], mail(subject))
        sent[subject] = time.time()
        await asyncio.sleep(0.1)
    deadline = time.time() + 60
    while len(sent.keys() & arrivals.at.keys()) < len(sent) and time.time() < deadline:
        await asyncio.sleep(0.1)
    missing = sent.keys() - arrivals.at.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} mails did not come")
    return [arrivals.at[subject] - at for subject, at in sent.items()]


async def _beside_a_long_past(
    house: House, dovecot: Dovecot, arrivals: _Arrivals, names: list[str], old_mails: int
) -> dict[str, float]:
    """The same latency while another mailbox's past is imported."""
    dovecot.add_user("past")
    _fill(dovecot, old_mails)
    imap = {"port": dovecot.port, "username": "past", "history": "all"}
    await house.channel("past", imap=imap)
    stream = house.admin.jetstream()
    deadline = time.time() + 60
    while time.time() < deadline and await _imported(stream) < 50:
        await asyncio.sleep(0.1)
    began, before = time.time(), await _imported(stream)
    lags = await _deliver(dovecot, arrivals, names)
    imported = await _imported(stream) - before
    return {
        "old_mails": old_mails,
        "old_mails_imported_meanwhile": imported,
        "old_mails_a_second": imported / (time.time() - began),
        "beside_ms": percentiles(lags),
    }


async def _imported(stream: Any) -> int:
    info = await stream.stream_info("POSTBUS_MAIL", subjects_filter="postbus.mail.imported.past")
    return sum((info.state.subjects or {}).values())


def _fill(dovecot: Dovecot, count: int) -> None:
    long_ago = time.time() - _OLD_SECONDS
    for number in range(count):
        dovecot.deliver("past", mail(f"old {number}"), at=long_ago)
