"""A customer with a mail program: writes, and answers what came, in the manner of many programs."""

import smtplib
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from servers.stack import LocalStack

Manner = Callable[[EmailMessage, str, str], EmailMessage]


def new_mail(
    subject: str,
    text: str = "Help.",
    *,
    sender: str = "Anna <anna@example.com>",
    to: str = "support@postbus.localhost",
    **headers: str,
) -> EmailMessage:
    """A mail as a program of today writes it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = formatdate(localtime=False)
    mail["Message-ID"] = f"<{uuid.uuid4()}@example.com>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def send(
    stack: LocalStack, mail: EmailMessage | bytes, *, sender: str = "anna@example.com",
    to: list[str] | None = None,
) -> None:  # fmt: skip
    """By SMTP, to the addresses of To unless others are named."""
    with smtplib.SMTP(*stack.address("smtp_in"), timeout=60) as smtp:
        if isinstance(mail, bytes):
            smtp.sendmail(sender, to or ["support@postbus.localhost"], mail)
            return
        recipients = to or [address.addr_spec for address in mail["To"].addresses]
        smtp.send_message(mail, sender, recipients)


def answer_to(received: EmailMessage, text: str, *, to: str | None = None) -> EmailMessage:
    """An answer with all the headers that RFC 5322 §3.6.4 asks for."""
    mail = new_mail(
        f"Re: {received['Subject']}",
        text,
        sender=str(received["To"]),
        to=to or str(received["Reply-To"] or received["From"]),
    )
    mail["In-Reply-To"] = received["Message-ID"].strip()
    older = received.get("References", "").split()
    mail["References"] = " ".join([*older, received["Message-ID"].strip()])
    return mail


def bounce(returned: str, refused: str, *, subject: str = "Undelivered Mail") -> EmailMessage:
    """A report as Postfix writes it (RFC 3464), with the header of what came back."""
    mail = new_mail(subject, sender="MAILER-DAEMON@mx.example.com")
    boundary = "=report="
    mail.replace_header(
        "Content-Type", f'multipart/report; report-type=delivery-status; boundary="{boundary}"'
    )
    status = f"Final-Recipient: rfc822; {refused}\nAction: failed\nStatus: 5.1.1\n"
    parts = [
        "Content-Type: text/plain\n\nIt could not be delivered.\n",
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n{status}",
        f"Content-Type: text/rfc822-headers\n\nMessage-ID: {returned}\nFrom: us@example.com\n",
    ]
    opened = "".join(f"--{boundary}\n{part}\n" for part in parts)
    mail.set_payload(f"{opened}--{boundary}--\n")
    return mail


def without(*names: str) -> Callable[[EmailMessage], EmailMessage]:
    """A program that leaves headers out."""

    def strip(mail: EmailMessage) -> EmailMessage:
        for name in names:
            del mail[name]
        return mail

    return strip


def plain_address(text: str) -> str:
    """The addr-spec in a header."""
    return parseaddr(text)[1]
