"""What a mail system reports about a mail that did not arrive: RFC 3464, and all the others."""

import re
from dataclasses import dataclass
from typing import Final

from postbus.contracts.mail import Bounce, BouncedRecipient
from postbus.mail.addresses import normalise
from postbus.mail.bounce_notice import Named, Notice, addresses_in, named_in, read_notice
from postbus.mail.bounce_verdict import judged, says_something
from postbus.mail.charsets import decode
from postbus.mail.headers import HeaderFields
from postbus.mail.ids import read_id
from postbus.mail.parsed import ParsedAttachment, ParsedMail
from postbus.mail.report_fields import Fields, Report, read_report, untyped
from postbus.mail.status_codes import is_vague
from postbus.mail.structure import read_tree

STATUS_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
RETURNED_TYPES: Final = frozenset((
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
    "message/global-headers", "message/partial",
))  # fmt: skip
_REPORT_IN_TEXT: Final = re.compile(
    r"^[> \t]{0,3}(?:final-recipient|original-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_ID_IN_TEXT: Final = re.compile(
    r"^[> \t*-]{0,6}message-id[ \t]*:[ \t]*(?:\n[> \t]+)?<?([^\s<>]+@[^\s<>]+)>?",
    re.IGNORECASE | re.MULTILINE,
)
_TO_IN_TEXT: Final = re.compile(r"^[> \t]{0,4}to[ \t]*:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
_MAX_WORDS_CHARACTERS: Final = 4000
_MAX_PART_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class _Evidence:
    """All that the mail says, before it is put together."""

    notice: Notice
    report: Report
    returned: HeaderFields
    named: tuple[Named, ...]


def read_bounce(parsed: ParsedMail) -> Bounce | None:
    """What a mail that `classify` calls a bounce reports; None if it names nobody and no mail.

    Recipients come from the report's fields, else from the header, the notice's text, the subject,
    and last from the returned mail itself; `evidence` says which.
    """
    found = _gather(parsed)
    recipients, evidence = _recipients(parsed, found)
    message_id = read_id(found.returned.raw("message-id")) or _id_in(found.notice)
    if message_id is not None:
        evidence = (*evidence, "returned-message-id")
    if not recipients and message_id is None:
        return None
    mta = untyped(found.report.of_mail.get("reporting-mta", "")).strip() or None
    return Bounce(
        recipients=recipients, message_id=message_id, reporting_mta=mta, evidence=evidence
    )


def _gather(parsed: ParsedMail) -> _Evidence:
    notice = read_notice(parsed.full_text)
    report, returned = Report(), HeaderFields()
    for file in parsed.attachments:
        if file.content_type in STATUS_TYPES:
            text = decode(file.data[:_MAX_PART_BYTES], None, _ignore)
            one = read_report(text)
            report.of_mail = {**one.of_mail, **report.of_mail}
            report.of_recipients += one.of_recipients
        elif not returned.fields and _may_be_returned(file):
            returned = _header_of(file)
    if not report.of_recipients and _REPORT_IN_TEXT.search(parsed.full_text):
        report = read_report(parsed.full_text)
    ours = {normalise(one.address) for one in (*parsed.to, parsed.from_) if one.address}
    named = named_in(notice, lambda address: normalise(address) in ours)
    return _Evidence(notice, report, returned, named)


def _may_be_returned(file: ParsedAttachment) -> bool:
    return file.content_type in RETURNED_TYPES or file.content_type.startswith("text/")


def _header_of(file: ParsedAttachment) -> HeaderFields:
    """The header of the returned mail; of another text only if it evidently is one."""
    data = file.data[:_MAX_PART_BYTES].lstrip(b"\r\n")
    header = read_tree(data, _ignore).header
    is_mail = header.has("message-id") and (header.has("from") or header.has("received"))
    return header if is_mail or file.content_type in RETURNED_TYPES else HeaderFields()


def _recipients(
    parsed: ParsedMail, found: _Evidence
) -> tuple[tuple[BouncedRecipient, ...], tuple[str, ...]]:
    """Those whom the mail did not reach, and where that was read."""
    reported = [_reported(fields, found) for fields in found.report.of_recipients]
    with_address = [one for one in reported if one is not None]
    if with_address:
        return _each_once(with_address), ("delivery-status",)
    status = found.report.of_recipients[0] if found.report.of_recipients else {}
    for evidence, named in (
        ("x-failed-recipients", _failed_header(parsed, found)),
        ("notice", found.named),
        ("subject", _bare(parsed.subject)),
        ("returned-mail", _bare(_returned_to(found))),
    ):
        if named:
            return tuple(_told(one, status, found) for one in named), (evidence,)
    return (), ()


def _reported(fields: Fields, found: _Evidence) -> BouncedRecipient | None:
    """One recipient of a delivery report; None where it names no address."""
    final, original, actual = (
        _address(fields.get(name, ""))
        for name in ("final-recipient", "original-recipient", "x-actual-recipient")
    )
    address = final or original or actual
    if address is None:
        return None
    words = next(
        (one.words for one in found.named if normalise(one.address) == normalise(address)),
        found.notice.text if len(found.report.of_recipients) == 1 else "",
    )
    return judged(address, original, fields=fields, words=words)


def _told(named: Named, status: Fields, found: _Evidence) -> BouncedRecipient:
    """One recipient whom only the text names."""
    words = named.words
    if not says_something(words[:_MAX_WORDS_CHARACTERS]):
        words = found.notice.text
    return judged(named.address, named.original_address, fields=status, words=words)


def _each_once(recipients: list[BouncedRecipient]) -> tuple[BouncedRecipient, ...]:
    """One entry an address: the one that says most."""
    best: dict[str, BouncedRecipient] = {}
    for one in recipients:
        key = normalise(one.address)
        known = best.get(key)
        if known is None or (
            is_vague(known.status or "5.0.0") and not is_vague(one.status or "5.0.0")
        ):
            best[key] = one
    return tuple(best.values())


def _failed_header(parsed: ParsedMail, found: _Evidence) -> tuple[Named, ...]:
    addresses = [
        one
        for value in parsed.headers.raw_all("x-failed-recipients")
        for one in addresses_in(value)
    ]
    known = {normalise(one.address): one for one in found.named}
    return tuple(known.get(normalise(one)) or Named(one, "") for one in dict.fromkeys(addresses))


def _returned_to(found: _Evidence) -> str:
    """The To of the returned mail where it is a single one."""
    text = found.returned.raw("to")
    if not text:
        match = _TO_IN_TEXT.search(found.notice.returned) or _TO_IN_TEXT.search(found.notice.text)
        text = match[1] if match else ""
    return text if len(set(addresses_in(text))) == 1 else ""


def _bare(text: str) -> tuple[Named, ...]:
    return tuple(Named(one, "") for one in dict.fromkeys(addresses_in(text)))


def _address(value: str) -> str | None:
    found = addresses_in(untyped(value))
    return found[0] if found else None


def _id_in(notice: Notice) -> str | None:
    found = _ID_IN_TEXT.search(notice.returned) or _ID_IN_TEXT.search(notice.text)
    return read_id(f"<{found[1]}>") if found else None


def _ignore(_problem: str) -> None:
    """What is odd about the parts of a report is noted when the mail is parsed."""
