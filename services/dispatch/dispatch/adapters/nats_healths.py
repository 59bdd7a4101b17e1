"""The health of outbound channels: KV bucket `postbus-health`, key `outbound.<channel>`."""

import pydantic
import structlog

from dispatch.ports import KeptHealth
from postbus.bus import Bus
from postbus.bus.topology import HEALTH_BUCKET
from postbus.contracts.base import derived_id
from postbus.contracts.channels import ChannelFact
from postbus.contracts.mailboxes import KnownHealth

log = structlog.get_logger("dispatch")


class NatsHealths:
    """The port `Healths`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, channel: str) -> KeptHealth:
        entry = await (await self._bus.bucket(HEALTH_BUCKET)).get(_key(channel))
        if entry is None:
            return KeptHealth(None, 0)
        try:
            health = KnownHealth.model_validate_json(entry.value)
        except pydantic.ValidationError:
            log.warning("health_unreadable", outbound=channel)
            return KeptHealth(None, entry.revision)
        return KeptHealth(health, entry.revision)

    async def write(self, kept: KeptHealth, health: KnownHealth) -> None:
        bucket = await self._bus.bucket(HEALTH_BUCKET)
        value = health.model_dump_json(by_alias=True).encode()
        if kept.revision:
            await bucket.update(_key(health.channel), value, revision=kept.revision)
        else:
            await bucket.create(_key(health.channel), value)

    async def tell(self, fact: str, health: KnownHealth, *, after: KeptHealth) -> None:
        told = ChannelFact(
            channel=health.channel, fact=fact, reason=health.last_error or "", at=health.since
        )
        await self._bus.tell(
            "postbus.channel",
            f"{fact}.{health.channel}",
            told,
            # Of the change: who saw the same health before tells the same event.
            event_id=derived_id("outbound", health.channel, str(after.revision), fact),
            about=f"outbound-channels/{health.channel}",
        )


def _key(channel: str) -> str:
    return f"outbound.{channel}"
