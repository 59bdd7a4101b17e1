"""Who may be written to through this door, and to which channel the mail belongs."""

from dataclasses import dataclass
from enum import Enum

from postbus.contracts.configuration import InboundChannel


@dataclass(frozen=True)
class Accepted:
    """A recipient of ours; ``address`` is as the client wrote it."""

    address: str
    channel: InboundChannel


class Refusal(Enum):
    """Why a recipient is refused; the value is the SMTP answer (RFC 5321 §4.2, RFC 3463)."""

    UNKNOWN = "550 5.1.1 No such recipient here"
    CHANNEL_DISABLED = "550 5.2.1 This address does not take mail at present"
    TOO_MANY = "452 4.5.3 Too many recipients, send the others in another transaction"


def decide(
    address: str, channel: InboundChannel | None, *, taken: int, limit: int
) -> Accepted | Refusal:
    """Whether a recipient is taken.

    ``channel`` is the one that the address, or the address without its plus-tag, belongs to. The
    tag does not matter here: a verified stamp in it makes the address a reply address, any other
    tag is the customer's own and the mail is for the channel all the same. A stamp that no longer
    verifies is such a tag, too, for a reply must not bounce because a key was changed.

    Both creation and reply addresses of a disabled channel are refused for good: an admin who
    disables a channel wants senders to know. ``taken`` recipients are in the transaction already.
    """
    if channel is None:
        return Refusal.UNKNOWN
    if not channel.enabled:
        return Refusal.CHANNEL_DISABLED
    if taken >= limit:
        return Refusal.TOO_MANY
    return Accepted(address, channel)
