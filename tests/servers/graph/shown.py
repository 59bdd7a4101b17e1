"""Folders and messages in Graph's JSON ("message resource type", "mailFolder resource type")."""

import hashlib
from datetime import datetime
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from servers.graph.queries import Query
from servers.graph.store import Folder, Mailbox, Stored, parsed

ADDRESSES = ("from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo")
MESSAGE_PROPERTIES = frozenset(
    {
        "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
        "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId", "subject",
        "bodyPreview", "importance", "parentFolderId", "conversationId", "conversationIndex",
        "isDeliveryReceiptRequested", "isReadReceiptRequested", "isRead", "isDraft", "webLink",
        "inferenceClassification", "body", "uniqueBody", "flag", "internetMessageHeaders",
        *ADDRESSES,
    }
)  # fmt: skip
UPON_ASKING = frozenset({"internetMessageHeaders", "uniqueBody"})
"""Given only if selected by name."""
READ_MOST = 1024 * 1024
"""Bytes of a mail that its properties are read from: what matters stands first."""
FOLDER_PROPERTIES = frozenset(
    {
        "id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount",
        "totalItemCount", "sizeInBytes", "isHidden",
    }
)  # fmt: skip


def time_text(at: datetime) -> str:
    """Outlook's times have whole seconds."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def show_folder(mailbox: Mailbox, folder: Folder, query: Query | None = None) -> dict[str, Any]:
    inside = list(mailbox.in_folder(folder))
    whole: dict[str, Any] = {
        "id": folder.id,
        "displayName": folder.display_name,
        "parentFolderId": folder.parent_id or folder.id,
        "childFolderCount": len(mailbox.children(folder)),
        "unreadItemCount": sum(not message.read for message in inside),
        "totalItemCount": len(inside),
        "sizeInBytes": sum(len(message.mime) for message in inside),
        "isHidden": folder.hidden,
    }
    if query and query.select:
        return {name: whole[name] for name in {"id", *query.select}}
    return whole


def show_message(message: Stored, *, immutable: bool, query: Query | None = None) -> dict[str, Any]:
    """A message as the request wants it: chosen properties, an id of the kind it asked for."""
    whole = properties_of(message)
    wanted = query.select if query and query.select else MESSAGE_PROPERTIES - UPON_ASKING
    shown = {
        "@odata.etag": f'W/"{whole["changeKey"]}"',
        "id": message.immutable_id if immutable else message.regular_id,
        **{name: whole[name] for name in wanted if name in whole and name != "id"},
    }
    if query and query.extended:
        kept = extended_of(message)
        found = [{"id": name, "value": kept[name]} for name in query.extended if name in kept]
        if found:
            shown["singleValueExtendedProperties"] = found
    return shown


def properties_of(message: Stored) -> dict[str, Any]:
    """All properties, put together once until something changes."""
    if message.shown is None:
        written = message.draft if message.draft is not None else message.sent
        came = _from_draft(written) if written is not None else _from_mime(message)
        message.shown = {**_always(message), **came, **message.set_properties}
        if message.sent is not None:
            # "For all sent emails, the internetMessageHeaders are not returned" (docs#3066).
            del message.shown["internetMessageHeaders"]
    return message.shown


def extended_of(message: Stored) -> dict[str, str]:
    """Extended properties; PidTagMessageSize (0x0E08) is known of every message."""
    size = len(message.mime) or sum(len(file.content) for file in message.attachments)
    return {"Long 0x0E08": str(size), "Integer 0x0E08": str(size), **message.extended}


def _always(message: Stored) -> dict[str, Any]:
    received = time_text(message.received_at)
    return {
        "createdDateTime": received,
        "lastModifiedDateTime": received,
        "receivedDateTime": received,
        "sentDateTime": received,
        "changeKey": f"CQAAABYAAAA{message.serial:06d}{message.changes:04d}",
        "categories": [],
        "importance": "normal",
        "parentFolderId": message.folder_id,
        "conversationIndex": "AQHZ",
        "isDeliveryReceiptRequested": False,
        "isReadReceiptRequested": False,
        "isRead": message.read,
        "isDraft": message.draft is not None,
        "webLink": "https://outlook.office365.com/owa/",
        "inferenceClassification": "focused",
        "flag": {"flagStatus": "notFlagged"},
        "hasAttachments": bool(message.attachments),
    }


def _from_draft(draft: dict[str, Any]) -> dict[str, Any]:
    body = draft.get("body", {"contentType": "text", "content": ""})
    return {
        "subject": draft.get("subject", ""),
        "body": body,
        "bodyPreview": body["content"][:255],
        "conversationId": _conversation(draft.get("subject", "")),
        "internetMessageId": draft["internetMessageId"],
        "internetMessageHeaders": draft.get("internetMessageHeaders", []),
        **{name: draft.get(name, [] if name.endswith("s") else None) for name in ADDRESSES},
        "replyTo": draft.get("replyTo", []),
    }


def _from_mime(message: Stored) -> dict[str, Any]:
    mail = parsed(message.mime[:READ_MOST])
    text = mail.get_body(("html", "plain"))
    content = _text_of(text)
    subject = str(mail.get("Subject", ""))
    sender = _people(mail, "Sender") or _people(mail, "From")
    return {
        "subject": subject,
        "body": {
            "contentType": "html" if text and text.get_content_subtype() == "html" else "text",
            "content": content,
        },
        "bodyPreview": content[:255],
        "conversationId": _conversation(subject),
        "internetMessageId": str(mail.get("Message-ID", "")).strip(),
        "sentDateTime": _sent(mail, message),
        "from": next(iter(_people(mail, "From")), None),
        "sender": next(iter(sender), None),
        "toRecipients": _people(mail, "To"),
        "ccRecipients": _people(mail, "Cc"),
        "bccRecipients": _people(mail, "Bcc"),
        "replyTo": _people(mail, "Reply-To"),
        "hasAttachments": any(True for _ in mail.iter_attachments()),
        "internetMessageHeaders": [
            {"name": name, "value": str(value)} for name, value in mail.items()
        ],
    }


def _text_of(part: Any) -> str:
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError, KeyError):
        return ""


def _people(mail: Any, header: str) -> list[dict[str, Any]]:
    pairs = getaddresses([str(value) for value in mail.get_all(header, [])])
    return [{"emailAddress": {"name": name or at, "address": at}} for name, at in pairs if at]


def _sent(mail: Any, message: Stored) -> str:
    try:
        return time_text(parsedate_to_datetime(str(mail["Date"])))
    except (TypeError, ValueError):
        return time_text(message.received_at)


def _conversation(subject: str) -> str:
    bare = subject.lower().removeprefix("re: ")
    return "AAQkAGI2" + hashlib.sha256(bare.encode()).hexdigest()[:32]
