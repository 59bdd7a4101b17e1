"""Requests to send, as ticketing tells them."""

from datetime import UTC, datetime

from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendRequested

STAMP = "ceaaaaaaafvqjnjy2dzzdzlpm7hqzzbr"


def send_requested(send_id: str = "s-1") -> SendRequested:
    """An agent's answer on ticket 7; the Message-ID holds the send id."""
    return SendRequested(
        send_id=send_id,
        ticket_number=7,
        queue="support",
        channel="support",
        kind=SendKind.AGENT_REPLY,
        automatic=False,
        reply_address=Address(name="Support", address="support@postbus.localhost"),
        message_id=f"pb.{STAMP}.{send_id}@postbus.localhost",
        stamp=STAMP,
        to=(Address(name="Anna", address="anna@example.com"),),
        subject="Re: Printer on fire",
        text="Please use the stairs.",
        requested_by="agent",
        requested_at=datetime.now(UTC),
    )
