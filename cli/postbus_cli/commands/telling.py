"""Tells what an import finds, unless it was told before."""

from postbus.bus import Bus
from postbus.contracts.base import Contract
from postbus.contracts.mail import MailHeld, MailReceived
from postbus.errors import PermanentError
from postbus_cli.adapters.archive import short_id
from postbus_cli.adapters.pacing import Pacing
from postbus_cli.domain.importing import Counts


class Counting:
    """`postbus.intake.Telling` that tells nothing: what would be told is counted."""

    def __init__(self, known: set[bytes], counts: Counts) -> None:
        self._known = known
        self._counts = counts

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Count it."""
        del event_type, last_token, event_id, about
        if self.is_new(data):
            self.count(data)

    def is_new(self, data: Contract) -> bool:
        """Whether the mail was not told of before; of two at once one is new."""
        known = short_id(_mail_id(data))
        if known in self._known:
            self._counts.already_there += 1
            return False
        self._known.add(known)
        return True

    def count(self, data: Contract) -> None:
        """It was told."""
        if isinstance(data, MailHeld):
            self._counts.held += 1
        else:
            self._counts.told += 1

    def forget(self, data: Contract) -> None:
        """It could not be told, and comes again."""
        self._known.discard(short_id(_mail_id(data)))


class Telling:
    """`postbus.intake.Telling` on the bus, at the pace at which ticketing files."""

    def __init__(self, counting: Counting, bus: Bus, pacing: Pacing) -> None:
        self._counting = counting
        self._bus = bus
        self._pacing = pacing

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Tell it, once; BusUnavailable, and PermanentError for what does not fit."""
        if not self._counting.is_new(data):
            return
        await self._pacing.wait()
        try:
            await self._bus.tell(event_type, last_token, data, event_id=event_id, about=about)
        except PermanentError:
            self._counting.forget(data)
            raise
        self._counting.count(data)


def _mail_id(data: Contract) -> str:
    if not isinstance(data, MailReceived | MailHeld):
        raise TypeError(f"an import tells of mails and not of {type(data).__name__}")
    return data.mail_id
