"""Writes the mail as MIME: headers, text and HTML, attachments.

Everything that comes from a person or a mail goes through `email.message`, which folds, encodes and
refuses line breaks in headers, so that nothing can add a header of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache

from dispatch.domain.words import LoadedFile, Words, one_line, words_of
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Address, Attachment, Content
from postbus.contracts.sending import SendRequested

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


def compose(
    request: SendRequested,
    outbound: OutboundChannel,
    *,
    content: Content | None,
    files: tuple[LoadedFile, ...],
    now: datetime,
) -> Composed:
    """The mail; `content` holds the text where the request carries only its beginning."""
    return mime(words_of(request, outbound, content=content, now=now), files)


def mime(words: Words, files: tuple[LoadedFile, ...]) -> Composed:
    """The words as a mail (RFC 5322, RFC 2045); `files` are those of the words, loaded."""
    to = words.recipients
    named = (words.sender.address, words.reply_to.address, words.envelope_from, *to)
    utf8 = not all(address.isascii() for address in named)
    mail = EmailMessage(policy=_UTF8 if utf8 else _ASCII)
    _headers(mail, words)
    # Bodies are never sent as raw 8 bit: the next server may not speak 8BITMIME.
    mail.set_content(words.text, cte="quoted-printable")
    mail.add_alternative(words.html, subtype="html", cte="quoted-printable")
    shown = [*words.images, *(file for file in files if words.shows(file.attachment))]
    if shown:
        _relate(mail, shown)
    for file in files:
        if not words.shows(file.attachment):
            _attach(mail, file)
    envelope = Envelope(words.envelope_from, to)
    return Composed(envelope, _unfolded_ids(mail.as_bytes()), words.sender.address, utf8)


def _unfolded_ids(data: bytes) -> bytes:
    """Python (3.11) folds a long id onto a line of its own, which some servers read as no id."""
    head, end, body = data.partition(b"\r\n\r\n")
    return _FOLDED_ID.sub(rb"\1 <", head) + end + body


def _headers(mail: EmailMessage, words: Words) -> None:
    mail["From"] = _address(words.sender)
    mail["To"] = [_address(one) for one in words.to]
    if words.cc:
        mail["Cc"] = [_address(one) for one in words.cc]
    mail["Reply-To"] = _address(words.reply_to)
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(words.written_at)
    mail["Message-ID"] = f"<{words.message_id}>"
    if words.in_reply_to:
        mail["In-Reply-To"] = f"<{words.in_reply_to}>"
    if words.references:
        mail["References"] = " ".join(f"<{one}>" for one in words.references)
    mail["X-Postbus-Stamp"] = words.stamp
    if words.automatic:
        for name, value in automatic_marks(words.automatic).items():
            mail[name] = value


def automatic_marks(kind: str) -> Mapping[str, str]:
    """So that no robot answers (RFC 3834 §5; Exchange reads X-Auto-Response-Suppress)."""
    return {
        "Auto-Submitted": kind,
        "X-Auto-Response-Suppress": "All",
        "Precedence": "auto_reply" if kind == "auto-replied" else "bulk",
    }


def _address(address: Address) -> HeaderAddress:
    local, _, domain = address.address.rpartition("@")
    return HeaderAddress(one_line(address.name), username=local, domain=domain)


def _relate(mail: EmailMessage, shown: Sequence[LoadedFile]) -> None:
    """Pictures beside the HTML that shows them, and not beside the text (RFC 2387)."""
    html = next(part for part in mail.iter_parts() if part.get_content_type() == "text/html")
    for file in shown:
        maintype, subtype = _media_type(file.attachment)
        html.add_related(
            file.data,
            maintype=maintype,
            subtype=subtype,
            cid=f"<{file.attachment.content_id}>",
            disposition="inline",
            filename=_name(file.attachment),
        )
    html.set_param("type", "text/html")


def _attach(mail: EmailMessage, file: LoadedFile) -> None:
    maintype, subtype = _media_type(file.attachment)
    mail.add_attachment(
        file.data, maintype=maintype, subtype=subtype, filename=_name(file.attachment)
    )


def _media_type(file: Attachment) -> tuple[str, str]:
    matched = _MEDIA_TYPE.match(file.content_type)
    maintype, subtype = matched.groups() if matched else ("application", "octet-stream")
    if maintype in ("multipart", "message"):
        # A message part may not be base64 (RFC 2046 §5.2.1), and the bytes must stay as they are.
        return "application", "octet-stream"
    return maintype, subtype


def _name(file: Attachment) -> str:
    return one_line(file.name) or "attachment"
