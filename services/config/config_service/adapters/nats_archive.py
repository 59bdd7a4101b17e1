"""What the mail stream tells of mails that are held."""

from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from config_service.adapters.bus import ServiceBus, StoredMessage
from config_service.domain.held_mails import Told
from postbus.bus.topology import MAIL
from postbus.contracts.base import Event
from postbus.contracts.mail import MailHeld, MailHeldEvent, MailReleased, MailReleasedEvent

log = structlog.get_logger("config.archive")


class NatsArchive:
    """`config_service.ports.Archive`: the stream is read at each question, and nothing is kept."""

    def __init__(self, bus: ServiceBus) -> None:
        self._bus = bus

    async def held(self) -> Sequence[Told]:
        """Every fact about held mails, oldest first; BusUnavailable."""
        return [
            *[
                told
                async for one in self._bus.stored(MAIL, "postbus.mail.held.>")
                if (told := _read(MailHeldEvent, one))
            ],
            *[
                told
                async for one in self._bus.stored(MAIL, "postbus.mail.released.>")
                if (told := _read(MailReleasedEvent, one))
            ],
        ]


def _read(
    model: type[Event[MailHeld]] | type[Event[MailReleased]], stored: StoredMessage
) -> Told | None:
    """None for what is no such event: one bad message must not hide all others."""
    try:
        event = model.model_validate_json(stored.body)
    except ValidationError as error:
        # Without the traceback, which holds what the message says.
        log.warning("held_unreadable", sequence=stored.sequence, problems=error.error_count())
        return None
    return Told(stored.sequence, event.time, event.data)
