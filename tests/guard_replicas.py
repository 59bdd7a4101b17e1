"""Replicas of the loop guard on a real nats-server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from loopguard.app import build
from loopguard.settings import LoopguardSettings
from postbus.runtime.serve import Service
from servers.nats import NatsServer

Replicas = Callable[[], Awaitable[Service]]


@asynccontextmanager
async def running(server: NatsServer) -> AsyncIterator[Service]:
    service = build(LoopguardSettings(nats_url=server.url, graceful_seconds=2))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
