"""What becomes of a message whose handler raised: again later, wait here, or parked.

A pure function, so that the schedule can be read and tested as a table;
`postbus.bus.consume` carries it out and nobody else acknowledges.
"""

import json
from dataclasses import dataclass

import pydantic

from postbus.errors import PermanentError, StateConflict, TemporaryError, Unavailable

UNREADABLE = (pydantic.ValidationError, json.JSONDecodeError, UnicodeDecodeError)


@dataclass(frozen=True)
class Policy:
    """When to try again.

    A message that failed waits 1 s, 5 s, 30 s, 2 min and 10 min before its next delivery, then it
    is parked. An error nobody foresaw gets three tries, because a new release may cure it. While
    something we depend on is away, the message waits here (heartbeat keeps it ours) with the
    delays below, up to `wait_here_seconds`, and then goes back to the stream: an outage
    is not the message's fault and does not use up its tries. A lost race (StateConflict) looks
    again here, at once. `max_deliveries` is the last net, for a message whose handling kills the
    process before any verdict can be given.
    """

    delays_seconds: tuple[float, ...] = (1, 5, 30, 120, 600)
    tries_if_unknown: int = 3
    wait_here_delays_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 5)
    wait_here_seconds: float = 600
    back_to_stream_seconds: float = 5
    conflict_delays_seconds: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1)
    max_deliveries: int = 100


@dataclass(frozen=True)
class Retry:
    """Deliver it again after so many seconds."""

    delay_seconds: float


@dataclass(frozen=True)
class WaitHere:
    """Keep it, and call the handler again after so many seconds."""

    delay_seconds: float


@dataclass(frozen=True)
class Park:
    """Move it to the parked stream, with the reason."""

    reason: str


def verdict(
    error: Exception, delivery: int, policy: Policy, *, waited_seconds: float = 0, waits: int = 0
) -> Retry | WaitHere | Park:
    """What to do with a message whose handler raised on its delivery-th delivery (1 is the first).

    `waited_seconds` and `waits` say how long it has been kept here already in this delivery.
    """
    if isinstance(error, (PermanentError, *UNREADABLE)):
        return Park(reason=type(error).__name__)
    if isinstance(error, Unavailable):
        if waited_seconds >= policy.wait_here_seconds:
            return Retry(delay_seconds=policy.back_to_stream_seconds)
        last = len(policy.wait_here_delays_seconds) - 1
        return WaitHere(delay_seconds=policy.wait_here_delays_seconds[min(waits, last)])
    if isinstance(error, StateConflict) and waits < len(policy.conflict_delays_seconds):
        return WaitHere(delay_seconds=policy.conflict_delays_seconds[waits])
    known = isinstance(error, TemporaryError)
    tries = len(policy.delays_seconds) + 1 if known else policy.tries_if_unknown
    if delivery >= tries:
        return Park(reason="tries-exhausted")
    asked = error.retry_after_seconds if isinstance(error, TemporaryError) else None
    return Retry(delay_seconds=max(policy.delays_seconds[delivery - 1], asked or 0.0))
