"""Mail in a mailbox of Microsoft 365 becomes facts, each once."""

from datetime import UTC, datetime, timedelta

from postbus.contracts.mailboxes import CompletenessProof
from servers.graph_house import GraphHouse, mail

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=30)


async def test_a_mail_becomes_a_fact(house: GraphHouse) -> None:
    address = await house.mailbox()
    await house.start()
    await house.until_state("connected")
    id_ = house.microsoft.graph.deliver(address, mail(1))
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail 1"
    assert fact.channel == "support"
    assert fact.route.door == "graph"
    assert fact.route.envelope_to == (address,)
    assert fact.route.origin.provider_id == id_
    assert fact.route.origin.uid is None


async def test_ids_are_immutable_in_every_single_call(house: GraphHouse) -> None:
    address = await house.mailbox(after_fetch="move:Done", graph={"history": "all"})
    graph = house.microsoft.graph
    graph.deliver(address, mail("old"), received_at=LONG_AGO)
    await house.start()
    graph.deliver(address, mail("new"))
    await house.until(lambda: len(house.lying(address, "Done")) == 2, what="both moved")
    await house.proof()
    assert graph.requests > 5
    assert graph.without_immutable_id == 0


async def test_mail_from_before_stays_and_mail_that_somebody_read_is_taken(
    house: GraphHouse,
) -> None:
    address = await house.mailbox(graph={"since": NOW.isoformat()})
    graph = house.microsoft.graph
    graph.deliver(address, mail("before"), received_at=LONG_AGO)
    graph.deliver(address, mail("a minute ago"), received_at=NOW - timedelta(minutes=1))
    read = graph.deliver(address, mail("read"))
    graph.mark_read(address, read)
    await house.start()
    facts = await house.until_received(2)
    assert {fact.subject for fact in facts} == {"Mail a minute ago", "Mail read"}
    proof = await house.proof()
    assert (proof.seen, proof.before, proof.filed, proof.ok) == (3, 1, 2, True)


async def test_mail_that_is_moved_into_the_folder_is_taken(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    old = graph.deliver(address, mail("old"), "archive", received_at=LONG_AGO)
    await house.start()
    await house.until_state("connected")
    graph.move(address, old, "inbox")
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail old"


async def test_what_only_changes_is_not_told_again(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    id_ = graph.deliver(address, mail(1))
    await house.until_received(1)
    graph.mark_read(address, id_)
    graph.move(address, id_, "archive")
    graph.move(address, id_, "inbox")
    graph.deliver(address, mail(2))
    facts = await house.until_received(2)
    assert [fact.subject for fact in facts] == ["Mail 1", "Mail 2"]
    assert graph.calls["GET messages/{message}/$value"] == 2


async def test_fetched_mail_is_marked_as_read(house: GraphHouse) -> None:
    address = await house.mailbox(after_fetch="mark-seen")
    graph = house.microsoft.graph
    for number in range(7):
        graph.deliver(address, mail(number))
    await house.start()
    await house.until(
        lambda: all(one.read for one in graph.messages(address)), what="all marked as read"
    )
    assert len(await house.received()) == 7
    assert graph.calls["PATCH messages/{message}"] == 7


async def test_fetched_mail_goes_to_a_folder_that_is_made(house: GraphHouse) -> None:
    address = await house.mailbox(after_fetch="move:Inbox/Done")
    graph = house.microsoft.graph
    ids = {graph.deliver(address, mail(number)) for number in range(3)}
    await house.start()
    await house.until(
        lambda: len(house.lying(address, "Inbox/Done")) == 3, what="all moved", seconds=10
    )
    assert {one.immutable_id for one in graph.messages(address, "Inbox/Done")} == ids
    assert graph.messages(address) == []
    assert len(await house.received()) == 3


async def test_a_mailbox_that_may_only_be_read_says_so_and_is_read(house: GraphHouse) -> None:
    address = await house.mailbox(app_only=True, after_fetch="mark-seen")
    house.microsoft.scope(address, "Mail.Read")
    house.microsoft.graph.deliver(address, mail(1))
    await house.start()
    await house.until_received(1)
    health = await house.until_state("degraded")
    assert health.reason == "not-tidied"
    assert "Mail.ReadWrite" in health.advice


async def test_a_folder_is_named_by_its_path_and_followed_when_it_is_renamed(
    house: GraphHouse,
) -> None:
    address = await house.mailbox(graph={"folders": ["Inbox/Support"]})
    graph = house.microsoft.graph
    graph.make_folder(address, "Inbox/Support")
    await house.start()
    await house.until_state("connected")
    graph.rename_folder(address, "Inbox/Support", "Help")
    await house.stop()
    graph.deliver(address, mail(1), "Inbox/Help")
    graph.deliver(address, mail("elsewhere"))
    await house.start()
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail 1"


async def test_several_folders_of_a_mailbox_are_read(house: GraphHouse) -> None:
    address = await house.mailbox(graph={"folders": ["inbox", "junkemail"]})
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    graph.deliver(address, mail("good"))
    graph.deliver(address, mail("spam"), "junkemail")
    facts = await house.until_received(2)
    assert {(fact.subject, fact.route.origin.folder) for fact in facts} == {
        ("Mail good", "inbox"),
        ("Mail spam", "junkemail"),
    }


async def test_mail_from_before_is_imported_and_mail_of_today_is_not_held_up(
    house: GraphHouse,
) -> None:
    address = await house.mailbox(graph={"history": "all", "since": NOW.isoformat()})
    graph = house.microsoft.graph
    for number in range(120):
        at = LONG_AGO + timedelta(minutes=number // 40)
        graph.deliver(address, mail(f"old {number}"), received_at=at)
    graph.latency_seconds = 0.02
    await house.start()
    graph.deliver(address, mail("today"))
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail today"
    imported = await house.facts("postbus.mail.imported")
    assert len(imported) < 120, "mail of today waited until all was imported"

    async def all_of_them() -> bool:
        return len(await house.facts("postbus.mail.imported")) >= 120

    await house.until(all_of_them, seconds=30, what="120 old mails")
    subjects = [one.data.subject for one in await house.facts("postbus.mail.imported")]
    assert len(subjects) == len(set(subjects)) == 120

    async def proved() -> CompletenessProof | None:
        proof = await house.proof()
        return proof if proof.filed == 121 else None

    proof = await house.until(proved, what="a proof of 121")
    assert (proof.seen, proof.before, proof.waiting, proof.unexplained) == (121, 0, 0, 0)


async def test_while_ticketing_is_away_mail_of_today_is_taken(house: GraphHouse) -> None:
    address = await house.mailbox(graph={"history": "all", "since": NOW.isoformat()})
    graph = house.microsoft.graph
    graph.deliver(address, mail("old"), received_at=LONG_AGO)
    await house.ticketing_away()
    await house.start()
    graph.deliver(address, mail("one"))
    await house.until_received(1)
    graph.deliver(address, mail("two"))
    facts = await house.until_received(2)
    assert [fact.subject for fact in facts] == ["Mail one", "Mail two"]
