"""The receipt: tells the customer that the mail arrived and which ticket it became."""

from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import Confidence, MailKind, MailReceived
from ticketing.domain.model import Ticket


def wants_receipt(mail: MailReceived, channel: InboundChannel) -> bool:
    """Only what a person wrote gets one (RFC 3834 §2: no response to automatic mail).

    And only who is certainly its writer: else a receipt tells a stranger of somebody's mail, or
    the one who passed it on thinks that the customer was told.
    """
    certain = mail.customer_confidence is Confidence.CERTAIN
    return channel.receipt and mail.kind is MailKind.HUMAN and certain


def receipt_text(ticket: Ticket, channel: InboundChannel) -> str:
    """Plain text; it repeats nothing of the mail, so that it is of no use to spread spam."""
    return (
        f"Hello{', ' + ticket.customer.name if ticket.customer.name else ''},\n\n"
        f"Thank you for your message. We received it, and it is ticket #{ticket.number} now.\n"
        "Somebody will answer you as soon as possible.\n"
        "To add something, just reply to this mail.\n\n"
        f"{channel.name}\n"
    )
