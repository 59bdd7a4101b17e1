"""The health of outbound channels, as attempts to send see it."""

import pytest

from dispatch_stage import Stage
from postbus.bus.topology import HEALTH_BUCKET
from postbus.contracts.catalogue import TRY_OUTBOUND_SUBJECT
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Address
from postbus.contracts.trying import TryOutbound
from send_builders import send_requested
from servers.nats import free_port
from servers.smtp import SmtpServer


async def test_a_channel_is_connected_unhealthy_and_recovered(
    stage: Stage, relay: SmtpServer
) -> None:
    await stage.start()
    await stage.ask_to_send(send_requested("s-1"))
    await stage.until_keys("done.s-1")

    async def state_is(state: str) -> bool:
        health = await stage.health("relay")
        return health is not None and health.state == state

    await stage.until(lambda: state_is("connected"))
    relay.stop()
    await stage.ask_to_send(send_requested("s-2"))
    await stage.until(lambda: state_is("degraded"))
    ill = await stage.health("relay")
    assert ill is not None
    assert ill.last_error
    assert ill.last_mail_at is not None
    relay.start()
    await stage.until_keys("done.s-1", "done.s-2")
    await stage.until(lambda: state_is("connected"))
    fine = await stage.health("relay")
    assert fine is not None
    assert (fine.last_error, fine.reason) == (None, "")
    facts = await stage.channel_facts()
    assert facts == ["connected.relay", "unhealthy.relay", "recovered.relay"]


async def test_many_mails_write_the_health_once_and_tell_one_fact(
    stage: Stage, relay: SmtpServer
) -> None:
    await stage.start("a")
    await stage.start("b")
    mails = [send_requested(f"s-{number}") for number in range(12)]
    for sent in mails:
        await stage.ask_to_send(sent)
    await stage.until_keys(*(f"done.{sent.send_id}" for sent in mails))
    assert len(relay.taken) == 12
    bucket = await stage.admin.jetstream().key_value(HEALTH_BUCKET)
    assert (await bucket.status()).values == 1
    state = (await stage.admin.jetstream().stream_info(f"KV_{HEALTH_BUCKET}")).state
    assert state.last_seq == 1, "written once, by two replicas"
    assert await stage.channel_facts() == ["connected.relay"]


async def test_a_customer_that_is_refused_does_not_make_the_channel_ill(
    stage: Stage, relay: SmtpServer
) -> None:
    relay.behaviour.rcpt = ["550 5.1.1 nobody"]
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert [one.state for one in await stage.outcomes()] == ["failed"]
    assert await stage.health("relay") is None


async def test_a_try_is_no_health(stage: Stage) -> None:
    """INVARIANT: what an admin only tries does not change how a channel stands."""
    await stage.start()
    channel = OutboundChannel.model_validate(
        {"id": "own", "name": "Own", "kind": "smtp", "from_address": "it@abc.com",
         "smtp": {"host": "127.0.0.1", "port": free_port(), "tls": "none"}}
    )  # fmt: skip
    question = TryOutbound(channel=channel).model_dump_json().encode()
    answer = await stage.admin.request(TRY_OUTBOUND_SUBJECT, question, timeout=5)
    assert b'"unreachable"' in answer.data
    assert await stage.health("own") is None
    assert await stage.channel_facts() == []


async def test_a_mail_is_sent_though_its_health_cannot_be_written(
    stage: Stage, relay: SmtpServer
) -> None:
    """INVARIANT: trouble with the health of a channel never fails a send."""
    await stage.admin.jetstream().delete_key_value(HEALTH_BUCKET)
    await stage.start()
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    assert [one.state for one in await stage.outcomes()] == ["sent"]
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    ("answer", "hard"),
    [("550 5.1.1 nobody", True), ("550 5.7.1 not you", False), ("550 nobody", None)],
)
async def test_whom_the_server_will_never_take_is_told(
    stage: Stage, relay: SmtpServer, answer: str, *, hard: bool | None
) -> None:
    """So that automatic mail to an address that does not exist rests."""
    await stage.start()
    some = (Address(address="bo@example.com"),)
    for number, cc in enumerate([(), some]):
        relay.behaviour.rcpt = [answer]
        await stage.ask_to_send(send_requested(f"s-{number}").model_copy(update={"cc": cc}))
        await stage.until_keys(*(f"done.s-{done}" for done in range(number + 1)))
    failed, sent = await stage.outcomes()
    assert (failed.state, sent.state) == ("failed", "sent")
    assert failed.reply is not None
    assert (failed.reply.code, failed.reply.enhanced) == (550, failed.bounced[0].status)
    for one in (failed, sent):
        assert [(who.address, who.action, who.hard) for who in one.bounced] == [
            ("anna@example.com", "failed", hard)
        ]
