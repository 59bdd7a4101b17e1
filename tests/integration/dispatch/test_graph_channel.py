"""The whole of dispatch, sending by Graph: a strict stand-in over real HTTPS."""

import asyncio
import hashlib
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from prometheus_client import CollectorRegistry

from dispatch_stage import Stage
from graph_builders import MAILBOX, graph_channel, sealed_again, with_file
from postbus.bus import Bus, BusSettings
from postbus.contracts.catalogue import TRY_OUTBOUND_SUBJECT
from postbus.contracts.guard import SendKind
from postbus.contracts.sending import SendOutcome
from postbus.contracts.trying import TryOutbound, TryResult
from send_builders import STAMP, send_requested
from servers.microsoft365 import TENANT, Microsoft365

MB = 1_000_000


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    made = Microsoft365().start()
    made.add_mailbox(MAILBOX)
    yield made
    made.stop()


def read(mime: bytes) -> EmailMessage:
    mail = message_from_bytes(mime, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def drafts(microsoft: Microsoft365) -> int:
    return len(microsoft.graph.messages(MAILBOX, "drafts"))


async def ended(stage: Stage, send_id: str = "s-1", *, seconds: float = 15) -> SendOutcome:
    async def is_done() -> bool:
        return await stage.keys() == {f"done.{send_id}"}

    await stage.until(is_done, seconds=seconds)
    return (await stage.outcomes())[-1]


async def test_an_answer_leaves_as_a_draft_that_is_sent(
    stage: Stage, microsoft: Microsoft365
) -> None:
    await graph_channel(stage, microsoft, from_name="IT Support")
    await stage.start()
    sent = send_requested().model_copy(
        update={"in_reply_to": "q@customer.example", "references": ("o@x.example", "q@x.example")}
    )
    await stage.ask_to_send(sent)
    outcome = await ended(stage)

    assert (outcome.state, outcome.sent_as, outcome.from_address) == ("sent", None, MAILBOX)
    [taken] = microsoft.graph.outbox
    mail = read(taken.mime)
    assert str(mail["From"]) == f"IT Support <{MAILBOX}>"
    assert mail["Message-ID"] == f"<{sent.message_id}>"
    assert mail["In-Reply-To"] == "<q@customer.example>"
    assert mail["References"] == "<o@x.example> <q@x.example>"
    assert mail["X-Postbus-Stamp"] == STAMP
    assert STAMP in mail["Reply-To"]
    html = mail.get_body(("html",))
    assert html is not None
    assert STAMP in html.get_content()
    assert microsoft.graph.without_immutable_id == 0
    assert drafts(microsoft) == 0
    await stage.until_state("own", "connected")


async def test_automatic_mail_carries_every_mark_that_survives(
    stage: Stage, microsoft: Microsoft365
) -> None:
    """INVARIANT: where Auto-Submitted is dropped, robots are still told not to answer."""
    await graph_channel(stage, microsoft)
    await stage.start()
    sent = send_requested().model_copy(update={"automatic": True, "kind": SendKind.RECEIPT})
    await stage.ask_to_send(sent)
    await ended(stage)
    mail = read(microsoft.graph.outbox[0].mime)
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Postbus-Automatic"] == "auto-replied"
    assert mail["X-Postbus-Stamp"] == STAMP


async def test_a_shared_mailbox_sends_as_itself(stage: Stage, microsoft: Microsoft365) -> None:
    shared = "shared@example.com"
    microsoft.add_mailbox(shared)
    microsoft.graph.access.delegates[shared] = {MAILBOX}
    microsoft.graph.access.send_as[shared] = {MAILBOX}
    await graph_channel(stage, microsoft, mailbox=shared)
    await stage.start()
    await stage.ask_to_send(send_requested())
    assert (await ended(stage)).from_address == shared
    assert microsoft.graph.outbox[0].sender == shared
    assert len(microsoft.graph.messages(shared, "sentitems")) == 1


async def test_without_send_as_the_mail_waits_and_the_channel_says_what_to_do(
    stage: Stage, microsoft: Microsoft365
) -> None:
    shared = "shared@example.com"
    microsoft.add_mailbox(shared)
    microsoft.graph.access.delegates[shared] = {MAILBOX}
    await graph_channel(stage, microsoft, mailbox=shared)
    stage.settings["retry_delays_seconds"] = (60,)
    await stage.start()
    await stage.ask_to_send(send_requested())

    async def told() -> bool:
        health = await stage.health("own")
        return health is not None and health.reason == "send-as-denied"

    await stage.until(told)
    assert [one.state for one in await stage.outcomes()] == ["deferred"]
    assert microsoft.graph.messages(shared, "drafts") == []


@pytest.mark.parametrize("on_send", [False, True])
async def test_the_message_id_that_it_really_has_is_told(
    stage: Stage, microsoft: Microsoft365, *, on_send: bool
) -> None:
    microsoft.graph.rewrites_message_ids = not on_send
    microsoft.graph.rewrites_on_send = on_send
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(send_requested())
    outcome = await ended(stage)
    real = read(microsoft.graph.outbox[0].mime)["Message-ID"]
    assert "rewritten" in real
    assert f"<{outcome.sent_as}>" == real
    assert outcome.message_id == send_requested().message_id


@pytest.mark.parametrize("size", [10, 2_999_999, 3 * MB, 25 * MB])
async def test_a_file_arrives_as_it_is(stage: Stage, microsoft: Microsoft365, size: int) -> None:
    microsoft.graph.max_message_bytes = 150 * MB
    data = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(await with_file(stage, "plan.pdf", data[:size]))
    assert (await ended(stage, seconds=40)).state == "sent"
    [file] = read(microsoft.graph.outbox[0].mime).iter_attachments()
    assert file.get_filename() == "plan.pdf"
    assert file.get_payload(decode=True) == data[:size]
    assert microsoft.graph.throttled == 0


async def test_a_hundred_megabytes_leave_in_ranges_after_breaks_and_a_storm(
    stage: Stage, microsoft: Microsoft365
) -> None:
    """INVARIANT: an upload goes on where it broke, and no byte is missing or twice."""
    microsoft.graph.max_message_bytes = 150 * MB
    data = bytes(range(256)) * (100 * MB // 256)
    for _ in range(3):
        microsoft.graph.faults.break_request_after(2 * MB)
    microsoft.graph.faults.lose_answer("PUT /api")
    microsoft.graph.faults.fail_next(2, 503, where="PUT /api")
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(await with_file(stage, "video.mp4", data))
    outcome = await ended(stage, seconds=55)
    assert outcome.state == "sent"
    assert b"video.mp4" in microsoft.graph.outbox[0].mime
    [file] = read(microsoft.graph.outbox[0].mime).iter_attachments()
    assert file.get_payload(decode=True) == data
    assert microsoft.graph.throttled == 0
    assert drafts(microsoft) == 0


async def test_more_than_the_mailbox_takes_fails_in_words(
    stage: Stage, microsoft: Microsoft365
) -> None:
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(await with_file(stage, "big.bin", bytes(30 * MB)))
    outcome = await ended(stage, seconds=30)
    assert outcome.state == "failed"
    assert "Set-Mailbox -MaxSendSize" in outcome.reason
    assert (drafts(microsoft), microsoft.graph.outbox) == (0, [])


async def test_more_than_150_megabytes_are_not_even_tried(
    stage: Stage, microsoft: Microsoft365
) -> None:
    await graph_channel(stage, microsoft)
    await stage.start()
    small = await with_file(stage, "huge.bin", b"x")
    huge = tuple(one.model_copy(update={"size_bytes": 151 * MB}) for one in small.attachments)
    await stage.ask_to_send(small.model_copy(update={"attachments": huge}))
    outcome = await ended(stage)
    assert outcome.state == "failed"
    assert "150 MB" in outcome.reason
    assert microsoft.graph.requests == 0


async def test_a_storm_delays_and_loses_nothing(stage: Stage, microsoft: Microsoft365) -> None:
    await graph_channel(stage, microsoft)
    await stage.start()
    microsoft.graph.faults.storm(seconds=3, retry_after_seconds=1)
    ids = [f"s-{n}" for n in range(12)]
    for one in ids:
        await stage.ask_to_send(send_requested(one))
    await stage.until_keys(*(f"done.{one}" for one in ids))
    assert sorted(read(one.mime)["Message-ID"] for one in microsoft.graph.outbox) == sorted(
        f"<{send_requested(one).message_id}>" for one in ids
    )
    assert drafts(microsoft) == 0
    assert microsoft.graph.faults.storms < 30, "a storm is waited for, and not stormed back"


async def test_two_replicas_keep_to_four_at_once_and_send_each_mail_once(
    stage: Stage, microsoft: Microsoft365
) -> None:
    """INVARIANT: replicas together never break the limits of a mailbox, and none sends twice."""
    microsoft.graph.latency_seconds = 0.05
    await graph_channel(stage, microsoft)
    for replica in "ab":
        await stage.start(replica, lane_width=8)
    ids = [f"s-{n}" for n in range(30)]
    for one in ids:
        await stage.ask_to_send(send_requested(one))
    await asyncio.wait_for(stage.until_keys(*(f"done.{one}" for one in ids)), 40)
    assert microsoft.graph.throttled == 0
    assert microsoft.graph.peak_concurrency <= 4
    assert len(microsoft.graph.outbox) == len(ids)
    assert len({read(one.mime)["Message-ID"] for one in microsoft.graph.outbox}) == len(ids)
    assert microsoft.identity.grants.refreshes[MAILBOX] == 2, "one signs in, one renews"


@pytest.mark.parametrize("rewritten", [False, True])
async def test_a_lost_answer_is_looked_for_and_the_mail_not_sent_again(
    stage: Stage, microsoft: Microsoft365, *, rewritten: bool
) -> None:
    """INVARIANT: what Graph took is never sent twice, whatever Message-ID it gave it."""
    microsoft.graph.rewrites_on_send = rewritten
    microsoft.graph.sent_items_delay_seconds = 0.15
    microsoft.graph.faults.lose_answer("/send")
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(send_requested())
    outcome = await ended(stage)
    assert outcome.state == "sent"
    assert "found among the sent mail" in outcome.reason
    assert len(microsoft.graph.outbox) == 1


async def test_a_draft_of_a_killed_attempt_goes_when_the_mail_is_found(
    stage: Stage, microsoft: Microsoft365
) -> None:
    """Nobody sends this mail again, so nobody else would take it away."""
    box = microsoft.graph.box(MAILBOX)
    message_id = f"<{send_requested().message_id}>"
    box.put(box.folder("drafts"), draft={"internetMessageId": message_id, "subject": "Left"})
    microsoft.graph.faults.lose_answer("/send")
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(send_requested())
    assert "found among the sent mail" in (await ended(stage)).reason
    assert len(microsoft.graph.outbox) == 1
    assert drafts(microsoft) == 0


async def test_what_graph_did_not_take_is_sent_after_it_was_looked_for(
    stage: Stage, microsoft: Microsoft365
) -> None:
    microsoft.graph.faults.fail_next(1, 504, where="/send")
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(send_requested())
    assert (await ended(stage)).state == "sent"
    assert len(microsoft.graph.outbox) == 1
    assert drafts(microsoft) == 0


async def test_a_draft_that_could_not_be_finished_is_no_litter(
    stage: Stage, microsoft: Microsoft365
) -> None:
    microsoft.graph.faults.fail_next(1, 500, where="DELETE")
    microsoft.graph.faults.fail_next(2, 500, where="/attachments")
    await graph_channel(stage, microsoft)
    await stage.start()
    await stage.ask_to_send(await with_file(stage, "a.txt", b"hello"))
    assert (await ended(stage)).state == "sent"
    assert len(microsoft.graph.outbox) == 1
    assert drafts(microsoft) == 0


async def test_a_sign_in_that_ended_is_shown_and_the_mail_goes_after_the_next_one(
    stage: Stage, microsoft: Microsoft365
) -> None:
    """INVARIANT: an answer waits for a new sign-in, and leaves after it."""
    await graph_channel(stage, microsoft)
    stage.settings["retry_delays_seconds"] = (60,)
    microsoft.identity.revoke(MAILBOX)
    await stage.start()
    await stage.ask_to_send(send_requested())

    async def needs_sign_in() -> bool:
        health = await stage.health("own")
        return health is not None and health.state == "needs-sign-in"

    await stage.until(needs_sign_in)
    assert [one.state for one in await stage.outcomes()] == ["deferred"]

    await stage.keep_secret("own", sealed_again(stage, microsoft))
    await stage.configure("ticket-types", {"id": "other", "name": "Other"})
    await ended(stage)
    assert len(microsoft.graph.outbox) == 1


async def try_out(stage: Stage, microsoft: Microsoft365, **graph: str) -> TryResult:
    service = await stage.start()
    assert service
    access = {**microsoft.access, "mailbox": MAILBOX, "auth": "delegated", **graph}
    question = TryOutbound.model_validate(
        {
            "channel": {
                "id": "own", "name": "Own", "kind": "graph", "from_address": MAILBOX,
                "graph": access,
            }
        }
    )  # fmt: skip
    bus = Bus(BusSettings(stage.nats_url, "config"), CollectorRegistry())
    await bus.connect()
    try:
        return await bus.ask(TRY_OUTBOUND_SUBJECT, question, TryResult, timeout_seconds=10)
    finally:
        await bus.stop()


async def test_a_trial_opens_the_mailbox_and_sends_nothing(
    stage: Stage, microsoft: Microsoft365
) -> None:
    await graph_channel(stage, microsoft)
    result = await try_out(stage, microsoft)
    assert [one.name for one in result.steps] == [
        "resolve", "connect", "tls", "sign-in", "sender-accepted", "scope",
    ]  # fmt: skip
    assert result.ok
    assert microsoft.graph.outbox == []
    assert drafts(microsoft) == 0


async def test_a_trial_of_a_mailbox_that_is_not_there_says_so(
    stage: Stage, microsoft: Microsoft365
) -> None:
    await graph_channel(stage, microsoft)
    result = await try_out(stage, microsoft, mailbox="nobody@example.com")
    failed = result.failed_step()
    assert failed is not None
    assert (failed.name, failed.reason) == ("sender-accepted", "mailbox-unknown")
    assert failed.advice


async def test_a_trial_of_an_app_with_consent_for_all_mailboxes_warns(
    stage: Stage, microsoft: Microsoft365
) -> None:
    microsoft.app.roles[TENANT] = {"Mail.Send", "Mail.ReadWrite"}
    await graph_channel(stage, microsoft, credential=microsoft.app_only())
    result = await try_out(stage, microsoft, auth="app-only")
    assert result.ok
    assert result.steps[-1].reason == "app-may-open-others"
