"""What a mail says, before it is written as anything: sender, subject, text, quote, marks.

Written as MIME (`compose`) or as a draft of Graph (`drafts`), it is the same mail.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dispatch.domain.head import addr_spec
from dispatch.domain.senders import Sender, usual_sender, with_stamp
from postbus.appearance import LOGO_ID, Dressed, Look, Said, dressed, look_of
from postbus.appearance.dressing import Quoted
from postbus.appearance.names import About
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address, Attachment, Content
from postbus.contracts.sending import Quote, SendRequested
from postbus.mail.addresses import with_ascii_domain

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""C0, C1 and the two separators of Unicode, at all of which Python sees a line end."""
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTENT_ID: Final = re.compile(r"[\w.+@-]{1,200}", re.ASCII)
_ENCODED_WORD = re.compile(r"=(?=\?[^?]*\?[qb]\?)", re.IGNORECASE)


@dataclass(frozen=True)
class LoadedFile:
    """An attachment with its bytes."""

    attachment: Attachment
    data: bytes


@dataclass(frozen=True)
class Words:
    """One mail; ids without their angle brackets, `automatic` the value of Auto-Submitted.

    `envelope_from` is where bounces go; empty for automatic mail (RFC 3834 §3.1.7), which has
    `envelope_otherwise` where that is refused; `patient` is that of the envelope. `images` are
    pictures of its look; `look_problem` is why it looks as shipped and not as configured.
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
    images: tuple[LoadedFile, ...] = ()
    look_problem: str | None = None
    envelope_otherwise: str = ""
    patient: bool = True

    def shows(self, file: Attachment) -> bool:
        """Whether the HTML shows the file where it stands (RFC 2392 cid:)."""
        if not file.content_id or not _CONTENT_ID.fullmatch(file.content_id):
            return False
        # `cid:a@b` is not `cid:a@b.c`, and editors may write its sign as a URL has it.
        named = re.escape(file.content_id).replace("@", "(?:@|%40)")
        return re.search(rf"cid:{named}(?![\w.+@%-])", self.html) is not None

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
    look: Look | None = None,
    logo: bytes | None = None,
) -> Words:
    """The mail; `content` holds the text where the request carries only its beginning.

    `look` is that of its queue, `logo` the bytes of the one in it; without them there is none.
    """
    sender = sender or usual_sender(request, outbound)
    look = look or look_of(None, None, queue_id=request.queue, name=request.reply_address.name)
    if logo is None:
        look = look.without_logo
    if request.kind is SendKind.NOTIFICATION:
        look = look.without_signature  # which is for customers
    mail = _dressed(request, content, look)
    envelope = addr_spec(with_ascii_domain(sender.envelope))
    return Words(
        sender=_deliverable(
            Address(
                name=one_line(outbound.from_name or request.reply_address.name),
                address=sender.address,
            )
        ),
        envelope_from="" if request.automatic else envelope,
        envelope_otherwise=envelope if request.automatic else "",
        to=tuple(_deliverable(one) for one in request.to),
        cc=tuple(_deliverable(one) for one in request.cc),
        reply_to=_deliverable(reply_to(request)),
        subject=one_line(request.subject),
        text=mail.text,
        html=mail.html,
        message_id=request.message_id,
        in_reply_to=one_line(request.in_reply_to) if request.in_reply_to else None,
        references=tuple(one_line(one) for one in request.references),
        stamp=request.stamp,
        automatic=automatic_of(request),
        written_at=now,
        files=request.attachments,
        images=_images(look, logo, mail.html),
        look_problem=mail.problem,
    )


def _dressed(request: SendRequested, content: Content | None, look: Look) -> Dressed:
    customer = request.to[0]
    return dressed(
        Said(
            about=About(
                ticket_number=request.ticket_number,
                customer_name=customer.name,
                customer_address=customer.address,
                agent_name=request.requested_by,
            ),
            text=_printable(content.text if content else request.text),
            html=_printable((content.html if content else request.html) or "") or None,
            mark=_mark_line(request),
            quotes=_quotes(request),
            language=request.language,
            is_receipt=request.kind is SendKind.RECEIPT,
        ),
        look,
    )


def _quotes(request: SendRequested) -> tuple[Quoted, ...]:
    if request.quote is None:
        return ()
    return tuple(_quoted(one) for one in (request.quote, *request.earlier))


def _quoted(quote: Quote) -> Quoted:
    who = one_line(quote.author.name or quote.author.address)
    return Quoted(who=who, at=quote.written_at, text=_printable(quote.text))


def _images(look: Look, logo: bytes | None, html: str) -> tuple[LoadedFile, ...]:
    """The logo, where the frame shows it."""
    kept = look.appearance.logo
    if kept is None or logo is None or f"cid:{LOGO_ID}" not in html:
        return ()
    attachment = Attachment(
        name=f"logo.{kept.content_type.removeprefix('image/')}",
        content_type=kept.content_type,
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
        inline=True,
        content_id=LOGO_ID,
    )
    return (LoadedFile(attachment, logo),)


def automatic_of(request: SendRequested) -> str | None:
    """The value of Auto-Submitted (RFC 3834 §5.1); None for what a person wrote."""
    if not request.automatic:
        return None
    return "auto-replied" if request.kind is SendKind.RECEIPT else "auto-generated"


def _deliverable(address: Address) -> Address:
    """With its domain in ASCII, which every server takes; only the local part may need SMTPUTF8."""
    spec = addr_spec(one_line(with_ascii_domain(address.address)))
    return Address(name=one_line(address.name), address=spec)


def reply_to(request: SendRequested) -> Address:
    """The channel's address with the stamp as its tag, which finds the ticket again.

    The bare one where that is too long: the stamp is in the ids, which answers carry too.
    """
    own = request.reply_address
    return Address(name=own.name, address=with_stamp(own.address, request.stamp) or own.address)


def one_line(text: str) -> str:
    """Without line breaks and other controls, so that nothing adds a header of its own.

    Nor as an encoded word (RFC 2047): the library would decode it, and write the line breaks in it.
    """
    return _ENCODED_WORD.sub("= ", _CONTROLS.sub(" ", text)).strip()


def _printable(text: str) -> str:
    """Without NUL and the like, which no body may have (RFC 5322 §2.3, §4.1)."""
    return _NO_TEXT.sub("", text)


def _mark_line(request: SendRequested) -> str:
    """The stamp in the body: some transports drop headers and rewrite Message-IDs."""
    return f"#{request.ticket_number} · {request.stamp}"
