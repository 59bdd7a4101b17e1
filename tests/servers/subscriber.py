"""A service of another team, which reads what is told."""

import json
from typing import Any

import nats


async def read_all(url: str, subject: str) -> list[tuple[str, dict[str, Any]]]:
    """Subject and event of everything in the streams."""
    client = await nats.connect(url)
    subscription = await client.jetstream().subscribe(subject, ordered_consumer=True)
    found = []
    try:
        while True:
            message = await subscription.next_msg(timeout=1)
            found.append((message.subject, json.loads(message.data)))
    except nats.errors.TimeoutError:
        return found
    finally:
        await client.close()
