"""The fact that a held mail is received all the same, however little of it can be read."""

from postbus.contracts.mail import Attachment, MailHeld, MailReceived

NO_SUBJECT = "Mail that could not be read"
HEAD_ONLY = frozenset(("not-given-by-server", "too-large-to-fetch"))
"""Why only the header of a mail was kept."""
_HEAD_BYTES = 64 * 1024


def head_of(raw: bytes) -> bytes:
    """The header of a mail, or as many whole lines of it as reading them is safe whatever follows.

    An empty line ends it (RFC 5322 §2.1).
    """
    start = raw[:_HEAD_BYTES]
    ends = [at for at in (start.find(b"\r\n\r\n"), start.find(b"\n\n")) if at != -1]
    if ends:
        return start[: min(ends)] + b"\r\n\r\n"
    return start[: start.rfind(b"\n") + 1] + b"\r\n"


def received_as(held: MailHeld, read_as: str) -> str:
    """The id of the mail: as it reads where it was never read before, else that it is held under.

    The id of a mail that was never read is the hash of its bytes.
    """
    return read_as if held.mail_id == held.raw.sha256 else held.mail_id


def with_its_bytes(fact: MailReceived, held: MailHeld) -> MailReceived:
    """The fact of a mail of which the header is all that was read: what there is goes along."""
    mail = Attachment(
        name="mail.eml",
        content_type="message/rfc822",
        size_bytes=held.raw.size_bytes,
        sha256=held.raw.sha256,
    )
    return fact.model_copy(
        update={
            "mail_id": held.mail_id,
            "subject": fact.subject.strip() or NO_SUBJECT,
            "attachments": (mail,),
            "problems": (held.reason, *fact.problems),
        }
    )
