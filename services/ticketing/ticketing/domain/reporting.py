"""Files a mail that came back for a mail of ours, as the outcome of that mail."""

from dataclasses import dataclass, replace
from datetime import datetime

from postbus.contracts.base import JsonObject
from postbus.contracts.mail import MailReceived
from postbus.contracts.sending import SendState
from postbus.contracts.tickets import QueueRef
from postbus.mail.addresses import normalise
from ticketing.domain.bounced import bounced, reports_of
from ticketing.domain.facts import send_bounced, ticket_fact
from ticketing.domain.filing import Filing, message_of
from ticketing.domain.model import Delivery, Message, Ticket
from ticketing.domain.notes import answers_notification
from ticketing.domain.notices import Pause
from ticketing.domain.outcomes import reason_of, with_reports


def is_aside(mail: MailReceived, about: Message | None) -> bool:
    """Whether it came back for a notification, and so concerns agents and no conversation."""
    return about.aside if about is not None else answers_notification(mail)


def pause_of(reporting: "Reporting", about: Message) -> Pause | None:
    """Why the agent's address gets no more notifications, where one came back for good."""
    key = reporting.filing.message.id
    reports = reporting.delivery.reports if reporting.delivery else ()
    for one in reports:
        if one.message == key and one.action == "failed" and one.hard:
            reason = reason_of([one])
            return Pause(normalise(about.to[0].address), one.at, reason)
    return None


@dataclass(frozen=True)
class Reporting:
    """What becomes of the ticket, and of the delivery of the mail that was sent."""

    filing: Filing
    delivery: Delivery | None


def file_report(
    mail: MailReceived,
    ticket: Ticket,
    about: Message | None,
    *,
    queue: QueueRef,
    reply_via: str,
    now: datetime,
    imported: bool = False,
) -> Reporting:
    """One more automatic message of the story; `about` is what it came back for, if known.

    An imported one is as old as it is, and nobody is told that a mail bounced years ago.
    What came back for a notification leaves the ticket as it is, and is told as bounced only.
    """
    at = mail.route.received_at if imported else now
    message = replace(message_of(mail, ticket.id, at), automatic=True)
    if about is not None:
        message = replace(message, about=about.id)
    aside = is_aside(mail, about)
    message = replace(message, aside=aside, filed=aside)
    after = ticket if aside else ticket.with_message(message.id, at=at)
    delivery, facts = None, []
    if about is not None:
        before = about.delivery or Delivery(SendState.SENT)
        delivery = with_reports(before, reports_of(mail, about, message.id))
        told = bounced(mail, about, delivery, ticket=ticket, reply_via=reply_via)
        if told is not None and not imported:
            facts.append(send_bounced(after, told, cause=message.id))
    if aside:
        return Reporting(Filing(after, message, tuple(facts)), delivery)
    change: JsonObject = {
        "report": {
            "kind": mail.kind,
            "about": about.id if about else None,
            "delivery": delivery.state if delivery else None,
        }
    }
    shown = ticket_fact(
        "changed",
        after,
        queue=queue,
        cause=message.id,
        message=message,
        change=change,
        imported_at=now if imported else None,
    )
    return Reporting(Filing(after, message, (shown, *facts)), delivery)
