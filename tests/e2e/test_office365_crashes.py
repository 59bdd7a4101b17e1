"""ingest-graph and dispatch are killed under load, and Graph's answers get lost on the way."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from servers.customer import new_mail
from servers.microsoft365 import TENANT
from servers.office import Office, open_office, read_mail

pytestmark = [pytest.mark.xdist_group("office365-crashes"), pytest.mark.timeout(300)]

SUPPORT = "support@example.com"
MAILS = 40
ENDED = {"sent", "held", "failed", "in-doubt"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A doubtful mail is looked for within seconds, not over two minutes."""
    there = open_office(
        tmp_path_factory.mktemp("crashes"),
        DOUBT_LOOKS_SECONDS="[0.5, 1, 2]",
        RETRY_DELAYS_SECONDS="[1, 2, 5]",
    )
    there.microsoft.add_mailbox(SUPPORT)
    channel = there.connect(SUPPORT, tenant=TENANT)
    there.until_state(channel["id"], "connected")
    # Thirty a minute would be kept by waiting, which takes longer than a test may.
    there.unlimited(channel["reply_via"] or channel["id"])
    there.stack.widen_fuses()
    # As Exchange does it: the copy is not there yet when the sending is answered.
    there.microsoft.graph.sent_items_delay_seconds = 0.2
    there.microsoft.graph.latency_seconds = 0.02
    yield there
    assert there.microsoft.graph.throttled == 0
    assert there.stop() == 0


def _tickets(office: Office) -> dict[str, dict[str, Any]]:
    items = office.stack.api("GET", "tickets?limit=200").body["items"]
    return {one["title"]: one for one in items if one["title"].startswith("Crash ")}


def _sent(office: Office) -> list[dict[str, Any]]:
    """What left or is to leave, of all tickets."""
    return [
        message
        for ticket in _tickets(office).values()
        for message in office.stack.messages(ticket["number"])
        if message["direction"] == "outbound"
    ]


def _write(office: Office, subjects: list[str]) -> None:
    for subject in subjects:
        sender = f"{subject.replace(' ', '-').lower()}@customer.example"
        office.write(new_mail(subject, sender=f"C <{sender}>", to=SUPPORT))
        time.sleep(0.05)


def _answer(office: Office, subjects: list[str]) -> None:
    """An agent answers each ticket as soon as it is there."""
    for subject in subjects:
        number = office.stack.ticket_titled(subject, seconds=60)["number"]
        answer = office.stack.reply(number, f"About {subject}.", key=subject)
        assert answer.status == 202, answer.body


def test_killed_under_load_nothing_is_lost_and_nothing_goes_twice(office: Office) -> None:
    """INVARIANT: one ticket a mail, and each mail of ours reaches its customer once."""
    graph = office.microsoft.graph
    subjects = [f"Crash {number}" for number in range(MAILS)]
    workers = [threading.Thread(target=_write, args=(office, subjects))]
    workers.append(threading.Thread(target=_answer, args=(office, subjects)))
    for worker in workers:
        worker.start()
    for _ in range(3):
        time.sleep(1)
        graph.faults.lose_answer("/send")
        office.stack.kill("ingest-graph")
        graph.faults.lose_answer("/send")
        office.stack.kill("dispatch")
    for worker in workers:
        worker.join(120)
        assert not worker.is_alive()
    office.stack.wait_ready()

    def all_ended() -> Any:
        states = [one["delivery"]["state"] for one in _sent(office)]
        return len(states) == 2 * MAILS and set(states) <= ENDED

    office.stack.until(all_ended, seconds=90, what="receipts and answers")
    assert graph.faults.ordered == 0, "answers were lost"
    assert set(_tickets(office)) == set(subjects)
    assert Counter(one["delivery"]["state"] for one in _sent(office)) == {"sent": 2 * MAILS}
    assert all(one["message_count"] == 3 for one in _tickets(office).values())
    went = Counter(read_mail(one.mime)["Message-ID"].strip("<>") for one in graph.outbox)
    assert set(went.values()) == {1}, "a customer got a mail twice"
    assert set(went) == {one["message_id"] for one in _sent(office)}
    assert graph.messages(SUPPORT, "drafts") == []
    (channel,) = {one["queue"]["id"] for one in _tickets(office).values()}
    proof = office.stack.until(
        lambda: proof if (proof := office.proof(channel))["waiting"] == 0 else None
    )
    assert (proof["seen"], proof["filed"], proof["unexplained"]) == (MAILS, MAILS, 0)
