"""Whatever order a conversation arrives in, however often, and wherever a process dies."""

import os
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doubles.bus import KeptBus
from doubles.crash import CrashAt
from doubles.desk import (
    BOUNCED,
    FAR,
    MERGED,
    OPENED,
    REQUESTED,
    Desk,
    absence_of,
    answer_to,
    bounce_of,
)
from doubles.mails import mail_received
from postbus.contracts.mail import Address, BouncedRecipient, MailReceived
from postbus.contracts.sending import SendState
from postbus.errors import StateConflict
from ticketing.adapters.mongo_indexes import ensure_indexes
from ticketing.domain.model import Message

pytestmark = [pytest.mark.xdist_group("mongodb"), pytest.mark.timeout(1800)]

EXAMPLES = 500 if os.environ.get("POSTBUS_LONG_TESTS") == "1" else 15
BO = dict.fromkeys(("from_", "customer"), Address(address="bo@example.com"))
CC = {"cc": (Address(address="bo@example.com"),)}
DELAYED = BouncedRecipient(address="anna@example.com", action="delayed", status="4.4.1")


def chain(letters: str, queue: str, **fields: Any) -> list[MailReceived]:
    """Each answers the one before it, by In-Reply-To alone."""
    of_queue = {"channel": queue, "queue": queue, **fields}
    return [
        mail_received(one, in_reply_to=(f"{before}@example.com",) if before else (), **of_queue)
        for before, one in zip(("", *letters), letters, strict=False)
    ]


def mails_of(ours: Message) -> dict[str, list[MailReceived]]:
    """By what belongs together: queue, and any mail of the ticket."""
    first, second, *rest = chain("abcd", "support", **CC)
    return {
        "support": [
            first,
            second.model_copy(update=BO),
            *rest,
            answer_to(ours, "e", in_reply_to=("d@example.com",), **CC),
            mail_received("f", in_reply_to=("e@example.com",)),
            mail_received("g", in_reply_to=("away@example.com",)),
            absence_of(ours, "away"),
            bounce_of(ours, "dsn"),
            bounce_of(ours, "delay", DELAYED),
        ],
        "sales": chain("abc", "sales"),
        "alone": [mail_received("x", message_id=None)],
    }


@dataclass(frozen=True)
class Delivery:
    """One try to file a mail: the call at which the process dies, and how long it is later."""

    mail: int
    dies_at: int | None
    after_the_work: bool
    seconds_later: int


DELIVERIES = st.lists(
    st.builds(
        Delivery,
        mail=st.integers(0, 13),
        dies_at=st.none() | st.integers(1, 16),
        after_the_work=st.booleans(),
        seconds_later=st.sampled_from((0, 0, 0, 61)),
    ),
    max_size=30,
)


class Network:
    """Delivers as the bus does: what was not acknowledged comes again, later."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._later = timedelta()

    async def deliver(self, mails: Iterable[tuple[MailReceived, Delivery | None]]) -> None:
        waiting = deque(mails)
        tries = 0
        while waiting:
            mail, how = waiting.popleft()
            tries += 1
            assert tries < 500, "they wait for one another"
            if not await self._once(mail, how):
                waiting.append((mail, None))

    async def _once(self, mail: MailReceived, how: Delivery | None) -> bool:
        """Whether it was filed; False when it is to be delivered again."""
        crash = CrashAt()
        if how is not None:
            self._later += timedelta(seconds=how.seconds_later)
            crash = CrashAt(how.dies_at, how.after_the_work)
        self._desk.around = replace(self._desk.around, now=self._now)
        try:
            return not await self._desk.die_at(crash, mail, tries=1)
        except StateConflict:
            return False

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._later


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deliveries=DELIVERIES, order=st.permutations(range(14)), when_sent=st.integers(0, 30))
async def test_any_order_any_number_of_times_and_any_crash_give_the_same_tickets(
    database: Any, deliveries: list[Delivery], order: list[int], when_sent: int
) -> None:
    """INVARIANT: no mail is lost, doubled or astray, and a bounce is never forgotten."""
    own = database.client[f"{database.name}_{uuid.uuid4().hex[:8]}"]
    await ensure_indexes(own)
    desk = Desk(own, KeptBus())
    await desk.file(mail_received("opening"))
    ours = await desk.reply()
    groups = mails_of(ours)
    mails = [mail for group in groups.values() for mail in group]
    network = Network(desk)
    planned = [(mails[one.mail], one) for one in deliveries]
    await network.deliver(planned[:when_sent])
    await desk.told(ours, SendState.DEFERRED, SendState.SENT)
    await network.deliver(planned[when_sent:])
    await network.deliver([(mails[at], None) for at in order])
    await desk.around.telling.sweep(now=FAR + timedelta(days=1))

    assert await desk.threads(queue="sales") == {frozenset(f"{m}@example.com" for m in "abc")}
    names = [str(mail.message_id) for mail in groups["support"]]
    whole = frozenset((*names, "opening@example.com"))
    assert await desk.threads(queue="support") == {whole, frozenset({"None"})}
    tickets = await desk.tickets()
    opened = [one for s in ("support", "sales") for one in desk.bus.of(f"{OPENED[:-8]}.{s}")]
    merged = [one for s in ("support", "sales") for one in desk.bus.of(f"{MERGED[:-8]}.{s}")]
    assert len(opened) - len(merged) == len(tickets) == 3
    assert len(desk.bus.of(BOUNCED)) == 1
    end = await desk.store.message(ours.id)
    assert end is not None
    assert end.delivery is not None
    assert end.delivery.state is SendState.BOUNCED
    reports = sorted((one.mail_id, one.action) for one in end.delivery.reports)
    assert reports == [("away", ""), ("delay", "delayed"), ("dsn", "failed")]
    receipts = [one for one in desk.bus.of(REQUESTED) if one.automatic]
    assert len({one.send_id for one in receipts}) == len(receipts)
    await desk.assert_receipts_are_shown_as_they_are_sent()
    await database.client.drop_database(own.name)
