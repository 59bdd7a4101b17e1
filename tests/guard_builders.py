"""Questions for the loop guard, with everything that a case does not speak of filled in."""

from datetime import UTC, datetime
from typing import Any

from postbus.contracts.guard import Cause, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CUSTOMER = "anna@example.com"
AGENT = "eve@desk.example.net"


def cause(**changes: Any) -> Cause:
    """A customer's own mail."""
    plain = {"mail_id": "m-1", "sender": CUSTOMER, "kind": MailKind.HUMAN}
    return Cause.model_validate({**plain, **changes})


def question(kind: SendKind = SendKind.RECEIPT, **changes: Any) -> JudgeRequest:
    """May this receipt, notification or reply go out?"""
    automatic = kind is not SendKind.AGENT_REPLY
    plain = {
        "send_id": "s-1",
        "ticket_number": 7,
        "queue": "support",
        "kind": kind,
        "automatic": automatic,
        "recipients": (AGENT if kind is SendKind.NOTIFICATION else CUSTOMER,),
        "outbound_channel": "relay",
        "outbound_kind": "relay",
        "cause": cause() if automatic else None,
        "asked_at": NOW,
    }
    return JudgeRequest.model_validate({**plain, **changes})
