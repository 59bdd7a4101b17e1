"""`postbus import` as a shell calls it, with ticketing on a real NATS and a real MongoDB."""

import asyncio
import base64
import json
import mailbox
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from nats.aio.client import Client
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from builders import raw_mail
from doubles.mails import mail_received
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import IMPORTS, MAIL, SENDING, TICKETS
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.contracts.mail import Address
from postbus_cli.adapters.pacing import MOST_AHEAD
from servers.nats import NatsServer, die_with_parent
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.app import build
from ticketing.settings import TicketingSettings

pytestmark = [pytest.mark.xdist_group("mongodb"), pytest.mark.timeout(120)]

POSTBUS = Path(sys.executable).parent / "postbus"
LONG = os.environ.get("POSTBUS_LONG_TESTS") == "1"
MANY = 10_000 if LONG else 300
THEN = datetime(2016, 3, 1, 9, 0, tzinfo=UTC)
CHANNEL = InboundChannel(
    id="support",
    name="Support",
    kind="forward",
    forward=ForwardSettings(creation_addresses=("support@postbus.localhost",)),
)


@dataclass
class Done:
    """What a run printed, and how it ended."""

    code: int
    out: str
    error: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return self.lines[-1]["summary"]


@dataclass
class Installation:
    """NATS, a folder of blobs, and ticketing where a test wants it."""

    server: NatsServer
    folder: Path
    bus: Bus
    database: Any
    environment: dict[str, str] = field(default_factory=dict)
    start_ticketing: Callable[[], Any] = lambda: None

    async def begin(self, *options: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            POSTBUS, "import", "--queue", "support", *options,
            env={**os.environ, **self.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent,
        )  # fmt: skip

    async def run(self, *options: str, **environment: str) -> Done:
        process = await self.begin(*options, **environment)
        out, error = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), error.decode())

    async def told(self, subject: str = "postbus.mail.>", stream: str = MAIL) -> list[Any]:
        return [json.loads(one.body) async for one in self.bus.stored(stream, subject)]

    async def settled(self, *, seconds: float = 60) -> None:
        """Wait until ticketing has filed all that was told."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            waits = [await self.bus.backlog(name) for name in (IMPORTS, "ticketing-mail")]
            if not any(waits):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("ticketing is not done")


@pytest.fixture
async def here(
    nats_server: NatsServer, admin: Client, tmp_path: Path, mongodb_url: str
) -> AsyncIterator[Installation]:
    (tmp_path / "stamp.keys").write_text(base64.b64encode(b"k" * 32).decode())
    blob_url = (tmp_path / "blobs").as_uri()
    bus = Bus(
        BusSettings(nats_server.url, "ingest-forward", graceful_seconds=1), CollectorRegistry()
    )
    await bus.connect()
    value = {"document": CHANNEL.model_dump(mode="json"), "change": {"by": "t", "at": str(THEN)}}
    bucket = await admin.jetstream().key_value("postbus-config")
    await bucket.put("inbound-channels.support", json.dumps(value).encode())
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongodb_url, tz_aware=True)
    name = f"test_{uuid.uuid4().hex[:12]}"
    await ensure_indexes(client[name])
    service = build(
        TicketingSettings(
            nats_url=nats_server.url,
            blob_url=blob_url,
            mongodb_url=SecretStr(mongodb_url),
            mongodb_database=name,
            stamp_keys_file=tmp_path / "stamp.keys",
            graceful_seconds=2,
        )
    )
    yield Installation(
        nats_server, tmp_path, bus, client[name],
        {
            "NATS_URL": nats_server.url,
            "BLOB_URL": blob_url,
            "STAMP_KEYS_FILE": str(tmp_path / "stamp.keys"),
            "POSTBUS_HOME": str(tmp_path / "none"),
        },
        service.start,
    )  # fmt: skip
    await service.stop()
    await bus.stop()
    await client.drop_database(name)
    client.close()


def old_mail(number: int, **headers: str | None) -> bytes:
    """The n-th mail of a long history: every third answers the one before it."""
    parent = f"<m{number - 1}@example.com>" if number % 3 == 2 else None
    values: dict[str, str | None] = {
        "From": f"Customer {number % 50} <c{number % 50}@example.com>",
        "Subject": f"Question {number}",
        "Date": format_datetime(THEN + timedelta(hours=number)),
        "Message-ID": f"<m{number}@example.com>",
        "In-Reply-To": parent,
    }
    return raw_mail({**values, **headers}, f"Text {number}.\n")


def mbox_of(path: Path, count: int) -> Path:
    """An mbox as programs write them."""
    with path.open("ab") as file:
        for number in range(count):
            at = THEN + timedelta(hours=number, minutes=5)
            file.write(f"From c@example.com {at:%a %b %d %H:%M:%S %Y}\n".encode())
            file.write(old_mail(number).replace(b"\r\n", b"\n") + b"\n")
    return path


async def test_an_mbox_becomes_tickets_of_then(here: Installation) -> None:
    await here.start_ticketing()
    file = mbox_of(here.folder / "a.mbox", 12)
    done = await here.run("--mbox", str(file), "--yes", "--json")
    assert (done.code, done.error) == (0, "")
    counts = {name: done.summary[name] for name in ("read", "told", "already_there", "held")}
    assert counts == {"read": 12, "told": 12, "already_there": 0, "held": 0}
    await here.settled()
    assert await here.database["messages"].count_documents({}) == 12
    assert await here.database["tickets"].count_documents({"status": "closed"}) == 8
    first = await here.database["messages"].find_one({"message_id": "m0@example.com"})
    assert first["created_at"] == THEN + timedelta(minutes=5)
    assert await here.told("postbus.send.>", SENDING) == []
    facts = await here.told("postbus.ticket.>", TICKETS)
    assert {fact["data"]["imported"] for fact in facts} == {True}


async def test_a_whole_second_run_tells_nothing(here: Installation) -> None:
    """INVARIANT: whoever is not sure whether an import was done may run it again."""
    file = mbox_of(here.folder / "a.mbox", 12)
    options = ("--mbox", str(file), "--yes", "--json")
    await here.run(*options)
    again = await here.run(*options)
    assert (again.summary["read"], again.summary["read_before"]) == (0, 12)
    whole = await here.run(*options, "--from-start")
    assert (whole.summary["read"], whole.summary["already_there"]) == (12, 12)
    assert len(await here.told()) == 12
    mbox_of(file, 14)
    more = await here.run(*options)
    assert (more.summary["read"], more.summary["told"]) == (14, 2)
    other = mbox_of(here.folder / "b.mbox", 3)
    other.replace(file)
    changed = await here.run(*options)
    assert (changed.summary["read_before"], changed.summary["read"]) == (0, 3)
    assert "read again" in changed.error


async def test_a_dry_run_counts_and_changes_nothing(here: Installation) -> None:
    file = mbox_of(here.folder / "a.mbox", 5)
    done = await here.run("--mbox", str(file), "--dry-run", "--json")
    assert (done.code, done.summary["told"], done.summary["dry_run"]) == (0, 5, True)
    assert await here.told() == []
    assert not [path for path in (here.folder / "blobs").rglob("*") if path.is_file()]
    people = await here.run("--mbox", str(file), "--dry-run")
    assert "5  would be told" in people.out
    assert "Nothing was changed" in people.out


@pytest.mark.parametrize("status", ["new", "solved", "closed"])
async def test_tickets_are_opened_in_the_status_that_is_wanted(
    here: Installation, status: str
) -> None:
    await here.start_ticketing()
    file = mbox_of(here.folder / "a.mbox", 2)
    await here.run("--mbox", str(file), "--yes", "--status", status)
    await here.settled()
    assert await here.database["tickets"].distinct("status") == [status]


async def test_what_cannot_be_read_is_held_or_said(here: Installation) -> None:
    folder = mailbox.Maildir(here.folder / "Maildir")
    folder.add(old_mail(1))
    folder.add(old_mail(2) + b"x" * 20_000)
    done = await here.run(
        "--maildir", str(here.folder / "Maildir"), "--yes", "--json", MAX_MAIL_BYTES="10000"
    )
    assert (done.code, done.summary["told"], done.summary["unreadable"]) == (1, 1, 1)
    assert "over 10000 bytes" in done.lines[0]["error"]
    (here.folder / "b.mbox").write_bytes(b"From a@b Tue Mar  1 09:00:00 2016\n" + old_mail(9))
    slow = await here.run(
        "--mbox", str(here.folder / "b.mbox"), "--yes", "--json", READ_SECONDS="0.000001"
    )
    assert (slow.code, slow.summary["held"]) == (1, 1)
    (held,) = await here.told("postbus.mail.held.>")
    assert (held["data"]["imported"], held["data"]["route"]["door"]) == (True, "import")


async def test_a_maildir_is_read_with_its_subfolders_and_left_as_it_is(here: Installation) -> None:
    path = here.folder / "Maildir"
    folder = mailbox.Maildir(path)
    keys = [folder.add(old_mail(number)) for number in range(3)]
    old = (THEN + timedelta(days=1)).timestamp()
    for key in keys:
        os.utime(path / "new" / key, (old, old))
    folder.add_folder("Archive").add(old_mail(3))
    before = sorted(path.rglob("*"))
    done = await here.run("--maildir", str(path), "--yes", "--json")
    assert done.summary["told"] == 3
    done = await here.run("--maildir", str(path), "--subfolders", "--yes", "--json")
    assert (done.summary["told"], done.summary["already_there"]) == (1, 3)
    assert sorted(path.rglob("*")) == before
    told = await here.told()
    came = {one["data"]["message_id"]: one["data"]["route"]["received_at"] for one in told}
    assert datetime.fromisoformat(came["m0@example.com"]).timestamp() == old
    # A file made today holds it, and it says that it was written then.
    assert came["m3@example.com"].startswith("2016-03-01T12:00")
    folder.add(old_mail(4))
    done = await here.run("--maildir", str(path), "--yes", "--json")
    assert (done.summary["told"], len(await here.told())) == (1, 5)


async def test_what_is_missing_is_said(here: Installation) -> None:
    file = str(mbox_of(here.folder / "a.mbox", 1))
    cases = {
        ("--mbox", file): "add --yes",
        ("--yes",): "name one of",
        ("--mbox", file, "--maildir", file, "--yes"): "name one of",
        ("--imap", "imaps://anna:secret@x", "--yes"): "no password here",
        ("--imap", "https://x", "--yes"): "is no mailbox",
    }
    for options, words in cases.items():
        done = await here.run(*options, COLUMNS="200")
        assert done.code == 2
        assert words in " ".join(done.error.split())
    for options, words in {
        ("--mbox", str(here.folder / "none")): "is no file",
        ("--mbox", str(here.folder / "stamp.keys")): "is no mbox",
        ("--maildir", str(here.folder)): "is no Maildir",
    }.items():
        done = await here.run(*options, "--yes")
        assert (done.code, words in done.error) == (3, True)
    done = await here.run("--mbox", file, "--yes", "--queue", "nobody")
    assert (done.code, "no queue nobody" in done.error) == (3, True)
    done = await here.run("--mbox", file, "--yes", STAMP_KEYS_FILE="")
    assert done.code == 3


async def test_ctrl_c_leaves_a_state_to_go_on_from(here: Installation) -> None:
    # More than may be told while nobody files them, so it is at work when the signal comes.
    mails = MOST_AHEAD + 60
    file = mbox_of(here.folder / "a.mbox", mails)
    process = await here.begin("--mbox", str(file), "--yes", "--json")
    while not await here.told():
        await asyncio.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    out, error = await process.communicate()
    stopped = Done(process.returncode or 0, out.decode(), error.decode())
    assert (stopped.code, stopped.summary["finished"]) == (130, False)
    assert "Traceback" not in stopped.error
    await here.start_ticketing()
    rest = await here.run("--mbox", str(file), "--yes", "--json")
    assert rest.summary["read_before"] == stopped.summary["read"]
    assert len(await here.told()) == mails


async def test_an_import_waits_for_ticketing(here: Installation) -> None:
    """INVARIANT: it must not fill the stream faster than mail is filed."""
    file = mbox_of(here.folder / "a.mbox", MOST_AHEAD + 60)
    process = await here.begin("--mbox", str(file), "--yes", "--json")
    for _ in range(300):
        if await here.bus.backlog(IMPORTS) >= MOST_AHEAD:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    # One that was on its way while the backlog was asked for may come on top.
    assert MOST_AHEAD <= await here.bus.backlog(IMPORTS) <= MOST_AHEAD + 2
    assert process.returncode is None
    await here.start_ticketing()
    out, _ = await process.communicate()
    assert Done(0, out.decode(), "").summary["told"] == MOST_AHEAD + 60


@pytest.mark.timeout(1800 if LONG else 180)
async def test_a_long_import_that_is_killed_and_run_again_beside_live_mail(
    here: Installation,
) -> None:
    """INVARIANT: every mail of a history is filed once, and nobody hears of it.

    Without it an import that was cut short could not be finished, or would double tickets.
    """
    await here.start_ticketing()
    file = mbox_of(here.folder / "history.mbox", MANY)
    options = ("--mbox", str(file), "--yes", "--json")
    began = time.monotonic()
    process = await here.begin(*options)
    while len(await here.told("postbus.mail.imported.>")) < MANY // 5:
        await asyncio.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    process = await here.begin(*options)
    delays, memory = await _beside_live_mail(here, process)
    out, error = await process.communicate()
    done = Done(process.returncode or 0, out.decode(), error.decode())
    assert (done.code, done.summary["finished"]) == (0, True)
    told_in = time.monotonic() - began
    await here.settled(seconds=1500)
    filed_in = time.monotonic() - began
    imported = {"message_id": {"$regex": "^m"}, "direction": "inbound"}
    ids = await here.database["messages"].distinct("message_id", imported)
    assert len(ids) == await here.database["messages"].count_documents(imported) == MANY
    assert len(await here.told("postbus.mail.imported.>")) == MANY
    live = await here.database["messages"].count_documents({"message_id": {"$regex": "^live"}})
    sent = await here.told("postbus.send.requested.>", SENDING)
    assert len(delays) == live == len(sent)
    assert {one["data"]["to"][0]["address"] for one in sent} == {
        _live_customer(number).address for number in range(live)
    }
    assert max(delays) < 2
    print(  # noqa: T201 - the figures of a long run
        f"\n{MANY} mails: told in {told_in:.1f} s, filed in {filed_in:.1f} s, "
        f"{MANY / filed_in:.0f} a second; live mail filed within {max(delays):.2f} s; "
        f"memory of the command {memory[len(memory) // 4]} MB after a quarter, "
        f"{max(memory)} MB at most"
    )


def _live_customer(number: int) -> Address:
    return Address(name="Anna", address=f"anna{number}@example.com")


async def _beside_live_mail(
    here: Installation, process: asyncio.subprocess.Process
) -> tuple[list[float], list[int]]:
    """How long live mails took while the process runs, in seconds, and its memory, in MB."""
    delays: list[float] = []
    memory: list[int] = []
    while process.returncode is None or not delays:
        # Each of somebody else: ten of one within ten minutes would be a burst.
        mail = mail_received(f"live{len(delays)}", customer=_live_customer(len(delays)))
        began = time.monotonic()
        await here.bus.tell("postbus.mail.received", "support", mail, event_id=mail.mail_id)
        wanted = {"message_id": mail.message_id}
        while await here.database["messages"].find_one(wanted) is None:
            await asyncio.sleep(0.01)
        delays.append(time.monotonic() - began)
        if process.returncode is None:
            memory.append(psutil.Process(process.pid).memory_info().rss // 2**20)
        await asyncio.sleep(0.3)
    return delays, memory or [0]
