"""From a parsed mail to the fact that is told about it."""

from collections.abc import Container
from dataclasses import dataclass

from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import (
    Address,
    Attachment,
    Content,
    Forwarded,
    MailKind,
    MailReceived,
    OwnStamp,
    Route,
)
from postbus.intake.stamps import find_other_stamp
from postbus.mail.inline_texts import cut, cut_html, is_long
from postbus.mail.kind import classify
from postbus.mail.parsed import ParsedMail
from postbus.mail.writer import meant_for, writer_of

_MAX_ADDRESSES = 100
_MAX_NAME_CHARACTERS = 200
_MAX_ADDRESS_CHARACTERS = 320
_MAX_SUBJECT_CHARACTERS = 500
_MAX_PROBLEMS = 30


@dataclass(frozen=True)
class Taken:
    """A mail, read, and where its bytes are; ``content`` are long texts, where there are any."""

    mail_id: str
    parsed: ParsedMail
    raw: BlobRef
    content: BlobRef | None = None


def whole_content(parsed: ParsedMail) -> Content | None:
    """The texts for the blob store, if one of them is too long to travel in the fact."""
    texts = Content(text=parsed.text, full_text=parsed.full_text, html=parsed.html)
    return texts if is_long(texts) else None


def mail_received(
    taken: Taken,
    channel: InboundChannel,
    *,
    route: Route,
    stamp: OwnStamp | None,
    own_addresses: Container[str],
) -> MailReceived:
    """The fact that a mail came in for one channel.

    `stamp` is what `find_stamp` found; `own_addresses` are all of ours, normalised.
    """
    parsed = taken.parsed
    kind, reasons = classify(parsed, route.envelope_from, stamp)
    writer = writer_of(
        parsed, own_addresses, channel.address or "", envelope_from=route.envelope_from
    )
    signals = parsed.signals
    if route.envelope_from == "":
        signals = signals.model_copy(update={"null_return_path": True})
    return MailReceived(
        mail_id=taken.mail_id,
        channel=channel.id,
        queue=channel.id,
        ticket_type=channel.ticket_type,
        route=route,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        date=parsed.date,
        from_=_short(parsed.from_),
        reply_to=_short_list(parsed.reply_to),
        to=_short_list(parsed.to),
        cc=_short_list(parsed.cc),
        customer=_short(writer.address),
        customer_evidence=writer.evidence,
        customer_confidence=writer.confidence,
        forwarded=_short_forward(writer.forwarded),
        meant_for=meant_for(parsed, route.envelope_to, own_addresses),
        subject=parsed.subject,
        text=cut(parsed.text),
        full_text=cut(parsed.full_text),
        html=cut_html(parsed.html),
        content=taken.content,
        attachments=attachments_of(parsed),
        kind=kind,
        kind_reasons=reasons,
        signals=signals,
        stamp=stamp,
        other_stamp=find_other_stamp(parsed),
        bounce=parsed.bounce if kind is MailKind.BOUNCE else None,
        calendar=parsed.calendar,
        protection=parsed.protection,
        raw=taken.raw,
        problems=_problems(parsed),
    )


def attachments_of(parsed: ParsedMail) -> tuple[Attachment, ...]:
    """The files of the mail, by reference."""
    return tuple(
        Attachment(
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            inline=file.inline,
            content_id=file.content_id,
        )
        for file in parsed.attachments
    )


def _problems(parsed: ParsedMail) -> tuple[str, ...]:
    long_lists = max(len(parsed.to), len(parsed.cc), len(parsed.reply_to)) > _MAX_ADDRESSES
    more = ("recipients-cut",) if long_lists else ()
    return (*parsed.problems[:_MAX_PROBLEMS], *more)


def _short_forward(forwarded: Forwarded | None) -> Forwarded | None:
    if forwarded is None:
        return None
    return forwarded.model_copy(
        update={
            "author": _short(forwarded.author),
            "by": _short(forwarded.by),
            "subject": (forwarded.subject or "")[:_MAX_SUBJECT_CHARACTERS] or None,
            "date": (forwarded.date or "")[:_MAX_NAME_CHARACTERS] or None,
        }
    )


def _short_list(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    return tuple(_short(one) for one in addresses[:_MAX_ADDRESSES])


def _short(address: Address) -> Address:
    """As it is, unless somebody put a novel into a name."""
    if len(address.name) <= _MAX_NAME_CHARACTERS and (
        len(address.address) <= _MAX_ADDRESS_CHARACTERS
    ):
        return address
    return Address(
        name=address.name[:_MAX_NAME_CHARACTERS], address=address.address[:_MAX_ADDRESS_CHARACTERS]
    )
