"""Who reads which mailbox, in the KV bucket `postbus-leases`.

A replica has a session, `session.<kind>.<instance>`, which expires unless it is renewed; a
mailbox has `mailbox.<channel>`, which names the session that reads it and stays until that one is
gone. So a thousand mailboxes cost one renewal. Whoever takes a mailbox does so by compare-and-set,
and the revision of that write is the fencing token.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from postbus.bus import Bucket
from postbus.errors import BusUnavailable, StateConflict
from postbus.mailboxes.ports import Lease

log = structlog.get_logger("postbus.mailboxes")
_SESSION, _MAILBOX = "session.", "mailbox."


@dataclass(frozen=True)
class NatsLease:
    """The port `Lease`."""

    channel: str
    token: int
    good: Callable[[], bool]

    def is_good(self) -> bool:
        """Whether nobody else can have it now."""
        return self.good()


class NatsLeases:
    """The port `Leases`, among the replicas that read one `kind` of mailbox.

    `instance` is the replica's name, `nonce` tells its lives apart.
    """

    def __init__(
        self,
        bucket: Callable[[], Awaitable[Bucket]],
        *,
        kind: str,
        instance: str,
        nonce: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._me = f"{instance}/{nonce}"
        self._sessions = f"{_SESSION}{kind}."
        self._session_key = self._sessions + instance
        self._seconds = seconds
        self._clock = clock
        self._revision = 0
        self._good_until = 0.0

    def is_good(self) -> bool:
        """Whether nobody else can think that we are gone, by our own clock."""
        return self._clock() < self._good_until

    async def renew(self) -> None:
        """Say that we are alive; a session of the same instance before us ends. BusUnavailable."""
        began = self._clock()
        bucket = await self._bucket()
        try:
            self._revision = await self._write(bucket)
        except StateConflict:
            # Expired, or the instance's life before: the newest one is right.
            entry = await bucket.get(self._session_key)
            self._revision = entry.revision if entry else 0
            log.info("session_taken", instance=self._session_key)
            self._revision = await self._write(bucket)
        # Counted from before the write, and shorter than the server counts.
        self._good_until = began + self._seconds * 0.8

    async def _write(self, bucket: Bucket) -> int:
        value, ttl = self._me.encode(), max(1, round(self._seconds))
        if self._revision:
            return await bucket.update(
                self._session_key, value, revision=self._revision, ttl_seconds=ttl
            )
        return await bucket.create(self._session_key, value, ttl_seconds=ttl)

    async def replicas(self) -> frozenset[str]:
        """All that are alive, ourselves included, as they are named in leases. BusUnavailable."""
        entries = (await (await self._bucket()).all(self._sessions)).values()
        return frozenset(entry.value.decode() for entry in entries) | {self._me}

    @property
    def me(self) -> str:
        """How this replica is named among `replicas`."""
        return self._me

    async def take(self, channel: str, alive: frozenset[str]) -> NatsLease | None:
        """The mailbox, unless one that is alive has it. BusUnavailable."""
        bucket = await self._bucket()
        key = _MAILBOX + channel
        entry = await bucket.get(key)
        holder = entry.value.decode() if entry else None
        if entry is not None and holder == self._me:
            return NatsLease(channel, entry.revision, self.is_good)
        if holder is not None and holder in alive:
            return None
        try:
            if entry is None:
                token = await bucket.create(key, self._me.encode())
            else:
                token = await bucket.update(key, self._me.encode(), revision=entry.revision)
        except StateConflict:
            return None
        return NatsLease(channel, token, self.is_good)

    async def still_mine(self, lease: Lease) -> bool:
        """Whether nobody took it meanwhile. BusUnavailable."""
        entry = await (await self._bucket()).get(_MAILBOX + lease.channel)
        return entry is not None and entry.revision == lease.token

    async def release(self, lease: Lease) -> None:
        """Let another have it at once; never raises."""
        with suppress(StateConflict, BusUnavailable):
            await (await self._bucket()).delete(_MAILBOX + lease.channel, revision=lease.token)

    async def leave(self) -> None:
        """End the session at once; never raises."""
        self._good_until = 0.0
        with suppress(StateConflict, BusUnavailable):
            bucket = await self._bucket()
            await bucket.delete(self._session_key, revision=self._revision)
        self._revision = 0
