"""Writes the mail: headers, text and HTML, quote, attachments.

Everything that comes from a person or a mail goes through `email.message`, which folds, encodes and
refuses line breaks in headers, so that nothing can add a header of its own.
"""

import html as html_escape
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache

from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment, Content
from postbus.contracts.sending import Quote, SendRequested

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_FOLDED_ID = re.compile(rb"^((?:Message-ID|In-Reply-To):) *\r\n +<", re.MULTILINE | re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"^([\w.+-]+)/([\w.+-]+)$", re.ASCII)


class _HeaderClasses:
    """The library's header factory, with its classes kept.

    Its own one (Python 3.11) makes a class anew for every header, which is half of what writing a
    mail costs. A class depends on the name alone, and we write some twenty names.
    """

    def __init__(self) -> None:
        self._class_of = lru_cache(maxsize=64)(HeaderRegistry().__getitem__)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        return self._class_of(name.lower())

    def __call__(self, name: str, value: object) -> BaseHeader:
        return self[name](name, value)


_HEADERS = _HeaderClasses()
_ASCII = SMTP.clone(header_factory=_HEADERS)
_UTF8 = SMTPUTF8.clone(header_factory=_HEADERS)


@dataclass(frozen=True)
class Envelope:
    """Who the server is told it is from and for (RFC 5321 §2.3.1)."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Composed:
    """The mail as bytes with CRLF, and its envelope; `utf8` needs SMTPUTF8 (RFC 6531)."""

    envelope: Envelope
    data: bytes
    from_address: str
    utf8: bool


@dataclass(frozen=True)
class LoadedFile:
    """An attachment with its bytes."""

    attachment: Attachment
    data: bytes


def compose(
    request: SendRequested,
    outbound: OutboundChannel,
    *,
    content: Content | None,
    files: tuple[LoadedFile, ...],
    now: datetime,
) -> Composed:
    """The mail; `content` holds the text where the request carries only its beginning."""
    sender = Address(
        name=outbound.from_name or request.reply_address.name,
        address=outbound.from_address or request.reply_address.address,
    )
    to = tuple(dict.fromkeys(a.address for a in (*request.to, *request.cc)))
    utf8 = not all(address.isascii() for address in (sender.address, *to))
    mail = EmailMessage(policy=_UTF8 if utf8 else _ASCII)
    _headers(mail, request, sender, now)
    text = content.text if content else request.text
    html = content.html if content else request.html
    # Bodies are never sent as raw 8 bit: the next server may not speak 8BITMIME.
    mail.set_content(_text(text, request), cte="quoted-printable")
    mail.add_alternative(_html(text, html, request), subtype="html", cte="quoted-printable")
    for file in files:
        _attach(mail, file)
    envelope = Envelope("" if request.automatic else sender.address, to)
    return Composed(envelope, _unfolded_ids(mail.as_bytes()), sender.address, utf8)


def _unfolded_ids(data: bytes) -> bytes:
    """Python (3.11) folds a long id onto a line of its own, which some servers read as no id."""
    head, end, body = data.partition(b"\r\n\r\n")
    return _FOLDED_ID.sub(rb"\1 <", head) + end + body


def _headers(mail: EmailMessage, request: SendRequested, sender: Address, now: datetime) -> None:
    mail["From"] = _address(sender)
    mail["To"] = [_address(one) for one in request.to]
    if request.cc:
        mail["Cc"] = [_address(one) for one in request.cc]
    mail["Reply-To"] = _address(reply_to(request))
    mail["Subject"] = _one_line(request.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{request.message_id}>"
    if request.in_reply_to:
        mail["In-Reply-To"] = f"<{_one_line(request.in_reply_to)}>"
    if request.references:
        mail["References"] = " ".join(f"<{_one_line(one)}>" for one in request.references)
    mail["X-Postbus-Stamp"] = request.stamp
    if request.automatic:
        _mark_automatic(mail, request.kind)


def _mark_automatic(mail: EmailMessage, kind: SendKind) -> None:
    """So that no robot answers (RFC 3834 §5; Exchange reads X-Auto-Response-Suppress)."""
    mail["Auto-Submitted"] = "auto-replied" if kind is SendKind.RECEIPT else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Precedence"] = "auto_reply" if kind is SendKind.RECEIPT else "bulk"


def reply_to(request: SendRequested) -> Address:
    """The channel's address with the stamp as its tag (RFC 5233), which finds the ticket again."""
    local, _, domain = request.reply_address.address.rpartition("@")
    return Address(name=request.reply_address.name, address=f"{local}+{request.stamp}@{domain}")


def _address(address: Address) -> HeaderAddress:
    local, _, domain = address.address.rpartition("@")
    return HeaderAddress(_one_line(address.name), username=local, domain=domain)


def _one_line(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()


def _mark_line(request: SendRequested) -> str:
    """The stamp in the body: some transports drop headers and rewrite Message-IDs."""
    return f"#{request.ticket_number} · {request.stamp}"


def _text(text: str, request: SendRequested) -> str:
    parts = [text.rstrip()]
    if request.quote is not None:
        quoted = "\n".join(f"> {line}".rstrip() for line in request.quote.text.splitlines())
        parts.append(f"{_attribution(request.quote)}\n{quoted}")
    parts.append(f"-- \n{_mark_line(request)}")
    return "\n\n".join(parts) + "\n"


def _html(text: str, html: str | None, request: SendRequested) -> str:
    body = html or _paragraphs(text)
    quote = ""
    if request.quote is not None:
        quote = (
            f'<div class="quote"><p>{_escape(_attribution(request.quote))}</p>'
            f'<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;'
            f'padding-left:1ex">{_paragraphs(request.quote.text)}</blockquote></div>'
        )
    mark = f'<p style="color:#888;font-size:11px">{_escape(_mark_line(request))}</p>'
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
        f"<body>\n<div>{body}</div>\n{quote}\n{mark}\n</body></html>\n"
    )


def _attribution(quote: Quote) -> str:
    who = quote.author.name or quote.author.address
    return f"On {quote.written_at:%Y-%m-%d at %H:%M} UTC, {_one_line(who)} wrote:"


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text.strip())
    lines = ("<br>\n".join(_escape(line) for line in block.splitlines()) for block in blocks)
    return "\n".join(f"<p>{block}</p>" for block in lines)


def _escape(text: str) -> str:
    return html_escape.escape(text, quote=True)


def _attach(mail: EmailMessage, file: LoadedFile) -> None:
    matched = _MEDIA_TYPE.match(file.attachment.content_type)
    maintype, subtype = matched.groups() if matched else ("application", "octet-stream")
    if maintype in ("multipart", "message"):
        # A message part may not be base64 (RFC 2046 §5.2.1), and the bytes must stay as they are.
        maintype, subtype = "application", "octet-stream"
    mail.add_attachment(
        file.data,
        maintype=maintype,
        subtype=subtype,
        filename=_one_line(file.attachment.name) or "attachment",
    )
