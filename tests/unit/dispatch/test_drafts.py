"""A mail as a draft of Graph."""

from datetime import UTC, datetime

import pytest

from dispatch.domain.drafts import bare_id, draft_of, filter_by_id, next_byte, session_of
from dispatch.domain.words import Words, words_of
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Address, Attachment
from postbus.contracts.sending import SendRequested
from send_builders import STAMP, send_requested

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANNEL = OutboundChannel.model_validate(
    {
        "id": "own", "name": "Own", "kind": "graph", "from_address": "it@example.com",
        "from_name": "IT", "graph": {"mailbox": "it@example.com"},
    }
)  # fmt: skip


def words(**fields: object) -> Words:
    request: SendRequested = send_requested().model_copy(update=fields)
    return words_of(request, CHANNEL, content=None, now=AT)


def test_a_draft_says_what_the_mail_says() -> None:
    draft = draft_of(words(cc=(Address(name="", address="bob@example.com"),)), "IT@example.com")
    assert draft["from"] == {"emailAddress": {"address": "it@example.com", "name": "IT"}}
    assert "sender" not in draft
    assert draft["ccRecipients"] == [{"emailAddress": {"address": "bob@example.com"}}]
    assert draft["internetMessageId"] == f"<{send_requested().message_id}>"
    assert STAMP in draft["replyTo"][0]["emailAddress"]["address"]
    assert "singleValueExtendedProperties" not in draft


def test_who_sends_for_another_address_is_named() -> None:
    draft = draft_of(words(), "helper@example.com")
    assert draft["sender"]["emailAddress"]["address"] == "helper@example.com"


@pytest.mark.parametrize("automatic", [False, True])
def test_headers_are_ours_and_few(*, automatic: bool) -> None:
    """INVARIANT: Graph refuses more than five headers, and names that do not begin with X-."""
    headers: list[JsonObject] = draft_of(words(automatic=automatic), "it@example.com")[
        "internetMessageHeaders"
    ]
    assert 1 <= len(headers) <= 5
    assert all(one["name"].startswith("X-") for one in headers)


def test_nothing_of_a_mail_adds_a_line_to_a_header() -> None:
    draft = draft_of(words(in_reply_to="a@b\r\nBcc: x@y", references=("c@d\nX: y",)), "x@y.example")
    values = [one["value"] for one in draft["singleValueExtendedProperties"]]
    assert not any(sign in value for value in values for sign in "\r\n")


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        ({}, 100),
        ({"nextExpectedRanges": []}, 100),
        ({"nextExpectedRanges": ["40"]}, 40),
        ({"nextExpectedRanges": ["40-"]}, 40),
        ({"nextExpectedRanges": ["60-99", "20-30"]}, 20),
    ],
)
def test_an_upload_says_where_it_goes_on(answer: JsonObject, first: int) -> None:
    assert next_byte(answer, 100) == first


def test_an_id_is_bare_and_quoted() -> None:
    assert bare_id(" <a@b> ") == "a@b"
    assert bare_id(None) == ""
    assert filter_by_id("o'b@c") == "internetMessageId eq '<o''b@c>'"


def test_a_file_without_a_name_has_one() -> None:
    file = Attachment(name=" \n", content_type="", size_bytes=4, sha256="0" * 64)
    item = session_of(file, words())["AttachmentItem"]
    assert item == {
        "attachmentType": "file",
        "name": "attachment",
        "size": 4,
        "contentType": "application/octet-stream",
    }
