"""What the streams tell: of mails that are held, and of the loop guard's verdicts."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError

from config_service.adapters.bus import ServiceBus, StoredMessage
from config_service.domain.held_mails import Told
from config_service.domain.loop_verdicts import ToldVerdict
from postbus.bus.topology import MAIL, SENDING
from postbus.contracts.base import Event
from postbus.contracts.guard import JudgedEvent
from postbus.contracts.mail import (
    MailDecided,
    MailDecidedEvent,
    MailHeld,
    MailHeldEvent,
    MailReleased,
    MailReleasedEvent,
)

log = structlog.get_logger("config.archive")


_About = type[Event[MailHeld]] | type[Event[MailDecided]] | type[Event[MailReleased]]
_ABOUT_HELD: Final[dict[str, _About]] = {
    "postbus.mail.held.>": MailHeldEvent,
    "postbus.mail.decided.>": MailDecidedEvent,
    "postbus.mail.released.>": MailReleasedEvent,
}


class NatsArchive:
    """`config_service.ports.Archive`: the stream is read at each question, and nothing is kept."""

    def __init__(self, bus: ServiceBus) -> None:
        self._bus = bus

    async def held(self) -> Sequence[Told]:
        """Every fact about held mails; BusUnavailable."""
        return [
            told
            for subject, model in _ABOUT_HELD.items()
            async for one in self._bus.stored(MAIL, subject)
            if (told := _read(model, one))
        ]

    async def verdicts(self, since: datetime, queue: str | None) -> AsyncIterator[ToldVerdict]:
        """The verdicts from then on; BusUnavailable from every step."""
        subject = f"postbus.send.judged.{queue or '>'}"
        async for one in self._bus.stored(SENDING, subject, since=since):
            try:
                yield ToldVerdict(one.sequence, JudgedEvent.model_validate_json(one.body).data)
            except ValidationError as error:
                log.warning(
                    "verdict_unreadable", sequence=one.sequence, problems=error.error_count()
                )


def _read(model: _About, stored: StoredMessage) -> Told | None:
    """None for what is no such event: one bad message must not hide all others."""
    try:
        event = model.model_validate_json(stored.body)
    except ValidationError as error:
        # Without the traceback, which holds what the message says.
        log.warning("held_unreadable", sequence=stored.sequence, problems=error.error_count())
        return None
    return Told(stored.sequence, event.time, event.data)
