"""A notification that cannot be delivered, to somebody at the desk whose mailbox is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from loops.adversaries import bounce_of, own_words
from loops.house import House, Sent
from loops.robot import SOON, Planned, Robot, letter
from servers.customer import new_mail

AGENT = "eve@desk.example"


@dataclass
class BouncingAgent(Robot):
    """A customer writes three times within an hour; the server of the agent bounces all mail."""

    def begins(self) -> Iterator[Planned]:
        for minutes in (0, 15, 45):
            mail = new_mail(own_words(4), own_words(), sender=self.address, to=self.to)
            yield timedelta(minutes=minutes), letter(mail, self.address)

    def is_expected(self, house: House) -> None:
        agent = {
            "id": "eve", "name": "Eve", "address": AGENT, "notify": {"scope": "all"},
            "queues": [self.to.partition("@")[0]],
        }  # fmt: skip
        answer = house.stack.api("POST", "agents", agent, admin=True)
        assert answer.status == 201, answer.body
        house.stack.until(
            lambda: house.stack.api("GET", "agents").body["items"], what="the agent in ticketing"
        )

    def ticket_is_there(self, house: House, number: int) -> None:
        # Ticketing tells agents of its own accord, a moment later.
        house.stack.until(
            lambda: any(AGENT in one.recipients for one in house.outbox), what="a notification"
        )

    def answers(self, sent: Sent) -> Iterator[Planned]:
        if AGENT in sent.recipients:
            yield SOON, bounce_of(sent, AGENT)
