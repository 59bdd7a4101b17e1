"""The mail as a draft of Graph, and how its files go there.

Graph takes headers of its own only where their names begin with X- (at most five, "Send mail"
lists none), so what Exchange must know of threads goes in as MAPI properties: In-Reply-To is
PidTagInReplyToId (0x1042), References is PidTagInternetReferences (0x1039) ([MS-OXOMSG] 2.2.1), and
PidTagAutoResponseSuppress (0x3FDF) is what X-Auto-Response-Suppress: All is made from.
It is reported to drop Auto-Submitted; what is left are our X- headers, Message-ID, Reply-To, and
the mark in the text.
"""

from dispatch.domain.words import Words, one_line
from postbus.contracts.base import JsonObject
from postbus.contracts.mail import Address, Attachment
from postbus.mail.addresses import normalise

SMALL_BYTES = 3_000_000
"""Larger files need an upload session ("Attach large files to Outlook messages")."""
SURELY_LARGE_BYTES = 3 * 1024 * 1024
"""Between the two it is not said which 3 MB are meant; a session may be refused there."""
MOST_BYTES = 150_000_000
RANGE_BYTES = 12 * 320 * 1024
"""Ranges are multiples of 320 KiB and under 4 MB (same page; "Upload large files")."""


def draft_of(words: Words, mailbox: str) -> JsonObject:
    """The draft without its files; `mailbox` is the one it is made in."""
    draft: JsonObject = {
        "subject": words.subject,
        "body": {"contentType": "html", "content": words.html},
        "from": _recipient(words.sender),
        "toRecipients": [_recipient(one) for one in words.to],
        "ccRecipients": [_recipient(one) for one in words.cc],
        "replyTo": [_recipient(words.reply_to)],
        "internetMessageId": f"<{words.message_id}>",
        "internetMessageHeaders": _headers(words),
    }
    if normalise(words.sender.address) != normalise(mailbox):
        draft["sender"] = _recipient(Address(name=words.sender.name, address=mailbox))
    properties = _properties(words)
    if properties:
        draft["singleValueExtendedProperties"] = properties
    return draft


def _headers(words: Words) -> list[JsonObject]:
    headers = {"X-Postbus-Stamp": words.stamp}
    if words.automatic:
        headers |= {"X-Postbus-Automatic": words.automatic, "X-Auto-Response-Suppress": "All"}
    return [{"name": name, "value": value} for name, value in headers.items()]


def _properties(words: Words) -> list[JsonObject]:
    found: list[JsonObject] = []
    if words.in_reply_to:
        found.append({"id": "String 0x1042", "value": f"<{words.in_reply_to}>"})
    if words.references:
        value = " ".join(f"<{one}>" for one in words.references)
        found.append({"id": "String 0x1039", "value": value})
    if words.automatic:
        found.append({"id": "Integer 0x3fdf", "value": "-1"})
    return found


def _recipient(address: Address) -> JsonObject:
    who: JsonObject = {"address": address.address}
    if name := one_line(address.name):
        who["name"] = name
    return {"emailAddress": who}


def file_of(attachment: Attachment, content: str, words: Words) -> JsonObject:
    """A small file; `content` is its bytes in base64."""
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": _name(attachment),
        "contentType": attachment.content_type or "application/octet-stream",
        "contentBytes": content,
        **_place(attachment, words),
    }


def _place(attachment: Attachment, words: Words) -> JsonObject:
    """Where the HTML shows the file, if it does ("fileAttachment resource type")."""
    if not words.shows(attachment):
        return {}
    return {"isInline": True, "contentId": attachment.content_id}


def _name(attachment: Attachment) -> str:
    return one_line(attachment.name) or "attachment"


def session_of(attachment: Attachment, words: Words) -> JsonObject:
    """What an upload session for a large file is asked with."""
    return {
        "AttachmentItem": {
            "attachmentType": "file",
            "name": _name(attachment),
            "size": attachment.size_bytes,
            "contentType": attachment.content_type or "application/octet-stream",
            **_place(attachment, words),
        }
    }


def next_byte(answer: JsonObject, total: int) -> int:
    """The first byte that an upload session still expects; `total` when it has them all.

    `nextExpectedRanges` is a list of "first-last" or "first-".
    """
    ranges = answer.get("nextExpectedRanges") or []
    firsts = [int(one.partition("-")[0]) for one in ranges if isinstance(one, str)]
    return min(firsts, default=total)


def bare_id(value: object) -> str:
    """A Message-ID without its angle brackets."""
    return str(value or "").strip().removeprefix("<").removesuffix(">")


def filter_by_id(message_id: str) -> str:
    """The OData filter for a Message-ID; quotes are doubled (OData 4.01 URL §5.1.1.6.1)."""
    quoted = message_id.replace("'", "''")
    return f"internetMessageId eq '<{quoted}>'"
