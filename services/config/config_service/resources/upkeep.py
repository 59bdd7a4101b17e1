"""Mends, in the background, what a crash or another hand has left: the filter and the audit."""

from dataclasses import dataclass

import structlog

from config_service.resources.audit import AuditTrail
from config_service.resources.own_addresses import OwnAddresses

EVERY_SECONDS = 30.0
AGAIN_SECONDS = 2.0
log = structlog.get_logger("config.upkeep")


@dataclass(frozen=True)
class Upkeep:
    """Wanted when the configuration has changed, and now and then without that."""

    own_addresses: OwnAddresses
    trail: AuditTrail

    async def once(self) -> None:
        """One round; BusUnavailable. Safe to cut short: the next one mends the rest."""
        mended = await self.own_addresses.mend()
        if mended:
            log.warning("filter_mended", entries=mended)
        await self.trail.catch_up()
