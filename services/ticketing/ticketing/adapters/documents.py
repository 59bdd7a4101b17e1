"""Tickets and messages as MongoDB documents, and back."""

from typing import Any

from pydantic import TypeAdapter

from ticketing.domain.model import Delivery, Fact, Message, Ticket
from ticketing.domain.notices import Lane, Notice, Pause, Turn

Document = dict[str, Any]

_TICKET = TypeAdapter(Ticket)
_MESSAGE = TypeAdapter(Message)
_FACT = TypeAdapter(Fact)
_DELIVERY = TypeAdapter(Delivery)
_NOTICE = TypeAdapter(Notice)
_TURN = TypeAdapter(Turn)
_PAUSE = TypeAdapter(Pause)


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


def notice_document(notice: Notice) -> Document:
    """What an agent is to be told."""
    document: Document = _NOTICE.dump_python(notice)
    document["_id"] = document.pop("id")
    document["turn"] = turn_id(notice.lane, notice.agent)
    return document


def notice_of(document: Document) -> Notice:
    """The notice of a document."""
    return _NOTICE.validate_python({**document, "id": document["_id"]})


def turn_id(lane: Lane, agent: str) -> str:
    """Whose turn it is, as one word."""
    return f"{lane}|{agent}"


def turn_document(turn: Turn) -> Document:
    """When an agent was notified lately."""
    document: Document = _TURN.dump_python(turn)
    return document


def turn_of(document: Document) -> Turn:
    """The turn of a document."""
    return _TURN.validate_python(document)


def pause_document(pause: Pause) -> Document:
    """An address that gets no notifications."""
    document: Document = _PAUSE.dump_python(pause)
    return document


def pause_of(document: Document) -> Pause:
    """The pause of a document."""
    return _PAUSE.validate_python(document)
