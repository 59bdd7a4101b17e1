"""Contract values for tests, with what does not matter filled in."""

from datetime import UTC, datetime
from typing import Any

from postbus.contracts.base import BlobRef
from postbus.contracts.mail import Address, MailReceived, Route

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def mail_received(mail_id: str = "m1", **fields: Any) -> MailReceived:
    """A mail of Anna to the queue `support`."""
    anna = Address(name="Anna", address="anna@example.com")
    values: dict[str, Any] = {
        "mail_id": mail_id,
        "channel": "support",
        "queue": "support",
        "ticket_type": "support",
        "route": Route(door="forward", received_at=NOW),
        "message_id": f"{mail_id}@example.com",
        "from_": anna,
        "customer": anna,
        "to": (Address(address="support@postbus.localhost"),),
        "subject": "Printer on fire",
        "text": "Help.",
        "full_text": "Help.",
        "kind": "human",
        "raw": BlobRef(sha256="0" * 64, size_bytes=10),
    }
    return MailReceived(**{**values, **fields})
