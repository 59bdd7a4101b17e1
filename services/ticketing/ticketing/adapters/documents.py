"""Tickets and messages as MongoDB documents, and back."""

from typing import Any

from pydantic import TypeAdapter

from ticketing.domain.model import Delivery, Fact, Message, Ticket

Document = dict[str, Any]

_TICKET = TypeAdapter(Ticket)
_MESSAGE = TypeAdapter(Message)
_FACT = TypeAdapter(Fact)
_DELIVERY = TypeAdapter(Delivery)


def ticket_document(ticket: Ticket) -> Document:
    """The ticket without its untold facts, which are written by operations of their own."""
    document: Document = _TICKET.dump_python(ticket, exclude={"untold"})
    document["_id"] = document.pop("id")
    return document


def ticket_of(document: Document) -> Ticket:
    """The ticket of a document."""
    return _TICKET.validate_python({**document, "id": document["_id"]})


def message_document(message: Message) -> Document:
    """The message as it is kept."""
    document: Document = _MESSAGE.dump_python(message)
    document["_id"] = document.pop("id")
    return document


def message_of(document: Document) -> Message:
    """The message of a document."""
    return _MESSAGE.validate_python({**document, "id": document["_id"]})


def fact_document(fact: Fact) -> Document:
    """An untold fact, kept inside its ticket."""
    document: Document = _FACT.dump_python(fact)
    return document


def delivery_document(delivery: Delivery) -> Document:
    """The delivery of a message, kept inside it."""
    document: Document = _DELIVERY.dump_python(delivery)
    return document
