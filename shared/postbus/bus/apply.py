"""The one job that makes the topology so: add what is missing, update what differs.

Run as `python -m postbus.bus.apply` with NATS_URL and NATS_SEED_FILE of the setup user. Safe to run
again and again. What the topology no longer names is left alone and listed: deleting a stream is a
decision for people.
"""

import asyncio
import os
import sys
from dataclasses import dataclass

import nats
import structlog
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from postbus.bus.permissions import SETUP_USER
from postbus.bus.topology import TOPOLOGY, Bucket, Durable, Stream, Topology, inbox_prefix

log = structlog.get_logger("postbus.bus")


@dataclass(frozen=True)
class Applied:
    """What the job did: names by what became of them."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unknown: tuple[str, ...]


async def apply(
    js: JetStreamContext, topology: Topology = TOPOLOGY, *, replicas: int = 1
) -> Applied:
    """Make streams, buckets and durables as declared."""
    added: list[str] = []
    updated: list[str] = []
    wanted = [_stream(stream, replicas) for stream in topology.streams]
    wanted += [_bucket(bucket, replicas) for bucket in topology.buckets]
    for config in wanted:
        (added if await _ensure_stream(js, config) else updated).append(str(config.name))
    for durable in topology.durables:
        known = await _consumer_exists(js, durable)
        await js.add_consumer(durable.stream, _consumer(durable))
        (updated if known else added).append(durable.name)
    names = {str(config.name) for config in wanted}
    unknown = [str(info.config.name) for info in await js.streams_info()]
    return Applied(tuple(added), tuple(updated), tuple(n for n in unknown if n not in names))


async def _ensure_stream(js: JetStreamContext, config: api.StreamConfig) -> bool:
    try:
        await js.stream_info(str(config.name))
    except NotFoundError:
        await js.add_stream(config)
        return True
    await js.update_stream(config)
    return False


async def _consumer_exists(js: JetStreamContext, durable: Durable) -> bool:
    try:
        await js.consumer_info(durable.stream, durable.name)
    except NotFoundError:
        return False
    return True


def _stream(stream: Stream, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=stream.name,
        description=stream.says,
        subjects=list(stream.subjects),
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        max_age=stream.max_age_seconds,
        duplicate_window=stream.duplicate_window_seconds,
        num_replicas=replicas,
        deny_delete=True,
        allow_direct=True,
    )


def _bucket(bucket: Bucket, replicas: int) -> api.StreamConfig:
    """A KV bucket is a stream of this form; keys may expire (per-message TTL, nats-server 2.11)."""
    return api.StreamConfig(
        name=f"KV_{bucket.name}",
        description=bucket.says,
        subjects=[f"$KV.{bucket.name}.>"],
        storage=api.StorageType.FILE,
        max_msgs_per_subject=bucket.history,
        discard=api.DiscardPolicy.NEW,
        duplicate_window=120,
        num_replicas=replicas,
        allow_rollup_hdrs=True,
        allow_msg_ttl=True,
        allow_direct=True,
        deny_delete=True,
        max_msgs=-1,
    )


def _consumer(durable: Durable) -> api.ConsumerConfig:
    """No `max_deliver`: a message that reached it would stay unseen; the consume policy parks."""
    return api.ConsumerConfig(
        durable_name=durable.name,
        filter_subjects=list(durable.subjects),
        ack_policy=api.AckPolicy.EXPLICIT,
        deliver_policy=api.DeliverPolicy.ALL,
        ack_wait=durable.ack_wait_seconds,
        max_ack_pending=durable.max_ack_pending,
        max_deliver=-1,
    )


async def _main() -> int:
    seed = os.environ.get("NATS_SEED_FILE")
    client = await nats.connect(
        os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
        nkeys_seed=seed,
        inbox_prefix=inbox_prefix(SETUP_USER),
        max_reconnect_attempts=int(os.environ.get("NATS_CONNECT_ATTEMPTS", "60")),
        reconnect_time_wait=0.25,
    )
    replicas = int(os.environ.get("NATS_STREAM_REPLICAS", "1"))
    applied = await apply(client.jetstream(timeout=10), replicas=replicas)
    log.info(
        "topology_applied",
        added=len(applied.added),
        updated=len(applied.updated),
        unknown=list(applied.unknown),
    )
    await client.drain()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
