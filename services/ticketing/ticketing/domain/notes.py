"""What an agent answers to a notification becomes a note, never part of the conversation."""

from dataclasses import replace
from datetime import datetime

from postbus.contracts.configuration import Agent
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import MailReceived
from postbus.contracts.tickets import MessageFlag, QueueRef
from ticketing.domain.facts import ticket_fact
from ticketing.domain.filing import Filing, message_of
from ticketing.domain.model import Direction, Ticket
from ticketing.domain.people import takes_part, writers_of


def answers_notification(mail: MailReceived) -> bool:
    """Whether our verified stamp says that it answers a mail to an agent."""
    return mail.stamp is not None and mail.stamp.kind == SendKind.NOTIFICATION


def becomes_note(mail: MailReceived, ticket: Ticket, agent: Agent | None) -> bool:
    """Whether a mail is for agents only; `agent` is its writer, where it is one of them.

    An agent may write from another address, or pass the notification on: what a stranger answers is
    no customer's word either. Only who takes part in the ticket goes on with the conversation.
    """
    if not answers_notification(mail):
        return False
    return agent is not None or not any(takes_part(ticket, one) for one in writers_of(mail))


def add_as_note(
    mail: MailReceived, ticket: Ticket, agent: Agent | None, *, queue: QueueRef, now: datetime
) -> Filing:
    """One more note; it wakes nothing, and makes nobody a part of the ticket."""
    unknown = (MessageFlag.STRANGER,) if agent is None else ()
    flags = (MessageFlag.NOTIFICATION_ANSWER, *unknown)
    by = agent.name if agent is not None else mail.from_.address
    message = replace(
        message_of(mail, ticket.id, now), direction=Direction.NOTE, flags=flags, by=by
    )
    after = ticket.with_message(message.id, at=now)
    fact = ticket_fact("noted", after, queue=queue, cause=message.id, message=message, by=by)
    return Filing(after, message, (fact,))
