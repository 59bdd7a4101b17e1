"""The identity of a mail: the same by whatever route it came, another for every other mail."""

import hashlib
import re
from typing import Final

from postbus.mail.addresses import normalise
from postbus.mail.ids import normalised_id
from postbus.mail.parsed import ParsedMail

_SPACE: Final = re.compile(r"\s+")


def mail_id(parsed: ParsedMail, raw: bytes) -> str:
    """64 hexadecimal characters that stand for this mail.

    It is the SHA-256 over the Message-ID, From, Date, Subject, the text with its white space
    collapsed, and the hashes of the attachments. Trace fields (Received, Return-Path,
    Delivered-To, DKIM-Signature …) and the transfer encoding have no part in it, so one mail that
    reaches us twice, by two forwarders or two channels, is one mail. The Message-ID alone does not
    decide: a broken sender that gives several mails the same id loses none of them, since their
    content differs. A mail without Message-ID is told by the rest. Only where there is nothing to
    tell it by do the raw bytes count.
    """
    facts = [
        normalised_id(parsed.message_id or ""),
        normalise(parsed.from_.address),
        parsed.date.isoformat() if parsed.date is not None else "",
        _collapsed(parsed.subject),
        _collapsed(parsed.full_text),
        *sorted(attachment.sha256 for attachment in parsed.attachments),
    ]
    if not any(facts):
        return hashlib.sha256(raw).hexdigest()
    return hashlib.sha256("\x1f".join(facts).encode("utf-8", "replace")).hexdigest()


def _collapsed(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
