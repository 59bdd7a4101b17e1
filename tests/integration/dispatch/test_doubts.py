"""A mail of which nobody knows whether it was sent, where its mailbox can tell."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dispatch.adapters.nats_ledger import NatsLedger
from dispatch.domain.attempts import Attempt, Step
from dispatch.domain.doubts import Doubt
from dispatch_stage import Mailbox, Stage
from postbus.bus import Bus, BusSettings
from postbus.bus.topology import LEDGER_BUCKET
from postbus.contracts.guard import SendKind
from send_builders import send_requested
from servers.smtp import SmtpServer

LOST = "The connection was lost before the server answered"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    running = SmtpServer().start()
    yield running
    running.stop()


async def left_claimed(stage: Stage, **fields: Any) -> None:
    """What a replica `z` that was killed while it sent has left in the ledger."""
    bus = Bus(BusSettings(stage.nats_url, "dispatch"), CollectorRegistry())
    await bus.connect()
    now = datetime.now(UTC)
    attempt = Attempt(
        request=send_requested(),
        step=Step.CLAIMED,
        accepted_at=now - timedelta(minutes=1),
        attempt=1,
        claimed_by="z",
        claimed_at=now,
        outbound_channel="own",
        **fields,
    )
    await NatsLedger(lambda: bus.bucket(LEDGER_BUCKET)).accept(attempt)
    await bus.stop()


async def states(stage: Stage) -> list[str]:
    return [str(one.state) for one in await stage.outcomes()]


@pytest.mark.parametrize("automatic", [False, True])
async def test_a_doubtful_mail_that_lies_among_the_sent_mail_was_sent(
    stage: Stage, server: SmtpServer, *, automatic: bool
) -> None:
    server.behaviour.drop_after_data = 1
    mailbox = Mailbox(found=[False, True])
    await stage.read_by(mailbox)
    await stage.own_channel("gmail", server.port)
    await stage.start()
    sent = send_requested()
    if automatic:
        sent = sent.model_copy(update={"automatic": True, "kind": SendKind.RECEIPT})
    await stage.ask_to_send(sent)
    await stage.until_keys("done.s-1")
    [outcome] = await stage.outcomes()
    assert outcome.state == "sent"
    assert LOST in outcome.reason
    assert "found among the sent mail" in outcome.reason
    assert outcome.from_address == "it@abc.com"
    assert (len(server.taken), mailbox.looks) == (1, [sent.message_id] * 2)


@pytest.mark.parametrize("automatic", [False, True])
async def test_a_doubtful_mail_that_is_missing_three_times_is_sent_again(
    stage: Stage, server: SmtpServer, *, automatic: bool
) -> None:
    """The server hangs up with the answer; it did not file the mail, so it did not send it."""
    server.behaviour.drop_after_data = 1
    mailbox = Mailbox(found=[False, False, False])
    await stage.read_by(mailbox)
    await stage.own_channel("gmail", server.port)
    await stage.start()
    sent = send_requested()
    if automatic:
        sent = sent.model_copy(update={"automatic": True, "kind": SendKind.RECEIPT})
    await stage.ask_to_send(sent)
    await stage.until_keys("done.s-1")
    deferred, outcome = await stage.outcomes()
    assert (deferred.state, outcome.state) == ("deferred", "sent")
    assert "it was not sent" in deferred.reason
    assert len(mailbox.looks) == 3
    assert outcome.attempt == 2
    assert {taken.content.count(b"s-1@") for taken in server.taken} == {1}


@pytest.mark.parametrize("somebody_answers", [False, True])
async def test_a_mail_is_in_doubt_when_nobody_could_look(
    stage: Stage, server: SmtpServer, *, somebody_answers: bool
) -> None:
    """INVARIANT: without a look, a doubtful mail is never sent again by itself."""
    server.behaviour.drop_after_data = 1
    if somebody_answers:
        await stage.read_by(Mailbox(found=[None, False, None, False, None]))
    await stage.own_channel("gmail", server.port)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert await states(stage) == ["in-doubt"]
    assert len(server.taken) == 1


@pytest.mark.parametrize("kind", ["smtp", "gmail"])
async def test_a_channel_that_keeps_no_sent_mail_leaves_the_doubt_as_it_is(
    stage: Stage, server: SmtpServer, kind: str
) -> None:
    """Nobody files the mail: we put the copy ourselves, or no inbound channel reads it."""
    server.behaviour.drop_after_data = 1
    mailbox = Mailbox()
    await stage.read_by(mailbox)
    await stage.own_channel(kind, server.port)
    if kind == "gmail":
        bucket = await stage.admin.jetstream().key_value("postbus-config")
        await bucket.delete("inbound-channels.box")
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert await states(stage) == ["in-doubt"]
    assert (mailbox.looks, mailbox.puts) == ([], [])


@pytest.mark.parametrize(("lies_there", "ends"), [(True, ["sent"]), (False, ["deferred", "sent"])])
async def test_a_claim_that_a_crash_left_is_looked_for(
    stage: Stage, server: SmtpServer, *, lies_there: bool, ends: list[str]
) -> None:
    mailbox = Mailbox()
    if lies_there:
        mailbox.mails[send_requested().message_id] = b""
    await stage.read_by(mailbox)
    await stage.own_channel("gmail", server.port)
    await left_claimed(stage)
    await stage.start("z")
    await stage.until_keys("done.s-1")
    assert await states(stage) == ends
    assert len(server.taken) == len(ends) - 1


async def test_looks_survive_a_crash_in_between(stage: Stage, server: SmtpServer) -> None:
    """INVARIANT: a restart goes on counting; the mail is claimed until the doubt is over."""
    mailbox = Mailbox(found=[False])
    await stage.read_by(mailbox)
    await stage.own_channel("gmail", server.port)
    doubt = Doubt(why="Lost.", mailbox="box", look_at=datetime.now(UTC), absent=2)
    await left_claimed(stage, doubt=doubt)
    await stage.start("another")
    await stage.until_keys("done.s-1")
    assert await states(stage) == ["deferred", "sent"]
    assert len(mailbox.looks) == 1


async def test_a_replica_that_stops_while_it_looks_leaves_it_to_the_next(
    stage: Stage, server: SmtpServer
) -> None:
    server.behaviour.drop_after_data = 1
    await stage.own_channel("gmail", server.port)
    first = await stage.start("a", doubt_looks_seconds=(60,))
    await stage.ask_to_send(send_requested())

    async def is_doubted() -> bool:
        bucket = await stage.admin.jetstream().key_value(LEDGER_BUCKET)
        keys = await stage.keys()
        if "open.s-1" not in keys:
            return False
        entry = await bucket.get("open.s-1")
        return Attempt.model_validate_json(entry.value or b"").doubt is not None

    await stage.until(is_doubted)
    await first.stop()
    mailbox = Mailbox(found=[True])
    await stage.read_by(mailbox)
    # The time of the look has come.
    bucket = await stage.admin.jetstream().key_value(LEDGER_BUCKET)
    entry = await bucket.get("open.s-1")
    attempt = Attempt.model_validate_json(entry.value or b"")
    assert attempt.doubt is not None
    due = attempt.doubt.model_copy(update={"look_at": datetime.now(UTC)})
    again = attempt.model_copy(update={"doubt": due})
    await bucket.put("open.s-1", again.model_dump_json(by_alias=True).encode())
    await stage.start("a")
    await stage.until_keys("done.s-1")
    assert await states(stage) == ["sent"]
    assert len(server.taken) == 1
