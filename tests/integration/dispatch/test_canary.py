"""One automatic mail a day is read back, over a real SMTP server, NATS, and Graph's stand-in."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from dispatch_stage import Mailbox, Stage
from graph_builders import MAILBOX, graph_channel
from postbus.contracts.guard import Decision, JudgeRequest, SendKind, Verdict
from postbus.contracts.mailboxes import FindSent, FoundSent, MarksProof
from postbus.contracts.sending import SendRequested
from send_builders import STAMP, send_requested
from servers.microsoft365 import Microsoft365
from servers.smtp import SmtpServer

SOON = {"canary_after_seconds": 0.1}


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    running = SmtpServer().start()
    yield running
    running.stop()


def receipt(n: int = 1) -> SendRequested:
    return send_requested(f"s-{n}").model_copy(
        update={
            "kind": SendKind.RECEIPT,
            "automatic": True,
            "message_id": f"pb.{STAMP}.{n}@abc.com",
        }
    )


class Provider(Mailbox):
    """Keeps what the server took, after doing to it what some providers do."""

    def __init__(self, server: SmtpServer, spoil: Callable[[bytes], bytes] = lambda m: m) -> None:
        super().__init__()
        self._server, self._spoil = server, spoil

    def find(self, question: FindSent) -> FoundSent:
        for taken in self._server.taken:
            mail = taken.content
            if question.message_id.encode() in mail:
                self.mails[question.message_id] = self._spoil(mail)
        return super().find(question)


async def marks(stage: Stage, channel: str) -> MarksProof:
    async with asyncio.timeout(10):
        while True:
            health = await stage.health(channel)
            if health is not None and health.marks is not None:
                return health.marks
            await asyncio.sleep(0.05)


async def ends(stage: Stage, *sent: SendRequested) -> None:
    for one in sent:
        await stage.ask_to_send(one)
    await stage.until_keys(*(f"done.{one.send_id}" for one in sent))


def robbed(mail: bytes) -> bytes:
    return mail.replace(b"Auto-Submitted: auto-replied\r\n", b"")


async def test_a_mail_that_gmail_kept_as_it_was_proves_the_marks(
    stage: Stage, server: SmtpServer
) -> None:
    mailbox = Provider(server)
    await stage.read_by(mailbox)
    await stage.own_channel("gmail", server.port)
    await stage.start(**SOON)
    await ends(stage, receipt())
    proof = await marks(stage, "own")
    assert proof.send_id == "s-1"
    assert "Auto-Submitted" in proof.kept
    assert "X-Postbus-Stamp" in proof.kept
    await ends(stage, receipt(), receipt(2), receipt(3))
    await asyncio.sleep(0.5)
    assert (await marks(stage, "own")).send_id == "s-1", "one a day"
    assert "marks-lost.own" not in await stage.channel_facts()


async def test_lost_marks_are_told_and_the_guard_is_asked_with_tighter_limits(
    stage: Stage, server: SmtpServer
) -> None:
    """INVARIANT: robots would answer us, and nobody would know why."""
    asked: list[JudgeRequest] = []

    async def judge(data: bytes) -> Verdict:
        asked.append(JudgeRequest.model_validate_json(data))
        return Verdict(decision=Decision.ALLOW, rule="none", reason="a test")

    await stage.judged_by(judge)
    await stage.read_by(Provider(server, robbed))
    await stage.own_channel("gmail", server.port)
    await stage.start(**SOON)
    await ends(stage, receipt())
    proof = await marks(stage, "own")
    assert "Auto-Submitted" in proof.lost
    assert "X-Auto-Response-Suppress" in proof.kept
    await ends(stage, receipt(), receipt(2))
    assert [one.marks_survive for one in asked] == [True, False]
    assert (await stage.channel_facts()).count("marks-lost.own") == 1
    second = await stage.start("b", **SOON)
    await asyncio.sleep(0.4)
    await second.stop()
    assert (await stage.channel_facts()).count("marks-lost.own") == 1


@pytest.mark.parametrize(
    ("kind", "fields", "automatic"),
    [("smtp", {}, True), ("smtp", {"sent_copy": "none"}, True), ("gmail", {}, False)],
)
async def test_what_proves_nothing_is_not_read(
    stage: Stage, server: SmtpServer, kind: str, fields: dict[str, str], *, automatic: bool
) -> None:
    """A copy that we put there ourselves shows our own bytes; a person's mail has other marks."""
    mailbox = Provider(server)
    await stage.read_by(mailbox)
    await stage.own_channel(kind, server.port, **fields)
    await stage.start(**SOON)
    sent = receipt() if automatic else send_requested()
    await stage.ask_to_send(sent)
    await stage.until_keys(f"done.{sent.send_id}")
    await asyncio.sleep(0.5)
    assert mailbox.looks == []
    health = await stage.health("own")
    assert health is not None
    assert health.marks is None


async def test_graph_keeps_the_marks_that_begin_with_x(stage: Stage) -> None:
    microsoft = Microsoft365().start()
    microsoft.add_mailbox(MAILBOX)
    try:
        await graph_channel(stage, microsoft)
        await stage.start(**SOON)
        await ends(stage, receipt())
        health = await stage.health("own")
        assert health is not None
        proof = await marks(stage, health.channel)
        assert {"X-Postbus-Stamp", "X-Auto-Response-Suppress"} <= set(proof.kept)
        assert "Auto-Submitted" in proof.lost
    finally:
        microsoft.stop()
