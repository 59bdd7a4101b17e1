"""What reading a mailbox has around it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest_graph.metrics import Metrics
from ingest_graph.ports import Cursors, Hints, OpenMailbox, Subscriptions
from postbus.contracts.configuration import InboundChannel
from postbus.mailboxes.board import Board
from postbus.mailboxes.ports import AskTicketing
from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.taking import TakingIn


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes; `settings.py` says what each is."""

    poll_seconds: float = 30
    sweep_seconds: float = 300
    max_mail_bytes: int = 100 * 1024 * 1024


@dataclass(frozen=True)
class Surroundings:
    """`channel` gives a channel as it is configured now; `spread` a number between 0 and 1.

    `hooks_url` is where Graph reaches us from outside; None: it cannot, and is asked instead.
    """

    open: OpenMailbox
    cursors: Cursors
    hints: Hints
    subscriptions: Subscriptions
    ticketing: AskTicketing
    taking: TakingIn
    scheduler: Scheduler
    board: Board
    channel: Callable[[str], InboundChannel | None]
    hooks_url: str | None
    new_word: Callable[[], str]
    limits: Limits
    metrics: Metrics
    now: Callable[[], datetime]
    spread: Callable[[], float]
