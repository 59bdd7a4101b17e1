"""The stand-in for Graph refuses what Graph refuses, and gives what Graph gives: reading."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from servers.graph import GraphServer
from servers.graph.signing_in import IMMUTABLE, Tokens, client_of, refusal

BOX = "support@acme.example"


def mail(number: int, subject: str = "Broken") -> bytes:
    return (
        f"From: Ann <ann@customer.example>\r\nTo: {BOX}\r\nSubject: {subject} {number}\r\n"
        f"Message-ID: <m{number}@customer.example>\r\n\r\nIt is broken.\r\n"
    ).encode()


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    tokens = Tokens()
    tokens.person("person", BOX)
    tokens.person("other", "kim@acme.example", "Mail.ReadWrite Mail.ReadWrite.Shared")
    tokens.app("tenant-wide", ("Mail.ReadWrite", "Mail.Send"))
    tokens.app("scoped")
    tokens.person("elsewhere", BOX)
    tokens.claims["elsewhere"]["aud"] = "https://outlook.office.com"
    server = GraphServer(tokens.claims_of).start()
    server.add_mailbox(BOX)
    yield server
    server.stop()


@pytest.fixture
def client(graph: GraphServer) -> Iterator[httpx.Client]:
    with client_of(graph, "person", BOX) as made:
        yield made


def whole_round(client: httpx.Client, url: str, page: int = 2) -> tuple[list[dict], str]:
    rows: list[dict] = []
    while True:
        prefer = [("Prefer", IMMUTABLE), ("Prefer", f"odata.maxpagesize={page}")]
        answer = client.get(url, headers=httpx.Headers(prefer))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(body["value"]) <= page
        rows += body["value"]
        if "@odata.deltaLink" in body:
            return rows, body["@odata.deltaLink"]
        url = body["@odata.nextLink"]


def test_a_message_is_read_as_json_and_as_the_very_bytes(graph, client):
    message_id = graph.deliver(BOX, mail(1))
    shown = client.get(f"messages/{message_id}").json()
    assert shown["internetMessageId"] == "<m1@customer.example>"
    assert shown["from"] == {"emailAddress": {"name": "Ann", "address": "ann@customer.example"}}
    assert "internetMessageHeaders" not in shown
    assert client.get(f"messages/{message_id}/$value").content == mail(1)
    chosen = client.get(f"messages/{message_id}", params={"$select": "internetMessageHeaders"})
    names = [header["name"] for header in chosen.json()["internetMessageHeaders"]]
    assert names == ["From", "To", "Subject", "Message-ID"]


def test_immutable_ids_survive_a_move_and_others_do_not(graph, client):
    kept = graph.deliver(BOX, mail(1))
    plain = {"Prefer": "return=minimal"}
    regular = client.get("messages", headers=plain).json()["value"][0]["id"]
    assert regular != kept
    assert refusal(client.get(f"messages/{regular}")) == (404, "ErrorItemNotFound")
    assert graph.without_immutable_id == 1
    moved = client.post(f"messages/{kept}/move", json={"destinationId": "archive"})
    assert (moved.status_code, moved.json()["id"]) == (201, kept)
    assert client.get(f"mailFolders/archive/messages/{kept}").status_code == 200
    assert client.get(f"messages/{regular}", headers=plain).status_code == 404


def test_delta_gives_pages_then_only_what_changed(graph, client):
    ids = [graph.deliver(BOX, mail(n)) for n in range(5)]
    rows, link = whole_round(client, "mailFolders/inbox/messages/delta?$select=subject")
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert {"subject", "id"} <= set(rows[0])
    assert "body" not in rows[0]
    graph.delete(BOX, ids[0])
    graph.move(BOX, ids[1], "archive")
    graph.mark_read(BOX, ids[2])
    came = graph.deliver(BOX, mail(9))
    fleeting = graph.deliver(BOX, mail(10))
    graph.delete(BOX, fleeting)
    rows, again = whole_round(client, link)
    removed = {row["id"] for row in rows if "@removed" in row}
    assert removed == {ids[0], ids[1]}
    assert {row["id"] for row in rows} - removed == {ids[2], came}
    assert whole_round(client, again)[0] == []
    assert len(whole_round(client, link)[0]) == 4  # a token of before still works


def test_delta_of_created_only_tells_what_came_or_was_moved_in(graph, client):
    first = graph.deliver(BOX, mail(1))
    _, link = whole_round(client, "mailFolders/inbox/messages/delta?changeType=created")
    elsewhere = graph.deliver(BOX, mail(2), folder="junkemail")
    graph.mark_read(BOX, first)
    graph.delete(BOX, first)
    assert whole_round(client, link)[0] == []
    graph.move(BOX, elsewhere, "inbox")
    assert [row["id"] for row in whole_round(client, link)[0]] == [elsewhere]


def test_a_reset_ends_every_token(graph, client):
    graph.deliver(BOX, mail(1))
    _, link = whole_round(client, "mailFolders/inbox/messages/delta")
    graph.reset_delta(BOX)
    assert refusal(client.get(link)) == (410, "SyncStateNotFound")
    assert len(whole_round(client, "mailFolders/inbox/messages/delta")[0]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "$filter=subject eq 'x'",
        "$filter=receivedDateTime le 2026-01-01T00:00:00Z",
        "$filter=receivedDateTime ge yesterday",
        "$orderby=receivedDateTime",
        "$search=x",
        "changeType=moved",
        "$select=colour",
        "$deltatoken=unknown",
        "unknown=1",
    ],
)
def test_delta_refuses_what_it_has_no_support_for(client, query):
    assert client.get(f"mailFolders/inbox/messages/delta?{query}").status_code == 400


def test_a_token_is_of_its_folder_and_stands_alone(graph, client):
    _, link = whole_round(client, "mailFolders/inbox/messages/delta")
    assert client.get(f"{link}&$select=subject").status_code == 400
    elsewhere = link.replace("/inbox/", "/archive/")
    assert refusal(client.get(elsewhere)) == (400, "ErrorInvalidSyncStateData")


def test_a_filtered_delta_gives_five_thousand_at_most(graph, client):
    for number in range(5_003):
        graph.deliver(BOX, mail(number))
    url = "mailFolders/inbox/messages/delta?$filter=receivedDateTime ge 2020-01-01T00:00:00Z"
    rows, _ = whole_round(client, url, page=900)
    assert len(rows) == 5_000


def test_a_list_pages_filters_orders_and_counts(graph, client):
    now = datetime(2026, 1, 10, tzinfo=UTC)
    for number in range(25):
        graph.deliver(BOX, mail(number), received_at=now + timedelta(hours=number))
    query = "$filter=receivedDateTime ge 2026-01-10T05:00:00Z&$orderby=receivedDateTime asc"
    url: str | None = f"mailFolders/inbox/messages?{query}&$top=8&$count=true&$select=subject"
    seen = []
    while url:
        body = client.get(url).json()
        assert body["@odata.count"] == 20
        seen += [row["subject"] for row in body["value"]]
        url = body.get("@odata.nextLink")
    assert seen == [f"Broken {number}" for number in range(5, 25)]
    found = client.get("messages?$filter=internetMessageId eq '<m3@customer.example>'").json()
    assert [row["subject"] for row in found["value"]] == ["Broken 3"]
    plain = client.get("mailFolders/inbox/messages").json()
    assert len(plain["value"]) == 10
    assert client.get("mailFolders/inbox/messages/$count").text == "25"


def test_what_orders_must_come_first_in_the_filter(client):
    refused = client.get(
        "messages?$filter=internetMessageId eq '<a@b>'&$orderby=receivedDateTime desc"
    )
    assert refusal(refused) == (400, "InefficientFilter")


def test_the_size_is_an_extended_property(graph, client):
    graph.deliver(BOX, mail(1))
    expand = "singleValueExtendedProperties($filter=id eq 'Long 0x0E08')"
    row = client.get("messages", params={"$expand": expand, "$select": "id"}).json()["value"][0]
    assert row["singleValueExtendedProperties"] == [
        {"id": "Long 0x0E08", "value": str(len(mail(1)))}
    ]


def test_folders_have_names_children_and_pages(graph, client):
    graph.make_folder(BOX, "Inbox/Support/Old")
    graph.deliver(BOX, mail(1), folder="Inbox/Support")
    tops = client.get("mailFolders?$top=3").json()
    assert len(tops["value"]) == 3
    assert len(client.get(tops["@odata.nextLink"]).json()["value"]) == 3
    children = client.get("mailFolders/inbox/childFolders?$filter=displayName eq 'Support'").json()
    (support,) = children["value"]
    assert (support["totalItemCount"], support["childFolderCount"]) == (1, 1)
    made = client.post("mailFolders", json={"displayName": "Fetched"})
    assert made.status_code == 201
    again = client.post("mailFolders", json={"displayName": "Fetched"})
    assert refusal(again) == (409, "ErrorFolderExists")
    assert refusal(client.get("mailFolders/nowhere")) == (404, "ErrorItemNotFound")


def test_marking_and_refused_changes(graph, client):
    message_id = graph.deliver(BOX, mail(1))
    assert client.patch(f"messages/{message_id}", json={"isRead": True}).json()["isRead"] is True
    assert graph.messages(BOX)[0].read
    refused = client.patch(f"messages/{message_id}", json={"subject": "Other"})
    assert refusal(refused) == (400, "ErrorInvalidPropertyUpdateSentMessage")
    assert client.delete(f"messages/{message_id}").status_code == 204
    assert refusal(client.delete(f"messages/{message_id}")) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    ("token", "box", "expected"),
    [
        ("person", BOX, (200, "")),
        ("person", "sales@acme.example", (403, "ErrorAccessDenied")),
        ("other", BOX, (403, "ErrorAccessDenied")),
        ("other", "sales@acme.example", (200, "")),
        ("tenant-wide", "sales@acme.example", (200, "")),
        ("scoped", "sales@acme.example", (200, "")),
        ("scoped", BOX, (403, "ErrorAccessDenied")),
        ("person", "nobody@acme.example", (404, "ErrorInvalidUser")),
        ("elsewhere", BOX, (401, "InvalidAuthenticationToken")),
        ("expired", BOX, (401, "InvalidAuthenticationToken")),
    ],
)
def test_who_may_open_which_mailbox(graph, token, box, expected):
    graph.add_mailbox("sales@acme.example")
    graph.access.delegates["sales@acme.example"] = {"kim@acme.example"}
    graph.access.rbac["app"] = {"sales@acme.example": {"Mail.Read"}}
    with client_of(graph, token, box) as client:
        answer = client.get("mailFolders/inbox")
    status, _ = expected
    assert answer.status_code == status
    if status != 200:
        assert refusal(answer) == expected
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


def test_four_at_once_and_the_fifth_is_told_to_wait(graph):
    graph.latency_seconds = 0.3

    def ask(_: int) -> httpx.Response:
        with client_of(graph, "person", BOX) as client:
            return client.get("mailFolders/inbox")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 4
    assert refusal(refused[0]) == (429, "ApplicationThrottled")
    assert refused[0].headers["Retry-After"] == "1"
    assert (graph.throttled, graph.peak_concurrency) == (4, 5)


def test_requests_in_a_window_and_storms_are_limited(graph, client):
    graph.limits.requests = 2
    answers = [client.get("mailFolders/inbox").status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    graph.limits.requests = 100
    graph.faults.storm(requests=2, retry_after_seconds=None)
    stormy = [client.get("mailFolders/inbox") for _ in range(3)]
    assert [answer.status_code for answer in stormy] == [429, 429, 200]
    assert "Retry-After" not in stormy[0].headers
    assert (graph.throttled, graph.faults.storms) == (1, 2)


def test_faults_on_order(graph, client):
    message_id = graph.deliver(BOX, mail(1))
    graph.faults.fail_next(1, 503, where="$value")
    assert client.get(f"messages/{message_id}").status_code == 200
    assert refusal(client.get(f"messages/{message_id}/$value")) == (503, "serviceUnavailable")
    graph.faults.break_answer_after(10)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"messages/{message_id}/$value")
    graph.faults.lose_answer("PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(f"messages/{message_id}", json={"isRead": True})
    assert graph.messages(BOX)[0].read
    graph.no_mime(BOX, message_id)
    assert client.get(f"messages/{message_id}/$value").status_code == 500


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "calendar", 400),
        ("GET", "mailFolders/inbox/rules", 400),
        ("PUT", "mailFolders/inbox", 405),
        ("GET", "mailFolders/inbox?colour=red", 400),
        ("GET", "messages?$top=1001", 400),
        ("GET", "messages?$filter=subject like 'x'", 400),
        ("POST", "mailFolders", 415),
    ],
)
def test_unknown_pages_methods_and_options_are_refused(client, method, path, status):
    assert client.request(method, path).status_code == status


def test_an_unknown_preference_is_refused(client):
    refused = client.get("messages", headers={"Prefer": "IdType=ImmutableId"})
    assert refused.status_code == 400


def test_me_is_the_mailbox_of_a_person_and_of_no_app(graph, client):
    graph.deliver(BOX, mail(1))
    mine = client.get(f"{graph.base_url}/me/mailFolders/inbox")
    assert mine.json()["totalItemCount"] == 1
    with client_of(graph, "tenant-wide", BOX) as app:
        assert refusal(app.get(f"{graph.base_url}/me/mailFolders/inbox"))[0] == 400


def test_a_mailbox_may_be_on_premises(graph, client):
    graph.access.disabled.add(BOX)
    answer = client.get("mailFolders/inbox")
    assert refusal(answer) == (404, "MailboxNotEnabledForRESTAPI")


def test_delta_may_repeat_itself(graph, client):
    """Graph, "delta-query-overview": expect replays."""
    graph.deltas.repeats = True
    graph.deliver(BOX, mail(1))
    body = client.get("mailFolders/inbox/messages/delta").json()
    assert len(body["value"]) == 2
    assert body["value"][0] == body["value"][1]


def test_a_message_that_moves_between_two_pages_is_told_of_in_the_next_round(graph, client):
    ids = [graph.deliver(BOX, mail(n)) for n in range(3)]
    prefer = {"Prefer": f"{IMMUTABLE}, odata.maxpagesize=2"}
    first = client.get("mailFolders/inbox/messages/delta", headers=prefer).json()
    graph.move(BOX, ids[2], "archive")
    graph.delete(BOX, ids[0])
    second = client.get(first["@odata.nextLink"], headers=prefer).json()
    assert second["value"] == []
    rows, _ = whole_round(client, second["@odata.deltaLink"])
    assert {row["id"] for row in rows if "@removed" in row} == {ids[0], ids[2]}


def test_a_folder_may_be_renamed_and_removed(graph, client):
    folder_id = graph.make_folder(BOX, "Inbox/Support")
    _, link = whole_round(client, f"mailFolders/{folder_id}/messages/delta")
    graph.rename_folder(BOX, "Inbox/Support", "Help")
    assert client.get(f"mailFolders/{folder_id}").json()["displayName"] == "Help"
    assert whole_round(client, link)[0] == []
    graph.delete_folder(BOX, "Inbox/Help")
    assert refusal(client.get(link)) == (404, "ErrorItemNotFound")


def test_names_of_folders_may_be_in_another_language(graph):
    graph.add_mailbox("hilfe@acme.example", inbox="Posteingang")
    with client_of(graph, "tenant-wide", "hilfe@acme.example") as client:
        assert client.get("mailFolders/inbox").json()["displayName"] == "Posteingang"


def test_a_request_may_be_cut_before_it_is_done(graph, client):
    message_id = graph.deliver(BOX, mail(1))
    graph.faults.break_request_after(4)
    with pytest.raises(httpx.RemoteProtocolError):
        client.patch(f"messages/{message_id}", json={"isRead": True})
    assert not graph.messages(BOX)[0].read


def test_a_storm_passes_after_its_time(graph, client):
    graph.faults.storm(seconds=0.3, retry_after_seconds=2)
    stormy = client.get("mailFolders/inbox")
    assert (stormy.status_code, stormy.headers["Retry-After"]) == (429, "2")
    time.sleep(0.35)
    assert client.get("mailFolders/inbox").status_code == 200


def test_a_server_that_stopped_cuts_what_was_open(graph, client):
    assert client.get("mailFolders/inbox").status_code == 200
    graph.stop()
    with pytest.raises(httpx.TransportError):
        client.get("mailFolders/inbox")
