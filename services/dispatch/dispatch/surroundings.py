"""What the parts of dispatch have around them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatch.domain.copies import CopyTask
from dispatch.domain.doubts import Looks
from dispatch.domain.schedule import Schedule
from dispatch.ports import (
    Appearances,
    Copies,
    Guard,
    Healths,
    Ledger,
    SentMail,
    TellClaim,
    TellOutcome,
    Transport,
    Turns,
)
from postbus.blobs import BlobStore
from postbus.configuration import Configuration


@dataclass(frozen=True)
class Around:
    """What an attempt has around it; `copy_waits` hears of a copy that may be put now."""

    ledger: Ledger
    guard: Guard
    transport: Transport
    blobs: BlobStore
    appearances: Appearances
    copies: Copies
    sent_mail: SentMail
    turns: Turns
    healths: Healths
    configuration: Callable[[], Configuration]
    tell: TellOutcome
    tell_claim: TellClaim
    copy_waits: Callable[[CopyTask], None]
    schedule: Schedule
    looks: Looks
    now: Callable[[], datetime]
    me: str
    bounce_address: str | None = None
