"""Every step is an event, and a subscriber that joins later reads them all from the beginning."""

import asyncio

import pytest

from postbus.contracts.catalogue import FACTS
from servers.customer import new_mail, send
from servers.stack import LocalStack
from servers.subscriber import read_all

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(120)]


def test_the_whole_story_is_in_the_streams(stack: LocalStack) -> None:
    send(stack, new_mail("Told from the beginning", sender="Tom <tom@example.com>"))
    ticket = stack.ticket_titled("Told from the beginning")
    stack.reply(ticket["number"], "Noted.", key="k")
    stack.until(lambda: len(stack.mails_to("tom@example.com")) == 2)
    url = stack.endpoints["subscriber_nats_url"]
    stories = {s: asyncio.run(read_all(url, s)) for s in ("postbus.mail.>", "postbus.ticket.>")}
    stories["postbus.send.>"] = asyncio.run(read_all(url, "postbus.send.>"))
    mine = [
        subject
        for story in stories.values()
        for subject, event in story
        if f"tickets/{ticket['number']}" == event.get("subject")
        or event["data"].get("subject") == "Told from the beginning"
    ]
    assert sorted(mine) == sorted(
        [
            "postbus.mail.received.support",
            "postbus.ticket.opened.support",
            "postbus.ticket.agent-replied.support",
            *[
                "postbus.send.requested.support",
                "postbus.send.judged.support",
                "postbus.send.claimed.relay",
                "postbus.send.sent.relay",
            ]
            * 2,
        ]
    )
    assert mine[0] == "postbus.mail.received.support"


def test_every_event_is_a_cloudevent_of_its_model(stack: LocalStack) -> None:
    """CloudEvents 1.0, structured mode: the catalogue's model reads what is on the stream."""
    send(stack, new_mail("A cloud event", sender="Cloe <cloe@example.com>"))
    stack.ticket_titled("A cloud event")
    url = stack.endpoints["subscriber_nats_url"]
    models = {fact.type: fact.model for fact in FACTS}
    seen = set()
    streams = ("mail", "ticket", "send", "channel", "parked", "audit")
    told = [pair for one in streams for pair in asyncio.run(read_all(url, f"postbus.{one}.>"))]
    for subject, event in told:
        assert event["specversion"] == "1.0"
        assert subject.startswith(event["type"] + ".")
        assert event["source"].startswith("/postbus/")
        models[event["type"]].model_validate(event)
        seen.add(event["type"])
    assert {"postbus.mail.received", "postbus.ticket.opened", "postbus.send.requested"} <= seen
    assert not [one for one in seen if one == "postbus.parked"], "nothing was parked on the way"
