"""What holds for any bytes that are read as a mail; fuzzing and the kept seeds ask the same."""

import hashlib
import json

from postbus.contracts.mail import MailKind
from postbus.mail.identity import mail_id
from postbus.mail.kind import classify
from postbus.mail.parse import parse
from postbus.mail.subjects import stripped_subject
from postbus.mail.writer import meant_for, writer_of

OWN = frozenset(("support@postbus.localhost",))


def check(raw: bytes) -> None:
    """Read the mail in every way there is; AssertionError, or whatever was raised, is a defect."""
    parsed = parse(raw)
    for envelope in (None, "", "a@example.com"):
        kind, reasons = classify(parsed, envelope, None)
        assert isinstance(kind, MailKind)
        assert (kind is MailKind.HUMAN) <= (not reasons)
    writer_of(parsed, OWN, "support@postbus.localhost")
    meant_for(parsed, ("support@postbus.localhost",), OWN)
    stripped_subject(parsed.subject)
    assert mail_id(parsed, raw)
    # what other programs store and show: valid text without controls
    shown = (parsed.subject, parsed.full_text, parsed.text, parsed.html or "")
    json.dumps(shown, ensure_ascii=False).encode("utf-8")
    assert "\x00" not in "".join(shown)
    assert bool(parsed.text) == bool(parsed.full_text.strip())
    for file in parsed.attachments:
        data = file.data
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
        assert "/" not in file.name
        assert file.name
    again = parsed.detached().attached_to(raw)
    assert [one.data for one in again.attachments] == [one.data for one in parsed.attachments]
