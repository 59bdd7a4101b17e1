"""What ingest-imap answers to config and dispatch: tries, copies of sent mail, look-ups."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from postbus.blobs import open_store
from postbus.contracts.catalogue import FIND_SENT_SUBJECT, PUT_SENT_SUBJECT, TRY_INBOUND_SUBJECT
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import FindSent, FoundSent, PutSent, PutSentResult
from postbus.contracts.trying import TryInbound, TryResult
from servers.dovecot import PASSWORD, Dovecot, mail
from servers.mailboxes import House, channel
from servers.nats import free_port
from servers.smtp import CERTIFICATE

AUTHORITY = CERTIFICATE.read_text()


async def tried(house: House, *, secret: str = PASSWORD, **fields: Any) -> TryResult:
    name = "inbound-channels.support"
    question = TryInbound(
        channel=InboundChannel.model_validate(channel("support", **fields)),
        sealed_secret=house.keys.sealer.seal(name, SecretStr(secret)),
    )
    return await house.ask(TRY_INBOUND_SUBJECT, question, TryResult)


@pytest.fixture
async def running(house: House) -> House:
    await house.start()
    return house


def imap(dovecot: Dovecot, how: str) -> dict[str, Any]:
    own = {"host": "localhost", "ca_certificates": AUTHORITY}
    ports = {"none": dovecot.port, "starttls": dovecot.port, "implicit": dovecot.tls_port}
    return {**own, "tls": how, "port": ports[how]}


@pytest.mark.parametrize("how", ["none", "starttls", "implicit"])
async def test_a_good_mailbox_passes_every_step(running: House, dovecot: Dovecot, how: str) -> None:
    dovecot.deliver("anna", mail("one"))
    result = await tried(running, imap=imap(dovecot, how))
    assert result.ok, result
    assert [step.name for step in result.steps] == [
        "resolve", "connect", "tls", "sign-in", "folders", "push",
    ]  # fmt: skip
    assert result.steps[4].detail == "INBOX has 1 mails"
    assert "IDLE" in result.steps[5].detail


@pytest.mark.parametrize(
    ("fields", "step", "reason"),
    [
        ({"imap": {"host": "no-such-host.invalid"}}, "resolve", "name-unknown"),
        ({"imap": {"port": 9}}, "connect", "unreachable"),
        ({"imap": {"ca_certificates": None}}, "tls", "certificate"),
        ({"imap": {"tls": "implicit"}}, "tls", "tls"),
        ({"secret": "wrong"}, "sign-in", "wrong-password"),
        ({"imap": {"folders": ["Nowhere"]}}, "folders", "folder-missing"),
        ({"after_fetch": "move:a/b"}, "folders", "folder-refused"),
    ],
)
async def test_the_step_that_fails_says_why(
    running: House, dovecot: Dovecot, fields: dict[str, Any], step: str, reason: str
) -> None:
    given = {**imap(dovecot, "starttls"), **fields.pop("imap", {})}
    result = await tried(running, imap=given, **fields)
    failed = result.failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == (step, reason)
    assert failed.advice


async def test_the_folder_to_move_to_is_made(running: House, dovecot: Dovecot) -> None:
    assert (await tried(running, imap=imap(dovecot, "none"), after_fetch="move:Done")).ok
    assert (dovecot.maildir("anna") / ".Done").is_dir()


async def test_a_private_address_is_not_reached(house: House, dovecot: Dovecot) -> None:
    """INVARIANT: who may write channels cannot have us knock at servers inside the network."""
    await house.start(allow_private_hosts=False)
    failed = (await tried(house, imap=imap(dovecot, "none"))).failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == ("connect", "private-address")


async def test_a_copy_of_sent_mail_is_put_there_once(running: House, dovecot: Dovecot) -> None:
    await running.channel(imap={"port": dovecot.port})
    await running.until_state("connected")
    blobs = open_store((running.folder / "blobs").as_uri())
    question = PutSent(
        channel="support",
        message_id="answer@example.com",
        mail=await blobs.put(mail("answer")),
        sent_at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
    )
    looked = FindSent(channel="support", message_id="answer@example.com")
    before = await running.ask(FIND_SENT_SUBJECT, looked, FoundSent)
    results = await asyncio.gather(
        *(running.ask(PUT_SENT_SUBJECT, question, PutSentResult) for _ in range(5))
    )
    after = await running.ask(FIND_SENT_SUBJECT, looked, FoundSent)
    assert (before.found, after.found) == (False, True)
    assert all(one.ok for one in results)
    header = FindSent(channel="support", message_id="answer@example.com", with_head=True)
    shown = await running.ask(FIND_SENT_SUBJECT, header, FoundSent)
    assert shown.found is True
    assert shown.head == mail("answer").partition(b"\r\n\r\n")[0].decode() + "\r\n\r\n"
    other = header.model_copy(update={"message_id": "other@example.com"})
    assert (await running.ask(FIND_SENT_SUBJECT, other, FoundSent)).found is False
    sent = dovecot.maildir("anna", "Sent")
    copies = [*(sent / "cur").iterdir(), *(sent / "new").iterdir()]
    assert len(copies) == 1
    assert "S" in copies[0].name.partition(":2,")[2]
    assert datetime.fromtimestamp(copies[0].stat().st_mtime, UTC).year == 2026


async def test_nobody_can_look_where_the_server_is_away(running: House) -> None:
    await running.channel(imap={"port": free_port()})
    await asyncio.sleep(0.2)
    found = await running.ask(
        FIND_SENT_SUBJECT, FindSent(channel="support", message_id="x"), FoundSent
    )
    assert found.found is None
    question = PutSent(
        channel="nobody",
        message_id="x",
        mail=await open_store((running.folder / "blobs").as_uri()).put(b"x"),
        sent_at=datetime.now(UTC),
    )
    result = await running.ask(PUT_SENT_SUBJECT, question, PutSentResult)
    assert (result.ok, result.again) == (False, False)
