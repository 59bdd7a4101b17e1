"""Graph drops Auto-Submitted: what is left must still end every loop (loops: L20, L21, L24)."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from servers.customer import new_mail, plain_address
from servers.graph.sending import Sent
from servers.microsoft365 import TENANT
from servers.office import Office, inbound, open_office, read_mail, text_of

pytestmark = [pytest.mark.xdist_group("office365-loops"), pytest.mark.timeout(120)]

A, B = "a@example.com", "b@example.com"
MOST = 3
"""Automatic mails in all, until a loop of any kind ends (loops: L24)."""
QUIET_SECONDS = 3.0


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    there = open_office(tmp_path_factory.mktemp("loops"))
    for address in (A, B):
        there.microsoft.add_mailbox(address)
        there.until_state(there.connect(address, tenant=TENANT)["id"], "connected")
    yield there
    assert there.stop() == 0


@pytest.fixture
def carried(office: Office) -> Iterator[Callable[[str, Callable[[Sent], bytes], str], None]]:
    """Mail to an address is written anew by somebody, and put into a mailbox."""
    routes: list[tuple[str, Callable[[Sent], bytes], str]] = []

    def carry(sent: Sent) -> None:
        for address, write, box in routes:
            if address in sent.recipients:
                office.microsoft.graph.deliver(box, write(sent))

    def add(address: str, write: Callable[[Sent], bytes], box: str) -> None:
        routes.append((address, write, box))

    office.microsoft.graph.hand_over = carry
    yield add
    office.microsoft.graph.hand_over = None


def _until_quiet(office: Office) -> None:
    """Nothing has been sent for a while."""
    count, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        now = len(office.microsoft.graph.outbox)
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(0.1)


def as_it_is(sent: Sent) -> bytes:
    """Exchange carries it on, as an alias, a group or a redirecting rule does."""
    return sent.mime


def without_headers(sent: Sent) -> bytes:
    """A forward by hand or by an app: other headers, and the text of it quoted."""
    was = read_mail(sent.mime)
    mail = new_mail(
        f"FW: {was['Subject']}", f"---- Forwarded ----\n{text_of(was)}", to=B,
        sender=f"Forwarder <forwarder-{uuid.uuid4().hex[:6]}@customer.example>",
    )  # fmt: skip
    return mail.as_bytes()


def test_mail_to_an_alias_of_another_mailbox_of_ours_ends_there(
    office: Office, carried: Callable[..., None]
) -> None:
    """INVARIANT: A writes to an alias of B, B to A; none answers the other's automatic mail."""
    alias = "alias-of-b@other.example"
    carried(alias, as_it_is, B)
    office.write(new_mail("From an alias", sender=f"Team B <{alias}>", to=A))
    number = office.stack.ticket_titled("From an alias")["number"]
    office.stack.until(lambda: office.receipts_to(alias), what="a receipt")
    office.answered(number, "Nice to hear from you.", to=alias)
    _until_quiet(office)
    for mail in office.sent_to(alias):
        assert mail["Auto-Submitted"] is None
    assert len(office.sent_to(alias)) == 2, "own mail gets no receipt"
    items = office.stack.api("GET", "tickets?limit=200").body["items"]
    assert [one["number"] for one in items if "From an alias" in one["title"]] == [number]
    assert len(office.stack.messages(number)) == 3, "what came back is on the ticket already"
    proof = office.proof(office.channel(B)["id"])
    assert (proof["waiting"], proof["unexplained"], proof["ok"]) == (0, 0, True)


def test_own_mail_is_known_by_the_mark_in_its_text_alone(
    office: Office, carried: Callable[..., None]
) -> None:
    """Exchange lost our X- headers too, and a person's program wrote all others anew."""
    office.microsoft.graph.drops_headers = {
        "x-postbus-stamp", "x-postbus-automatic", "x-auto-response-suppress",
    }  # fmt: skip
    carried("kate@customer.example", without_headers, B)
    try:
        office.write(new_mail("Marks lost", sender="Kate <kate@customer.example>", to=A))
        office.stack.ticket_titled("Marks lost")
        office.stack.until(lambda: office.sent_to("kate@customer.example"), what="a receipt")
        _until_quiet(office)
    finally:
        office.microsoft.graph.drops_headers = set()
    forwarders = [
        to for one in office.microsoft.graph.outbox for to in one.recipients if "forwarder" in to
    ]
    assert forwarders == [], "its own text came back, so nothing automatic is sent"


def test_a_robot_that_strips_everything_gets_three_automatic_mails_at_most(
    office: Office, carried: Callable[..., None]
) -> None:
    """INVARIANT: a hostile echo with new subjects and no marks ends by itself (loops: 2E)."""
    robot, lock, rounds = "robot@customer.example", threading.Lock(), []

    def echo(_: Sent) -> bytes:
        with lock:
            rounds.append(len(rounds))
        return new_mail(
            f"Robot {uuid.uuid4().hex}", f"{uuid.uuid4().hex}", sender=robot, to=A
        ).as_bytes()

    carried(robot, echo, A)
    office.write(new_mail("Robot 0", "0", sender=robot, to=A))
    office.stack.ticket_titled("Robot 0")
    office.stack.until(lambda: rounds, what="a round")
    _until_quiet(office)
    assert 1 <= len(office.sent_to(robot)) <= MOST
    items = office.stack.api("GET", "tickets?limit=200").body["items"]
    tickets = [one for one in items if one["title"].startswith("Robot ")]
    assert len(tickets) == len(rounds) + 1, "what it wrote is kept all the same"


def test_two_robots_of_one_thread_stop(office: Office, carried: Callable[..., None]) -> None:
    """An out-of-office answer in the thread, without any mark of being automatic."""
    robot = "absent@customer.example"

    def answer(sent: Sent) -> bytes:
        was = read_mail(sent.mime)
        mail = new_mail(f"Re: {was['Subject']}", f"I am away. {uuid.uuid4()}", sender=robot, to=A)
        mail.replace_header("To", plain_address(str(was["Reply-To"])))
        mail["In-Reply-To"] = was["Message-ID"]
        return mail.as_bytes()

    carried(robot, answer, A)
    office.write(new_mail("Absent", sender=robot, to=A))
    number = office.stack.ticket_titled("Absent")["number"]
    office.stack.until(
        lambda: any(re.search("I am away", text) for text in inbound(office.stack, number)),
        what="the robot's answer on the ticket",
    )
    _until_quiet(office)
    assert 1 <= len(office.sent_to(robot)) <= MOST
