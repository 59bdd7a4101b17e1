"""The archive, the blob store and the configuration of an installation, while a command runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from postbus.blobs import BlobStore, open_store
from postbus.bus import Bus, BusSettings
from postbus.configuration import Configuration, Follower
from postbus.contracts.catalogue import ARCHIVIST
from postbus.errors import BusUnavailable, NotConfigured, StoreUnavailable
from postbus.runtime.logging import configure
from postbus_cli.adapters.places import Places
from postbus_cli.exits import Cannot

_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Connected:
    """What a command works with."""

    bus: Bus
    blobs: BlobStore
    configuration: Configuration


@asynccontextmanager
async def connected(places: Places) -> AsyncIterator[Connected]:
    """Open all of it, and close it at the end; Cannot when one is away, then or later."""
    configure("postbus", log_format="console", level="error")
    bus = Bus(
        BusSettings(places.nats_url, ARCHIVIST, places.seed_file, graceful_seconds=1),
        CollectorRegistry(),
    )
    try:
        blobs = open_store(places.blob_url)
        await _connect(bus, places)
        yield Connected(bus, blobs, await _configuration(bus))
    except BusUnavailable as error:
        raise Cannot(f"NATS at {places.nats_url} does not do what was asked: {error}") from error
    except (StoreUnavailable, NotConfigured) as error:
        raise Cannot(f"the blob store at {places.blob_url}: {error}") from error
    finally:
        await bus.stop()


async def _connect(bus: Bus, places: Places) -> None:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await bus.connect()
    except TimeoutError as error:
        who = f"with {places.seed_file}" if places.seed_file else "without a NATS_SEED_FILE"
        raise Cannot(
            f"NATS at {places.nats_url} does not let us in {who}, or is not there"
        ) from error


async def _configuration(bus: Bus) -> Configuration:
    follower = Follower()
    await follower.start(bus)
    await follower.stop()
    return follower.current
