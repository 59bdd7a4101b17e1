"""The MIME that Exchange makes of a draft: no `Auto-Submitted`, HTML with a text beside it."""

import base64
import html
import re
import secrets
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from servers.graph.store import Attached, Stored

IN_REPLY_TO, REFERENCES, SUPPRESS = "String 0x1042", "String 0x1039", "Integer 0x3fdf"
"""PidTagInReplyToId, PidTagInternetReferences, PidTagAutoResponseSuppress."""
SUPPRESSED = ((1, "DR"), (2, "NDR"), (4, "RN"), (8, "NRN"), (16, "OOF"), (32, "AutoReply"))
"""Bits of PidTagAutoResponseSuppress and their words in X-Auto-Response-Suppress
([MS-OXCMAIL] 2.2.3.2.14)."""


def composed(message: Stored, *, sender: str, on_behalf: str | None, drops: set[str]) -> bytes:
    """A draft as MIME. `sender` is the address in From; `drops` names headers that get lost."""
    draft = message.draft or {}
    head = EmailMessage(policy=SMTP)
    head["From"] = _one(draft.get("from"), sender)
    if on_behalf:
        head["Sender"] = Address(addr_spec=on_behalf)
    for name, header in (("toRecipients", "To"), ("ccRecipients", "Cc"), ("replyTo", "Reply-To")):
        if draft.get(name):
            head[header] = [_one(person, "") for person in draft[name]]
    head["Subject"] = draft.get("subject", "")
    head["Date"] = format_datetime(datetime.now(UTC))
    head["Message-ID"] = draft["internetMessageId"]
    for header, value in _from_properties(message.extended):
        head[header] = value
    for own in draft.get("internetMessageHeaders", []):
        if own["name"].lower() not in drops:
            head[own["name"]] = own["value"]
    body = _body(draft.get("body", {"contentType": "text", "content": ""}))
    if not message.attachments:
        return _headers(head) + body
    return _headers(head) + _mixed(body, message.attachments)


def recipients(draft: dict[str, Any]) -> list[str]:
    """Addresses of the envelope."""
    return [
        str(person["emailAddress"]["address"]).lower()
        for name in ("toRecipients", "ccRecipients", "bccRecipients")
        for person in draft.get(name, [])
    ]


def address_of(person: dict[str, Any] | None, otherwise: str) -> str:
    return str(person["emailAddress"]["address"]).lower() if person else otherwise


def _one(person: dict[str, Any] | None, otherwise: str) -> Address:
    given = person["emailAddress"] if person else {"address": otherwise}
    return Address(given.get("name") or "", addr_spec=given["address"])


def _from_properties(extended: dict[str, str]) -> list[tuple[str, str]]:
    kept = {name.lower().replace("string", "String").replace("integer", "Integer"): value
            for name, value in extended.items()}  # fmt: skip
    found = []
    if IN_REPLY_TO in kept:
        found.append(("In-Reply-To", kept[IN_REPLY_TO]))
    if REFERENCES in kept:
        found.append(("References", kept[REFERENCES]))
    if SUPPRESS in kept:
        bits = int(kept[SUPPRESS])
        words = "All" if bits == -1 else ", ".join(w for bit, w in SUPPRESSED if bits & bit)
        found.append(("X-Auto-Response-Suppress", words))
    return found


def _body(body: dict[str, str]) -> bytes:
    part = EmailMessage(policy=SMTP)
    if body["contentType"].lower() == "html":
        part.set_content(_text_of(body["content"]))
        part.add_alternative(body["content"], subtype="html")
    else:
        part.set_content(body["content"])
    return part.as_bytes()


def _text_of(content: str) -> str:
    lines = re.sub(r"(?i)<(br|/p|/div|/tr|/h\d)[^>]*>", "\n", content)
    return html.unescape(re.sub(r"<[^>]+>", "", lines)).strip() + "\n"


def _headers(head: EmailMessage) -> bytes:
    """The headers without the empty line; a body with its own headers follows."""
    return head.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"


def _mixed(body: bytes, files: list[Attached]) -> bytes:
    """Body and files; put together by hand, since 100 MB take too long in `email`."""
    boundary = f"_{secrets.token_hex(12)}_".encode()
    parts = [
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\r\n'
    ]
    parts += [b"\r\n--", boundary, b"\r\n", body]
    for file in files:
        parts += [b"\r\n--", boundary, b"\r\n", _file_head(file), b"\r\n"]
        parts.append(_folded(base64.b64encode(file.content)))
    return b"".join([*parts, b"\r\n--", boundary, b"--\r\n"])


def _folded(coded: bytes) -> bytes:
    """Lines of 76 (RFC 2045 §6.8), by columns: a hundred megabytes have two million lines."""
    lines = len(coded) // 76
    whole = bytearray(lines * 78)
    for column in range(76):
        whole[column::78] = coded[column : lines * 76 : 76]
    whole[76::78], whole[77::78] = b"\r" * lines, b"\n" * lines
    return bytes(whole) + coded[lines * 76 :]


def _file_head(file: Attached) -> bytes:
    head = EmailMessage(policy=SMTP)
    head["Content-Type"] = file.content_type
    head["Content-Transfer-Encoding"] = "base64"
    head.add_header(
        "Content-Disposition", "inline" if file.inline else "attachment", filename=file.name
    )
    if file.content_id:
        head["Content-ID"] = f"<{file.content_id.strip('<>')}>"
    return head.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
