"""What happens to a mail at the door: keep, read, tell, and only then say yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from ingest_forward.domain.recipients import Accepted, Refusal, decide
from ingest_forward.ports import Clock, CurrentChannels
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import Route
from postbus.errors import TemporaryError
from postbus.intake import Intake

log = structlog.get_logger("ingest_forward")


@dataclass(frozen=True)
class Surroundings:
    """What the door works with."""

    intake: Intake
    channels: CurrentChannels
    now: Clock


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
            taken = await self._around.intake.take(raw, self._routes(envelope_from, recipients))
        except TemporaryError:
            for channel in channels:
                self._metrics.mails.labels(channel, "deferred").inc()
            raise
        seconds = monotonic() - began
        self._metrics.seconds.observe(seconds)
        for channel, outcome in taken.outcomes.items():
            what = "held" if outcome == "held" else "received"
            self._metrics.mails.labels(channel, what).inc()
        log.info(
            "mail_received",
            mail_id=taken.mail_id,
            channel=",".join(channels),
            bytes=len(raw),
            kind=",".join(dict.fromkeys(taken.outcomes.values())),
            milliseconds=round(seconds * 1000, 1),
        )
        return taken.mail_id

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
