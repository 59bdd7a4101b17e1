"""Mailboxes of Microsoft 365 on the whole system: in by Graph, and out by Graph."""

import asyncio
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from servers.customer import answer_to, new_mail, plain_address
from servers.microsoft365 import TENANT
from servers.office import Office, inbound, open_office, read_mail, text_of
from servers.subscriber import read_all

pytestmark = [pytest.mark.xdist_group("office365"), pytest.mark.timeout(120)]

SUPPORT, SALES, SHARED, APP_ONLY, HR, BOSS = (
    f"{name}@example.com" for name in ("support", "sales", "shared", "app", "hr", "boss")
)
MARK = "X-Postbus-Stamp"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Waits after refusals are long, so that what goes on after a sign-in does so because of it."""
    there = open_office(tmp_path_factory.mktemp("office"))
    for address in (SUPPORT, SALES, SHARED, APP_ONLY, HR, BOSS):
        there.microsoft.add_mailbox(address)
    yield there
    graph = there.microsoft.graph
    assert graph.throttled == 0, "the limits of a mailbox were broken"
    assert graph.peak_concurrency <= 4
    assert graph.without_immutable_id == 0
    assert there.stop() == 0


@pytest.fixture(scope="module")
def support(office: Office) -> str:
    """The id of both channels of a mailbox that somebody signed in for."""
    channel = office.connect(SUPPORT, tenant=TENANT)
    office.until_state(channel["id"], "connected")
    return str(channel["id"])


def test_signing_in_sets_up_everything_that_a_mailbox_needs(office: Office, support: str) -> None:
    """R3: inbound, outbound, reply via and the entry of the filter, by one call and one sign-in."""
    inward = office.channel(SUPPORT)
    assert (inward["kind"], inward["reply_via"]) == ("graph", support)
    assert inward["graph"]["auth"] == "delegated"
    outward = office.stack.api("GET", f"outbound-channels/{support}", admin=True).body
    assert (outward["kind"], outward["from_address"]) == ("graph", SUPPORT)
    entries = office.stack.api("GET", "outbound-filter", admin=True).body["items"]
    assert SUPPORT in [one["pattern"] for one in entries]
    sent = len(office.microsoft.graph.outbox)
    for kind in ("inbound", "outbound"):
        tested = office.stack.api("POST", f"{kind}-channels/{support}/test", admin=True).body
        assert tested["ok"] is True, tested
    assert len(office.microsoft.graph.outbox) == sent, "a trial sends nothing"


def test_a_conversation_in_a_mailbox_of_microsoft(office: Office, support: str) -> None:
    """R5: receipt and answer leave from the mailbox, in the customer's thread, filed once."""
    before = office.proof(support)["seen"]
    customer = "anna@customer.example"
    mail = new_mail("The heating is cold", sender=f"Anna <{customer}>", to=SUPPORT)
    office.write(mail)
    ticket = office.stack.ticket_titled("The heating is cold", seconds=15)
    assert ticket["queue"]["id"] == support
    number = ticket["number"]
    (receipt,) = office.stack.until(lambda: office.receipts_to(customer), what="a receipt")
    assert receipt["X-Auto-Response-Suppress"] == "All"
    assert receipt["Auto-Submitted"] is None, "Exchange takes it out"
    answer = office.answered(number, "We come at noon.", to=customer)
    for one in (receipt, answer):
        assert plain_address(one["From"]) == SUPPORT
        assert one[MARK] in plain_address(one["Reply-To"])
        assert mail["Message-ID"] in one["References"].split()
    assert receipt["In-Reply-To"] == mail["Message-ID"]
    assert answer["X-Postbus-Automatic"] is None
    office.write(answer_to(answer, "Noon is fine."))
    office.stack.until(lambda: "Noon is fine." in inbound(office.stack, number))
    kept = [read_mail(one.mime) for one in office.microsoft.graph.messages(SUPPORT, "sentitems")]
    mine = [one["Message-ID"] for one in kept if customer in str(one["To"])]
    assert sorted(mine) == sorted((receipt["Message-ID"], answer["Message-ID"]))
    assert office.microsoft.graph.messages(SUPPORT, "drafts") == []
    proof = office.proof(support)
    assert (proof["seen"], proof["filed"], proof["unexplained"]) == (before + 2, before + 2, 0)
    assert proof["ok"] is True


def _only_the_id(answer: EmailMessage) -> EmailMessage:
    """To the plain address, so that nothing but the Message-ID says what it is about."""
    mail = new_mail("About noon", "Found by its id.", to=SUPPORT)
    mail["In-Reply-To"] = answer["Message-ID"]
    return mail


@pytest.mark.parametrize("place", ["rewrites_message_ids", "rewrites_on_send"])
def test_an_answer_to_a_message_id_of_exchange_finds_its_ticket(
    office: Office, support: str, place: str
) -> None:
    """INVARIANT: customers answer to what was really sent, whatever Message-ID it got."""
    customer = f"{place.replace('_', '-')}@customer.example"
    office.write(new_mail(place, sender=f"Bert <{customer}>", to=SUPPORT))
    number = office.stack.ticket_titled(place)["number"]
    office.stack.until(lambda: office.receipts_to(customer), what="a receipt")
    setattr(office.microsoft.graph, place, True)
    try:
        answer = office.answered(number, "Exchange renames it.", to=customer)
    finally:
        setattr(office.microsoft.graph, place, False)
    assert "rewritten" in answer["Message-ID"]
    office.stack.until(
        lambda: {"sent"} == {m["delivery"]["state"] for m in _outbound(office, number)}
    )
    office.write(_only_the_id(answer))
    office.stack.until(lambda: "Found by its id." in inbound(office.stack, number))


def _outbound(office: Office, number: int) -> list[dict[str, object]]:
    return [m for m in office.stack.messages(number) if m["direction"] == "outbound"]


def test_a_shared_mailbox_is_opened_by_a_person_and_answers_as_itself(office: Office) -> None:
    access = office.microsoft.graph.access
    access.delegates[SHARED] = {HR}
    access.send_as[SHARED] = {HR}
    id_ = office.connect(SHARED, account=HR, tenant=TENANT)["id"]
    office.until_state(id_, "connected")
    office.round_trip(SHARED, "cora@customer.example", "A shared matter")
    assert len(office.microsoft.graph.messages(SHARED, "sentitems")) == 2
    assert office.microsoft.graph.messages(HR, "sentitems") == []


def test_an_app_opens_its_mailboxes_and_is_warned_of_others(office: Office) -> None:
    """App-only with RBAC for Applications; a consent for all mailboxes is told as a warning."""
    office.microsoft.scope(APP_ONLY, "Mail.ReadWrite", "Mail.Send")
    made = office.connect_app(APP_ONLY, tenant=TENANT, probe_mailbox=BOSS)
    assert made["warnings"] == []
    id_ = made["inbound"]["id"]
    office.until_state(id_, "connected")
    office.round_trip(APP_ONLY, "dirk@customer.example", "A matter of the app")
    assert office.proof(id_)["filed"] == 2
    office.microsoft.consent("Mail.ReadWrite", "Mail.Send")
    again = office.connect_app(APP_ONLY, tenant=TENANT, probe_mailbox=BOSS)
    assert {one["reason"] for one in again["warnings"]} == {"app-may-open-others"}
    for kind in ("inbound", "outbound"):
        tested = office.stack.api("POST", f"{kind}-channels/{id_}/test", admin=True).body
        (scope,) = [one for one in tested["steps"] if one["name"] == "scope"]
        assert (tested["ok"], scope["reason"]) == (True, "app-may-open-others")
        assert scope["advice"]
    office.microsoft.app.roles.clear()


def test_mail_and_answers_wait_for_a_new_sign_in(office: Office) -> None:
    """INVARIANT: a revoked sign-in costs time and nothing else, in both directions."""
    id_ = office.connect(SALES, tenant=TENANT)["id"]
    office.until_state(id_, "connected")
    customer = "els@customer.example"
    ticket = office.round_trip(SALES, customer, "An offer")
    office.microsoft.identity.revoke(SALES)
    office.write(new_mail("While away", sender=f"Els <{customer}>", to=SALES))
    answer = office.stack.reply(ticket["number"], "This waits.", key="waits")
    assert answer.status == 202
    both = office.until_state(id_, "needs-sign-in")
    links = {one["sign_in_url"] for one in both.values()}
    assert len(links) == 1
    assert all(one["advice"] for one in both.values())
    url = office.stack.endpoints["subscriber_nats_url"]
    events = asyncio.run(read_all(url, "postbus.channel.needs-sign-in.>"))
    mine = [event["source"] for _, event in events if event["data"]["channel"] == id_]
    assert sorted(mine) == ["/postbus/dispatch", "/postbus/ingest-graph"]
    assert "This waits." not in "".join(map(text_of, office.sent_to(customer)))

    page = office.click(links.pop() or "", SALES)
    assert "signed in again" in page.text
    office.stack.ticket_titled("While away")

    def waited() -> list[str]:
        return [text for text in map(text_of, office.sent_to(customer)) if "This waits." in text]

    assert len(office.stack.until(waited, what="the answer that waited")) == 1
    office.until_state(id_, "connected")
    proof = office.proof(id_)
    assert (proof["seen"], proof["filed"], proof["unexplained"]) == (3, 3, 0)
