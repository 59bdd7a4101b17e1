"""Agents are notified by mail, answer it, and their mailboxes bounce: the whole system."""

import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from servers.customer import answer_to, bounce, new_mail, plain_address, send
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("e2e-notifications"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One of their own: where there are agents, every ticket notifies somebody."""
    home = tmp_path_factory.mktemp("notifications") / "home"
    running = LocalStack(home, {"DESK_URL": "https://desk.abc.com"}).start()
    running.widen_fuses()
    yield running
    assert running.stop() == 0


def made(stack: LocalStack, id_: str, **fields: Any) -> str:
    """An agent of no other queue than one of her own; gives back its address."""
    to = f"{id_}@postbus.localhost"
    queue = {
        "id": f"of-{id_}", "name": f"Of {id_}", "kind": "forward",
        "forward": {"creation_addresses": [to]},
    }  # fmt: skip
    agent = {
        "id": id_, "name": id_.title(), "address": f"{id_}@agents.example",
        "queues": [queue["id"]], **fields,
    }  # fmt: skip
    for kind, body in (("inbound-channels", queue), ("agents", agent)):
        answer = stack.api("POST", kind, body, admin=True)
        assert answer.status == 201, answer.body

    def known() -> bool:
        return id_ in [one["id"] for one in stack.api("GET", "agents").body["items"]]

    stack.until(known, what="the agent in ticketing")
    return to


def opened(stack: LocalStack, subject: str, to: str) -> dict[str, Any]:
    sender = f"{subject.lower().replace(' ', '-')}@example.com"
    send(stack, new_mail(subject, "It burns.", sender=sender, to=to), sender=sender)
    return stack.ticket_titled(subject)


def customer_of(ticket: dict[str, Any]) -> str:
    return str(ticket["customer"]["address"])


def notified(stack: LocalStack, id_: str) -> EmailMessage:
    """The first notification of an agent."""
    return stack.until(lambda: stack.mails_to(f"{id_}@agents.example"), what="a notification")[0]


def assign(stack: LocalStack, ticket: dict[str, Any], assignee: str) -> None:
    answer = stack.api(
        "PATCH", f"tickets/{ticket['number']}", {"assignee": assignee}, headers={"If-Match": "*"}
    )
    assert answer.status == 200, answer.body


def told(stack: LocalStack, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stack.api(
        "GET", f"tickets/{ticket['number']}/notifications"
    ).body["items"]
    return items


def test_a_notification_is_marked_and_an_answer_to_it_is_a_note(stack: LocalStack) -> None:
    """INVARIANT: it says that a machine wrote it, leaves no return path, and is no conversation."""
    to = made(stack, "bea", language="nl")
    ticket = opened(stack, "Printer on fire", to)
    mail = notified(stack, "bea")
    assert mail["Subject"] == "Nieuw ticket: Printer on fire"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Precedence"] == "bulk"
    assert mail["X-MailFrom"] == "<>"
    assert plain_address(mail["From"]) == to
    assert plain_address(mail["Reply-To"]).startswith("bea+")
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"https://desk.abc.com/tickets/{ticket['number']}" in body.get_content()
    stack.until(lambda: stack.mails_to(customer_of(ticket)), what="the receipt")
    send(stack, answer_to(mail, "Ik bel haar."), sender="bea@agents.example")

    def notes() -> list[dict[str, Any]]:
        shown = stack.messages(ticket["number"])
        return [one for one in shown if one["direction"] == "note"]

    (note,) = stack.until(notes, what="a note")
    assert (note["text"], note["by"]) == ("Ik bel haar.", "Bea")
    assert note["flags"] == ["notification-answer"]
    (shown,) = told(stack, ticket)
    assert (shown["state"], shown["delivery"]["state"]) == ("told", "sent")
    later = opened(stack, "After the note", to)
    # What was on its way before is sent by now.
    stack.until(lambda: stack.mails_to(customer_of(later)), what="the next receipt")
    assert len(stack.mails_to(customer_of(ticket))) == 1
    assert len(stack.mails_to("bea@agents.example")) == 1


def test_a_bounced_notification_makes_no_ticket_and_is_the_last(stack: LocalStack) -> None:
    """FreeScout #4250: the bounce is a conversation, of which an agent is told, and so on."""
    to = made(stack, "cas")
    ticket = opened(stack, "First of Cas", to)
    mail = notified(stack, "cas")
    before = stack.api("GET", "tickets?limit=200").body["items"]
    for _ in range(2):
        returned = mail["Message-ID"].strip()
        send(stack, bounce(returned, "cas@agents.example"), sender="", to=[to])

    def bounced() -> bool:
        return told(stack, ticket)[0]["delivery"]["state"] == "bounced"

    stack.until(bounced, what="a bounced notification")
    cas = next(one for one in stack.api("GET", "agents").body["items"] if one["id"] == "cas")
    assert "5.1.1" in cas["paused"]["reason"]
    assert stack.api("GET", "tickets?limit=200").body["items"] == before
    made(stack, "dot")
    assign(stack, ticket, "cas")
    assign(stack, ticket, "dot")
    notified(stack, "dot")  # who comes after her was notified
    time.sleep(5)
    assert len(stack.mails_to("cas@agents.example")) == 1
    waiting = [one for one in told(stack, ticket) if one["state"] == "waiting"]
    assert [(one["agent"], one["happening"]) for one in waiting] == [("cas", "assignment")]
    lifted = stack.api("POST", "loop-verdicts/lift", {"address": "cas@agents.example"}, admin=True)
    assert lifted.status == 200, lifted.body
    resumed = stack.api("POST", "agents/cas/resume", token=str(stack.endpoints["admin_token"]))
    assert resumed.status == 204
    stack.until(lambda: len(stack.mails_to("cas@agents.example")) == 2, what="what waited")


def test_a_flood_of_tickets_is_no_flood_of_notifications(stack: LocalStack) -> None:
    to = made(stack, "eva")
    first = opened(stack, "Before the flood", to)
    notified(stack, "eva")
    flood = [opened(stack, f"Flood {number}", to) for number in range(10)]
    time.sleep(5)
    assert len(stack.mails_to("eva@agents.example")) == 1
    states = [told(stack, ticket)[0]["state"] for ticket in (first, *flood)]
    assert states == ["told"] + ["waiting"] * 10


def test_killing_ticketing_loses_no_notice_and_tells_none_twice(stack: LocalStack) -> None:
    """INVARIANT: each ticket is told by exactly one notification, or waits for the next."""
    to = made(stack, "fay")
    subjects = [f"Storm {number}." for number in range(12)]
    for number, subject in enumerate(subjects):
        send(stack, new_mail(subject, sender=f"c{number}@storm.example", to=to))
        if number in (3, 8):
            stack.kill("ticketing")
    tickets = [stack.ticket_titled(subject, seconds=60) for subject in subjects]
    notified(stack, "fay")

    def states() -> list[str]:
        return [one["state"] for ticket in tickets for one in told(stack, ticket)]

    stack.until(lambda: len(states()) == len(tickets), what="a notice of each ticket")
    assert set(states()) <= {"told", "waiting"}
    mails = stack.mails_to("fay@agents.example")
    assert len(mails) == 1
    body = mails[0].get_body(("plain",))
    assert body is not None
    named = [subject for subject in subjects if f": {subject}\n" in body.get_content()]
    stack.until(lambda: len(named) == states().count("told"), what="as many told as are named")
