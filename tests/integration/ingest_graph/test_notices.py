"""Graph tells of news: faster, and never believed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ingest_graph.domain.hints import folder_key
from postbus.bus.topology import CURSORS_BUCKET
from servers.graph_house import GraphHouse, mail
from servers.nats import NatsServer
from servers.replicas import Replicas

KEY = folder_key("inbox")


@pytest.fixture(autouse=True)
def nothing_is_looked_for_unasked(replicas: Replicas) -> None:
    """But once a minute, so what is quick came by a notice."""
    replicas.settings |= {"POLL_SECONDS": "60", "SWEEP_SECONDS": "60"}


@pytest.fixture
async def address(house: GraphHouse, replicas: Replicas) -> str:
    """A mailbox that is watched by one replica."""
    address = await house.mailbox()
    replicas.start("one")
    await house.until_state("connected")
    await house.until(house.microsoft.graph.live_subscriptions, what="a subscription")
    return address


async def _kept(house: GraphHouse) -> dict[str, Any]:
    bucket = await house.admin.jetstream().key_value(CURSORS_BUCKET)
    return json.loads((await bucket.get(f"graph-subscription.support.{KEY}")).value or b"")


async def test_news_are_told_and_fetched_at_once(
    house: GraphHouse, address: str, replicas: Replicas
) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    assert subscription.immutable
    assert subscription.change_types == {"created"}
    assert subscription.lifecycle_url == subscription.notification_url
    left = subscription.expires_at - datetime.now(UTC)
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    kept = await _kept(house)
    assert subscription.client_state not in json.dumps(kept), "only its hash is kept"
    began = asyncio.get_running_loop().time()
    for number in range(5):
        graph.deliver(address, mail(number))
    await house.until_received(5)
    assert asyncio.get_running_loop().time() - began < 5
    assert graph.notices.slow_notices == 0
    assert replicas.ports


async def test_a_notice_that_graph_did_not_send_changes_nothing(
    house: GraphHouse, address: str, replicas: Replicas
) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    graph.notices.lose = 1.0
    graph.deliver(address, mail(1))
    url = f"http://127.0.0.1:{replicas.ports['one']}/hooks/graph/support/{KEY}"
    notice = {"subscriptionId": subscription.id, "clientState": "guessed", "changeType": "created"}
    asked = graph.requests
    async with httpx.AsyncClient() as http:
        answers = [
            await http.post(url, json={"value": [notice]}),
            await http.post(
                url,
                json={
                    "value": [
                        {
                            **notice,
                            "clientState": subscription.client_state,
                            "subscriptionId": "another",
                        }
                    ]
                },
            ),
        ]
        unreadable = await http.post(url, content=b"{")
        nowhere = await http.post(url.replace(KEY, "..%2f..%2fconfig"), json={"value": []})
        metrics = (await http.get(f"http://127.0.0.1:{replicas.ports['one']}/metrics")).text
    assert [answer.status_code for answer in answers] == [202, 202]
    assert unreadable.status_code == 400
    assert nowhere.status_code in (404, 422)
    await asyncio.sleep(0.5)
    assert graph.requests == asked
    assert await house.received() == []
    assert 'postbus_graph_notices_total{outcome="unknown"} 2.0' in metrics


async def test_the_word_of_a_validation_comes_back_as_text(
    house: GraphHouse, address: str, replicas: Replicas
) -> None:
    url = f"http://127.0.0.1:{replicas.ports['one']}/hooks/graph/support/{KEY}"
    word = "Validation: <b>a b&c</b> +1"
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, params={"validationToken": word})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text == word


async def test_a_notice_that_cannot_be_kept_is_not_acknowledged(
    house: GraphHouse, address: str, replicas: Replicas, nats_server: NatsServer
) -> None:
    (subscription,) = house.microsoft.graph.live_subscriptions()
    notice = {"subscriptionId": subscription.id, "clientState": subscription.client_state}
    nats_server.stop(kill=True)
    url = f"http://127.0.0.1:{replicas.ports['one']}/hooks/graph/support/{KEY}"
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.post(url, json={"value": [notice]})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_what_graph_missed_is_looked_for(house: GraphHouse, address: str) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    graph.notices.lose = 1.0
    graph.deliver(address, mail(1))
    listed = graph.calls["GET mailFolders/{folder}/messages"]
    graph.send_lifecycle("missed", subscription.id)
    await house.until_received(1)
    await house.until(
        lambda: graph.calls["GET mailFolders/{folder}/messages"] > listed,
        what="the folder to be listed",
    )


async def test_a_subscription_that_was_removed_is_made_again(
    house: GraphHouse, address: str
) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    graph.remove_subscription(subscription.id)

    def another() -> bool:
        return [one.id for one in graph.live_subscriptions()] not in ([], [subscription.id])

    await house.until(another, what="another subscription")
    graph.deliver(address, mail(1))
    await house.until_received(1)


async def test_a_subscription_is_authorized_again_when_graph_asks(
    house: GraphHouse, address: str
) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    graph.send_lifecycle("reauthorizationRequired", subscription.id)
    assert subscription.paused
    await house.until(lambda: not subscription.paused, what="an authorization")
    graph.deliver(address, mail(1))
    await house.until_received(1)


async def test_a_subscription_is_renewed_a_day_before_its_end(
    house: GraphHouse, address: str
) -> None:
    graph = house.microsoft.graph
    (subscription,) = graph.live_subscriptions()
    soon = datetime.now(UTC) + timedelta(hours=23)
    subscription.expires_at = soon
    kept = await _kept(house)
    bucket = await house.admin.jetstream().key_value(CURSORS_BUCKET)
    value = json.dumps({**kept, "expires_at": soon.isoformat()}).encode()
    await bucket.put(f"graph-subscription.support.{KEY}", value)
    graph.deliver(address, mail(1))
    await house.until_received(1)
    await house.until(lambda: subscription.expires_at > soon + timedelta(days=1), what="a renewal")
    (same,) = graph.live_subscriptions()
    assert same.id == subscription.id


async def test_without_any_notice_the_sweep_finds_the_mail(
    house: GraphHouse, replicas: Replicas
) -> None:
    address = await house.mailbox()
    graph = house.microsoft.graph
    graph.notices.lose = 1.0
    replicas.settings["SWEEP_SECONDS"] = "0.5"
    replicas.start("one")
    await house.until_state("connected")
    graph.deliver(address, mail(1))
    await house.until_received(1)
    assert graph.notices.lost > 0


async def test_a_hook_that_graph_cannot_reach_costs_nothing_but_speed(
    house: GraphHouse, replicas: Replicas
) -> None:
    address = await house.mailbox()
    replicas.settings |= {"HOOKS_URL": "https://localhost:9", "POLL_SECONDS": "0.3"}
    replicas.start("one")
    await house.until_state("connected")
    house.microsoft.graph.deliver(address, mail(1))
    await house.until_received(1)
    assert house.microsoft.graph.live_subscriptions() == []
    await house.until_state("connected")
