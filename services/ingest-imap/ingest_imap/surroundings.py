"""What reading a mailbox has around it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from ingest_imap.ports import Connect, Cursors
from postbus.contracts.configuration import InboundChannel
from postbus.mailboxes.board import Board
from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.taking import TakingIn


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes; `settings.py` says what each is."""

    idle_seconds: float = 500
    poll_seconds: float = 30
    max_mail_bytes: int = 100 * 1024 * 1024
    daily_bytes: int = 2_000_000_000


@dataclass(frozen=True)
class Surroundings:
    """`channel` gives a channel as it is configured now; `spread` a number between 0 and 1.

    `lost` counts connections that ended unasked.
    """

    connect: Connect
    cursors: Cursors
    taking: TakingIn
    scheduler: Scheduler
    board: Board
    channel: Callable[[str], InboundChannel | None]
    limits: Limits
    lost: Counter
    now: Callable[[], datetime]
    spread: Callable[[], float]
