"""Finds which agents are to be told of what happened on a ticket."""

from postbus.contracts.mail import MailReceived
from postbus.mail.cause import cause_of
from ticketing.domain.audience import told_of_assignment, told_of_mail
from ticketing.domain.filing import Filing
from ticketing.domain.model import Fact, Ticket
from ticketing.domain.notices import Happened, Happening, first_words, noticed
from ticketing.surroundings import Surroundings


def of_mail(
    around: Surroundings, happening: Happening, filing: Filing, mail: MailReceived
) -> tuple[Fact, ...]:
    """What agents are to be told of a mail that was filed."""
    ticket = filing.ticket
    agents = told_of_mail(happening, ticket, mail, around.configuration())
    if not agents:
        return ()
    happened = Happened(
        happening=happening,
        agents=agents,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        title=ticket.title,
        queue=ticket.queue,
        customer=mail.customer.name or mail.customer.address,
        words=first_words(mail.text),
        cause=cause_of(mail),
        at=filing.message.created_at,
    )
    return (noticed(ticket, happened, cause=filing.message.id),)


def of_assignment(
    around: Surroundings, ticket: Ticket, *, by: str, acting: str | None
) -> tuple[Fact, ...]:
    """What the agent is to be told whom the ticket was assigned to just now."""
    agents = told_of_assignment(ticket, around.configuration(), acting=acting)
    if not agents:
        return ()
    happened = Happened(
        happening=Happening.ASSIGNMENT,
        agents=agents,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        title=ticket.title,
        queue=ticket.queue,
        customer=ticket.customer.name or ticket.customer.address,
        words=first_words(ticket.description),
        by=by,
        at=ticket.updated_at,
    )
    return (noticed(ticket, happened, cause=f"revision-{ticket.revision + 1}"),)
