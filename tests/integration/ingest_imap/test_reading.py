"""What is read from a mailbox, by a real service, from a real server."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

from imapclient import IMAPClient

from servers.dovecot import PASSWORD, Dovecot, mail
from servers.mailboxes import House


def client(dovecot: Dovecot, user: str = "anna") -> IMAPClient:
    imap = IMAPClient("127.0.0.1", port=dovecot.port, ssl=False)
    imap.login(user, PASSWORD)
    return imap


async def test_a_new_mail_is_a_fact_in_less_than_a_second(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    began = time.monotonic()
    dovecot.deliver("anna", mail("one"))
    (fact,) = await house.until_received(1)
    assert time.monotonic() - began < 1.5  # the poll of this test included
    assert fact.subject == "one"
    assert fact.route.door == "imap"
    assert fact.route.origin.folder == "INBOX"
    assert fact.route.origin.uid == 1


async def test_mail_that_comes_while_others_are_fetched_is_not_waited_for(
    house: House, dovecot: Dovecot
) -> None:
    """INVARIANT: what is told between a search and IDLE is news; else it waits for minutes."""
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    for number in range(80):
        dovecot.deliver("anna", mail(f"mail {number}", size_bytes=number * 200))
        await asyncio.sleep(0.03 * (number % 4))
    await house.until_received(80, seconds=8)


async def test_mail_that_somebody_has_read_already_is_taken(house: House, dovecot: Dovecot) -> None:
    """INVARIANT: what counts is the UID and never "unseen"; else mail read on a phone is lost."""
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    await house.stop()
    for name in ("one", "two", "three"):
        dovecot.deliver("anna", mail(name))
    with client(dovecot) as imap:
        imap.select_folder("INBOX")
        imap.add_flags([1, 2, 3], [b"\\Seen"])
    await house.start()
    assert {fact.subject for fact in await house.until_received(3)} == {"one", "two", "three"}


async def test_mail_from_before_is_left_alone(house: House, dovecot: Dovecot) -> None:
    long_ago = time.time() - 86_400
    for number in range(5):
        dovecot.deliver("anna", mail(f"old-{number}"), at=long_ago)
    dovecot.deliver("anna", mail("a minute ago"), at=time.time() - 60)
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    facts = await house.until_received(1)
    await asyncio.sleep(0.3)
    assert [fact.subject for fact in await house.received()] == ["a minute ago"]
    assert facts[0].route.origin.uid == 6
    proof = await house.proof()
    assert (proof.seen, proof.before, proof.filed, proof.unexplained) == (6, 5, 1, 0)


async def test_mail_from_before_is_imported_when_that_is_asked_for(
    house: House, dovecot: Dovecot
) -> None:
    long_ago = time.time() - 86_400
    for number in range(60):
        dovecot.deliver("anna", mail(f"old-{number}"), at=long_ago)
    await house.channel(imap={"port": dovecot.port, "history": "all"})
    await house.start()

    async def imported() -> bool:
        return len(await house.facts("postbus.mail.imported")) == 60

    await house.until(imported, what="60 imported")
    assert await house.received() == []
    fact = (await house.facts("postbus.mail.imported"))[0].data
    assert abs(fact.route.received_at.timestamp() - long_ago) < 2
    assert (await house.proof()).filed == 60


async def test_nothing_is_marked_unless_asked_for(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    await house.until_received(1)
    with client(dovecot) as imap:
        imap.select_folder("INBOX", readonly=True)
        assert b"\\Seen" not in imap.get_flags([1])[1]


async def test_fetched_mail_is_marked(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port}, after_fetch="mark-seen")
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    await house.until_received(1)
    with client(dovecot) as imap:

        def marked() -> bool:
            imap.select_folder("INBOX", readonly=True)
            return b"\\Seen" in imap.get_flags([1])[1]

        await house.until(marked, what="marked")


async def test_fetched_mail_is_moved(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port}, after_fetch="move:Done.Ünï")
    await house.start()
    await house.until_state("connected")
    for name in ("one", "two"):
        dovecot.deliver("anna", mail(name))
    await house.until_received(2)
    with client(dovecot) as imap:

        def moved() -> bool:
            return imap.select_folder("INBOX", readonly=True)[b"EXISTS"] == 0

        await house.until(moved, what="moved")
        folder = next(name for _, _, name in imap.list_folders() if "Ünï" in name)
        assert imap.select_folder(folder)[b"EXISTS"] == 2
    assert (await house.proof()).ok


async def test_a_mail_that_was_not_moved_by_a_crash_is_moved_later(
    house: House, dovecot: Dovecot
) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    await house.until_received(1)
    await house.stop()
    key, cursor = next(iter((await house.cursors()).items()))
    bucket = await house.admin.jetstream().key_value("postbus-cursors")
    await bucket.put(key, json.dumps({**cursor, "untidied": "1"}).encode())
    await house.channel(imap={"port": dovecot.port}, after_fetch="move:Done")
    await house.start()
    with client(dovecot) as imap:

        def moved() -> bool:
            return imap.select_folder("INBOX", readonly=True)[b"EXISTS"] == 0

        await house.until(moved, what="moved")


async def test_several_folders_are_read(house: House, dovecot: Dovecot) -> None:
    dovecot.maildir("anna", "Junk")
    await house.channel(imap={"port": dovecot.port, "folders": ["INBOX", "Junk"]})
    await house.start()
    await house.until_state("connected")
    await asyncio.sleep(0.5)
    dovecot.deliver("anna", mail("one"))
    dovecot.deliver("anna", mail("two"), folder="Junk")
    facts = await house.until_received(2)
    assert {(one.subject, one.route.origin.folder) for one in facts} == {
        ("one", "INBOX"),
        ("two", "Junk"),
    }


async def test_two_copies_of_a_mail_are_one_mail_and_both_are_accounted_for(
    house: House, dovecot: Dovecot
) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    dovecot.deliver("anna", mail("one"))
    facts = await house.until_received(2)
    assert len({fact.mail_id for fact in facts}) == 1
    assert {fact.route.origin.uid for fact in facts} == {1, 2}
    assert (await house.proof()).filed == 2


async def test_a_folder_with_new_numbers_loses_nothing(house: House, dovecot: Dovecot) -> None:
    await house.channel(
        imap={"port": dovecot.port, "since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    )
    dovecot.deliver("anna", mail("old"), at=time.time() - 86_400)
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"))
    (first,) = await house.until_received(1)
    await house.stop()
    dovecot.deliver("anna", mail("two"))
    for file in dovecot.maildir("anna").glob("dovecot*"):
        file.unlink()
    (dovecot.maildir("anna") / "dovecot-uidlist").write_text("3 V77 N100 Gabc\n")
    await house.start()
    facts = await house.until_received(3)
    assert [fact.subject for fact in facts].count("two") == 1
    assert {fact.mail_id for fact in facts if fact.subject == "one"} == {first.mail_id}
    assert "old" not in {fact.subject for fact in facts}
    assert "folder-made-anew" in {fact.data.fact for fact in await house.facts("postbus.channel")}
    assert (await house.proof()).ok


async def test_a_renamed_folder_is_followed(house: House, dovecot: Dovecot) -> None:
    dovecot.maildir("anna", "Help")
    await house.channel(imap={"port": dovecot.port, "folders": ["Help"]})
    await house.start()
    await house.until_state("connected")
    dovecot.deliver("anna", mail("one"), folder="Help")
    await house.until_received(1)
    with client(dovecot) as imap:
        imap.rename_folder("Help", "Support")
    dovecot.deliver("anna", mail("two"), folder="Support")
    facts = await house.until_received(2)
    assert facts[1].subject == "two"
    assert facts[1].route.origin.folder == "Help"
    assert (await house.proof()).ok


async def test_a_folder_that_is_gone_is_said(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port, "folders": ["Nowhere"]})
    await house.start()
    health = await house.until_state("degraded")
    assert health.reason == "folder-missing"
    assert "Nowhere" in (health.last_error or "")


async def test_a_wrong_password_is_said_and_mended_at_once(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port}, secret="wrong")
    await house.start()
    health = await house.until_state("needs-sign-in")
    assert health.reason == "wrong-password"
    await house.channel(imap={"port": dovecot.port})
    await house.until_state("connected")
    told = [fact.data.fact for fact in await house.facts("postbus.channel")]
    assert told == ["needs-sign-in", "recovered"]


async def test_a_paused_channel_is_not_read(house: House, dovecot: Dovecot) -> None:
    await house.channel(imap={"port": dovecot.port})
    await house.start()
    await house.until_state("connected")
    await house.channel(imap={"port": dovecot.port}, enabled=False)
    await asyncio.sleep(1)
    dovecot.deliver("anna", mail("one"))
    await asyncio.sleep(0.5)
    assert await house.received() == []
    await house.channel(imap={"port": dovecot.port})
    await house.until_received(1)
