"""Files of a draft: small ones at once, large ones by upload sessions.

Graph: "Attach large files to Outlook messages or events", "Add attachment".
"""

import base64
import binascii
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from servers.graph.access import READ, WRITE
from servers.graph.calls import BODY_MOST, Call, Route
from servers.graph.errors import GraphError, bad_request
from servers.graph.store import Attached, Mailbox, Stored, opaque
from servers.graph.wire import Answer, json_answer

SMALL_MOST = 3 * 1024 * 1024
LARGE_MOST = 150 * 1024 * 1024
FILE = "#microsoft.graph.fileAttachment"
KEYS = frozenset({"@odata.type", "name", "contentType", "contentBytes", "isInline", "contentId"})
ITEM_KEYS = frozenset({"attachmentType", "name", "size", "contentType", "isInline", "contentId"})


@dataclass
class Session:
    """An upload that was begun."""

    key: str
    token: str
    mailbox: Mailbox
    message: Stored
    app_id: str
    item: dict[str, Any]
    ends_at: datetime
    parts: list[bytes] = field(default_factory=list)
    received: int = 0

    @property
    def path(self) -> str:
        where = f"Users('{self.mailbox.address}')/Messages('{self.message.serial}')"
        return f"/api/v2.0/{where}/AttachmentSessions('{self.key}')"


def add(call: Call) -> Answer:
    if len(call.request.body) > BODY_MOST:
        raise too_large()
    message = _draft(call)
    file = attached(call, call.json)
    message.attachments.append(file)
    call.mailbox.update(message)
    return json_answer(show(file, content=True), 201)


def list_them(call: Call) -> Answer:
    return json_answer({"value": [show(file) for file in call.message.attachments]})


def remove(call: Call) -> Answer:
    message = _draft(call)
    kept = [file for file in message.attachments if file.id != call.parts["attachment"]]
    if len(kept) == len(message.attachments):
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found.")
    message.attachments = kept
    call.mailbox.update(message)
    return Answer(204)


def begin(call: Call) -> Answer:
    """A new session: 201 with the address that bytes are put to."""
    item = call.json.get("AttachmentItem", call.json.get("attachmentItem"))
    if not isinstance(item, dict) or not set(item) <= ITEM_KEYS or len(call.json) != 1:
        raise bad_request("AttachmentItem is required.", "ErrorInvalidRequest")
    size = item.get("size")
    if item.get("attachmentType") != "file" or not item.get("name") or type(size) is not int:
        raise bad_request("AttachmentItem needs attachmentType, name and size.")
    if size < SMALL_MOST:
        raise bad_request(
            "The attachment is under 3 MB.", "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"
        )
    if size > LARGE_MOST:
        raise bad_request("The attachment exceeds 150 MB.", "ErrorAttachmentSizeLimitExceeded")
    graph = call.graph
    session = Session(
        key=secrets.token_hex(8),
        token=secrets.token_urlsafe(24),
        mailbox=call.mailbox,
        message=_draft(call),
        app_id=call.caller.app_id,
        item=item,
        ends_at=datetime.now(UTC) + timedelta(seconds=graph.upload_session_seconds),
    )
    graph.sessions[session.path] = session
    return json_answer(
        {
            "@odata.type": "#microsoft.graph.uploadSession",
            "uploadUrl": f"https://localhost:{graph.port}{session.path}?authtoken={session.token}",
            "expirationDateTime": f"{session.ends_at:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "nextExpectedRanges": ["0-"],
        },
        201,
    )


def attached(call: Call, value: object) -> Attached:
    """A file as it was sent, under 3 MB."""
    if not isinstance(value, dict) or value.get("@odata.type") != FILE or not set(value) <= KEYS:
        raise bad_request("An attachment is a #microsoft.graph.fileAttachment.", "RequestBodyRead")
    if not value.get("name"):
        raise bad_request("An attachment needs a name.", "ErrorInvalidRequest")
    try:
        content = base64.b64decode(value.get("contentBytes", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise bad_request("contentBytes is no base64.", "RequestBodyRead") from None
    if len(content) >= SMALL_MOST:
        raise too_large()
    return _file(call.mailbox, value, content)


def finished(session: Session) -> Attached:
    """What was uploaded, on its draft now."""
    file = _file(session.mailbox, session.item, b"".join(session.parts))
    session.message.attachments.append(file)
    session.mailbox.update(session.message)
    return file


def show(file: Attached, *, content: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "@odata.type": FILE,
        "id": file.id,
        "name": file.name,
        "contentType": file.content_type,
        "size": len(file.content),
        "isInline": file.inline,
        "contentId": file.content_id,
    }
    if content:
        shown["contentBytes"] = base64.b64encode(file.content).decode()
    return shown


def too_large() -> GraphError:
    return GraphError(
        413, "RequestEntityTooLarge", "Files of 3 MB and more need an upload session."
    )


def _file(mailbox: Mailbox, item: dict[str, Any], content: bytes) -> Attached:
    return Attached(
        id=opaque("AAMkAGE3", mailbox.address, uuid.uuid4()),
        name=str(item["name"]),
        content_type=str(item.get("contentType") or "application/octet-stream"),
        content=content,
        inline=item.get("isInline") is True,
        content_id=item.get("contentId"),
    )


def _draft(call: Call) -> Stored:
    if call.message.draft is None:
        raise bad_request("Only drafts take attachments here.", "ErrorInvalidOperation")
    return call.message


ROUTES = [
    Route("GET", "messages/{message}/attachments", READ, list_them),
    Route("POST", "messages/{message}/attachments", WRITE, add),
    Route("POST", "messages/{message}/attachments/createUploadSession", WRITE, begin),
    Route("DELETE", "messages/{message}/attachments/{attachment}", WRITE, remove),
]
