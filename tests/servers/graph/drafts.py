"""Drafts: what they may hold ("Create message", "message resource type")."""

import re
import uuid
from typing import Any

from servers.graph.access import WRITE
from servers.graph.attachments import attached
from servers.graph.calls import BODY_MOST, Call, Route
from servers.graph.errors import GraphError, bad_request
from servers.graph.shown import show_message
from servers.graph.store import Folder, Mailbox, Stored
from servers.graph.wire import Answer, Request, json_answer

PEOPLE = frozenset({"toRecipients", "ccRecipients", "bccRecipients", "replyTo"})
ONE_PERSON = frozenset({"from", "sender"})
PLAIN = frozenset(
    {
        "subject", "importance", "categories", "isDeliveryReceiptRequested", "flag", "isRead",
        "isReadReceiptRequested", "inferenceClassification", "internetMessageId", "body",
    }
)  # fmt: skip
EXTENDED = "singleValueExtendedProperties"
CHANGEABLE = PEOPLE | ONE_PERSON | PLAIN | {EXTENDED}
CREATABLE = CHANGEABLE | {"internetMessageHeaders", "attachments"}
"""Headers of its own only as it is made ("message resource type": internetMessageHeaders)."""
OF_ANY = frozenset(
    {"isRead", "categories", "flag", "importance", "inferenceClassification", EXTENDED}
)
"""What may be changed of a message that is no draft ("Update message")."""
HEADERS_MOST = 5
"""Seen in practice: "Maximum number of headers in one message should be less than or equal to 5";
an empty list is refused by the same words (msgraph-sdk-dotnet#2208)."""
PROPERTY_ID = re.compile(
    r"(String|Integer|Long|Boolean|SystemTime|Binary) "
    r"(0x[0-9A-Fa-f]{1,4}|\{[0-9A-Fa-f-]{36}\} (Name|Id) \S+)"
)
OWN_ID = "String 0x1035"
"""PidTagInternetMessageId."""


def create(call: Call) -> Answer:
    return _create(call, call.mailbox.folder("drafts"))


def create_in_folder(call: Call) -> Answer:
    return _create(call, call.folder)


def make_draft(call: Call, value: object, folder: Folder) -> Stored:
    """A draft of the JSON of a message."""
    properties = checked(value, CREATABLE)
    message_id = properties.get("internetMessageId") or f"<{uuid.uuid4()}@graph.example>"
    if call.graph.rewrites_message_ids:
        message_id = f"<{uuid.uuid4()}@rewritten.example>"
    files = [attached(call, file) for file in properties.pop("attachments", [])]
    extended = _extended(properties.pop(EXTENDED, []))
    draft = {"isRead": True, **properties, "internetMessageId": message_id}
    return call.mailbox.put(folder, draft=draft, attachments=files, extended=extended, read=True)


def change(mailbox: Mailbox, message: Stored, value: dict[str, Any]) -> None:
    """Take over what PATCH sets; 400 for what it may not."""
    for name in value:
        if message.draft is None and name in CHANGEABLE - OF_ANY:
            raise bad_request(
                f"Update operation is invalid for property '{name}' of a sent message.",
                "ErrorInvalidPropertyUpdateSentMessage",
            )
    properties = checked(value, CHANGEABLE)
    message.extended |= _extended(properties.pop(EXTENDED, []))
    message.read = bool(properties.pop("isRead", message.read))
    if message.draft is not None:
        message.draft |= properties
    else:
        message.set_properties |= properties
    mailbox.update(message)


def checked(value: object, allowed: frozenset[str]) -> dict[str, Any]:
    """The properties of a message as they were sent; 400 for what Graph would not take."""
    if not isinstance(value, dict):
        raise bad_request("A message is an object.", "RequestBodyRead")
    for name, part in value.items():
        if name not in allowed and not name.startswith("@odata."):
            raise bad_request(
                f"The property '{name}' does not exist on type 'microsoft.graph.message', or may "
                "not be set.",
                "RequestBodyRead",
            )
        if name in PEOPLE:
            for person in part if isinstance(part, list) else [None]:
                _must_be_person(name, person)
        elif name in ONE_PERSON:
            _must_be_person(name, part)
    _must_be_body(value.get("body", {"contentType": "text", "content": ""}))
    if "internetMessageHeaders" in value:
        _must_be_headers(value["internetMessageHeaders"])
    return {name: part for name, part in value.items() if not name.startswith("@odata.")}


def must_fit(request: Request) -> None:
    """413 for a body over 4 MB ("outlook-large-attachments")."""
    if len(request.body) > BODY_MOST:
        raise GraphError(
            413, "RequestEntityTooLarge", "The request is larger than the 4 MB that are allowed."
        )


def _create(call: Call, folder: Folder) -> Answer:
    must_fit(call.request)
    made = make_draft(call, call.json, folder)
    return json_answer(show_message(made, immutable=call.prefer.immutable), 201)


def _must_be_person(name: str, value: object) -> None:
    address = value.get("emailAddress") if isinstance(value, dict) else None
    if (
        not isinstance(address, dict)
        or not set(address) <= {"address", "name"}
        or not isinstance(address.get("address"), str)
    ):
        raise bad_request(f"'{name}' needs emailAddress with address.", "RequestBodyRead")
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address["address"]):
        raise bad_request("At least one recipient is not valid.", "ErrorInvalidRecipients")


def _must_be_body(value: object) -> None:
    if (
        not isinstance(value, dict)
        or set(value) != {"contentType", "content"}
        or str(value["contentType"]).lower() not in ("text", "html")
        or not isinstance(value["content"], str)
    ):
        raise bad_request("body needs contentType (text, html) and content.", "RequestBodyRead")


def _must_be_headers(value: object) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= HEADERS_MOST:
        raise bad_request(
            "Maximum number of headers in one message should be less than or equal to 5.",
            "InvalidInternetMessageHeaderCollection",
        )
    for header in value:
        if not isinstance(header, dict) or set(header) != {"name", "value"}:
            raise bad_request("A header has name and value.", "RequestBodyRead")
        if not re.fullmatch(r"[Xx]-[!-9;-~]+", header["name"]):
            raise bad_request(
                f"The internet message header name '{header['name']}' should start with 'x-' or "
                "'X-'.",
                "InvalidInternetMessageHeader",
            )
        if not isinstance(header["value"], str) or re.search(r"[\r\n]", header["value"]):
            raise bad_request("The header value is not valid.", "InvalidInternetMessageHeader")


def _extended(value: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in value if isinstance(value, list) else [None]:
        if (
            not isinstance(entry, dict)
            or set(entry) != {"id", "value"}
            or not PROPERTY_ID.fullmatch(str(entry["id"]))
            or not isinstance(entry["value"], str)
        ):
            raise bad_request("PropertyId values must be well formed.", "ErrorInvalidProperty")
        kind, _, tag = entry["id"].partition(" ")
        found[f"{kind} {tag}"] = entry["value"]
    return found


ROUTES = [
    Route("POST", "messages", WRITE, create),
    Route("POST", "mailFolders/{folder}/messages", WRITE, create_in_folder),
]
