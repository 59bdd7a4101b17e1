"""What the MongoDB driver raises, in our words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo.errors import ConnectionFailure, ExecutionTimeout, WTimeoutError

from postbus.errors import StoreUnavailable


@asynccontextmanager
async def mongo_errors() -> AsyncIterator[None]:
    """A lost connection, no server or a time-out is StoreUnavailable; the rest is a fault."""
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as error:
        raise StoreUnavailable(f"MongoDB: {type(error).__name__}") from error
