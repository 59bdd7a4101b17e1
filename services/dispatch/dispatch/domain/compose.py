"""Writes the mail as MIME: headers, text and HTML, attachments.

What comes from a person or a mail is one line before it gets here (`words`), and is encoded by
`head`; bodies and files go through `email.message`. So nothing can add a header of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from dispatch.domain import head
from dispatch.domain.words import LoadedFile, Words, one_line, words_of
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Attachment, Content
from postbus.contracts.sending import SendRequested

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


_PARTS = SMTP.clone(header_factory=_HeaderClasses())


@dataclass(frozen=True)
class Envelope:
    """Who the server is told it is from and for (RFC 5321 §2.3.1).

    `otherwise` is who it is from at a server that refuses the null sender, as Amazon SES does.
    `patient`: a recipient who cannot be written to now makes the others wait.
    """

    sender: str
    recipients: tuple[str, ...]
    otherwise: str = ""
    patient: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that may be said to the server."""
        return (self.sender, self.otherwise, *self.recipients)


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
    envelope = Envelope(words.envelope_from, to, words.envelope_otherwise, words.patient)
    named = (words.sender.address, words.reply_to.address, *envelope.addresses)
    utf8 = not all(address.isascii() for address in named)
    mail = EmailMessage(policy=_PARTS)
    # Bodies are never sent as raw 8 bit: the next server may not speak 8BITMIME.
    mail.set_content(words.text, cte="quoted-printable")
    mail.add_alternative(words.html, subtype="html", cte="quoted-printable")
    shown = [*words.images, *(file for file in files if words.shows(file.attachment))]
    if shown:
        _relate(mail, shown)
    for file in files:
        if not words.shows(file.attachment):
            _attach(mail, file)
    return Composed(envelope, _head(words, utf8=utf8) + mail.as_bytes(), words.sender.address, utf8)


def _head(words: Words, *, utf8: bool) -> bytes:
    """Every field but those of MIME."""
    fields = [
        head.addresses("From", (words.sender,), utf8=utf8),
        head.addresses("To", words.to, utf8=utf8),
        head.addresses("Cc", words.cc, utf8=utf8) if words.cc else b"",
        head.addresses("Reply-To", (words.reply_to,), utf8=utf8),
        head.text("Subject", words.subject, utf8=utf8),
        head.text("Date", format_datetime(words.written_at)),
        head.ids("Message-ID", (words.message_id,), utf8=utf8),
        head.ids("In-Reply-To", (words.in_reply_to,) if words.in_reply_to else (), utf8=utf8),
        head.ids("References", words.references, utf8=utf8),
        head.text("X-Postbus-Stamp", words.stamp),
    ]
    marks = automatic_marks(words.automatic) if words.automatic else {}
    return b"".join([*fields, *(head.text(name, value) for name, value in marks.items())])


def automatic_marks(kind: str) -> Mapping[str, str]:
    """So that no robot answers (RFC 3834 §5; Exchange reads X-Auto-Response-Suppress)."""
    return {
        "Auto-Submitted": kind,
        "X-Auto-Response-Suppress": "All",
        "Precedence": "auto_reply" if kind == "auto-replied" else "bulk",
    }


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
