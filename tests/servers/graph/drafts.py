"""Drafts: what they may hold, and the MIME that Exchange makes of them."""

from typing import Any

from servers.graph.store import Mailbox, Stored


class Drafting:
    """Changes drafts and other messages."""

    def change(self, mailbox: Mailbox, message: Stored, changes: dict[str, Any]) -> None:
        """Take over what PATCH sets."""
        for name, value in changes.items():
            if name == "isRead":
                message.read = bool(value)
            else:
                message.set_properties[name] = value
        mailbox.update(message)
