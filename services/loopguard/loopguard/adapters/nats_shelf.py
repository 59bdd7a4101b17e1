"""What the guard remembers, in the KV bucket `postbus-guard`: a document a name, with a life."""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from loopguard.domain.flow import Flow
from loopguard.domain.memory import Arrivals, Correspondent, Text
from loopguard.ports import Kept, Memories
from postbus.bus import Bucket
from postbus.errors import PermanentError, StateConflict

Value = TypeVar("Value")
OpenBucket = Callable[[], Bucket]


class NatsShelf(Generic[Value]):
    """The port `Shelf`: compare-and-set, so that replicas never write over each other."""

    def __init__(self, bucket: OpenBucket, prefix: str, model: type[Value]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._model = model
        self._adapter: TypeAdapter[Value] = TypeAdapter(model)

    async def read(self, name: str) -> Kept[Value]:
        """One get."""
        entry = await self._bucket().get(self._key(name))
        if entry is None:
            return Kept(name, self._model())
        try:
            return Kept(name, self._adapter.validate_json(entry.value), entry.revision)
        except ValidationError as error:
            raise PermanentError(f"{entry.key} cannot be read") from error

    async def keep(self, kept: Kept[Value], value: Value, *, lasts: timedelta) -> bool:
        """One write, conditional on the revision that was read."""
        key, bucket = self._key(kept.name), self._bucket()
        document = self._adapter.dump_python(value, mode="json", exclude_defaults=True)
        data, seconds = orjson.dumps(document), math.ceil(lasts.total_seconds())
        try:
            if kept.revision is None:
                await bucket.create(key, data, ttl_seconds=seconds)
            else:
                await bucket.update(key, data, revision=kept.revision, ttl_seconds=seconds)
        except StateConflict:
            return False
        return True

    async def forget(self, name: str) -> bool:
        """Purge the key."""
        key, bucket = self._key(name), self._bucket()
        if await bucket.get(key) is None:
            return False
        await bucket.purge(key)
        return True

    def _key(self, name: str) -> str:
        return f"{self._prefix}.{name}"


def memories(bucket: OpenBucket) -> Memories:
    """Each kind under a prefix of its own."""
    return Memories(
        correspondents=NatsShelf(bucket, "who", Correspondent),
        texts=NatsShelf(bucket, "text", Text),
        arrivals=NatsShelf(bucket, "came", Arrivals),
        flows=NatsShelf(bucket, "flow", Flow),
    )
