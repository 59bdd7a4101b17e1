"""`postbus reparse` as a shell calls it, on a real archive: nats-server and a folder of blobs."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

from builders import multipart_mail, part, raw_mail
from postbus.blobs import BlobStore, open_store
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import MAIL
from postbus.contracts.base import derived_id
from postbus.contracts.configuration import ForwardSettings, InboundChannel
from postbus.contracts.mail import MailDecided, MailHeld, MailReceived, OpenAs, Release, Route
from postbus.intake import find_stamp, keep, mail_received
from postbus.mail.parse import parse
from postbus.tokens import Stamper, StampKind
from servers.nats import NatsServer

POSTBUS = Path(sys.executable).parent / "postbus"
AT = datetime(2026, 3, 2, tzinfo=UTC)
KEY = b"k" * 32
STAMPER = Stamper("postbus", [KEY])
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
    def mails(self) -> list[dict[str, Any]]:
        return [line for line in self._lines if "summary" not in line]

    @property
    def summary(self) -> dict[str, Any]:
        return self._lines[-1]["summary"]

    @property
    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Installation:
    """An archive that a door fills."""

    server: NatsServer
    folder: Path
    admin: Client
    bus: Bus
    blobs: BlobStore
    environment: dict[str, str] = field(default_factory=dict)

    async def receive(self, raw: bytes, *, at: datetime = AT, **old: Any) -> MailReceived:
        """A mail that came in; `old` is what an older release read otherwise."""
        ref = await self.blobs.put(raw)
        taken = await keep(parse(raw), raw, ref, blobs=self.blobs)
        route = Route(door="forward", received_at=at, envelope_from="anna@example.com")
        stamp = find_stamp(taken.parsed, (), channel=CHANNEL, find=STAMPER.find)
        fact = mail_received(
            taken, CHANNEL, route=route, stamp=stamp, own_addresses=CHANNEL.own_addresses()
        ).model_copy(update=old)
        event_id = derived_id("mail.received", fact.channel, fact.mail_id)
        await self.bus.tell("postbus.mail.received", fact.channel, fact, event_id=event_id)
        return fact

    async def receive_from_before(self, raw: bytes, **old: Any) -> MailReceived:
        """A mail that was imported."""
        ref = await self.blobs.put(raw)
        taken = await keep(parse(raw), raw, ref, blobs=self.blobs)
        fact = mail_received(
            taken, CHANNEL, route=Route(door="import", received_at=AT), stamp=None,
            own_addresses=CHANNEL.own_addresses(),
        ).model_copy(update={"open_as": OpenAs.SOLVED, **old})  # fmt: skip
        event_id = derived_id("mail.imported", fact.channel, fact.mail_id)
        async with archivist(self.server) as bus:
            await bus.tell("postbus.mail.imported", fact.channel, fact, event_id=event_id)
        return fact

    async def hold(
        self, raw: bytes, *, channel: str = "support", imported: bool = False
    ) -> MailHeld:
        """A mail that an older release could not read."""
        ref = await self.blobs.put(raw)
        fact = MailHeld(
            mail_id=ref.sha256,
            channel=channel,
            reason="not-readable",
            raw=ref,
            route=Route(door="forward", received_at=AT, envelope_from="anna@example.com"),
            imported=imported,
        )
        event_id = derived_id("mail.held", channel, ref.sha256)
        await self.bus.tell("postbus.mail.held", channel, fact, event_id=event_id)
        return fact

    async def reparse(self, *options: str, **environment: str) -> Done:
        process = await asyncio.create_subprocess_exec(
            POSTBUS, "reparse", *options,
            env={**os.environ, **self.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, error = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), error.decode())

    async def told(self, subject: str = "postbus.mail.>") -> list[dict[str, Any]]:
        return [json.loads(one.body) async for one in self.bus.stored(MAIL, subject)]


@asynccontextmanager
async def archivist(server: NatsServer) -> AsyncIterator[Bus]:
    bus = Bus(BusSettings(server.url, "archivist", graceful_seconds=1), CollectorRegistry())
    await bus.connect()
    yield bus
    await bus.stop()


@pytest.fixture
async def here(
    nats_server: NatsServer, admin: Client, tmp_path: Path
) -> AsyncIterator[Installation]:
    (tmp_path / "stamp.keys").write_text(base64.b64encode(KEY).decode())
    blob_url = (tmp_path / "blobs").as_uri()
    bus = Bus(BusSettings(nats_server.url, "ingest-forward", graceful_seconds=1),
              CollectorRegistry())  # fmt: skip
    await bus.connect()
    value = {"document": CHANNEL.model_dump(mode="json"), "change": {"by": "t", "at": str(AT)}}
    bucket = await admin.jetstream().key_value("postbus-config")
    await bucket.put("inbound-channels.support", json.dumps(value).encode())
    yield Installation(
        nats_server, tmp_path, admin, bus, open_store(blob_url),
        {
            "NATS_URL": nats_server.url,
            "BLOB_URL": blob_url,
            "STAMP_KEYS_FILE": str(tmp_path / "stamp.keys"),
            "POSTBUS_HOME": str(tmp_path / "none"),
        },
    )  # fmt: skip
    await bus.stop()


async def test_what_reads_as_before_is_unchanged_and_nothing_is_told(here: Installation) -> None:
    await here.receive(raw_mail())
    await here.receive(multipart_mail("mixed", part("text/plain", "Hi"), part("image/png", b"P")))
    done = await here.reparse("--json")
    assert (done.code, done.error, done.mails) == (0, "", [])
    assert done.summary["looked_at"] == done.summary["unchanged"] == 2
    assert len(await here.told()) == 2


async def test_a_dry_run_shows_each_field_and_changes_nothing(here: Installation) -> None:
    fact = await here.receive(raw_mail(), subject="Pinter", text="", queue="moved")
    done = await here.reparse("--json")
    assert done.mails == [
        {
            "mail_id": fact.mail_id,
            "channel": "support",
            "outcome": "differs",
            "fields": {
                "subject": {"old": "Pinter", "new": "Printer on fire"},
                "text": {"old": "", "new": "Help."},
            },
        }
    ]
    assert done.summary["by_field"] == {"subject": 1, "text": 1}
    assert (done.summary["applied"], done.summary["told"]) == (False, 0)
    assert len(await here.told()) == 1


async def test_people_see_old_and_new_and_what_to_do_next(here: Installation) -> None:
    await here.receive(raw_mail(), subject="Pinter")
    done = await here.reparse()
    assert '"Pinter" → "Printer on fire"' in done.out
    assert "--apply" in done.out
    assert done.code == 0


async def test_applied_readings_are_told_once_under_the_old_id(here: Installation) -> None:
    """INVARIANT: ticketing finds what is filed by its mail id, and knows a reading as one."""
    old = await here.receive(raw_mail(), subject="Pinter", queue="moved", ticket_type="complaint")
    done = await here.reparse("--json", "--apply", "--yes")
    assert (done.code, done.summary["told"], done.summary["applied"]) == (0, 1, True)
    first, second = await here.told("postbus.mail.received.support")
    data = second["data"]
    assert second["source"] == "/postbus/archivist"
    assert second["id"] != first["id"]
    assert second["subject"] == f"mails/{old.mail_id}"
    assert (data["mail_id"], data["subject"]) == (old.mail_id, "Printer on fire")
    assert (data["queue"], data["ticket_type"]) == ("moved", "complaint")
    assert data["route"] == first["data"]["route"]
    assert data["reread_at"] is not None
    assert first["data"]["reread_at"] is None
    again = await here.reparse("--json", "--apply", "--yes")
    assert (again.summary["unchanged"], again.summary["told"]) == (1, 0)
    assert len(await here.told()) == 2


async def test_files_and_long_texts_of_a_new_reading_are_kept_before_it_is_told(
    here: Installation,
) -> None:
    raw = multipart_mail("mixed", part("text/plain", "word " * 30_000), part("image/png", b"P"))
    await here.receive(raw, attachments=(), content=None)
    for file in (here.folder / "blobs").rglob(sha256(b"P").hexdigest()):
        file.unlink()
    looked = await here.reparse("--json")
    assert set(looked.mails[0]["fields"]) == {"attachments", "content"}
    assert not await here.blobs.exists(sha256(b"P").hexdigest())
    await here.reparse("--json", "--apply", "--yes")
    data = (await here.told())[-1]["data"]
    assert await here.blobs.get(data["attachments"][0]["sha256"]) == b"P"
    assert b"word word" in await here.blobs.get(data["content"]["sha256"])


async def test_a_held_mail_is_filed_like_a_new_one_and_waits_no_longer(here: Installation) -> None:
    held = await here.hold(raw_mail())
    looked = await here.reparse("--json", "--held")
    assert [(one["outcome"], one["mail_id"]) for one in looked.mails] == [("new", held.mail_id)]
    done = await here.reparse("--json", "--held", "--apply", "--yes")
    assert (done.summary["new"], done.summary["told"]) == (1, 1)
    (received,) = await here.told("postbus.mail.received.support")
    (released,) = await here.told("postbus.mail.released.support")
    data = received["data"]
    assert data["reread_at"] is None
    assert data["raw"] == held.raw.model_dump()
    assert released["data"]["mail_id"] == held.mail_id
    assert released["data"]["received_as"] == data["mail_id"] == looked.mails[0]["received_as"]
    again = await here.reparse("--json", "--held", "--apply", "--yes")
    assert (again.summary["already_filed"], again.summary["looked_at"]) == (1, 0)


async def test_a_mail_that_was_read_and_is_held_is_read_again_as_what_it_was_told_as(
    here: Installation,
) -> None:
    """Ticketing holds mails that it has been told of, e.g. bounces of mail that is not ours."""
    old = await here.receive(raw_mail(), subject="old")
    await here.receive(raw_mail({"Message-ID": "<other@x>"}), subject="old")
    fact = MailHeld(**old.model_dump(include={"mail_id", "channel", "raw", "route"}), reason="x")
    await here.bus.tell("postbus.mail.held", "support", fact, event_id="held-by-ticketing")
    done = await here.reparse("--json", "--held", "--apply", "--yes")
    assert [(one["outcome"], one["mail_id"]) for one in done.mails] == [("differs", old.mail_id)]
    assert (await here.told())[-1]["data"]["reread_at"] is not None
    assert await here.told("postbus.mail.released.support") == []


async def test_a_mail_that_is_held_again_after_it_was_filed_is_looked_at_again(
    here: Installation,
) -> None:
    held = await here.hold(raw_mail())
    await here.reparse("--json", "--held", "--apply", "--yes")
    await here.bus.tell("postbus.mail.held", "support", held, event_id="held-again")
    done = await here.reparse("--json", "--held", "--apply", "--yes")
    assert (done.summary["new"], done.summary["told"]) == (1, 1)
    assert (await here.reparse("--json", "--held")).summary["already_filed"] == 1


async def test_a_mail_that_somebody_discarded_is_not_held_any_more(here: Installation) -> None:
    held = await here.hold(raw_mail())
    values = {"mail_id": held.mail_id, "channel": held.channel, "by": "ada", "at": AT}
    discard = MailDecided(decision="discard", **values)
    await here.bus.tell("postbus.mail.decided", "support", discard, event_id="d1")
    assert (await here.reparse("--json", "--held")).summary["looked_at"] == 0
    release = MailDecided(decision="release", **values)
    await here.bus.tell("postbus.mail.decided", "support", release, event_id="d2")
    assert (await here.reparse("--json", "--held")).summary["looked_at"] == 1


async def test_a_mail_that_was_released_is_read_again_as_one(here: Installation) -> None:
    """INVARIANT: without the word it would be held again."""
    release = Release(by="ada", at=datetime.now(UTC), held_as="f" * 64)
    await here.receive(raw_mail(), subject="Pinter", released=release)
    done = await here.reparse("--json", "--apply", "--yes")
    assert list(done.mails[0]["fields"]) == ["subject"]
    again = (await here.told("postbus.mail.received.support"))[-1]["data"]
    assert (again["released"]["by"], again["reread_at"] is None) == ("ada", False)


async def test_a_crash_between_filing_and_releasing_is_mended_by_running_again(
    here: Installation,
) -> None:
    """INVARIANT: the mail is told under the same id, so it is filed once."""
    await here.hold(raw_mail())
    await here.receive(raw_mail())
    done = await here.reparse("--json", "--held", "--apply", "--yes")
    assert done.summary["told"] == 1
    assert len(await here.told("postbus.mail.received.support")) == 1
    assert len(await here.told("postbus.mail.released.support")) == 1


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ((), [0, 1, 2, 3]),
        (("--since", "2026-03-03"), [1, 2, 3]),
        (("--since", "2026-03-03", "--until", "2026-03-04T00:00:00+00:00"), [1]),
        (("--limit", "2"), [0, 1]),
        (("--channel", "support", "--limit", "1"), [0]),
        (("--channel", "sales"), []),
        (("--held",), []),
    ],
)
async def test_the_options_choose(
    here: Installation, options: tuple[str, ...], numbers: list[int]
) -> None:
    facts = [
        await here.receive(
            raw_mail({"Message-ID": f"<{n}@x>"}), at=AT + timedelta(days=n), subject="old"
        )
        for n in range(4)
    ]
    done = await here.reparse("--json", *options)
    assert [one["mail_id"] for one in done.mails] == [facts[n].mail_id for n in numbers]


async def test_one_mail_is_chosen_by_how_its_id_begins(here: Installation) -> None:
    await here.receive(raw_mail({"Message-ID": "<1@x>"}), subject="old")
    fact = await here.receive(raw_mail({"Message-ID": "<2@x>"}), subject="old")
    done = await here.reparse("--json", "--mail-id", fact.mail_id[:12])
    assert [one["mail_id"] for one in done.mails] == [fact.mail_id]


async def test_what_cannot_be_read_is_said_and_the_others_are_read(here: Installation) -> None:
    gone = await here.receive(raw_mail({"Message-ID": "<1@x>"}))
    (file,) = (here.folder / "blobs").rglob(gone.raw.sha256)
    file.unlink()
    await here.hold(raw_mail({"Message-ID": "<2@x>"}), channel="closed")
    text = "A line of words \U0001f642 that takes much room.\n" * 500_000
    heavy = await here.hold(raw_mail({"Content-Type": "text/plain; charset=utf-8"}, text))
    await here.receive(raw_mail({"Message-ID": "<3@x>"}), subject="old")
    done = await here.reparse("--json", READ_MEMORY_BYTES=str(300 * 1024 * 1024))
    assert done.code == 1
    assert [(one["outcome"], one["mail_id"][:8]) for one in done.mails[:1]] == [
        ("raw-missing", gone.mail_id[:8]),
    ]  # fmt: skip
    assert [one["outcome"] for one in done.mails] == [
        "raw-missing", "channel-gone", "unreadable", "differs",
    ]  # fmt: skip
    assert "more memory" in done.mails[2]["error"]
    assert done.mails[2]["mail_id"] == heavy.mail_id


async def stamped(here: Installation) -> MailReceived:
    stamp = STAMPER.stamp(ticket_number=7, kind=StampKind.AGENT_REPLY, hop=0, at=AT)
    return await here.receive(raw_mail({"References": f"<pb.{stamp}.1@x>"}), subject="old")


async def test_stamps_are_verified_again(here: Installation) -> None:
    fact = await stamped(here)
    assert fact.stamp is not None
    done = await here.reparse("--json")
    assert list(done.mails[0]["fields"]) == ["subject"]
    assert done.summary["stamps"] == "verified"


async def test_without_keys_each_mail_keeps_its_stamp_and_that_is_said(here: Installation) -> None:
    await stamped(here)
    del here.environment["STAMP_KEYS_FILE"]
    shown = await here.reparse()
    assert "STAMP_KEYS_FILE" in shown.error
    done = await here.reparse("--json", "--apply", "--yes")
    assert done.summary["stamps"] == "kept"
    assert list(done.mails[0]["fields"]) == ["subject"]
    assert (await here.told())[-1]["data"]["stamp"]["ticket_number"] == 7


async def test_without_keys_no_held_mail_is_filed(here: Installation) -> None:
    """An answer to a mail of ours would not be known as one, and could go round in circles."""
    await here.hold(raw_mail())
    del here.environment["STAMP_KEYS_FILE"]
    done = await here.reparse("--json", "--apply", "--yes")
    assert (done.code, "STAMP_KEYS_FILE" in done.error) == (3, True)
    assert len(await here.told()) == 1


async def test_without_a_person_to_ask_nothing_is_applied(here: Installation) -> None:
    done = await here.reparse("--apply")
    assert (done.code, "--yes" in done.error) == (2, True)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"NATS_SEED_FILE": "none.seed"}, "NATS_SEED_FILE is none.seed"),
        ({"BLOB_URL": "ftp://x"}, "blob store"),
        ({"NATS_URL": "nats://127.0.0.1:9"}, "NATS at nats://127.0.0.1:9"),
    ],
)
async def test_what_is_missing_is_said_in_words(
    here: Installation, environment: dict[str, str], words: str
) -> None:
    done = await here.reparse(**environment)
    assert (done.code, words in done.error, "Traceback" in done.error) == (3, True, False)


async def test_beside_no_stack_it_says_how_to_name_one(here: Installation) -> None:
    del here.environment["NATS_URL"]
    done = await here.reparse()
    assert (done.code, "make up" in done.error, "POSTBUS_HOME" in done.error) == (3, True, True)


async def test_mail_from_before_is_told_as_mail_from_before_again(here: Installation) -> None:
    """INVARIANT: told as a mail of today it would open a ticket anew and ask for a receipt."""
    old = await here.receive_from_before(raw_mail(), subject="Pinter")
    done = await here.reparse("--json", "--apply", "--yes")
    assert (done.summary["differs"], done.summary["told"]) == (1, 1)
    assert await here.told("postbus.mail.received.>") == []
    _, again = await here.told("postbus.mail.imported.>")
    assert (again["data"]["mail_id"], again["data"]["subject"]) == (old.mail_id, "Printer on fire")
    assert again["data"]["open_as"] == "solved"
    assert again["data"]["reread_at"] is not None
    again = await here.reparse("--json", "--apply", "--yes")
    assert again.summary["unchanged"] == 1


async def test_a_held_mail_from_before_is_imported_when_it_can_be_read(here: Installation) -> None:
    await here.hold(raw_mail(), imported=True)
    done = await here.reparse("--held", "--json", "--apply", "--yes")
    assert (done.summary["new"], done.summary["told"]) == (1, 1)
    assert await here.told("postbus.mail.received.>") == []
    assert len(await here.told("postbus.mail.imported.>")) == 1
    assert len(await here.told("postbus.mail.released.>")) == 1
