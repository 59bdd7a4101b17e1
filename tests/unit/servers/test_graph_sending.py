"""The stand-in for Graph refuses what Graph refuses, and gives what Graph gives: sending."""

import base64
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import httpx
import pytest

from servers.graph import GraphServer
from servers.graph.signing_in import Tokens, client_of, refusal

BOX = "support@acme.example"
SHARED = "sales@acme.example"
MEGABYTE = 1024 * 1024


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    tokens = Tokens()
    tokens.person("person", BOX, "Mail.ReadWrite Mail.Send Mail.ReadWrite.Shared Mail.Send.Shared")
    tokens.person("reader", BOX, "Mail.Read")
    tokens.app("app", ("Mail.ReadWrite", "Mail.Send"))
    server = GraphServer(tokens.claims_of).start()
    server.add_mailbox(BOX)
    server.add_mailbox(SHARED)
    yield server
    server.stop()


@pytest.fixture
def client(graph: GraphServer) -> Iterator[httpx.Client]:
    with client_of(graph, "person", BOX) as made:
        yield made


def person(address: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": name}}


def draft(**more: Any) -> dict[str, Any]:
    return {
        "subject": "Re: Broken – größer",
        "body": {"contentType": "html", "content": "<p>Fixed &amp; done.</p>"},
        "from": person(BOX, "Support"),
        "toRecipients": [person("ann@customer.example", "Ann")],
        **more,
    }


def made(client: httpx.Client, **more: Any) -> str:
    answer = client.post("messages", json=draft(**more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def sent_mail(graph: GraphServer) -> Any:
    return message_from_bytes(graph.outbox[-1].mime, policy=default)


def file(content: bytes, name: str = "a.bin") -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": name,
        "contentType": "application/pdf",
        "contentBytes": base64.b64encode(content).decode(),
    }


def test_a_draft_is_sent_and_keeps_its_immutable_id(graph, client):
    message_id = made(
        client,
        internetMessageId="<ours@acme.example>",
        replyTo=[person("support+stamp@acme.example")],
        internetMessageHeaders=[{"name": "X-Postbus-Stamp", "value": "s" * 200}],
        singleValueExtendedProperties=[
            {"id": "String 0x1042", "value": "<m1@customer.example>"},
            {"id": "String 0x1039", "value": "<m0@customer.example> <m1@customer.example>"},
            {"id": "Integer 0x3FDF", "value": "-1"},
        ],
    )
    assert client.get(f"messages/{message_id}").json()["isDraft"] is True
    answer = client.post(f"messages/{message_id}/send")
    assert (answer.status_code, answer.content) == (202, b"")
    mail = sent_mail(graph)
    assert mail["From"] == "Support <support@acme.example>"
    assert mail["Message-ID"] == "<ours@acme.example>"
    assert mail["In-Reply-To"] == "<m1@customer.example>"
    assert mail["References"] == "<m0@customer.example> <m1@customer.example>"
    assert mail["X-Postbus-Stamp"] == "s" * 200
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Reply-To"] == "support+stamp@acme.example"
    assert mail["Auto-Submitted"] is None
    assert mail.get_body(("plain",)).get_content().strip() == "Fixed & done."
    assert graph.outbox[-1].recipients == ("ann@customer.example",)
    kept = client.get(f"mailFolders/sentitems/messages/{message_id}").json()
    assert (kept["isDraft"], kept["internetMessageId"]) == (False, "<ours@acme.example>")
    chosen = client.get(f"messages/{message_id}?$select=internetMessageHeaders").json()
    assert "internetMessageHeaders" not in chosen
    assert refusal(client.post(f"messages/{message_id}/send")) == (400, "ErrorInvalidOperation")
    assert len(graph.outbox) == 1


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (
            {"internetMessageHeaders": [{"name": "Auto-Submitted", "value": "a"}]},
            "InvalidInternetMessageHeader",
        ),
        (
            {"internetMessageHeaders": [{"name": f"X-{n}", "value": "a"} for n in range(6)]},
            "InvalidInternetMessageHeaderCollection",
        ),
        ({"internetMessageHeaders": []}, "InvalidInternetMessageHeaderCollection"),
        ({"headers": []}, "RequestBodyRead"),
        ({"isDraft": True}, "RequestBodyRead"),
        ({"toRecipients": [{"address": "a@b.example"}]}, "RequestBodyRead"),
        ({"toRecipients": [person("nobody")]}, "ErrorInvalidRecipients"),
        ({"body": {"contentType": "markdown", "content": ""}}, "RequestBodyRead"),
        (
            {"singleValueExtendedProperties": [{"id": "0x1042", "value": "x"}]},
            "ErrorInvalidProperty",
        ),
    ],
)
def test_a_draft_may_not_hold_everything(client, part, code):
    assert refusal(client.post("messages", json=draft(**part))) == (400, code)


def test_headers_are_given_only_as_a_draft_is_made(client):
    message_id = made(client)
    headers = {"internetMessageHeaders": [{"name": "X-A", "value": "a"}]}
    assert refusal(client.patch(f"messages/{message_id}", json=headers))[0] == 400
    assert client.patch(f"messages/{message_id}", json={"subject": "Other"}).status_code == 200


def test_a_request_has_four_megabytes_at_most(client):
    large = draft(body={"contentType": "text", "content": "x" * (4 * MEGABYTE)})
    assert refusal(client.post("messages", json=large)) == (413, "RequestEntityTooLarge")
    message_id = made(client)
    too_large = client.post(f"messages/{message_id}/attachments", json=file(b"x" * 3 * MEGABYTE))
    assert refusal(too_large) == (413, "RequestEntityTooLarge")


def test_small_files_are_posted_and_arrive(graph, client):
    message_id = made(client)
    answer = client.post(f"messages/{message_id}/attachments", json=file(b"%PDF", "ö.pdf"))
    assert (answer.status_code, answer.json()["size"]) == (201, 4)
    assert len(client.get(f"messages/{message_id}/attachments").json()["value"]) == 1
    client.post(f"messages/{message_id}/send")
    (arrived,) = sent_mail(graph).iter_attachments()
    assert (arrived.get_filename(), arrived.get_content()) == ("ö.pdf", b"%PDF")


def begin(client: httpx.Client, message_id: str, size: int) -> httpx.Response:
    item = {"attachmentType": "file", "name": "large.bin", "size": size}
    return client.post(
        f"messages/{message_id}/attachments/createUploadSession", json={"AttachmentItem": item}
    )


def put(client: httpx.Client, url: str, data: bytes, first: int, total: int) -> httpx.Response:
    request = client.build_request(
        "PUT",
        url,
        content=data,
        headers={
            "Content-Range": f"bytes {first}-{first + len(data) - 1}/{total}",
            "Content-Type": "application/octet-stream",
        },
    )
    del request.headers["Authorization"]
    return client.send(request)


def test_a_large_file_is_uploaded_in_ranges_in_order(graph, client):
    content = bytes(range(256)) * 4096 * 8
    message_id = made(client)
    session = begin(client, message_id, len(content))
    assert session.status_code == 201
    assert session.json()["nextExpectedRanges"] == ["0-"]
    url, step = session.json()["uploadUrl"], 3 * MEGABYTE
    first = put(client, url, content[:step], 0, len(content))
    assert (first.status_code, first.json()["nextExpectedRanges"]) == (200, [str(step)])
    again = put(client, url, content[:step], 0, len(content))
    assert refusal(again) == (416, "ErrorInvalidRange")
    second = put(client, url, content[step : 2 * step], step, len(content))
    assert second.status_code == 200
    last = put(client, url, content[2 * step :], 2 * step, len(content))
    assert (last.status_code, "/Attachments('" in last.headers["Location"]) == (201, True)
    client.post(f"messages/{message_id}/send")
    (arrived,) = sent_mail(graph).iter_attachments()
    assert arrived.get_content() == content


def test_an_upload_wants_no_token_and_ranges_that_fit(graph, client):
    total = 4 * MEGABYTE
    message_id = made(client)
    url = begin(client, message_id, total).json()["uploadUrl"]
    with_token = client.put(url, content=b"x")
    assert refusal(with_token) == (401, "InvalidAuthenticationToken")
    assert refusal(put(client, url, b"", 0, total))[0] == 400
    assert refusal(put(client, url, b"x", 0, total + 1))[0] == 400
    assert refusal(put(client, url.replace("authtoken=", "authtoken=x"), b"x", 0, total))[0] == 404
    bare = client.build_request("GET", url)
    del bare.headers["Authorization"]
    assert client.send(bare).json()["nextExpectedRanges"] == ["0"]
    graph.sessions.clear()
    assert refusal(put(client, url, b"x", 0, total)) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (3 * MEGABYTE - 1, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (150 * MEGABYTE + 1, "ErrorAttachmentSizeLimitExceeded"),
    ],
)
def test_a_session_is_for_three_to_a_hundred_and_fifty_megabytes(client, size, code):
    assert refusal(begin(client, made(client), size)) == (400, code)


def test_a_mailbox_has_a_limit_of_its_own(graph, client):
    graph.max_message_bytes = 2 * MEGABYTE
    message_id = made(client)
    client.post(f"messages/{message_id}/attachments", json=file(b"x" * 2 * MEGABYTE))
    answer = client.post(f"messages/{message_id}/send")
    assert refusal(answer) == (400, "ErrorMessageSizeExceeded")
    assert graph.outbox == []
    assert client.get(f"messages/{message_id}").json()["isDraft"] is True


def test_uploads_count_by_their_bytes(graph, client):
    graph.limits.upload_bytes = 5 * MEGABYTE
    total = 8 * MEGABYTE
    url = begin(client, made(client), total).json()["uploadUrl"]
    assert put(client, url, b"x" * 3 * MEGABYTE, 0, total).status_code == 200
    over = put(client, url, b"x" * 3 * MEGABYTE, 3 * MEGABYTE, total)
    assert refusal(over) == (429, "ApplicationThrottled")
    assert graph.limits.broken[-1][1] == "upload"


def test_sending_as_another_needs_a_right(graph, client):
    message_id = made(client, **{"from": person(SHARED)})
    refused = client.post(f"messages/{message_id}/send")
    assert refusal(refused) == (403, "ErrorSendAsDenied")
    graph.access.on_behalf[SHARED] = {BOX}
    assert client.post(f"messages/{message_id}/send").status_code == 202
    assert (sent_mail(graph)["From"], sent_mail(graph)["Sender"]) == (SHARED, BOX)
    graph.access.send_as[SHARED] = {BOX}
    client.post(f"messages/{made(client, **{'from': person(SHARED)})}/send")
    assert sent_mail(graph)["Sender"] is None


def test_a_shared_mailbox_sends_for_whom_it_is_open_to(graph):
    graph.access.delegates[SHARED] = {BOX}
    with client_of(graph, "person", SHARED) as client:
        message_id = made(client, **{"from": person(SHARED)})
        refused = client.post(f"messages/{message_id}/send")
        assert refusal(refused) == (403, "ErrorSendAsDenied")
        graph.access.send_as[SHARED] = {BOX}
        assert client.post(f"messages/{message_id}/send").status_code == 202
    assert len(graph.messages(SHARED, "sentitems")) == 1


def test_an_app_sends_as_the_mailbox_it_sends_through(graph):
    with client_of(graph, "app", BOX) as client:
        assert client.post(f"messages/{made(client)}/send").status_code == 202
        other = made(client, **{"from": person(SHARED)})
        assert refusal(client.post(f"messages/{other}/send")) == (403, "ErrorSendAsDenied")


def test_who_may_only_read_may_not_write_or_send(graph):
    with client_of(graph, "reader", BOX) as client:
        assert refusal(client.post("messages", json=draft())) == (403, "ErrorAccessDenied")
        sent = client.post("sendMail", json={"message": draft()})
        assert refusal(sent) == (403, "ErrorAccessDenied")


@pytest.mark.parametrize("when", ["rewrites_message_ids", "rewrites_on_send"])
def test_a_message_id_may_be_replaced_and_can_be_read_back(graph, client, when):
    setattr(graph, when, True)
    message_id = made(client, internetMessageId="<ours@acme.example>")
    client.post(f"messages/{message_id}/send")
    known = client.get(f"messages/{message_id}").json()["internetMessageId"]
    assert known == sent_mail(graph)["Message-ID"] != "<ours@acme.example>"


def test_a_sent_message_may_appear_later_under_its_id(graph, client):
    graph.sent_items_delay_seconds = 0.3
    message_id = made(client)
    client.post(f"messages/{message_id}/send")
    assert refusal(client.get(f"messages/{message_id}")) == (404, "ErrorItemNotFound")
    deadline = time.monotonic() + 5
    while client.get(f"messages/{message_id}").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.get(f"mailFolders/sentitems/messages/{message_id}").status_code == 200


def test_send_mail_keeps_a_copy_unless_told_not_to(graph, client):
    body = {"message": draft(attachments=[file(b"%PDF")]), "saveToSentItems": False}
    assert client.post("sendMail", json=body).status_code == 202
    assert graph.messages(BOX, "sentitems") == []
    assert client.post("sendMail", json={"message": draft()}).status_code == 202
    assert len(graph.messages(BOX, "sentitems")) == 1
    assert len(graph.outbox) == 2
    unknown = {"message": draft(), "save": True}
    assert refusal(client.post("sendMail", json=unknown))[0] == 400
    nobody = {"message": draft(toRecipients=[])}
    assert refusal(client.post("sendMail", json=nobody)) == (400, "ErrorInvalidRecipients")
    assert graph.messages(BOX, "outbox") == []


def test_mime_loses_auto_submitted_and_a_foreign_from(graph, client):
    mime = (
        b"From: someone@else.example\r\nTo: ann@customer.example\r\nSubject: x\r\n"
        b"Auto-Submitted: auto-replied\r\nX-Own: kept\r\nMessage-ID: <a@b>\r\n\r\nHi\r\n"
    )
    headers = {"Content-Type": "text/plain"}
    sent = client.post("sendMail", content=base64.b64encode(mime), headers=headers)
    assert sent.status_code == 202
    mail = sent_mail(graph)
    assert (mail["From"], mail["Auto-Submitted"], mail["X-Own"]) == (BOX, None, "kept")
    bare = client.post("sendMail", content=mime, headers=headers)
    assert refusal(bare) == (400, "ErrorMimeContentInvalidBase64String")


def test_sent_mail_is_handed_to_a_test(graph, client):
    graph.drops_headers = {"x-lost"}
    graph.hand_over = lambda sent: graph.deliver(SHARED, sent.mime) and None
    own = [{"name": "X-Lost", "value": "1"}, {"name": "X-Kept", "value": "1"}]
    client.post(f"messages/{made(client, internetMessageHeaders=own)}/send")
    (arrived,) = graph.messages(SHARED)
    mail = message_from_bytes(arrived.mime, policy=default)
    assert (mail["X-Lost"], mail["X-Kept"]) == (None, "1")


def test_an_answer_may_be_lost_after_the_mail_went_out(graph, client):
    message_id = made(client)
    graph.faults.lose_answer("/send")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(f"messages/{message_id}/send")
    assert len(graph.outbox) == 1
    assert client.get(f"messages/{message_id}").json()["isDraft"] is False
