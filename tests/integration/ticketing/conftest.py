"""A database of its own for each test, and a desk on it."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from doubles.bus import KeptBus
from doubles.desk import Desk
from ticketing.adapters.mongo_indexes import ensure_indexes


@pytest.fixture
async def database(mongodb_url: str) -> AsyncIterator[Any]:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongodb_url, tz_aware=True)
    name = f"test_{uuid.uuid4().hex[:12]}"
    await ensure_indexes(client[name])
    yield client[name]
    await client.drop_database(name)
    client.close()


@pytest.fixture
def bus() -> KeptBus:
    return KeptBus()


@pytest.fixture
def desk(database: Any, bus: KeptBus) -> Desk:
    return Desk(database, bus)
