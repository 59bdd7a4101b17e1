"""Who puts a copy of what was sent into the mailbox, and the task to do it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.domain.schedule import Schedule
from postbus.configuration import Configuration
from postbus.contracts.base import BlobRef, Contract, Slug
from postbus.contracts.configuration import OutboundChannel, SentCopy
from postbus.contracts.sending import SendRequested
from postbus.mail.addresses import normalise

GIVE_UP_AFTER = timedelta(days=30)
_AUTOMATIC = {"gmail": SentCopy.PROVIDER, "smtp": SentCopy.APPEND}
_ALWAYS = {"graph": SentCopy.PROVIDER}
"""What is sent from a draft is filed by its server, whatever anyone wants ("message: send")."""


@dataclass(frozen=True)
class Copying:
    """Who keeps the copy, and the inbound channel that reads the mailbox, if there is one.

    `by` is never `auto`, and `append` only with a mailbox to append to. `seen_by_transport`: the
    way out leads through the mailbox itself, so whoever sends can look there.
    """

    by: SentCopy
    mailbox: str | None = None
    seen_by_transport: bool = False

    @property
    def shows_what_was_sent(self) -> bool:
        """Whether a look into the mailbox tells if a mail was sent: its server files it itself."""
        can_look = self.seen_by_transport or self.mailbox is not None
        return self.by is SentCopy.PROVIDER and can_look


def sent_copy(outbound: OutboundChannel, configuration: Configuration) -> Copying:
    """What becomes of the copies of a channel's mail."""
    if outbound.kind in _ALWAYS:
        return Copying(_ALWAYS[outbound.kind], seen_by_transport=True)
    mailbox = _mailbox(outbound, configuration)
    by = outbound.sent_copy
    if by is SentCopy.AUTO:
        by = _AUTOMATIC.get(outbound.kind, SentCopy.NONE)
    if by is SentCopy.APPEND and mailbox is None:
        by = SentCopy.NONE
    return Copying(by, mailbox)


def _mailbox(outbound: OutboundChannel, configuration: Configuration) -> str | None:
    if outbound.from_address is None:
        return None
    wanted = normalise(outbound.from_address)
    for inbound in configuration.inbound_channels:
        own = inbound.address
        if inbound.enabled and inbound.kind == "imap" and own and normalise(own) == wanted:
            return inbound.id
    return None


class CopyTask(Contract):
    """A copy that is still to be put into a mailbox; kept until it is there.

    `mail` are the bytes that were sent. Where the blob store did not take them in time, `request`
    and `outbound` are here instead, and the mail is written again from them.
    """

    send_id: str
    message_id: str
    mailbox: Slug
    sent_at: datetime
    mail: BlobRef | None = None
    request: SendRequested | None = None
    outbound: OutboundChannel | None = None
    tried: int = 0
    next_try_at: datetime | None = None


def begun(task: CopyTask, *, until: datetime) -> CopyTask:
    """The task while somebody works on it; if they do not say how it went, it is due again then."""
    return task.model_copy(update={"tried": task.tried + 1, "next_try_at": until})


def put_off(task: CopyTask, schedule: Schedule, *, now: datetime) -> CopyTask | None:
    """The task after it did not work for now; None to give up."""
    at = schedule.next_attempt_at(task.tried, accepted_at=task.sent_at, now=now, asked_seconds=None)
    return None if at is None else task.model_copy(update={"next_try_at": at})
