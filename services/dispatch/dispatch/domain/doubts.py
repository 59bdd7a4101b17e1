"""A mail of which nobody knows whether it was sent, where its mailbox can tell.

A provider that files sent mail by itself is asked for it by Message-ID, some times over about two
minutes: such a server may need a moment. Three times not there: it was not sent, and is tried
again. If as often nobody could look, it stays in doubt.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from postbus.contracts.base import Contract, Slug


class Doubt(Contract):
    """What is known so far; it stands beside the claim, so a crash forgets no look.

    `mailbox` is the inbound channel whose reader looks; null: the transport looks itself. `absent`
    looks did not find the mail, `blind` ones could not look.
    """

    why: str
    mailbox: Slug | None
    look_at: datetime
    absent: int = 0
    blind: int = 0


class Finding(Enum):
    """What a look leads to."""

    SENT = "sent"
    NOT_SENT = "not-sent"
    UNKNOWABLE = "unknowable"
    LOOK_AGAIN = "look-again"


@dataclass(frozen=True)
class Looks:
    """Waits in seconds before each look; there are as many of a kind as there are waits."""

    delays_seconds: tuple[float, ...] = (10, 30, 80)

    def begin(self, why: str, mailbox: str | None, *, now: datetime) -> Doubt:
        """The doubt, with the first look still to come."""
        return Doubt(why=why, mailbox=mailbox, look_at=self._after(0, now))

    def after(self, doubt: Doubt, *, found: bool | None, now: datetime) -> tuple[Finding, Doubt]:
        """What follows from a look; `found` is None when nobody could look."""
        if found:
            return Finding.SENT, doubt
        absent = doubt.absent + (found is False)
        blind = doubt.blind + (found is None)
        enough = len(self.delays_seconds)
        looked = doubt.model_copy(
            update={
                "absent": absent,
                "blind": blind,
                "look_at": self._after(absent + blind, now),
            }
        )
        if absent >= enough:
            return Finding.NOT_SENT, looked
        return (Finding.UNKNOWABLE if blind >= enough else Finding.LOOK_AGAIN), looked

    def _after(self, looks: int, now: datetime) -> datetime:
        delay = self.delays_seconds[min(looks, len(self.delays_seconds) - 1)]
        return now + timedelta(seconds=delay)
