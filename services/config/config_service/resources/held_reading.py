"""Makes the facts of held mails out of their bytes."""

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace

import structlog

from config_service.domain.held_facts import HEAD_ONLY, head_of, received_as, with_its_bytes
from config_service.ports import Blobs
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, MailReceived
from postbus.errors import TemporaryError
from postbus.intake import Taken, find_stamp, keep, mail_received
from postbus.intake.stamps import Find
from postbus.mail.parsed import ParsedMail

log = structlog.get_logger("config.held_mails")


@dataclass(frozen=True)
class HeldReading:
    """Reads for one channel; ``own_addresses`` are all of ours, normalised."""

    blobs: Blobs
    read: Callable[[bytes], Awaitable[ParsedMail]]
    find_stamps: Find
    channel: InboundChannel
    own_addresses: Container[str]

    async def whole(self, held: MailHeld, raw: bytes) -> MailReceived | None:
        """The mail as a door would tell it; None where it cannot be read, or was not given whole.

        Raises:
            TemporaryError: its files could not be kept.
        """
        if held.reason in HEAD_ONLY:
            return None
        parsed = await self._try(raw)
        if parsed is None:
            return None
        taken = await keep(parsed, raw, held.raw, blobs=self.blobs)
        return self._fact(held, replace(taken, mail_id=received_as(held, taken.mail_id)))

    async def head(self, held: MailHeld, raw: bytes) -> MailReceived:
        """The mail as its header tells of it, with its bytes as a file; it never fails."""
        parsed = await self._try(head_of(raw)) or await self.read(b"")
        return with_its_bytes(self._fact(held, Taken(held.mail_id, parsed, held.raw)), held)

    async def _try(self, raw: bytes) -> ParsedMail | None:
        try:
            return await self.read(raw)
        except TemporaryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is filed
            log.warning("held_mail_not_read", error=type(error).__name__)
            return None

    def _fact(self, held: MailHeld, taken: Taken) -> MailReceived:
        """Our mark that was known when it was held stays, also where its key is withdrawn."""
        to, channel = held.route.envelope_to, self.channel
        stamp = find_stamp(taken.parsed, to, channel=channel, find=self.find_stamps) or held.stamp
        return mail_received(
            taken, channel, route=held.route, stamp=stamp, own_addresses=self.own_addresses
        )
