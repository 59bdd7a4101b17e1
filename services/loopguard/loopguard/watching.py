"""What the loop guard learns from facts: who writes how often, who was answered, what bounced."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from loopguard.changing import changed
from loopguard.domain.bursts import burst
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Bounced, Correspondent
from loopguard.domain.windows import HOUR, correspondent_of
from loopguard.surroundings import Surroundings, burst_of
from postbus.contracts.guard import SendKind
from postbus.contracts.mail import MailKind, MailReceivedEvent
from postbus.contracts.sending import SendOutcomeEvent, SendRequestedEvent

_NEVER_ANSWERED: Final = frozenset(
    (MailKind.BOUNCE, MailKind.FEEDBACK_REPORT, MailKind.AUTO_REPLY, MailKind.OWN)
)
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
        value = await changed(
            self._around.memories.arrivals,
            name,
            lambda known: known.with_mail(mail.mail_id, at),
            lasts=lambda _: HOUR,
        )
        if value is None:
            return
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
        name, now = key_of(correspondent_of(address)), self._around.now()
        people = self._around.memories.correspondents
        await changed(people, name, change, lasts=lambda one: one.lasts(now))


def _with_bounce(bounced: Bounced, one: Correspondent) -> Correspondent:
    return one.with_bounce(bounced)
