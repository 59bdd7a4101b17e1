"""Logos from the blob store, and what is told when a look fails."""

from collections import OrderedDict
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter

from postbus.blobs import BlobStore
from postbus.contracts.appearance import Logo
from postbus.errors import BlobMissing

log = structlog.get_logger("dispatch")

_REMEMBERED: Final = 64
"""Logos kept in memory, of 256 KiB at most."""


class KeptAppearances:
    """The port `Appearances`."""

    def __init__(self, blobs: BlobStore, registry: CollectorRegistry | None = None) -> None:
        self._blobs = blobs
        self._logos: OrderedDict[str, bytes] = OrderedDict()
        self._failed = Counter(
            "postbus_looks_failed",
            "Mails that went out looking as shipped",
            ["why"],
            registry=registry or CollectorRegistry(),
        )

    async def logo(self, logo: Logo) -> bytes | None:
        known = self._logos.get(logo.sha256)
        if known is None:
            try:
                known = await self._blobs.get(logo.sha256)
            except BlobMissing:
                return None
            self._logos[logo.sha256] = known
        self._logos.move_to_end(logo.sha256)
        while len(self._logos) > _REMEMBERED:
            self._logos.popitem(last=False)
        return known

    def failed(self, queue: str, *, why: str, detail: str) -> None:
        self._failed.labels(why).inc()
        log.warning("look_failed", queue=queue, why=why, detail=detail)
