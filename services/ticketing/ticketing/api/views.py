"""Domain values as API bodies."""

from postbus.contracts.configuration import Agent
from postbus.contracts.guard import WITHOUT_GUARD_RULE
from postbus.contracts.mail import Content
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import QueueRef
from ticketing.api.bodies import (
    AgentBody,
    CustomerBody,
    DeliveryBody,
    MessageBody,
    NotificationBody,
    OutgoingBody,
    PauseBody,
    ReportBody,
    TicketBody,
)
from ticketing.domain.decisions import possible
from ticketing.domain.facts import view
from ticketing.domain.model import Delivery, Direction, Message, Report, Ticket
from ticketing.domain.notices import DROPPED, Notice, Pause
from ticketing.ports import Customer


def ticket_body(ticket: Ticket, queue: QueueRef) -> TicketBody:
    """The ticket with its description."""
    return TicketBody(**dict(view(ticket, queue)), description=ticket.description)


def message_body(message: Message, content: Content | None) -> MessageBody:
    """The message; `content` is its text, whole, where the message keeps only the beginning."""
    whole = content or Content(text=message.text, full_text=message.full_text, html=message.html)
    return MessageBody(
        id=message.id,
        direction=message.direction,
        automatic=message.automatic,
        kind=message.kind,
        from_=message.sender,
        to=list(message.to),
        cc=list(message.cc),
        subject=message.subject,
        text=whole.text,
        full_text=whole.full_text,
        html=whole.html,
        attachments=list(message.attachments),
        message_id=message.message_id,
        created_at=message.created_at,
        by=message.by,
        delivery=delivery_body(message),
        flags=list(message.flags),
        about=message.about,
        customer_confidence=message.customer_confidence,
        customer_evidence=list(message.customer_evidence),
        forwarded_by=message.forwarded_by,
        calendar=list(message.calendar),
        protection=list(message.protection),
        problems=list(message.problems),
        released_by=message.released_by,
    )


def delivery_body(message: Message) -> DeliveryBody | None:
    """What became of an outgoing message."""
    return _delivery_body(message.delivery) if message.delivery else None


def outgoing_body(message: Message, ticket: Ticket) -> OutgoingBody:
    """An outgoing message of that ticket."""
    return OutgoingBody(
        ticket=ticket.number,
        queue=ticket.queue,
        id=message.id,
        kind=message.kind,
        automatic=message.automatic,
        to=list(message.to),
        subject=message.subject,
        created_at=message.created_at,
        by=message.by,
        delivery=delivery_body(message),
    )


def notification_body(
    notice: Notice, message: Message | None, *, on: int | None
) -> NotificationBody:
    """What an agent is told, and what became of the mail that does; `on` is its ticket."""
    state = "waiting" if notice.told_by is None else "told"
    if notice.told_by == DROPPED:
        state = "dropped"
    return NotificationBody(
        agent=notice.agent,
        happening=notice.happened.happening,
        at=notice.happened.at,
        state=state,
        message=message.id if message else None,
        on=on,
        delivery=delivery_body(message) if message else None,
    )


def agent_body(agent: Agent, pause: Pause | None) -> AgentBody:
    """The agent, without her address."""
    return AgentBody(
        id=agent.id,
        name=agent.name,
        enabled=agent.enabled,
        queues=list(agent.queues),
        paused=PauseBody(at=pause.at, reason=pause.reason) if pause else None,
    )


def _delivery_body(delivery: Delivery) -> DeliveryBody:
    verdict = delivery.verdict if _is_told(delivery) else None
    return DeliveryBody(
        state=delivery.state,
        outbound_channel=delivery.outbound_channel,
        reason=delivery.reason or (verdict.reason if verdict else ""),
        at=delivery.at,
        attempt=delivery.attempt,
        reports=[_report_body(one) for one in delivery.reports],
        rule=verdict.rule if verdict else "",
        lifted_by=verdict.lifted_by if verdict else "",
        verdict=delivery.verdict,
        next_attempt_at=delivery.next_attempt_at,
        late_since=delivery.late_since,
        decisions=list(delivery.decisions),
        under_way=delivery.under_way,
        possible=list(possible(delivery)),
    )


def _is_told(delivery: Delivery) -> bool:
    """Whether people are shown what the guard said: why mail is held, or that nobody judged it."""
    unjudged = delivery.verdict is not None and delivery.verdict.rule == WITHOUT_GUARD_RULE
    return unjudged or delivery.state is SendState.HELD


def _report_body(report: Report) -> ReportBody:
    return ReportBody(
        message=report.message,
        kind=report.kind,
        at=report.at,
        address=report.address,
        action=report.action,
        status=report.status,
        hard=report.hard,
        diagnostic=report.diagnostic,
    )


def is_accepted(message: Message, ticket: Ticket) -> bool:
    """What a crash kept from being counted was never accepted or asked for; it is not shown."""
    if message.direction is Direction.INBOUND or message.filed:
        return True
    return ticket.has_counted(message.id)


def customer_body(customer: Customer) -> CustomerBody:
    """The customer."""
    return CustomerBody(
        id=customer.id,
        name=customer.name,
        addresses=list(customer.addresses),
        created_at=customer.created_at,
    )
