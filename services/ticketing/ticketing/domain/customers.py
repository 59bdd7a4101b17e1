"""Who the customer of a ticket is, where an agent knows better."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from postbus.contracts.mail import Address, Confidence
from postbus.contracts.tickets import CustomerRef
from postbus.mail.addresses import normalise
from ticketing.domain.model import Ticket
from ticketing.domain.people import with_people

SET_BY_AGENT: Final = "set-by-agent"


def with_customer(ticket: Ticket, customer: CustomerRef, *, now: datetime) -> Ticket:
    """The ticket of another customer; who it was so far is who else it may be."""
    before = Address(name=ticket.customer.name, address=ticket.customer.address)
    return replace(
        with_people(ticket, (normalise(customer.address),)),
        customer=customer,
        customer_alternative=before,
        customer_confidence=Confidence.CERTAIN,
        customer_evidence=(SET_BY_AGENT,),
        updated_at=max(now, ticket.updated_at),
    )


def change_of(before: Ticket, after: Ticket) -> dict[str, object]:
    """What the event says of it: the addresses before and after."""
    return {"customer": [before.customer.address, after.customer.address]}
