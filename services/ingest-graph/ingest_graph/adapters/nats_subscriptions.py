"""Subscriptions in the KV bucket `postbus-cursors`, beside the cursors of their folders."""

from collections.abc import Awaitable, Callable

import pydantic

from ingest_graph.domain.subscription import Subscription
from postbus.bus import Bucket


class NatsSubscriptions:
    """The port `Subscriptions`; whoever has the mailbox writes, so the last one is right."""

    def __init__(self, bucket: Callable[[], Awaitable[Bucket]]) -> None:
        self._bucket = bucket

    async def get(self, channel: str, folder_key: str) -> Subscription | None:
        entry = await (await self._bucket()).get(_key(channel, folder_key))
        if entry is None:
            return None
        try:
            return Subscription.model_validate_json(entry.value)
        except pydantic.ValidationError:
            return None  # another one is made

    async def put(self, channel: str, folder_key: str, subscription: Subscription) -> None:
        value = subscription.model_dump_json().encode()
        await (await self._bucket()).put(_key(channel, folder_key), value)


def _key(channel: str, folder_key: str) -> str:
    return f"graph-subscription.{channel}.{folder_key}"
