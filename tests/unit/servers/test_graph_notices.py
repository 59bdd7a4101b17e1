"""The stand-in for Graph tells of changes as Graph does: subscriptions, notices, batches."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from servers.graph import GraphServer
from servers.graph.signing_in import IMMUTABLE, Tokens, client_of, refusal
from servers.graph.wire import Answer, HttpsServer, Request

BOX = "support@acme.example"
MAIL = b"From: ann@customer.example\r\nMessage-ID: <m1@customer.example>\r\n\r\nHi\r\n"


@dataclass
class Door:
    """A webhook of a test, over real HTTPS."""

    notices: list[dict[str, Any]] = field(default_factory=list)
    validated: list[str] = field(default_factory=list)
    validate: Callable[[str], Answer] = lambda token: Answer(200, token.encode(), "text/plain")
    status: int = 202
    seconds: float = 0.0
    came: threading.Condition = field(default_factory=threading.Condition)

    def serve(self, request: Request) -> Answer:
        token = request.options.get("validationToken")
        if token is not None:
            self.validated.append(request.path)
            return self.validate(token)
        time.sleep(self.seconds)
        status = self.status
        if status == 202:
            with self.came:
                self.notices += httpx.Response(200, content=request.body).json()["value"]
                self.came.notify_all()
        return Answer(status)

    def wait(self, count: int) -> list[dict[str, Any]]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.notices) >= count, 10), self.notices
            return list(self.notices)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def door_url(door: Door) -> Iterator[str]:
    server = HttpsServer(door.serve, cut_request=lambda _: None, cut_answer=lambda _: None)
    yield f"https://localhost:{server.port}"
    server.stop()


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    tokens = Tokens()
    tokens.person("person", BOX)
    tokens.app("app", ("Mail.ReadWrite",))
    tokens.app("another", ("Mail.ReadWrite",), app_id="another")
    server = GraphServer(tokens.claims_of).start()
    server.add_mailbox(BOX)
    yield server
    server.stop()


@pytest.fixture
def client(graph: GraphServer) -> Iterator[httpx.Client]:
    with client_of(graph, "app", BOX) as made:
        yield made


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_minutes(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def wanted(url: str, **more: Any) -> dict[str, Any]:
    return {
        "changeType": "created",
        "notificationUrl": f"{url}/hooks",
        "lifecycleNotificationUrl": f"{url}/life",
        "resource": f"users/{BOX}/mailFolders('inbox')/messages",
        "expirationDateTime": in_minutes(3 * 24 * 60),
        "clientState": "secret",
        **more,
    }


def subscribe(graph: GraphServer, client: httpx.Client, url: str, **more: Any) -> str:
    answer = client.post(f"{graph.base_url}/subscriptions", json=wanted(url, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_new_mail_is_told_of_with_its_immutable_id(graph, client, door, door_url):
    subscription_id = subscribe(graph, client, door_url)
    assert door.validated == ["/hooks", "/life"]
    graph.deliver(BOX, MAIL, folder="junkemail")
    message_id = graph.deliver(BOX, MAIL)
    graph.mark_read(BOX, message_id)
    (notice,) = door.wait(1)
    assert notice["subscriptionId"] == subscription_id
    assert (notice["clientState"], notice["changeType"]) == ("secret", "created")
    assert notice["tenantId"] == "tenant"
    assert notice["resourceData"]["id"] == message_id
    assert client.get(f"messages/{notice['resourceData']['id']}").status_code == 200


def test_a_subscription_without_the_header_gives_other_ids(graph, client, door, door_url):
    headers = {"Prefer": "return=minimal"}
    client.post(f"{graph.base_url}/subscriptions", json=wanted(door_url), headers=headers)
    assert graph.calls_without_immutable_id == ["POST subscriptions"]
    graph.deliver(BOX, MAIL)
    (notice,) = door.wait(1)
    told = notice["resourceData"]["id"]
    assert refusal(client.get(f"messages/{told}")) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    "part",
    [
        {"changeType": "moved"},
        {"resource": f"users/{BOX}/events"},
        {"notificationUrl": "http://localhost/hooks"},
        {"lifecycleNotificationUrl": "https://localhost:9/nobody"},
        {"clientState": "x" * 129},
        {"expirationDateTime": in_minutes(10_200)},
        {"expirationDateTime": in_minutes(-1)},
        {"expirationDateTime": "tomorrow"},
        {"clientSecret": "x"},
    ],
)
def test_a_subscription_is_checked(graph, client, door_url, part):
    answer = client.post(f"{graph.base_url}/subscriptions", json=wanted(door_url, **part))
    assert answer.status_code == 400
    assert graph.subscriptions == {}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, b"token", "text/plain"),
        Answer(200, b"another", "text/plain"),
        Answer(200, b"", "text/plain"),
    ],
)
def test_the_handshake_wants_the_very_token(graph, client, door, door_url, answer):
    door.validate = lambda _: answer
    refused = client.post(f"{graph.base_url}/subscriptions", json=wanted(door_url))
    assert refusal(refused) == (400, "InvalidRequest")
    door.validate = lambda token: Answer(200, token.encode())
    as_json = client.post(f"{graph.base_url}/subscriptions", json=wanted(door_url))
    assert refusal(as_json) == (400, "InvalidRequest")
    assert "Subscription validation request failed" in as_json.json()["error"]["message"]


def test_a_subscription_is_renewed_listed_and_ended(graph, client, door_url):
    subscription_id = subscribe(graph, client, door_url, expirationDateTime=in_minutes(5))
    url = f"{graph.base_url}/subscriptions/{subscription_id}"
    least = datetime.fromisoformat(client.get(url).json()["expirationDateTime"])
    assert least > datetime.now(UTC) + timedelta(minutes=44)
    renewed = client.patch(url, json={"expirationDateTime": in_minutes(7000)})
    assert datetime.fromisoformat(renewed.json()["expirationDateTime"]) > least
    life = {"lifecycleNotificationUrl": "https://localhost/other"}
    assert refusal(client.patch(url, json=life))[0] == 400
    listed = client.get(f"{graph.base_url}/subscriptions").json()["value"]
    assert [row["id"] for row in listed] == [subscription_id]
    with client_of(graph, "another", BOX) as stranger:
        assert refusal(stranger.get(url)) == (404, "ResourceNotFound")
    assert client.delete(url).status_code == 204
    assert refusal(client.delete(url)) == (404, "ResourceNotFound")


def test_a_door_that_fails_is_asked_again(graph, client, door, door_url):
    subscribe(graph, client, door_url)
    door.status = 503
    graph.deliver(BOX, MAIL)
    until(lambda: graph.notices.failed >= 2)
    door.status = 202
    assert len(door.wait(1)) == 1
    until(lambda: graph.notices.sent == 1)
    assert graph.notices.dropped == 0


def test_a_slow_door_is_counted(graph, client, door, door_url):
    subscribe(graph, client, door_url)
    door.seconds = 2.95
    graph.deliver(BOX, MAIL)
    door.wait(1)
    until(lambda: graph.notices.latencies != [])
    assert graph.notices.slow_notices == 1


def test_notices_are_lost_doubled_and_held(graph, client, door, door_url):
    subscribe(graph, client, door_url)
    graph.notices.lose = 1.0
    graph.deliver(BOX, MAIL)
    assert (graph.notices.lost, graph.notices.waiting) == (1, 0)
    graph.notices.lose, graph.notices.double = 0.0, 1.0
    graph.notices.hold, graph.notices.reorder, graph.notices.per_post = True, True, 3
    ids = [graph.deliver(BOX, MAIL) for _ in range(10)]
    time.sleep(0.2)
    assert door.notices == []
    graph.notices.let_go()
    told = [notice["resourceData"]["id"] for notice in door.wait(20)]
    assert sorted(told) == sorted(ids * 2)
    assert list(dict.fromkeys(told)) != ids


def test_lifecycle_notices(graph, client, door, door_url):
    subscription_id = subscribe(graph, client, door_url)
    graph.send_lifecycle("reauthorizationRequired", subscription_id)
    (notice,) = door.wait(1)
    assert notice["lifecycleEvent"] == "reauthorizationRequired"
    assert "changeType" not in notice
    graph.deliver(BOX, MAIL)  # paused: nothing is told
    url = f"{graph.base_url}/subscriptions/{subscription_id}"
    assert client.post(f"{url}/reauthorize").status_code == 204
    told = graph.deliver(BOX, MAIL)
    assert door.wait(2)[1]["resourceData"]["id"] == told
    graph.send_lifecycle("missed", subscription_id)
    graph.remove_subscription(subscription_id)
    events = [notice.get("lifecycleEvent") for notice in door.wait(4)]
    assert events[2:] == ["missed", "subscriptionRemoved"]
    assert refusal(client.get(url)) == (404, "ResourceNotFound")


def part(number: int, url: str, **more: Any) -> dict[str, Any]:
    given = {"id": str(number), "method": "GET", "url": url, "headers": {"Prefer": IMMUTABLE}}
    return {**given, **more}


def batch(graph: GraphServer, client: httpx.Client, parts: list[dict]) -> httpx.Response:
    return client.post(f"{graph.base_url}/$batch", json={"requests": parts})


def test_a_batch_answers_each_part_by_itself(graph, client):
    message_id = graph.deliver(BOX, MAIL)
    patch = {
        "method": "PATCH",
        "body": {"isRead": True},
        "headers": {"Prefer": IMMUTABLE, "Content-Type": "application/json"},
    }
    answer = batch(
        graph,
        client,
        [
            part(1, f"/users/{BOX}/messages/{message_id}", **patch),
            part(2, f"users/{BOX}/messages/none"),
            part(3, f"/users/{BOX}/messages/{message_id}", headers={}),
        ],
    )
    by_id = {row["id"]: row for row in answer.json()["responses"]}
    assert [by_id[n]["status"] for n in "123"] == [200, 404, 404]
    assert by_id["2"]["body"]["error"]["code"] == "ErrorItemNotFound"
    assert graph.messages(BOX)[0].read
    assert graph.without_immutable_id == 1
    assert graph.batches == [3]


def test_parts_run_four_at_a_time_and_count_each(graph, client):
    graph.latency_seconds = 0.05
    answer = batch(graph, client, [part(n, f"/users/{BOX}/mailFolders") for n in range(20)])
    assert {row["status"] for row in answer.json()["responses"]} == {200}
    assert (graph.peak_concurrency, graph.requests, graph.throttled) == (4, 20, 0)
    graph.faults.fail_next(1, 429, code="TooManyRequests", where="mailFolders")
    answer = batch(graph, client, [part(n, f"/users/{BOX}/mailFolders") for n in range(4)])
    assert sorted(row["status"] for row in answer.json()["responses"]) == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part(n, "/me") for n in range(21)],
        [part(1, "/me"), part(1, "/me")],
        [part(1, "https://graph.microsoft.com/v1.0/me")],
        [part(1, "/me", body={}, headers={})],
        [part(1, "/me", dependsOn=[])],
    ],
)
def test_a_malformed_batch_is_refused_whole(graph, client, parts):
    assert batch(graph, client, parts).status_code == 400
    assert graph.requests == 0
