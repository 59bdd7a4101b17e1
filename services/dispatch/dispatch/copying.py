"""Puts copies of sent mail into the mailboxes they were sent from, after the mail has ended.

A task is written before the end of its mail, done when the mail has ended as sent, and forgotten
when the copy is there. The side that answers looks for the Message-ID first, so asking twice makes
no second copy.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from dispatch.composing import letter_of
from dispatch.domain.attempts import Attempt
from dispatch.domain.copies import CopyTask, begun, put_off, sent_copy
from dispatch.domain.schedule import Schedule
from dispatch.ports import KeptCopy, Letter
from dispatch.surroundings import Around
from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import OutboundChannel, SentCopy
from postbus.contracts.mailboxes import PutSent
from postbus.contracts.sending import SendState
from postbus.errors import BlobMissing, StateConflict, StoreUnavailable

log = structlog.get_logger("dispatch")

_STORE_SECONDS: Final = 5.0
"""A mail does not wait longer than this for its copy; then the copy is written again later."""
_END_AGAIN: Final = timedelta(seconds=2)


class Copying:
    """Makes the tasks, and does them."""

    def __init__(self, around: Around, schedule: Schedule, *, lease: timedelta) -> None:
        self._a = around
        self._schedule = schedule
        self._lease = lease

    async def prepare(
        self, attempt: Attempt, outbound: OutboundChannel, letter: Letter
    ) -> CopyTask | None:
        """The task for a mail about to be sent, its bytes kept; None where we make no copy.

        It raises nothing: no mail waits for its copy, or fails by it.
        """
        copying = sent_copy(outbound, self._a.configuration())
        if copying.by is not SentCopy.APPEND or copying.mailbox is None:
            return None
        request = attempt.request
        task = CopyTask(
            send_id=request.send_id,
            message_id=request.message_id,
            mailbox=copying.mailbox,
            sent_at=self._a.now(),
        )
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                ref = await self._a.blobs.put((await letter.mime()).data)
        except (StoreUnavailable, BlobMissing, TimeoutError):
            log.warning("copy_not_kept", send_id=request.send_id)
            return task.model_copy(
                update={"request": request, "outbound": _sent_as(outbound, letter)}
            )
        return task.model_copy(update={"mail": ref})

    async def attempt(self, send_id: str) -> datetime | None:
        """Do what is to be done now with a copy; safe to call at any time and on any replica.

        Gives back when to come again, or None when there is nothing more to do.
        """
        kept = await self._a.copies.get(send_id)
        if kept is None:
            return None
        due = kept.task.next_try_at
        if due is not None and due > self._a.now():
            return due
        # Open first: whoever ends a mail writes the end before the open entry goes.
        if await self._a.ledger.open(send_id) is not None:
            return self._a.now() + _END_AGAIN
        finished = await self._a.ledger.finished(send_id)
        if finished is None or finished.outcome.state is not SendState.SENT:
            await self._drop(kept.task, "not-sent")
            return None
        return await self._put(kept)

    async def _put(self, kept: KeptCopy) -> datetime | None:
        try:
            task = begun(kept.task, until=self._a.now() + self._lease)
            kept = await self._a.copies.change(kept, task)
        except StateConflict:
            return self._a.now() + _END_AGAIN  # another replica puts it
        try:
            mail = task.mail or await self._written_again(task)
        except BlobMissing:
            await self._drop(task, "bytes-gone")
            return None
        result = await self._a.sent_mail.put(
            PutSent(
                channel=task.mailbox, message_id=task.message_id, mail=mail, sent_at=task.sent_at
            )
        )
        if result.ok:
            await self._a.copies.forget(task.send_id)
            log.info("copy_put", send_id=task.send_id, mailbox=task.mailbox)
            return None
        later = put_off(task, self._schedule, now=self._a.now()) if result.again else None
        if later is None:
            await self._drop(task, "tried-enough" if result.again else "refused")
            return None
        await self._a.copies.change(kept, later)
        return later.next_try_at

    async def _written_again(self, task: CopyTask) -> BlobRef:
        if task.request is None or task.outbound is None:
            raise BlobMissing("the task has no mail")
        letter = await letter_of(task.request, task.outbound, self._a)
        return await self._a.blobs.put((await letter.mime()).data)

    async def _drop(self, task: CopyTask, why: str) -> None:
        await self._a.copies.forget(task.send_id)
        # In a word of ours: what the server said may name addresses.
        log.warning("copy_given_up", send_id=task.send_id, mailbox=task.mailbox, why=why)


def _sent_as(outbound: OutboundChannel, letter: Letter) -> OutboundChannel:
    """The channel with the address that the mail is from, which may be an alias."""
    return outbound.model_copy(update={"from_address": letter.words.sender.address})
