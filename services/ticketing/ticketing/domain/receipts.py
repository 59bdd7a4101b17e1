"""The receipt: tells the customer that the mail arrived and which ticket it became."""

from postbus.appearance import Look, ReceiptWords, receipt_of
from postbus.appearance.names import About
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


def receipt_words(ticket: Ticket, look: Look, language: str | None) -> ReceiptWords:
    """What it says, in the language of the mail where that is known, else in that of the queue.

    Plain text, which repeats nothing of the mail but its subject and its writer's name, so that it
    is of little use to spread spam. It is written here and not by dispatch: it stands on the
    ticket, and is the same on every delivery.
    """
    about = About(
        ticket_number=ticket.number,
        ticket_title=ticket.title,
        customer_name=ticket.customer.name,
        customer_address=ticket.customer.address,
    )
    return receipt_of(about, look, language)
