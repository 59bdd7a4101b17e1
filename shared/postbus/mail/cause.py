"""What the loop guard is told of the mail that makes us want to write."""

from postbus.contracts.guard import Cause
from postbus.contracts.mail import MailReceived
from postbus.mail.fingerprint import fingerprint_of


def cause_of(mail: MailReceived) -> Cause:
    """The cause; whoever is the customer, behind forwarding where that is known, is its sender."""
    return Cause(
        mail_id=mail.mail_id,
        sender=mail.customer.address,
        kind=mail.kind,
        kind_reasons=mail.kind_reasons,
        signals=mail.signals,
        stamp=mail.stamp,
        other_stamp=mail.other_stamp,
        fingerprint=fingerprint_of(mail.subject, mail.text),
        received_at=mail.route.received_at,
    )
