"""What becomes of a mail of which nobody knows whether it was sent."""

from contextlib import suppress
from datetime import datetime

import structlog

from dispatch.domain.attempts import Attempt
from dispatch.domain.copies import sent_copy
from dispatch.domain.doubts import Doubt, Finding
from dispatch.ports import Kept
from dispatch.recording import Doubtful, Recording
from dispatch.surroundings import Around
from postbus.contracts.mailboxes import FindSent
from postbus.contracts.sending import SendState
from postbus.errors import MailHostUnavailable, StateConflict

log = structlog.get_logger("dispatch")


class Doubting:
    """Looks for the mail where its mailbox can tell; otherwise it is in doubt, as it is."""

    def __init__(self, around: Around, recording: Recording) -> None:
        self._a = around
        self._recording = recording

    async def begin(self, kept: Kept, why: str) -> datetime | None:
        """Note the doubt of a claimed mail; when to look, or None if it has come to its end."""
        attempt = kept.attempt
        send_id, via = attempt.request.send_id, attempt.outbound_channel or "relay"
        self._recording.unwritten[send_id] = Doubtful(why)
        outbound = self._a.configuration().outbound(via)
        copying = sent_copy(outbound, self._a.configuration()) if outbound else None
        if copying is None or not copying.shows_what_was_sent:
            await self._recording.end(kept, SendState.IN_DOUBT, via, reason=why)
            return None
        doubt = self._a.looks.begin(why, copying.mailbox, now=self._a.now())
        look_at: datetime | None = doubt.look_at
        try:
            await self._keep(kept, doubt)
        except StateConflict:
            # Another replica noted it, or the bus repeated my write; either way it is written.
            look_at = self._a.now()
        self._recording.unwritten.pop(send_id, None)
        log.info("doubt_looked_into", send_id=send_id, outbound=via)
        return look_at

    async def look(self, kept: Kept, doubt: Doubt) -> datetime | None:
        """Look once, if it is time; when to come again, or None if it has come to its end."""
        attempt, now = kept.attempt, self._a.now()
        if doubt.look_at > now:
            return doubt.look_at
        found = await self._found(attempt, doubt.mailbox)
        finding, looked = self._a.looks.after(doubt, found=found, now=self._a.now())
        log.info("doubt_looked_at", send_id=attempt.request.send_id, finding=finding.value)
        with suppress(StateConflict):  # another replica looked, too
            return await self._follow(kept, finding, looked)
        return self._a.now()

    async def _found(self, attempt: Attempt, mailbox: str | None) -> bool | None:
        message_id = attempt.sent_as or attempt.request.message_id
        if mailbox is not None:
            question = FindSent(channel=mailbox, message_id=message_id)
            return (await self._a.sent_mail.find(question)).found
        outbound = self._a.configuration().outbound(attempt.outbound_channel or "relay")
        if outbound is None:
            return None
        return await self._a.transport.find(outbound, message_id, attempt.handle)

    async def _follow(self, kept: Kept, finding: Finding, looked: Doubt) -> datetime | None:
        via = kept.attempt.outbound_channel or "relay"
        if finding is Finding.LOOK_AGAIN:
            await self._keep(kept, looked)
            return looked.look_at
        if finding is Finding.NOT_SENT:
            reason = f"{looked.why} It is not among the sent mail, so it was not sent."
            error = MailHostUnavailable(reason)
            return await self._recording.defer(kept, via, error, kept.attempt.attempt)
        if finding is Finding.SENT:
            outbound = self._a.configuration().outbound(via)
            await self._recording.end(
                kept,
                SendState.SENT,
                via,
                reason=f"{looked.why} It was found among the sent mail.",
                from_address=(outbound.from_address if outbound else None) or "",
                sent_as=kept.attempt.sent_as,
            )
            return None
        reason = f"{looked.why} Nobody could look among the sent mail."
        await self._recording.end(kept, SendState.IN_DOUBT, via, reason=reason)
        return None

    async def _keep(self, kept: Kept, doubt: Doubt) -> None:
        await self._a.ledger.change(kept, kept.attempt.model_copy(update={"doubt": doubt}))
