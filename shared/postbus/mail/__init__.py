"""Reading mail: pure functions from bytes to what Postbus knows of a mail."""

from postbus.mail.addresses import normalise, plus_tag, without_plus
from postbus.mail.identity import mail_id
from postbus.mail.kind import classify
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedAttachment, ParsedMail

__all__ = [
    "ParsedAttachment",
    "ParsedMail",
    "classify",
    "mail_id",
    "normalise",
    "parse",
    "plus_tag",
    "without_plus",
]
