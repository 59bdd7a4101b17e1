"""Proves every mailbox that is read here again and again, each at its own time."""

from collections.abc import Callable
from hashlib import blake2b
from time import monotonic

import structlog

from postbus.contracts.configuration import InboundChannel
from postbus.mailboxes.holding import Mailboxes
from postbus.mailboxes.proving import Proving

log = structlog.get_logger("postbus.mailboxes")


class ProofRounds:
    """`due` is called every few seconds; a thousand mailboxes do not come due at once."""

    def __init__(
        self,
        proving: Proving,
        mailboxes: Mailboxes,
        channel: Callable[[str], InboundChannel | None],
        *,
        seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._proving = proving
        self._mailboxes = mailboxes
        self._channel = channel
        self._seconds = seconds
        self._clock = clock
        self._due_at: dict[str, float] = {}

    async def due(self) -> None:
        """Prove what is due, one after the other; BusUnavailable."""
        now = self._clock()
        reading = self._mailboxes.channels
        self._due_at = {id_: self._due_at.get(id_, now + self._first_wait(id_)) for id_ in reading}
        for id_ in reading:
            channel = self._channel(id_)
            if self._due_at[id_] > now or channel is None:
                continue
            proof = await self._proving.prove(channel)
            self._due_at[id_] = now + self._seconds
            log.info(
                "mailbox_proved",
                channel=id_,
                ok=proof.ok,
                seen=proof.seen,
                filed=proof.filed,
                held=proof.held,
                unexplained=proof.unexplained,
            )

    def _first_wait(self, id_: str) -> float:
        """Between a sixth of the time and all of it, the same for a mailbox at each start."""
        part = int.from_bytes(blake2b(id_.encode(), digest_size=2).digest(), "big") / 65536
        return self._seconds * (1 + 5 * part) / 6
