"""One of our own automatic mails, read back: are the marks that stop robots still on it (L20)?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from typing import Final

from dispatch.domain.compose import automatic_marks
from dispatch.domain.words import automatic_of, reply_to
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mailboxes import KnownHealth, MarksProof
from postbus.contracts.sending import SendRequested

EVERY: Final = timedelta(days=1)
GIVE_UP_AFTER: Final = timedelta(hours=2)
"""A mail that is not found among the sent ones by then will not be."""
_STAMP: Final = "X-Postbus-Stamp"
_SILENCES: Final = "Auto-Submitted"
"""Without it other robots may answer (RFC 3834 §5), and tighter limits hold (L21)."""


@dataclass(frozen=True)
class Candidate:
    """A mail that was sent and may be read back; ids without their angle brackets."""

    request: SendRequested
    outbound: OutboundChannel
    message_id: str
    handle: str | None
    sent_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Nobody will find it any more."""
        return now - self.sent_at > GIVE_UP_AFTER


def is_due(health: KnownHealth | None, now: datetime) -> bool:
    """Whether no mail of the channel was read back for a day."""
    marks = health.marks if health else None
    return marks is None or now - marks.checked_at >= EVERY


def proof_of(candidate: Candidate, head: bytes, now: datetime) -> MarksProof:
    """Which marks are on the mail as it lies in the mailbox."""
    there = message_from_bytes(head)
    kept: list[str] = []
    lost: list[str] = []
    for name, wanted in _expected(candidate.request).items():
        values = (str(value) for value in there.get_all(name, ()))
        found = any(wanted.lower() in value.lower() for value in values)
        (kept if found else lost).append(name)
    return MarksProof(
        checked_at=now, send_id=candidate.request.send_id, kept=tuple(kept), lost=tuple(lost)
    )


def silences(marks: MarksProof | None) -> bool:
    """Whether other robots are told to keep quiet, as far as a mail was read back."""
    return marks is None or _SILENCES not in marks.lost


def is_news(before: MarksProof | None, marks: MarksProof) -> bool:
    """Whether something was lost that was not lost before."""
    return bool(set(marks.lost) - set(before.lost if before else ()))


def _expected(request: SendRequested) -> Mapping[str, str]:
    """A word of each field that must be in it."""
    kind = automatic_of(request)
    fields = automatic_marks(kind) if kind else {}
    return {
        **fields,
        _STAMP: request.stamp,
        "Message-ID": request.stamp,
        "Reply-To": reply_to(request).address,
    }
