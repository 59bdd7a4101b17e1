"""Every fact that Postbus tells: subject, model, who tells it, who hears it, what it says.

`docs/events.md`, the JSON Schemas under `docs/events/` and the publish permissions are made from
this table, so what is not here cannot be told.
"""

from dataclasses import dataclass

from postbus.contracts.base import Contract, Event
from postbus.contracts.channels import AuditEvent, ChannelEvent, ParkedEvent
from postbus.contracts.mail import MailHeldEvent, MailReceivedEvent
from postbus.contracts.sending import SendOutcomeEvent, SendRequestedEvent
from postbus.contracts.tickets import (
    AgentRepliedEvent,
    CustomerRepliedEvent,
    TicketChangedEvent,
    TicketNotedEvent,
    TicketOpenedEvent,
)

INGEST = ("ingest-forward",)
EVERY_SERVICE = ("ingest-forward", "ticketing", "loopguard", "dispatch", "config")

JUDGE_SUBJECT = "postbus.loopguard.judge"
TRY_OUTBOUND_SUBJECT = "postbus.dispatch.try"


@dataclass(frozen=True)
class Fact:
    """One row of the event table; `last_token` names what the subject ends with."""

    type: str
    last_token: str
    model: type[Event[Contract]]
    told_by: tuple[str, ...]
    heard_by: str
    says: str


def _fact(
    type_: str, last_token: str, model: type, told_by: tuple[str, ...], heard_by: str, says: str
) -> Fact:
    return Fact(type_, last_token, model, told_by, heard_by, says)


FACTS: tuple[Fact, ...] = (
    _fact("postbus.mail.received", "channel", MailReceivedEvent, INGEST,
          "ticketing, loopguard", "a mail came in, normalized, with its raw bytes by reference"),
    _fact("postbus.mail.held", "channel", MailHeldEvent, (*INGEST, "ticketing"),
          "admins", "a mail is kept and not filed, and why"),
    _fact("postbus.ticket.opened", "queue", TicketOpenedEvent, ("ticketing",),
          "other services, desk", "a new ticket"),
    _fact("postbus.ticket.customer-replied", "queue", CustomerRepliedEvent, ("ticketing",),
          "other services, desk", "the customer wrote on a ticket that was there"),
    _fact("postbus.ticket.agent-replied", "queue", AgentRepliedEvent, ("ticketing",),
          "other services, desk", "an agent answered"),
    _fact("postbus.ticket.noted", "queue", TicketNotedEvent, ("ticketing",),
          "other services, desk", "an agent left a note that the customer does not see"),
    _fact("postbus.ticket.changed", "queue", TicketChangedEvent, ("ticketing",),
          "other services, desk", "status, assignee, priority, tags or queue changed"),
    _fact("postbus.send.requested", "queue", SendRequestedEvent, ("ticketing",),
          "dispatch", "an answer or a notification wants to go out"),
    _fact("postbus.send.sent", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "the other side took the mail"),
    _fact("postbus.send.held", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "the guard or the filter said no, and why"),
    _fact("postbus.send.deferred", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "not now; when it is tried again"),
    _fact("postbus.send.failed", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "it will never be delivered, and why"),
    _fact("postbus.send.in-doubt", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "a crash hid whether it was sent; it is not repeated"),
    _fact("postbus.channel", "fact>.<channel", ChannelEvent, (*INGEST, "dispatch", "config"),
          "console, other services", "the health of a channel changed"),
    _fact("postbus.parked", "durable", ParkedEvent, EVERY_SERVICE,
          "admins", "a message that could not be handled, whole, with the reason"),
    _fact("postbus.audit", "kind", AuditEvent, ("config",),
          "admins", "who changed what in the configuration, before and after"),
)  # fmt: skip
