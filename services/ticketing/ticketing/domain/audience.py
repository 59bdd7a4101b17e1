"""Which agents are told of what."""

from typing import Final

from postbus.configuration import Configuration
from postbus.contracts.configuration import Agent, LoopLimits, NotifyScope
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import MailKind, MailReceived
from ticketing.domain.model import Ticket
from ticketing.domain.notices import Happening
from ticketing.domain.people import writers_of

_BULK: Final = frozenset(("list", "bulk", "junk", "auto_reply", "auto-reply", "autoreply"))
_MOST_HOPS: Final = 3
"""Rounds of our own automatic mail, by the hop in the stamp; the guard stops the ticket then."""


def is_worth_telling(mail: MailReceived, limits: LoopLimits) -> bool:
    """Whether agents are told of a mail: a person wrote it, today, and not to many.

    What the loop guard would hold a notification for (RFC 3834 §2; L3 to L5, L8 to L10, L24) is
    left out here already: one such mail would hold all that is told together with it.
    """
    signals = mail.signals
    declared = (signals.auto_submitted or "no").strip().lower() != "no"
    bulk = signals.is_list or (signals.precedence or "").strip().lower() in _BULK
    system = signals.null_return_path or signals.from_mail_system or signals.is_report
    return (
        mail.kind is MailKind.HUMAN
        and mail.reread_at is None
        and not (declared or bulk or system)
        and signals.received_count < limits.received_fields
        and not _is_ours(mail)
        and mail.other_stamp is None
    )


def _is_ours(mail: MailReceived) -> bool:
    """One of our own that came back, went round, or the answer to a notification."""
    stamp = mail.stamp
    if stamp is None:
        return False
    known = stamp.found_in == "header" or stamp.kind == SendKind.NOTIFICATION
    return known or stamp.hop >= _MOST_HOPS


def told_of_mail(
    happening: Happening, ticket: Ticket, mail: MailReceived, there: Configuration
) -> tuple[str, ...]:
    """The agents who are told of a mail on a ticket; nobody of a mail from ourselves."""
    if not there.agents or not is_worth_telling(mail, there.loop_limits):
        return ()
    writers = writers_of(mail)
    if any(there.is_own(one) for one in writers):
        return ()
    known = (there.agent_of_address(one) for one in writers)
    writing = {agent.id for agent in known if agent is not None}
    return tuple(
        agent.id
        for agent in there.agents
        if _wants(agent, happening, there)
        and _is_concerned(agent, ticket, there)
        and agent.id not in writing
    )


def told_of_assignment(
    ticket: Ticket, there: Configuration, *, acting: str | None
) -> tuple[str, ...]:
    """The agent whom the ticket was assigned to, unless she did it herself (`acting`)."""
    agent = there.agent(ticket.assignee) if ticket.assignee else None
    if agent is None or agent.id == acting or not _wants(agent, Happening.ASSIGNMENT, there):
        return ()
    return (agent.id,)


def can_be_told(agent: Agent | None, there: Configuration) -> bool:
    """Whether anything may be sent to an agent at all."""
    return agent is not None and agent.enabled and not there.is_own(agent.address)


def _wants(agent: Agent, happening: Happening, there: Configuration) -> bool:
    if not can_be_told(agent, there):
        return False
    name = happening.replace("-", "_")
    own: bool | None = getattr(agent.notify, name)
    default: bool = getattr(there.notifications, name)
    return default if own is None else own


def _is_concerned(agent: Agent, ticket: Ticket, there: Configuration) -> bool:
    """Hers always; of her queues nobody's too, or everybody's if she wants all."""
    if ticket.assignee == agent.id:
        return True
    if agent.queues and ticket.queue not in agent.queues:
        return False
    if (agent.notify.scope or there.notifications.scope) is NotifyScope.ALL:
        return True
    # A name that is no agent's reads nothing, so it is nobody's ticket.
    return ticket.assignee is None or there.agent(ticket.assignee) is None
