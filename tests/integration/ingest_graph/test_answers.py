"""What ingest-graph answers when config tries a mailbox: which step failed, why, what to do."""

from typing import Any

import pytest
from pydantic import SecretStr

from postbus.contracts.catalogue import TRY_GRAPH_SUBJECT
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.trying import TryInbound, TryResult, TryStep
from servers.graph_house import GraphHouse, mail

ADDRESS = "support@example.com"


async def tried(house: GraphHouse, secret: Any, **fields: Any) -> TryResult:
    """The answer, for a mailbox that is saved nowhere yet."""
    graph = {**house.microsoft.access, "mailbox": ADDRESS, **fields.pop("graph", {})}
    document = {
        "id": "support",
        "name": "Support",
        "kind": "graph",
        "address": ADDRESS,
        "graph": graph,
        **fields,
    }
    sealed = house.keys.sealer.seal("inbound-channels.support", SecretStr(secret.model_dump_json()))
    question = TryInbound(channel=InboundChannel.model_validate(document), sealed_secret=sealed)
    found: TryResult = await house.ask(TRY_GRAPH_SUBJECT, question, TryResult)
    return found


def failed(result: TryResult) -> TryStep:
    step = result.failed_step()
    assert step is not None
    assert step == result.steps[-1]
    return step


@pytest.fixture(autouse=True)
async def running(house: GraphHouse) -> None:
    house.microsoft.add_mailbox(ADDRESS)
    await house.start()


async def test_a_mailbox_that_works(house: GraphHouse) -> None:
    house.microsoft.graph.deliver(ADDRESS, mail(1))
    result = await tried(house, house.microsoft.sign_in(ADDRESS), after_fetch="move:Done")
    assert result.ok
    assert [step.name for step in result.steps] == ["resolve", "sign-in", "folders", "push"]
    assert "inbox has 1 mails" in result.steps[2].detail
    assert house.lying(ADDRESS, "Done") == []
    assert [one.read for one in house.microsoft.graph.messages(ADDRESS)] == [False]


async def test_a_person_who_may_not_open_the_mailbox(house: GraphHouse) -> None:
    house.microsoft.add_mailbox("other@example.com")
    step = failed(await tried(house, house.microsoft.sign_in("other@example.com")))
    assert (step.name, step.reason) == ("folders", "access-denied")
    assert step.advice


async def test_a_shared_mailbox_that_was_opened_to_the_person(house: GraphHouse) -> None:
    house.microsoft.add_mailbox("other@example.com")
    house.microsoft.graph.access.delegates[ADDRESS] = {"other@example.com"}
    assert (await tried(house, house.microsoft.sign_in("other@example.com"))).ok


async def test_a_sign_in_that_was_revoked(house: GraphHouse) -> None:
    secret = house.microsoft.sign_in(ADDRESS)
    house.microsoft.identity.revoke(ADDRESS)
    step = failed(await tried(house, secret))
    assert step.name == "sign-in"
    assert step.advice


async def test_a_wrong_secret_of_the_app(house: GraphHouse) -> None:
    secret = house.microsoft.app_only()
    wrong = secret.model_copy(
        update={"client": secret.client.model_copy(update={"client_secret": "wrong"})}
    )
    step = failed(await tried(house, wrong, graph={"auth": "app-only"}))
    assert (step.name, step.reason) == ("sign-in", "wrong-secret")


async def test_a_folder_that_is_not_there(house: GraphHouse) -> None:
    secret = house.microsoft.sign_in(ADDRESS)
    step = failed(await tried(house, secret, graph={"folders": ["Inbox/Nowhere"]}))
    assert (step.name, step.reason) == ("folders", "folder-missing")


async def test_a_server_that_is_not_there(house: GraphHouse) -> None:
    secret = house.microsoft.sign_in(ADDRESS)
    nowhere = {"base_url": "https://nowhere.invalid/v1.0"}
    step = failed(await tried(house, secret, graph=nowhere))
    assert (step.name, step.reason) == ("resolve", "name-unknown")


async def test_an_app_that_opens_this_mailbox_only(house: GraphHouse) -> None:
    house.microsoft.scope(ADDRESS, "Mail.ReadWrite")
    house.microsoft.add_mailbox("ceo@example.com")
    app = {"auth": "app-only", "probe_mailbox": "ceo@example.com"}
    result = await tried(house, house.microsoft.app_only(), graph=app)
    assert result.ok
    assert (result.steps[-1].name, result.steps[-1].reason) == ("scope", "")
    assert "ceo@example.com is closed" in result.steps[-1].detail


@pytest.mark.parametrize("probe", [None, "ceo@example.com"])
async def test_an_app_that_opens_every_mailbox_is_warned_of(
    house: GraphHouse, probe: str | None
) -> None:
    house.microsoft.add_mailbox("ceo@example.com")
    house.microsoft.consent("Mail.ReadWrite")
    app = {"auth": "app-only", "probe_mailbox": probe}
    result = await tried(house, house.microsoft.app_only(), graph=app)
    assert result.ok
    step = result.steps[-1]
    assert (step.name, step.ok, step.reason) == ("scope", True, "app-may-open-others")
    assert "RBAC" in step.advice
