"""Has Graph tell of news in a folder: makes the subscription, renews it, makes it anew.

It only makes things faster; whatever goes wrong with it is written down and nothing waits for it.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from ingest_graph.domain.hints import folder_key
from ingest_graph.domain.subscription import (
    LIFE,
    Subscription,
    hash_of,
    is_good,
    is_to_be_renewed,
)
from ingest_graph.ports import Mailbox, SubscriptionGone
from ingest_graph.surroundings import Surroundings
from postbus.errors import PostbusError, Unavailable

log = structlog.get_logger("ingest_graph")
_REFUSED_AGAIN: Final = timedelta(minutes=10)
HOOKS: Final = "/hooks/graph"


class Subscribing:
    """For one folder of one channel."""

    def __init__(self, around: Surroundings, channel: str, folder: str) -> None:
        self._around = around
        self._channel = channel
        self._key = folder_key(folder)
        self._not_before: datetime | None = None

    async def keep(self, mailbox: Mailbox, folder_id: str) -> bool:
        """Whether news are told; what is missing for it is done. BusUnavailable."""
        if self._around.hooks_url is None:
            return False
        hook = f"{self._around.hooks_url.rstrip('/')}{HOOKS}/{self._channel}/{self._key}"
        there = await self._around.subscriptions.get(self._channel, self._key)
        now = self._around.now()
        good = is_good(there, folder_id, hook, now=now)
        if there is not None and good and not is_to_be_renewed(there, now=now):
            return True
        if self._not_before is not None and now < self._not_before:
            return good
        try:
            if there is not None and good:
                await self._renew(mailbox, there)
            else:
                await self._make(mailbox, folder_id, hook)
        except Unavailable:
            raise
        except (PostbusError, SubscriptionGone) as error:
            return await self._refused(error, there)
        self._not_before = None
        return True

    async def _make(self, mailbox: Mailbox, folder_id: str, hook: str) -> None:
        word, until = self._around.new_word(), self._around.now() + LIFE
        # Written first: Graph may send the first notice before it has answered.
        asked = Subscription(
            folder_id=folder_id, hook=hook, client_state_sha256=hash_of(word), expires_at=until
        )
        await self._put(asked)
        made = await mailbox.subscribe(folder_id, hook=hook, client_state=word, until=until)
        await self._put(made)
        self._around.metrics.subscriptions.labels("made").inc()
        log.info("subscription_made", channel=self._channel, until=str(made.expires_at))

    async def _renew(self, mailbox: Mailbox, there: Subscription) -> None:
        renewed = await mailbox.renew(there, until=self._around.now() + LIFE)
        await self._put(renewed)
        self._around.metrics.subscriptions.labels("renewed").inc()

    async def _refused(self, error: Exception, there: Subscription | None) -> bool:
        self._around.metrics.subscriptions.labels("refused").inc()
        log.warning("subscription_refused", channel=self._channel, error=str(error)[:300])
        if isinstance(error, SubscriptionGone) and there is not None:
            await self.forget()
            return False
        self._not_before = self._around.now() + _REFUSED_AGAIN
        return False

    async def reauthorize(self, mailbox: Mailbox) -> None:
        """Graph wants to see that we may still read the mailbox."""
        there = await self._around.subscriptions.get(self._channel, self._key)
        if there is None or not there.id:
            return
        try:
            await mailbox.reauthorize(there)
        except SubscriptionGone:
            await self.forget()

    async def forget(self) -> None:
        """Graph removed the subscription; the next `keep` makes another."""
        there = await self._around.subscriptions.get(self._channel, self._key)
        if there is not None:
            await self._put(there.model_copy(update={"id": "", "expires_at": self._around.now()}))

    async def _put(self, subscription: Subscription) -> None:
        await self._around.subscriptions.put(self._channel, self._key, subscription)
