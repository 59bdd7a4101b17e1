"""What goes wrong with a mailbox of Microsoft 365, and what becomes of its mail."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from servers.graph_house import GraphHouse, mail

NOW = datetime.now(UTC)


async def test_a_delta_link_that_is_known_no_more_tells_nothing_twice(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    for number in range(5):
        graph.deliver(address, mail(number))
    await house.until_received(5)
    fetched = graph.calls["GET messages/{message}/$value"]
    await house.stop()
    graph.reset_delta(address)
    graph.deliver(address, mail("after"))
    await house.start()
    facts = await house.until_received(6)
    assert [fact.subject for fact in facts][-1] == "Mail after"
    assert graph.calls["GET messages/{message}/$value"] == fetched + 1
    cursor = next(iter((await house.cursors()).values()))
    assert cursor["in_step"]


async def test_a_mail_that_is_not_given_is_held_and_released_later(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    bad = graph.deliver(address, mail("bad"))
    graph.no_mime(address, bad)
    graph.deliver(address, mail("good"))
    await house.start(hooks_url="https://localhost:9")
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail good"

    async def held() -> Any:
        return await house.facts("postbus.mail.held")

    (told,) = await house.until(held, what="the bad one held")
    assert told.data.reason == "not-given-by-server"
    assert told.data.route.origin.provider_id == bad
    assert told.data.raw.size_bytes > 0, "its header is kept"
    proof = await house.proof()
    assert (proof.seen, proof.filed, proof.held, proof.unexplained) == (2, 1, 1, 0)
    assert proof.folders[0].held_ids == (bad,)

    graph.give_mime(address, bad)
    await house.hint("support", "inbox", "missed")
    await house.until_received(2)
    (released,) = await house.facts("postbus.mail.released")
    assert released.data.mail_id == told.data.mail_id


async def test_a_server_that_fails_over_one_mail_does_not_hold_up_others(
    house: GraphHouse,
) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    bad = graph.deliver(address, mail("bad"))
    graph.deliver(address, mail("good"))
    graph.faults.fail_next(100, 500, where=f"{bad}/$value")
    await house.start()
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail good"

    async def held() -> Any:
        return await house.facts("postbus.mail.held")

    await house.until(held, what="the bad one held")


async def test_a_server_that_is_ill_has_no_mail_held(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    graph.faults.fail_next(5, 503)
    graph.deliver(address, mail(1))
    await house.until_received(1, seconds=60)
    assert await house.facts("postbus.mail.held") == []
    await house.until_state("connected")


async def test_a_mail_that_is_too_large_is_held(house: GraphHouse) -> None:
    address = await house.mailbox()
    house.microsoft.graph.deliver(address, mail("large", size=30_000))
    house.microsoft.graph.deliver(address, mail("small"))
    await house.start(max_mail_bytes=20_000)
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail small"

    async def held() -> Any:
        return await house.facts("postbus.mail.held")

    (told,) = await house.until(held, what="the large one held")
    assert told.data.reason == "too-large-to-fetch"
    assert "20000" in told.data.detail


async def test_a_mail_that_is_gone_before_it_is_fetched_is_no_trouble(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    gone = graph.deliver(address, mail("gone"))
    graph.faults.fail_next(1, 404, code="ErrorItemNotFound", where=f"{gone}/$value")
    graph.deliver(address, mail("there"))
    await house.start()
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail there"
    await house.until_state("connected")


async def test_a_sign_in_that_was_withdrawn_waits_and_is_drained_after_the_next(
    house: GraphHouse,
) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    house.microsoft.identity.revoke(address)
    for number in range(5):
        graph.deliver(address, mail(number))
    health = await house.until_state("needs-sign-in")
    assert health.advice
    assert health.last_error
    facts = [one.data.fact for one in await house.facts("postbus.channel")]
    assert facts[-1] == "needs-sign-in"
    assert await house.received() == []

    await asyncio.sleep(1.1)  # what was issued within the second of the revocation counts as before
    again = house.microsoft.sign_in(address)
    await house.graph_channel("support", secret=again.model_dump_json(), name="Again")
    assert len(await house.until_received(5)) == 5
    await house.until_state("connected")
    facts = [one.data.fact for one in await house.facts("postbus.channel")]
    assert facts[-1] == "recovered"


async def test_a_second_factor_that_is_wanted_needs_a_sign_in(house: GraphHouse) -> None:
    address = await house.mailbox()
    house.microsoft.identity.directory.user(address).needs_mfa = True
    await house.start()
    health = await house.until_state("needs-sign-in")
    assert health.reason == "more-proof"
    assert health.advice


async def test_when_a_sign_in_or_a_secret_ends_is_known_and_warned_of(house: GraphHouse) -> None:
    await house.mailbox("person")
    soon = datetime.now(UTC) + timedelta(days=10)
    app = house.microsoft.app_only()
    client = app.client.model_copy(update={"expires_at": soon})
    house.microsoft.add_mailbox("app@example.com")
    house.microsoft.scope("app@example.com", "Mail.ReadWrite")
    secret = app.model_copy(update={"client": client}).model_dump_json()
    await house.graph_channel("app", secret=secret, app_only=True)
    await house.start()
    person = await house.until_state("connected", "person")
    assert person.credential_expires_at is not None
    assert person.credential_expires_at - datetime.now(UTC) > timedelta(days=89)
    of_app = await house.until_state("connected", "app")
    assert of_app.credential_expires_at == soon

    async def warned() -> list[str]:
        facts = await house.facts("postbus.channel")
        return [one.data.channel for one in facts if one.data.fact == "credentials-expiring"]

    assert await house.until(warned, what="a warning") == ["app"]


async def test_a_mailbox_that_the_app_may_not_open_says_so(house: GraphHouse) -> None:
    await house.mailbox(app_only=True)
    await house.start()
    health = await house.until_state("degraded")
    assert health.reason == "access-denied"
    assert health.advice


async def test_a_folder_that_is_not_there_says_so(house: GraphHouse) -> None:
    await house.mailbox(graph={"folders": ["Inbox/Nowhere"]})
    await house.start()
    health = await house.until_state("degraded")
    assert health.reason == "folder-missing"
    assert "Inbox/Nowhere" in (health.last_error or "")


async def test_a_storm_of_429_is_waited_out_and_mends_itself(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    graph.faults.storm(seconds=2.5, retry_after_seconds=1)
    for number in range(10):
        graph.deliver(address, mail(number))
    await house.until_received(10)
    # Asked once a second at most, by each of the requests under way when it began.
    assert graph.faults.storms <= 12
    assert graph.throttled == 0


async def test_drift_is_told_and_mended(house: GraphHouse) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    await house.start()
    await house.until_state("connected")
    id_ = graph.deliver(address, mail(1))
    await house.until_received(1)
    house.filed_never.add(id_)
    first = await house.proof()
    assert (first.waiting, first.unexplained) == (1, 0)
    old = first.model_copy(update={"proved_at": NOW - timedelta(hours=1)})
    await house.write_proof(old)
    drifted = await house.proof()
    assert (drifted.waiting, drifted.unexplained, drifted.ok) == (0, 1, False)
    assert drifted.folders[0].unexplained_ids == (id_,)
    assert "drift" in [one.data.fact for one in await house.facts("postbus.channel")]
    fetched = graph.calls["GET messages/{message}/$value"]
    await house.until(
        lambda: graph.calls["GET messages/{message}/$value"] > fetched, what="a second fetch"
    )
