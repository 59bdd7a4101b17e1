"""What a mail says, before it is written as anything: sender, subject, text, quote, marks.

Written as MIME (`compose`) or as a draft of Graph (`drafts`), it is the same mail.
"""

import html as html_escape
import re
from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.senders import Sender, usual_sender
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment, Content
from postbus.contracts.sending import Quote, SendRequested
from postbus.mail.addresses import with_ascii_domain

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""C0, C1 and the two separators of Unicode, at all of which Python sees a line end."""
_ENCODED_WORD = re.compile(r"=(?=\?[^?]*\?[qb]\?)", re.IGNORECASE)


@dataclass(frozen=True)
class Words:
    """One mail; ids without their angle brackets, `automatic` the value of Auto-Submitted.

    `envelope_from` is where bounces go; empty for automatic mail (RFC 3834 §3.1.7).
    """

    sender: Address
    envelope_from: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: Address
    subject: str
    text: str
    html: str
    message_id: str
    in_reply_to: str | None
    references: tuple[str, ...]
    stamp: str
    automatic: str | None
    written_at: datetime
    files: tuple[Attachment, ...]

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every address it goes to, once."""
        return tuple(dict.fromkeys(one.address for one in (*self.to, *self.cc)))


def words_of(
    request: SendRequested,
    outbound: OutboundChannel,
    *,
    content: Content | None,
    now: datetime,
    sender: Sender | None = None,
) -> Words:
    """The mail; `content` holds the text where the request carries only its beginning."""
    sender = sender or usual_sender(request, outbound)
    text = content.text if content else request.text
    html = content.html if content else request.html
    return Words(
        sender=_deliverable(
            Address(
                name=one_line(outbound.from_name or request.reply_address.name),
                address=sender.address,
            )
        ),
        envelope_from="" if request.automatic else with_ascii_domain(sender.envelope),
        to=tuple(_deliverable(one) for one in request.to),
        cc=tuple(_deliverable(one) for one in request.cc),
        reply_to=_deliverable(reply_to(request)),
        subject=one_line(request.subject),
        text=_text(text, request),
        html=_html(text, html, request),
        message_id=request.message_id,
        in_reply_to=one_line(request.in_reply_to) if request.in_reply_to else None,
        references=tuple(one_line(one) for one in request.references),
        stamp=request.stamp,
        automatic=automatic_of(request),
        written_at=now,
        files=request.attachments,
    )


def automatic_of(request: SendRequested) -> str | None:
    """The value of Auto-Submitted (RFC 3834 §5.1); None for what a person wrote."""
    if not request.automatic:
        return None
    return "auto-replied" if request.kind is SendKind.RECEIPT else "auto-generated"


def _deliverable(address: Address) -> Address:
    """With its domain in ASCII, which every server takes; only the local part may need SMTPUTF8."""
    return Address(name=address.name, address=with_ascii_domain(address.address))


def reply_to(request: SendRequested) -> Address:
    """The channel's address with the stamp as its tag (RFC 5233), which finds the ticket again."""
    local, _, domain = request.reply_address.address.rpartition("@")
    return Address(name=request.reply_address.name, address=f"{local}+{request.stamp}@{domain}")


def one_line(text: str) -> str:
    """Without line breaks and other controls, so that nothing adds a header of its own.

    Nor as an encoded word (RFC 2047): the library would decode it, and write the line breaks in it.
    """
    return _ENCODED_WORD.sub("= ", _CONTROLS.sub(" ", text)).strip()


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
    return f"On {quote.written_at:%Y-%m-%d at %H:%M} UTC, {one_line(who)} wrote:"


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text.strip())
    lines = ("<br>\n".join(_escape(line) for line in block.splitlines()) for block in blocks)
    return "\n".join(f"<p>{block}</p>" for block in lines)


def _escape(text: str) -> str:
    return html_escape.escape(text, quote=True)
