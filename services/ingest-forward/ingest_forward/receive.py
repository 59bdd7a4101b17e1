"""What happens to a mail at the door: keep, read, tell, and only then say yes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from ingest_forward.domain.recipients import Accepted, Refusal, decide
from ingest_forward.ports import Clock, CurrentChannels, Telling
from postbus.contracts.base import BlobRef, derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, Route
from postbus.errors import MailUnreadable, PermanentError, TemporaryError
from postbus.intake import Blobs, Taken, find_stamp, keep, mail_received
from postbus.mail import ParsedMail
from postbus.tokens import Stamp

log = structlog.get_logger("ingest_forward")


@dataclass(frozen=True)
class Surroundings:
    """What the door works with.

    ``read`` takes a mail apart, and raises MailUnreadable for one that takes too much;
    ``find_stamps`` gives the verified stamps of a text.
    """

    blobs: Blobs
    telling: Telling
    channels: CurrentChannels
    find_stamps: Callable[[str], list[Stamp]]
    now: Clock
    read: Callable[[bytes], Awaitable[ParsedMail]]


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.mails = Counter(
            "postbus_mails_received",
            "Mails by what became of them at the door",
            ["channel", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "postbus_mail_receive_seconds",
            "From the last byte of a mail to the answer",
            registry=registry,
        )


class Receiving:
    """Takes recipients and mails; knows nothing of SMTP but what its answers mean."""

    def __init__(
        self, around: Surroundings, registry: CollectorRegistry, *, max_recipients: int
    ) -> None:
        self._around = around
        self._max_recipients = max_recipients
        self._metrics = _Metrics(registry)

    def recipient(self, address: str, taken: int) -> Accepted | Refusal:
        """Whether mail for that address is taken; ``taken`` are in the transaction already.

        Raises:
            BusUnavailable: the configuration was never read, so nobody can tell.
        """
        channel = self._around.channels().channel_of_address(address)
        decision = decide(address, channel, taken=taken, limit=self._max_recipients)
        if isinstance(decision, Refusal):
            of_channel = channel.id if channel is not None else ""
            self._metrics.mails.labels(of_channel, "refused").inc()
        return decision

    async def take(
        self, raw: bytes, envelope_from: str | None, recipients: Sequence[Accepted]
    ) -> str:
        """Take a mail for its recipients and give its id; it is told when this returns.

        Safe to repeat: a mail that the client sends again is the same fact and dropped by the
        stream.

        Raises:
            TemporaryError: bus or blob store is away; nothing of it may be acknowledged.
        """
        began = monotonic()
        channels = {one.channel.id: one.channel for one in recipients}
        try:
            taken, kinds = await self._take(raw, envelope_from, recipients)
        except TemporaryError:
            for channel in channels:
                self._metrics.mails.labels(channel, "deferred").inc()
            raise
        seconds = monotonic() - began
        self._metrics.seconds.observe(seconds)
        log.info(
            "mail_received",
            mail_id=taken,
            channel=",".join(channels),
            bytes=len(raw),
            kind=",".join(kinds),
            milliseconds=round(seconds * 1000, 1),
        )
        return taken

    async def _take(
        self, raw: bytes, envelope_from: str | None, recipients: Sequence[Accepted]
    ) -> tuple[str, list[str]]:
        raw_ref = await self._around.blobs.put(raw)
        routes = self._routes(envelope_from, recipients)
        try:
            parsed = await self._around.read(raw)
            taken = await keep(parsed, raw, raw_ref, blobs=self._around.blobs)
            kinds = [await self._tell(taken, channel, route) for channel, route in routes]
        except TemporaryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, no mail is lost
            log.warning("mail_not_read", error=type(error).__name__, sha256=raw_ref.sha256)
            for channel, route in routes:
                await self._hold(raw_ref, error, channel=channel, route=route)
            return raw_ref.sha256, ["held"]
        return taken.mail_id, list(dict.fromkeys(kinds))

    def _routes(
        self, envelope_from: str | None, recipients: Sequence[Accepted]
    ) -> list[tuple[InboundChannel, Route]]:
        """Each channel once, with the recipients that are its own."""
        now = self._around.now()
        channels = {one.channel.id: one.channel for one in recipients}
        return [
            (
                channel,
                Route(
                    door="forward",
                    received_at=now,
                    envelope_from=envelope_from,
                    envelope_to=tuple(
                        one.address for one in recipients if one.channel.id == channel.id
                    ),
                ),
            )
            for channel in channels.values()
        ]

    async def _tell(self, taken: Taken, channel: InboundChannel, route: Route) -> str:
        stamp = find_stamp(
            taken.parsed, route.envelope_to, channel=channel, find=self._around.find_stamps
        )
        fact = mail_received(
            taken,
            channel,
            route=route,
            stamp=stamp,
            own_addresses=self._around.channels().own_addresses(),
        )
        await self._around.telling.tell(
            "postbus.mail.received",
            channel.id,
            fact,
            event_id=derived_id("mail.received", channel.id, taken.mail_id),
            about=f"mails/{taken.mail_id}",
        )
        self._metrics.mails.labels(channel.id, "received").inc()
        return str(fact.kind)

    async def _hold(
        self, raw: BlobRef, error: Exception, *, channel: InboundChannel, route: Route
    ) -> None:
        """Tell that a mail is kept and not read; a later release can read it again."""
        fact = MailHeld(
            mail_id=raw.sha256,
            channel=channel.id,
            reason=_reason_of(error),
            detail=str(error) if isinstance(error, PermanentError) else type(error).__name__,
            raw=raw,
            route=route,
        )
        await self._around.telling.tell(
            "postbus.mail.held",
            channel.id,
            fact,
            event_id=derived_id("mail.held", channel.id, raw.sha256),
            about=f"mails/{raw.sha256}",
        )
        self._metrics.mails.labels(channel.id, "held").inc()


def _reason_of(error: Exception) -> str:
    if isinstance(error, MailUnreadable):
        return "takes-too-much-to-read"
    return "too-large-to-tell" if isinstance(error, PermanentError) else "not-readable"
