"""Keeps the health of mailboxes: what their readers see, written when it changes, and at times."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from postbus.contracts.mailboxes import ChannelState, KnownHealth
from postbus.errors import TemporaryError
from postbus.mailboxes.health import Seen, fact_of, health, is_expiring, worst
from postbus.mailboxes.ports import HealthBoard, TellChannel

log = structlog.get_logger("postbus.mailboxes")
_ANYWAY: Final = timedelta(minutes=10)
_MAIL_NEWS: Final = timedelta(seconds=10)


class Board:
    """One for a process; nothing of it waits for anybody, and its trouble is nobody else's."""

    def __init__(
        self, health_board: HealthBoard, tell: TellChannel, now: Callable[[], datetime]
    ) -> None:
        self._board = health_board
        self._tell = tell
        self._now = now
        self._folders: dict[str, dict[str, Seen]] = {}
        self._known: dict[str, KnownHealth] = {}
        self._mail: dict[str, tuple[datetime, float]] = {}
        self._expiry: dict[str, datetime | None] = {}
        self._due: set[str] = set()

    def seen(self, channel: str, folder: str, seen: Seen) -> None:
        """How a folder is doing now."""
        of_channel = self._folders.setdefault(channel, {})
        if of_channel.get(folder) != seen:
            of_channel[folder] = seen
            self._due.add(channel)

    def mail(self, channel: str, *, arrived_at: datetime) -> None:
        """A mail was told that arrived in its mailbox then."""
        now = self._now()
        self._mail[channel] = (now, max(0.0, (now - arrived_at).total_seconds()))

    def credential(self, channel: str, expires_at: datetime | None) -> None:
        """When the sign-in of a channel ends, where that is known."""
        if self._expiry.get(channel) != expires_at:
            self._expiry[channel] = expires_at
            self._due.add(channel)

    def forget(self, channel: str) -> None:
        """Another replica has it now, or nobody."""
        for of in (self._folders, self._known, self._mail, self._expiry):
            of.pop(channel, None)
        self._due.discard(channel)

    def is_ill(self, channel: str) -> bool:
        """Whether a folder of the channel is in trouble."""
        folders = self._folders.get(channel, {}).values()
        return worst(folders).state in (ChannelState.DEGRADED, ChannelState.NEEDS_SIGN_IN)

    async def write(self) -> None:
        """Write what is due; BusUnavailable, after which it is due still."""
        now = self._now()
        for channel, known in self._known.items():
            mail_at = self._mail.get(channel, (now, 0.0))[0] if channel in self._mail else None
            newer = mail_at is not None and mail_at != known.last_mail_at
            if now - known.checked_at > (_MAIL_NEWS if newer else _ANYWAY):
                self._due.add(channel)
        for channel in list(self._due):
            await self._write(channel, now)
            self._due.discard(channel)

    async def _write(self, channel: str, now: datetime) -> None:
        if channel not in self._folders:
            return
        before = self._known.get(channel) or await self._board.get(channel)
        after = health(channel, worst(self._folders[channel].values()), before, now=now)
        update: dict[str, object] = {}
        if channel in self._mail:
            at, lag = self._mail[channel]
            update = {"last_mail_at": at, "lag_seconds": round(lag, 3)}
        if channel in self._expiry:
            update["credential_expires_at"] = self._expiry[channel]
        after = after.model_copy(update=update)
        fact = fact_of(before, after)
        if fact is not None:
            await self._tell(channel, fact, after.last_error or "", at=after.since)
            log.info("channel_fact", fact=fact, channel=channel, reason=after.reason)
        warned = before is not None and is_expiring(before, now=before.checked_at)
        if is_expiring(after, now=now) and not warned:
            until = after.credential_expires_at
            await self._tell(channel, "credentials-expiring", f"ends at {until}", at=now)
        await self._board.put(after)
        self._known[channel] = after

    async def say(self, channel: str, fact: str, reason: str) -> None:
        """Tell something else that happened to a channel; never raises."""
        try:
            await self._tell(channel, fact, reason, at=self._now())
        except TemporaryError as error:
            log.warning("channel_fact_not_told", channel=channel, fact=fact, error=str(error))
