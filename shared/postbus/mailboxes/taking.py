"""Takes fetched mails in, and counts what became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import structlog

from postbus.contracts.base import BlobRef, derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, MailReleased, Route
from postbus.intake import As, Intake, TakenIn
from postbus.mailboxes.board import Board
from postbus.mailboxes.metrics import Metrics

log = structlog.get_logger("postbus.mailboxes")


@dataclass(frozen=True)
class TakingIn:
    """One for a process."""

    intake: Intake
    metrics: Metrics
    board: Board
    now: Callable[[], datetime]

    async def take(
        self,
        channel: InboundChannel,
        raw: bytes,
        route: Route,
        *,
        arrived_at: datetime,
        imported: bool,
    ) -> TakenIn:
        """Take a mail in; it is told when this returns, and safe to repeat.

        Raises:
            TemporaryError: bus or blob store is away; nothing of it may be acknowledged.
        """
        told_as = As.IMPORTED if imported else As.RECEIVED
        taken = await self.intake.take(raw, [(channel, route)], told_as=told_as)
        held = is_held(taken, channel.id)
        outcome = "held" if held else "imported" if imported else "received"
        self.metrics.mails.labels(channel.id, outcome).inc()
        self.metrics.bytes.inc(len(raw))
        if not imported:
            lag = (self.now() - arrived_at).total_seconds()
            self.metrics.lag.observe(max(0.0, lag))
            self.board.mail(channel.id, arrived_at=arrived_at)
        return taken

    async def hold(
        self, channel: str, head: bytes, route: Route, *, reason: str, detail: str
    ) -> MailHeld:
        """Tell that a mail is there and cannot be had; its header is kept, where that can be.

        Gives back the fact, whose identity is the place where the mail lies.
        """
        raw = await self.intake.blobs.put(head)
        place = (channel, *(route.origin.place if route.origin else ()))
        fact = MailHeld(
            mail_id=sha256("\x1f".join(place).encode()).hexdigest(),
            channel=channel,
            reason=reason,
            detail=detail,
            raw=raw,
            route=route,
        )
        await self.intake.hold(fact)
        self.metrics.mails.labels(channel, "held").inc()
        log.warning("mail_held", channel=channel, reason=reason)
        return fact

    async def release(self, channel: str, mail_id: str, raw: BlobRef, taken: TakenIn) -> None:
        """Tell that what was held under that id was taken in after all."""
        fact = MailReleased(mail_id=mail_id, received_as=taken.mail_id, channel=channel, raw=raw)
        await self.intake.telling.tell(
            "postbus.mail.released",
            channel,
            fact,
            event_id=derived_id("mail.released", channel, mail_id),
            about=f"mails/{mail_id}",
        )


def is_held(taken: TakenIn, channel: str) -> bool:
    """Whether a mail was kept and could not be read."""
    return taken.outcomes[channel] == "held"
