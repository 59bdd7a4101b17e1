"""Every fact that Postbus tells: subject, model, who tells it, who hears it, what it says.

`docs/events.md`, the JSON Schemas under `docs/events/` and the publish permissions are made from
this table, so what is not here cannot be told.
"""

from dataclasses import dataclass
from typing import Any

from postbus.contracts.base import Event
from postbus.contracts.channels import AuditEvent, ChannelEvent, ParkedEvent
from postbus.contracts.guard import JudgedEvent
from postbus.contracts.mail import (
    MailDecidedEvent,
    MailHeldEvent,
    MailImportedEvent,
    MailReceivedEvent,
    MailReleasedEvent,
)
from postbus.contracts.sending import (
    SendClaimedEvent,
    SendDecidedEvent,
    SendOutcomeEvent,
    SendRequestedEvent,
)
from postbus.contracts.tickets import (
    AgentRepliedEvent,
    CustomerRepliedEvent,
    TicketChangedEvent,
    TicketMergedEvent,
    TicketNotedEvent,
    TicketOpenedEvent,
)

INGEST = ("ingest-forward", "ingest-imap", "ingest-graph")
MAILBOX_READERS = ("ingest-imap", "ingest-graph")
EVERY_SERVICE = (*INGEST, "ticketing", "loopguard", "dispatch", "config")
ARCHIVIST = "archivist"
"""`postbus reparse` and `postbus import`: programs that people run, with one NATS user."""

JUDGE_SUBJECT = "postbus.loopguard.judge"
EXPLAIN_SUBJECT = "postbus.loopguard.explain"
DRY_RUN_SUBJECT = "postbus.loopguard.dry-run"
LIFT_SUBJECT = "postbus.loopguard.lift"
GUARD_STATE_SUBJECT = "postbus.loopguard.state"
TRY_OUTBOUND_SUBJECT = "postbus.dispatch.try"
TRY_INBOUND_SUBJECT = "postbus.ingest-imap.try"
PROVE_SUBJECT = "postbus.ingest-imap.prove"
TRY_GRAPH_SUBJECT = "postbus.ingest-graph.try"
PROVE_GRAPH_SUBJECT = "postbus.ingest-graph.prove"
PUT_SENT_SUBJECT = "postbus.ingest-imap.put-sent"
FIND_SENT_SUBJECT = "postbus.ingest-imap.find-sent"
FILED_SUBJECT = "postbus.ticketing.filed"


EventModel = type[Event[Any]]


@dataclass(frozen=True)
class Fact:
    """One row of the event table; `last_token` names what the subject ends with."""

    type: str
    last_token: str
    model: EventModel
    told_by: tuple[str, ...]
    heard_by: str
    says: str


FACTS: tuple[Fact, ...] = (
    Fact("postbus.mail.received", "channel", MailReceivedEvent, (*INGEST, ARCHIVIST, "config"),
          "ticketing, loopguard", "a mail came in, normalized, with its raw bytes by reference"),
    Fact("postbus.mail.imported", "channel", MailImportedEvent,
          (*MAILBOX_READERS, ARCHIVIST, "config"),
          "ticketing", "a mail from before, normalized: it is filed and no automatic mail follows"),
    Fact("postbus.mail.held", "channel", MailHeldEvent, (*INGEST, ARCHIVIST, "ticketing"),
          "admins", "a mail is kept and not filed, and why"),
    Fact("postbus.mail.decided", "channel", MailDecidedEvent, ("config",),
          "admins", "somebody decided what becomes of a mail that is held, and who"),
    Fact("postbus.mail.released", "channel", MailReleasedEvent,
          (ARCHIVIST, "ticketing", *MAILBOX_READERS),
          "admins", "a mail that was held is held no longer, and as which mail it was received"),
    Fact("postbus.ticket.opened", "queue", TicketOpenedEvent, ("ticketing",),
          "other services, desk", "a new ticket"),
    Fact("postbus.ticket.customer-replied", "queue", CustomerRepliedEvent, ("ticketing",),
          "other services, desk", "the customer wrote on a ticket that was there"),
    Fact("postbus.ticket.agent-replied", "queue", AgentRepliedEvent, ("ticketing",),
          "other services, desk", "an agent answered"),
    Fact("postbus.ticket.noted", "queue", TicketNotedEvent, ("ticketing",),
          "other services, desk", "an agent left a note that the customer does not see"),
    Fact("postbus.ticket.changed", "queue", TicketChangedEvent, ("ticketing",),
          "other services, desk", "something of the ticket changed, or a report about a mail came"),
    Fact("postbus.ticket.merged", "queue", TicketMergedEvent, ("ticketing",),
          "other services, desk", "a mail showed that another ticket is the same matter"),
    Fact("postbus.send.requested", "queue", SendRequestedEvent, ("ticketing",),
          "dispatch, loopguard", "an answer or a notification wants to go out"),
    Fact("postbus.send.decided", "queue", SendDecidedEvent, ("ticketing",),
          "dispatch", "a person decided what becomes of a mail that waits or is in doubt"),
    Fact("postbus.send.judged", "queue", JudgedEvent, ("loopguard",),
          "other services", "the loop guard cleared a mail or held it, by which rule and why"),
    Fact("postbus.send.claimed", "outbound", SendClaimedEvent, ("dispatch",),
          "other services", "a replica is about to hand the mail over, and nobody else will"),
    Fact("postbus.send.sent", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "the other side took the mail"),
    Fact("postbus.send.held", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "the guard or the filter said no, and why"),
    Fact("postbus.send.deferred", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "not now; when it is tried again"),
    Fact("postbus.send.failed", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "it will never be delivered, and why"),
    Fact("postbus.send.in-doubt", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "a crash hid whether it was sent; it is not repeated"),
    Fact("postbus.send.discarded", "outbound", SendOutcomeEvent, ("dispatch",),
          "ticketing, other services", "a person decided that it is never sent, and who"),
    Fact("postbus.send.bounced", "outbound", SendOutcomeEvent, ("ticketing",),
          "loopguard, other services",
          "a mail system reported that it could not deliver the mail, and why"),
    Fact("postbus.channel", "fact>.<channel", ChannelEvent, (*INGEST, "dispatch", "config"),
          "console, other services", "the health of a channel changed"),
    Fact("postbus.parked", "durable", ParkedEvent, EVERY_SERVICE,
          "admins", "a message that could not be handled, whole, with the reason"),
    Fact("postbus.audit", "kind", AuditEvent, ("config",),
          "admins", "who changed what in the configuration, before and after"),
)  # fmt: skip
