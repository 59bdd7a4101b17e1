"""Reading what a stream holds, from a place on, without a consumer.

JetStream answers a batch of stored messages for one request (Direct Get, nats-server 2.11), so a
reader needs one permission, leaves nothing behind on the server and takes nothing from a durable.
nats-py 2.16 knows single messages only.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.aio.msg import Msg

from postbus.bus.buckets import bus_errors
from postbus.errors import BusUnavailable

_BATCH = 256
_BATCH_BYTES = 4 * 1024 * 1024
_TIMEOUT_SECONDS = 10.0
_END_OF_BATCH = "204"
_NO_SUCH_MESSAGE = "404"


@dataclass(frozen=True)
class Stored:
    """A message as its stream keeps it; `to_come` are those of the same reading behind it."""

    sequence: int
    subject: str
    stored_at: datetime
    body: bytes
    to_come: int


async def read_stored(
    client: Client, stream: str, subject: str, *, after: int = 0, since: datetime | None = None
) -> AsyncIterator[Stored]:
    """The messages of a subject (wildcards allowed) behind that sequence, oldest first.

    With `since` those that were stored from then on. What is added while reading is read, too.
    BusUnavailable from every step.
    """
    start: dict[str, str | int] = {"seq": after + 1}
    if since is not None:
        start = {"start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    while found := await _batch(client, stream, {"next_by_subj": subject, **start}):
        for one in found:
            yield one
        start = {"seq": found[-1].sequence + 1}
        if not found[-1].to_come:
            return


async def read_one(client: Client, stream: str, sequence: int) -> Stored | None:
    """The message at that sequence; None if there is none. BusUnavailable."""
    found = await _batch(client, stream, {"seq": sequence, "next_by_subj": ">"}, limit=1)
    return found[0] if found and found[0].sequence == sequence else None


async def _batch(
    client: Client, stream: str, question: dict[str, str | int], *, limit: int = _BATCH
) -> list[Stored]:
    asked = json.dumps({**question, "batch": limit, "max_bytes": _BATCH_BYTES}).encode()
    inbox = client.new_inbox()
    found: list[Stored] = []
    async with bus_errors():
        subscription = await client.subscribe(inbox)
        try:
            await client.publish(f"$JS.API.DIRECT.GET.{stream}", asked, reply=inbox)
            while not _is_end(message := await subscription.next_msg(timeout=_TIMEOUT_SECONDS)):
                found.append(_stored(message))
        finally:
            await subscription.unsubscribe()
    return found


def _is_end(message: Msg) -> bool:
    """Whether nothing follows; BusUnavailable when it is a refusal."""
    headers = message.headers or {}
    status = headers.get("Status")
    if status in (_END_OF_BATCH, _NO_SUCH_MESSAGE):
        return True
    if status is not None:
        raise BusUnavailable(f"the stream was not read: {status} {headers.get('Description', '')}")
    return False


def _stored(message: Msg) -> Stored:
    headers = message.headers or {}
    return Stored(
        sequence=int(headers["Nats-Sequence"]),
        subject=headers["Nats-Subject"],
        stored_at=datetime.fromisoformat(headers["Nats-Time-Stamp"]),
        body=message.data,
        to_come=int(headers.get("Nats-Num-Pending", "0")),
    )
