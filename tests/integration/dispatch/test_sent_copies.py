"""Copies of sent mail in the mailbox: after the end, once, whatever happens."""

from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from dispatch_stage import Mailbox, Stage
from postbus.contracts.mailboxes import PutSentResult
from send_builders import send_requested
from servers.smtp import SmtpServer

NOT_NOW = PutSentResult(ok=False, again=True, detail="the server is away")
NEVER = PutSentResult(ok=False, again=False, detail="no such folder")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    running = SmtpServer().start()
    yield running
    running.stop()


async def test_what_was_sent_is_put_into_the_mailbox_it_was_sent_from(
    stage: Stage, server: SmtpServer
) -> None:
    mailbox = Mailbox()
    await stage.read_by(mailbox)
    await stage.own_channel("smtp", server.port)
    await stage.start()
    sent = send_requested()
    await stage.ask_to_send(sent)
    await stage.until_keys("done.s-1")
    [copy] = mailbox.puts
    assert (copy.channel, copy.message_id) == ("box", sent.message_id)
    assert mailbox.mails[sent.message_id] == server.taken[0].content
    mail = message_from_bytes(mailbox.mails[sent.message_id], policy=policy.default)
    assert mail["Message-ID"] == f"<{sent.message_id}>"


@pytest.mark.parametrize(
    ("kind", "sent_copy"), [("gmail", "auto"), ("smtp", "none"), ("smtp", "provider")]
)
async def test_no_copy_is_made_where_the_server_makes_it_or_nobody_wants_it(
    stage: Stage, server: SmtpServer, kind: str, sent_copy: str
) -> None:
    """INVARIANT: nobody finds an answer twice in the folder of sent mail."""
    mailbox = Mailbox()
    await stage.read_by(mailbox)
    await stage.own_channel(kind, server.port, sent_copy=sent_copy)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert (mailbox.puts, len(server.taken)) == ([], 1)


async def test_a_copy_that_cannot_be_put_now_is_put_later_and_the_mail_does_not_wait(
    stage: Stage, server: SmtpServer
) -> None:
    """INVARIANT: the outcome of a mail neither waits for its copy nor depends on it."""
    await stage.own_channel("smtp", server.port)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("copy.s-1", "done.s-1")
    assert [one.state for one in await stage.outcomes()] == ["sent"]
    mailbox = Mailbox(refusals=[NOT_NOW] * 2)
    await stage.read_by(mailbox)
    await stage.until_keys("done.s-1")
    assert (len(mailbox.puts), len(mailbox.mails)) == (3, 1)


async def test_a_copy_that_will_never_be_taken_is_given_up(
    stage: Stage, server: SmtpServer
) -> None:
    mailbox = Mailbox(refusals=[NEVER])
    await stage.read_by(mailbox)
    await stage.own_channel("smtp", server.port)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert (len(mailbox.puts), mailbox.mails) == (1, {})
    assert [one.state for one in await stage.outcomes()] == ["sent"]


async def test_a_restart_goes_on_with_the_copies_that_are_left(
    stage: Stage, server: SmtpServer
) -> None:
    await stage.own_channel("smtp", server.port)
    first = await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("copy.s-1", "done.s-1")
    await first.stop()
    mailbox = Mailbox()
    await stage.read_by(mailbox)
    await stage.start("b")
    await stage.until_keys("done.s-1")
    assert (len(mailbox.mails), len(server.taken)) == (1, 1)


async def test_a_mail_that_failed_leaves_no_copy(stage: Stage, server: SmtpServer) -> None:
    mailbox = Mailbox()
    await stage.read_by(mailbox)
    server.behaviour.data = ["550 5.7.1 no"]
    await stage.own_channel("smtp", server.port)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert (mailbox.puts, [one.state for one in await stage.outcomes()]) == ([], ["failed"])
