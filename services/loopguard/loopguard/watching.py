"""What the loop guard learns from facts: who writes how often, who was answered, what bounced."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from loopguard.domain.bursts import burst
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Bounced, Correspondent
from loopguard.domain.windows import HOUR, correspondent_of
from loopguard.ports import Kept
from loopguard.surroundings import Surroundings, burst_of
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import MailKind, MailReceivedEvent
from postbus.contracts.sending import SendOutcomeEvent, SendRequestedEvent
from postbus.errors import StateConflict

_NEVER_ANSWERED: Final = frozenset(
    (MailKind.BOUNCE, MailKind.FEEDBACK_REPORT, MailKind.AUTO_REPLY, MailKind.OWN)
)
_TRIES: Final = 8
_LATE: Final = timedelta(hours=1)
"""What arrives later, e.g. after a long absence, says nothing of how often somebody writes now."""

Change = Callable[[Correspondent], Correspondent]


class Watching:
    """Hears facts; each may come twice, late and in any order."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def on_mail_received(self, event: MailReceivedEvent) -> None:
        """Count a mail with whoever sent it; raise the alarm of L14 where it is one too many."""
        mail, now = event.data, self._around.now()
        at = mail.route.received_at
        if mail.kind in _NEVER_ANSWERED or mail.reread_at is not None or now - at > _LATE:
            return
        name = key_of(correspondent_of(mail.customer.address))
        shelf = self._around.memories.arrivals
        for _ in range(_TRIES):
            kept = await shelf.read(name)
            value = kept.value.with_mail(mail.mail_id, at)
            if value == kept.value:
                return
            if await shelf.keep(kept, value, lasts=HOUR):
                break
        else:
            raise StateConflict("the counters moved on every time")
        alarm = burst(value, self._around.configuration().loop_limits, now)
        if alarm is not None:
            await self._around.alarms.raise_(burst_of(mail.customer.address), alarm, now=now)

    async def on_send_requested(self, event: SendRequestedEvent) -> None:
        """A person answers: what goes to and fro begins anew (L15)."""
        request = event.data
        if request.automatic or request.kind is not SendKind.AGENT_REPLY:
            return
        for address in (*request.to, *request.cc):
            await self._change(address.address, lambda one: one.with_answer(request.requested_at))

    async def on_bounced(self, event: SendOutcomeEvent) -> None:
        """Automatic mail to an address that does not exist rests."""
        for one in event.data.bounced:
            if one.hard is not True or one.action != "failed":
                continue
            bounced = Bounced(event.data.at, one.status or "", one.diagnostic[:200])
            address = one.original_address or one.address
            await self._change(address, partial(_with_bounce, bounced))

    async def _change(self, address: str, change: Change) -> None:
        shelf, now = self._around.memories.correspondents, self._around.now()
        for _ in range(_TRIES):
            kept: Kept[Correspondent] = await shelf.read(key_of(correspondent_of(address)))
            value = change(kept.value)
            if value == kept.value or await shelf.keep(kept, value, lasts=value.lasts(now)):
                return
        raise StateConflict("the counters moved on every time")


def _with_bounce(bounced: Bounced, one: Correspondent) -> Correspondent:
    return one.with_bounce(bounced)
