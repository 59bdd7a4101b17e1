"""What the guard learns from facts, and what follows from it for the mail that is asked about."""

from datetime import timedelta

import pytest

from doubles.mails import mail_received
from guard_builders import CUSTOMER, NOW, Guard, bounced, cause, question, receipt_of, received
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, BouncedRecipient, MailKind, MailReceived, Route
from postbus.contracts.sending import (
    SendOutcomeEvent,
    SendRequested,
    SendRequestedEvent,
)


def mail(n: int, sender: str = CUSTOMER, *, ago: float = 0, **fields: object) -> MailReceived:
    route = Route(door="forward", received_at=NOW - timedelta(minutes=ago))
    return mail_received(f"m-{n}", customer=Address(address=sender), route=route, **fields)


async def came(guard: Guard, *mails: MailReceived) -> None:
    for one in mails:
        await guard.watching.on_mail_received(received(one))


async def test_the_tenth_mail_in_ten_minutes_ends_automatic_answers_for_ten_minutes() -> None:
    guard = Guard()
    await came(guard, *(mail(n) for n in range(9)))
    assert await guard.allows(receipt_of(1))
    await came(guard, mail(9))
    verdict = await guard.ask(receipt_of(2))
    assert verdict.rule == "L14"
    assert verdict.evidence["came"] == {"10 min": 10, "60 min": 10}
    assert await guard.allows(receipt_of(3, "bert@example.com")), "nobody else is concerned"
    assert await guard.allows(question(SendKind.AGENT_REPLY)), "and no person"
    guard.later(minutes=10)
    assert await guard.allows(receipt_of(2))


async def test_plus_addresses_are_one_sender() -> None:
    guard = Guard()
    await came(guard, *(mail(n, f"Anna+{n}@example.com") for n in range(10)))
    assert (await guard.ask(receipt_of(1))).rule == "L14"


@pytest.mark.parametrize(
    "more",
    [
        {"kind": MailKind.BOUNCE},
        {"kind": MailKind.AUTO_REPLY},
        {"kind": MailKind.OWN},
        {"reread_at": NOW},
    ],
)
async def test_what_is_never_answered_is_not_counted(more: dict[str, object]) -> None:
    guard = Guard()
    await came(guard, *(mail(n, **more) for n in range(30)))
    assert await guard.allows(receipt_of(1))


async def test_a_backlog_of_yesterday_is_no_burst_of_today() -> None:
    guard = Guard()
    await came(guard, *(mail(n, ago=61) for n in range(30)))
    assert await guard.allows(receipt_of(1))


async def test_the_same_mails_again_are_no_burst() -> None:
    guard = Guard()
    for _ in range(3):
        await came(guard, *(mail(n) for n in range(9)))
    assert await guard.allows(receipt_of(1))


def requested(kind: SendKind = SendKind.AGENT_REPLY, at: float = 0) -> SendRequestedEvent:
    data = SendRequested(
        send_id="r-1",
        ticket_number=7,
        queue="support",
        channel="support",
        kind=kind,
        automatic=kind is not SendKind.AGENT_REPLY,
        reply_address=Address(address="support@abc.com"),
        message_id="x@abc.com",
        stamp="x",
        to=(Address(address="Anna+1@Example.com"),),
        subject="Re: it",
        text="Yes.",
        requested_at=NOW + timedelta(seconds=at),
    )
    return SendRequestedEvent(
        id="r", source="/postbus/test", type="postbus.send.requested", time=NOW, data=data
    )


async def to_and_fro(guard: Guard) -> str:
    """The rule that stops a correspondent whose mails come two seconds after ours."""
    for n in range(5):
        why = cause(mail_id=f"m-{n}", received_at=guard.now)
        request = question(send_id=f"s-{n}", ticket_number=100 + n, queue=f"q-{n}", cause=why)
        rule = (await guard.ask(request)).rule
        if rule != "none":
            return f"{rule} after {n}"
        guard.later(seconds=2)
    return "never"


async def test_an_agents_answer_lets_automatic_mail_begin_anew() -> None:
    guard = Guard()
    assert await to_and_fro(guard) == "L15 after 2"
    request = receipt_of(9, queue="q-9")
    assert request.cause is not None
    why = request.cause.model_copy(update={"received_at": guard.now})
    request = request.model_copy(update={"cause": why})
    assert (await guard.ask(request)).rule == "L15"
    await guard.watching.on_send_requested(requested(SendKind.RECEIPT, at=3600))
    assert (await guard.ask(request)).rule == "L15", "a receipt is no person"
    await guard.watching.on_send_requested(requested(at=60))
    assert await guard.allows(request)


def came_back(*recipients: BouncedRecipient) -> SendOutcomeEvent:
    return SendOutcomeEvent(
        id="b",
        source="/postbus/test",
        type="postbus.send.bounced",
        time=NOW,
        data=bounced(*recipients),
    )


@pytest.mark.parametrize(
    ("report", "rule"),
    [
        (BouncedRecipient(address=CUSTOMER, hard=True, status="5.1.1"), "bounced"),
        (BouncedRecipient(address="x@y.example", original_address=CUSTOMER, hard=True), "bounced"),
        (BouncedRecipient(address=CUSTOMER, hard=False, status="4.2.2"), "none"),
        (BouncedRecipient(address=CUSTOMER, hard=None), "none"),
        (BouncedRecipient(address=CUSTOMER, hard=True, action="delayed"), "none"),
        (BouncedRecipient(address="bert@example.com", hard=True), "none"),
    ],
)
async def test_a_hard_bounce_ends_automatic_mail_to_the_address(
    report: BouncedRecipient, rule: str
) -> None:
    guard = Guard()
    await guard.watching.on_bounced(came_back(report))
    assert (await guard.ask(question())).rule == rule
    assert await guard.allows(question(SendKind.AGENT_REPLY)) is (rule == "none")


async def test_a_bounce_holds_for_sixty_days_also_after_more_was_counted() -> None:
    guard = Guard()
    hard = BouncedRecipient(address=CUSTOMER, hard=True, status="5.1.1")
    await guard.ask(question())
    await guard.watching.on_bounced(came_back(hard))
    await guard.watching.on_send_requested(requested(at=60))
    (key,) = guard.bucket.lives_seconds
    assert guard.bucket.lives_seconds[key] == 60 * 86_400
    guard.later(days=59)
    assert (await guard.ask(receipt_of(1))).rule == "bounced"
    guard.later(days=1)
    assert await guard.allows(receipt_of(1))
