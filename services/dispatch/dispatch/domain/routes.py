"""Which way a mail goes out."""

from dispatch.domain.attempts import Attempt
from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.configuration import OutboundChannel


def route_of(attempt: Attempt, configuration: Configuration) -> OutboundChannel | NoOutbound:
    """The outbound channel that a person chose for this mail, else the one of its queue."""
    if attempt.via is not None:
        return configuration.carrier(attempt.via, "this answer goes")
    return configuration.reply_via(attempt.request.channel)
