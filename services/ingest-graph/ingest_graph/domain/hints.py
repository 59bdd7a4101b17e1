"""What Graph says about a folder without being believed: where to look, never what is there."""

from enum import StrEnum
from hashlib import sha256


class Hint(StrEnum):
    """A change, or one of the lifecycle events (Graph, "change-notifications-lifecycle-events")."""

    NEWS = "news"
    MISSED = "missed"
    REMOVED = "subscriptionRemoved"
    REAUTHORIZE = "reauthorizationRequired"


LIFECYCLE = (Hint.MISSED, Hint.REMOVED, Hint.REAUTHORIZE)


def folder_key(folder: str) -> str:
    """How a folder is named in an address and in a key, whatever it is called."""
    return sha256(folder.encode()).hexdigest()[:16]
