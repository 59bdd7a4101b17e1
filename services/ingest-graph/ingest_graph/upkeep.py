"""Keeps the sign-ins of paused mailboxes alive, and warns of those that end.

A refresh token that nobody uses ends after 90 days (Entra, "refresh tokens"); whoever pauses a
mailbox over the winter wants it to work in spring. Mailboxes that are read renew theirs by
themselves, and their health warns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from postbus.contracts.configuration import GraphAuth, InboundChannel
from postbus.errors import CredentialsRejected, PostbusError, Unavailable
from postbus.mailboxes.health import EXPIRING
from postbus.mailboxes.ports import Leases, TellChannel
from postbus.mailboxes.sharing import reader_of

log = structlog.get_logger("ingest_graph")
_RENEW_BEFORE: Final = timedelta(days=60)


class SignIns(Protocol):
    """The sign-ins of channels; raise what `OpenMailbox` does."""

    async def ends_at(self, channel: InboundChannel) -> datetime | None:
        """When that of a channel ends; None: unknown, or there is none."""

    async def renew(self, channel: InboundChannel) -> None:
        """Use it, so that it lasts."""


@dataclass(frozen=True)
class Upkeep:
    """`once` is called again and again; each mailbox is one replica's."""

    sign_ins: SignIns
    leases: Leases
    tell: TellChannel
    channels: Callable[[], Sequence[InboundChannel]]
    now: Callable[[], datetime]
    _warned: set[tuple[str, datetime]] = field(default_factory=set)

    async def once(self) -> None:
        """Look at every paused mailbox of ours. BusUnavailable."""
        alive = await self.leases.replicas()
        for channel in self.channels():
            paused = channel.kind == "graph" and not channel.enabled
            if not paused or reader_of(channel.id, alive) != self.leases.me:
                continue
            try:
                await self._look_after(channel)
            except Unavailable:
                raise
            except PostbusError as error:
                log.warning("sign_in_not_looked_after", channel=channel.id, error=str(error)[:300])

    async def _look_after(self, channel: InboundChannel) -> None:
        ends_at = await self.sign_ins.ends_at(channel)
        if ends_at is None:
            return
        of_person = channel.graph is not None and channel.graph.auth is GraphAuth.DELEGATED
        if of_person and ends_at - self.now() < _RENEW_BEFORE:
            try:
                await self.sign_ins.renew(channel)
            except CredentialsRejected as error:
                await self._warn(channel, ends_at, f"it cannot be renewed: {error}")
                return
            ends_at = await self.sign_ins.ends_at(channel) or ends_at
        if ends_at - self.now() < EXPIRING:
            await self._warn(channel, ends_at, f"ends at {ends_at}")

    async def _warn(self, channel: InboundChannel, ends_at: datetime, why: str) -> None:
        """Once for an end; a restart may tell it again."""
        if (channel.id, ends_at) not in self._warned:
            await self.tell(channel.id, "credentials-expiring", why[:300], at=self.now())
            self._warned.add((channel.id, ends_at))
