"""Connections that are cut, replicas that are killed, servers that give a mail not."""

import asyncio
import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postbus.mail.uid_sets import UidSet
from servers.cutting import Cutting
from servers.dovecot import Dovecot, mail
from servers.mailboxes import House
from servers.nats import NatsServer
from servers.replicas import Replicas

Start = Callable[[str], "subprocess.Popen[bytes]"]


pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def start(house: House) -> Iterator[Start]:
    """Starts a replica as a process of its own, which can be killed."""
    replicas = Replicas(house, "ingest_imap")
    yield replicas.start
    replicas.stop_all()


async def test_cuts_and_kills_lose_nothing_and_double_nothing(
    house: House, dovecot: Dovecot, start: Start
) -> None:
    """INVARIANT: 500 mails, 50 cuts and 10 kills are 500 mails; else mail is lost in bad nets."""
    way = Cutting(dovecot.port).start()
    await house.channel(imap={"port": way.port})
    replicas = {name: start(name) for name in ("one", "two")}
    await house.until_state("connected")
    chance = random.Random(7)
    kills = 0
    for number in range(500):
        dovecot.deliver("anna", mail(f"mail {number}"))
        if number % 10 == 5:
            if number % 20 == 15:  # the next one ends in the middle of what it says
                way.cut_after(chance.randrange(1_500, 40_000))
            await house.until(lambda: way.cut(older_than_seconds=0.25), what="one to cut")
        if number % 50 == 25:
            name = chance.choice(("one", "two"))
            replicas[name].kill()
            replicas[name].wait()
            replicas[name] = start(name)
            kills += 1
        await asyncio.sleep(0.02)
    facts = await house.until_received(500, seconds=60)
    cuts = way.cuts
    ids = Counter(fact.mail_id for fact in facts)
    assert kills == 10
    assert cuts >= 50
    assert len(ids) == 500
    assert {fact.route.origin.uid for fact in facts} == set(range(1, 501))
    proof = await house.proof()
    assert (proof.seen, proof.filed, proof.waiting, proof.unexplained) == (500, 500, 0, 0)
    assert await house.facts("postbus.mail.held") == []
    way.stop()


async def test_a_killed_replica_is_replaced_in_seconds(
    house: House, dovecot: Dovecot, start: Start
) -> None:
    await house.channel(imap={"port": dovecot.port})
    replicas = {name: start(name) for name in ("one", "two")}
    await house.until_state("connected")
    await asyncio.sleep(1)
    leases = await house.admin.jetstream().key_value("postbus-leases")
    holder = (await leases.get("mailbox.support")).value or b""
    name = holder.decode().partition("/")[0]
    replicas[name].kill()
    dovecot.deliver("anna", mail("one"))
    began = asyncio.get_running_loop().time()
    await house.until_received(1, seconds=10)
    assert asyncio.get_running_loop().time() - began < 6
    assert (await leases.get("mailbox.support")).value != holder


async def test_mailboxes_are_shared_among_replicas(house: House, dovecot: Dovecot) -> None:
    names = [f"box-{number}" for number in range(12)]
    for name in names:
        dovecot.add_user(name)
        dovecot.maildir(name)
        await house.channel(name, imap={"port": dovecot.port, "username": name})
    await house.start("one")
    await house.start("two")
    await house.until_shared(names, kind="imap", instances=("one", "two"))
    for name in names:
        dovecot.deliver(name, mail(name))
    facts = await house.until_received(12)
    assert Counter(fact.channel for fact in facts) == Counter(names)


async def test_a_mail_that_kills_the_connection_is_held_and_the_others_go_on(
    house: House, dovecot: Dovecot
) -> None:
    """The server dies over one mail: its file cannot be read (a broken disk, a lost permission)."""
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    await house.stop()
    dovecot.deliver("anna", mail("one"))
    broken = dovecot.deliver("anna", mail("broken"))
    dovecot.deliver("anna", mail("three"))
    content = broken.read_bytes()
    if os.getuid() == 0:
        os.chown(broken, 0, 0)
    broken.chmod(0o000)
    await house.start()
    facts = await house.until_received(2, seconds=50)
    assert {fact.subject for fact in facts} == {"one", "three"}

    async def held() -> list[object]:
        return await house.facts("postbus.mail.held")

    (fact,) = await house.until(held, seconds=50, what="held")
    assert fact.data.reason == "not-given-by-server"
    assert fact.data.route.origin.uid == 2
    proof = await house.proof()
    assert (proof.seen, proof.filed, proof.held, proof.unexplained) == (3, 2, 1, 0)
    path = next(Path(broken.parent.parent).glob(f"*/{broken.name}*"))
    path.chmod(0o644)
    assert path.read_bytes() == content
    await house.stop()
    await house.start()
    await house.until_received(3, seconds=30)
    (released,) = await house.facts("postbus.mail.released")
    assert released.data.mail_id == fact.data.mail_id
    assert (await house.proof()).filed == 3


async def test_a_mail_that_is_too_large_is_held(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start(max_mail_bytes=20_000)
    await house.until_state("connected")
    dovecot.deliver("anna", mail("large", size_bytes=50_000))
    dovecot.deliver("anna", mail("small"))
    (fact,) = await house.until_received(1)
    assert fact.subject == "small"

    async def held() -> list[object]:
        return await house.facts("postbus.mail.held")

    (fact,) = await house.until(held, what="held")
    assert fact.data.reason == "too-large-to-fetch"
    assert fact.data.raw.size_bytes > 50  # its header


async def test_an_empty_file_in_the_mailbox_holds_up_nobody(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    await house.stop()
    dovecot.deliver("anna", b"")
    dovecot.deliver("anna", mail("one"))
    await house.start()

    async def told() -> bool:
        return "one" in {fact.subject for fact in await house.received()}

    await house.until(told, what="the other mail")

    async def accounted_for() -> bool:
        proof = await house.proof()
        return proof.seen == proof.filed + proof.held

    await house.until(accounted_for, what="both")


async def test_a_restart_of_the_mail_server_is_got_over(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    dovecot.stop(kill=False)
    dovecot.deliver("anna", mail("one"))
    await asyncio.sleep(1)
    dovecot.start()
    await house.until_received(1, seconds=40)


async def test_while_nats_is_away_nothing_is_marked_and_nothing_lost(
    house: House, dovecot: Dovecot, nats_server: NatsServer
) -> None:
    await house.channel(imap={"port": dovecot.port}, after_fetch="move:Done")
    await house.start()
    await house.until_state("connected")
    nats_server.stop(kill=True)
    await asyncio.sleep(0.2)
    dovecot.deliver("anna", mail("one"))
    await asyncio.sleep(3)
    there = list((dovecot.maildir("anna") / "new").iterdir())
    there += list((dovecot.maildir("anna") / "cur").iterdir())
    assert len(there) == 1
    nats_server.start()
    await house.until(lambda: house.admin.is_connected, what="connected")
    facts = await house.until_received(1, seconds=40)
    assert len(facts) == 1


async def test_drift_is_told_and_mended(house: House, dovecot: Dovecot) -> None:
    """A cursor that says too much is found out by what ticketing says."""
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    await house.until_received(1)
    house.filed_late = UidSet.of((1,))
    proof = await house.proof()
    assert (proof.waiting, proof.unexplained, proof.ok) == (1, 0, True)
    health = await house.admin.jetstream().key_value("postbus-health")
    entry = await health.get("proof.support")
    old = (entry.value or b"").replace(proof.proved_at.isoformat()[:13].encode(), b"2026-01-01T00")
    await health.put("proof.support", old)
    proof = await house.proof()
    assert (proof.unexplained, proof.folders[0].unexplained_uids, proof.ok) == (1, "1", False)
    assert "drift" in {fact.data.fact for fact in await house.facts("postbus.channel")}


async def test_a_reader_that_lost_its_mailbox_cannot_write_any_more(
    house: House, dovecot: Dovecot
) -> None:
    """INVARIANT: who wakes up and thinks it still has the mailbox is refused, and tells it once."""
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    js = house.admin.jetstream()
    leases, cursors = await js.key_value("postbus-leases"), await js.key_value("postbus-cursors")
    mine = await leases.get("mailbox.support")
    await leases.put("mailbox.support", b"another/1")
    (key,) = await house.until(house.cursors, what="a cursor")
    taken_up_elsewhere = (await cursors.get(key)).value or b""
    await cursors.put(key, taken_up_elsewhere)
    dovecot.deliver("anna", mail("one"))

    async def taken_again() -> bool:
        entry = await leases.get("mailbox.support")
        cursor = (await house.cursors())[key]
        return entry.value == mine.value and cursor["taken"] == "1"

    await house.until(taken_again, what="the mailbox, taken again since the other is gone")
    assert (await leases.get("mailbox.support")).revision > mine.revision
    assert len(await house.received()) == 1
