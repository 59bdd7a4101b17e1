"""How much of its limits a channel has used, counted by all replicas: KV bucket `postbus-limits`.

`sends.<hash of the account>.<window>` holds the mails of the window by tenths of it.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from dispatch.domain.limits import Limit, account_of, limits_of
from dispatch.ports import Turn
from postbus.bus import Budget
from postbus.bus.spending import OpenBucket
from postbus.contracts.configuration import OutboundChannel


class NatsTurns:
    """The port `Turns`. What it was told to wait for it believes without asking again."""

    def __init__(self, bucket: OpenBucket, now: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._now = now
        self._budgets: dict[tuple[str, Limit], Budget] = {}
        self._full: dict[tuple[str, Limit], datetime] = {}

    def known_wait(self, channel: OutboundChannel) -> Turn | None:
        account = account_of(channel)
        waits = [
            Turn(until, limit)
            for limit in limits_of(channel)
            if (until := self._full.get((account, limit))) is not None and until > self._now()
        ]
        return max(waits, key=lambda one: one.until, default=None)

    async def take(self, channel: OutboundChannel) -> Turn | None:
        account = account_of(channel)
        # The longest window last: what a short one refuses must not use up a day.
        for limit in limits_of(channel):
            seconds = await self._budget(account, limit).spend(1)
            if seconds:
                until = self._now() + timedelta(seconds=seconds)
                self._full[account, limit] = until
                return Turn(until, limit)
            self._full.pop((account, limit), None)
        return None

    def _budget(self, account: str, limit: Limit) -> Budget:
        key = account, limit
        if key not in self._budgets:
            named = hashlib.sha256(account.encode()).hexdigest()[:32]
            self._budgets[key] = Budget(
                self._bucket, f"sends.{named}.{limit.word}", most=limit.most, seconds=limit.seconds
            )
        return self._budgets[key]
