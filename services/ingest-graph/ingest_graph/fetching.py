"""Fetches mails and takes them in; the cursor is written when the stream has acknowledged."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from ingest_graph.domain.cursor import Cursor, HeldMail, held, tidied, told
from ingest_graph.missing import Missing
from ingest_graph.ports import (
    Brief,
    FolderMissing,
    KeptCursor,
    Mailbox,
    MailGone,
    MailTooLarge,
    NotGiven,
)
from ingest_graph.surroundings import Surroundings
from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import Origin, Route
from postbus.contracts.mailboxes import ChannelState
from postbus.errors import MailHostUnavailable, PostbusError
from postbus.intake import TakenIn
from postbus.mailboxes.health import Seen
from postbus.mailboxes.taking import is_held

log = structlog.get_logger("ingest_graph")

_AT_ONCE: Final = 3
"""Of the four requests that Graph takes of an app for a mailbox; one is left for what is sent."""
_TRIES: Final = 3
"""A request fails by chance; three times in a row for one mail it is the mail."""
_TIDIED_AT_ONCE: Final = 200
NOT_GIVEN, TOO_LARGE = "not-given", "too-large"


class Fetching:
    """For one folder of one channel."""

    def __init__(self, around: Surroundings, missing: Missing, channel: str, folder: str) -> None:
        self._around = around
        self._missing = missing
        self._channel = channel
        self._folder = folder
        self._failures: Counter[str] = Counter()
        self.taken = 0
        """Mails that were worked off; while it rises, a failure is not the end of the road."""
        self.trouble: Seen | None = None
        """What does not keep mail from being taken in, and still wants mending."""

    async def take(
        self,
        mailbox: Mailbox,
        channel: InboundChannel,
        kept: KeptCursor,
        briefs: Sequence[Brief],
        *,
        imported: bool = False,
    ) -> KeptCursor:
        """Take in these mails; the cursor that knows of them.

        Raises:
            MailHostUnavailable, CredentialsRejected, BusUnavailable …: those that could be had are
                taken in and in the cursor; asking again for all of them does no harm.
        """
        few = asyncio.Semaphore(_AT_ONCE)

        async def one(brief: Brief) -> TakenIn | HeldMail | None:
            async with few:
                return await self._one(mailbox, channel, kept.cursor, brief, imported=imported)

        done = await asyncio.gather(*(one(brief) for brief in briefs), return_exceptions=True)
        cursor, failed, worked_off = kept.cursor, None, list[Brief]()
        for brief, outcome in zip(briefs, done, strict=True):
            if isinstance(outcome, BaseException):
                failed = failed or outcome
            else:
                cursor = await self._noted(channel, cursor, brief, outcome)
                worked_off.append(brief)
        if cursor != kept.cursor:
            kept = await self.put(kept, cursor)
        self._missing.remember(worked_off)
        self.taken += len(worked_off)
        if failed is not None:
            raise failed
        return kept

    async def _one(
        self,
        mailbox: Mailbox,
        channel: InboundChannel,
        cursor: Cursor,
        brief: Brief,
        *,
        imported: bool,
    ) -> TakenIn | HeldMail | None:
        """What became of it; None: it is gone."""
        try:
            raw = await self._mime(mailbox, brief.id)
        except MailGone:
            return None
        except (MailTooLarge, NotGiven) as error:
            reason = TOO_LARGE if isinstance(error, MailTooLarge) else NOT_GIVEN
            return await self._hold(mailbox, channel, cursor, brief, reason, str(error))
        route = self._route(channel, brief, imported=imported)
        return await self._around.taking.take(
            channel, raw, route, arrived_at=brief.arrived_at, imported=imported
        )

    async def _mime(self, mailbox: Mailbox, id_: str) -> bytes:
        try:
            raw = await mailbox.mime(id_, at_most=self._around.limits.max_mail_bytes)
        except MailHostUnavailable as error:
            if error.reason == "throttled":
                raise
            self._failures[id_] += 1
            if self._failures[id_] < _TRIES:
                raise
            # Whether it is the mail or the server shows when its header is asked for.
            raise NotGiven(f"the server failed {_TRIES} times over this mail: {error}") from error
        self._failures.pop(id_, None)
        return raw

    async def _hold(
        self,
        mailbox: Mailbox,
        channel: InboundChannel,
        cursor: Cursor,
        brief: Brief,
        reason: str,
        detail: str,
    ) -> HeldMail | None:
        """Tell that the mail is there and cannot be had, and keep what can be had of it."""
        before = cursor.held.get(brief.id)
        try:
            head = await mailbox.head(brief.id)
        except MailGone:
            return None
        if before is not None:
            return before.model_copy(update={"tries": before.tries + 1})
        fact = await self._around.taking.hold(
            channel.id,
            head,
            self._route(channel, brief, imported=False),
            reason="not-given-by-server" if reason == NOT_GIVEN else "too-large-to-fetch",
            detail=detail,
        )
        return HeldMail(
            reason=reason,
            mail_id=fact.mail_id,
            sha256=fact.raw.sha256,
            size_bytes=fact.raw.size_bytes,
        )

    async def _noted(
        self,
        channel: InboundChannel,
        cursor: Cursor,
        brief: Brief,
        outcome: TakenIn | HeldMail | None,
    ) -> Cursor:
        if outcome is None:
            log.info("mail_gone", channel=self._channel)
            return told(cursor, [brief.id], tidy=False)
        if isinstance(outcome, HeldMail):
            return held(cursor, brief.id, outcome)
        if is_held(outcome, channel.id):
            why = HeldMail(reason="not-readable", mail_id=outcome.mail_id, sha256=outcome.mail_id)
            return held(cursor, brief.id, why)
        was = cursor.held.get(brief.id)
        if was is not None:
            raw = BlobRef(sha256=was.sha256, size_bytes=was.size_bytes)
            await self._around.taking.release(channel.id, was.mail_id, raw, outcome)
        return told(cursor, [brief.id], tidy=channel.after_fetch != "keep")

    def _route(self, channel: InboundChannel, brief: Brief, *, imported: bool) -> Route:
        return Route(
            door="graph",
            received_at=brief.arrived_at if imported else self._around.now(),
            envelope_to=(channel.address,) if channel.address else (),
            origin=Origin(folder=self._folder, provider_id=brief.id),
        )

    async def tidy(self, mailbox: Mailbox, channel: InboundChannel, kept: KeptCursor) -> KeptCursor:
        """Mark or move what is told; what a crash or a refusal left is done at a later time."""
        while kept.cursor.untidied:
            todo = kept.cursor.untidied[:_TIDIED_AT_ONCE]
            try:
                done = await self._tidy_some(mailbox, channel, todo)
            except MailHostUnavailable:
                raise
            except (PostbusError, FolderMissing) as error:
                # The mails are taken in; that they lie where they lay is no reason to stop.
                if self.trouble is None:
                    log.warning("mail_not_tidied", channel=self._channel, error=str(error)[:300])
                self.trouble = Seen(
                    ChannelState.DEGRADED,
                    "not-tidied",
                    f"fetched mail cannot be marked or moved: {error}",
                    "Check `after_fetch`: the folder's name, and whether Postbus may write to the "
                    "mailbox (Mail.ReadWrite).",
                )
                return kept
            kept = await self.put(kept, tidied(kept.cursor, done))
            if len(done) < len(todo):
                return kept
        self.trouble = None
        return kept

    async def _tidy_some(
        self, mailbox: Mailbox, channel: InboundChannel, ids: Sequence[str]
    ) -> Sequence[str]:
        if channel.after_fetch == "mark-seen":
            return await mailbox.mark_read(ids)
        if channel.move_to is not None:
            there = await mailbox.make_folder(channel.move_to)
            return await mailbox.move(ids, there.id)
        return ids

    async def put(self, kept: KeptCursor, cursor: Cursor) -> KeptCursor:
        """Write the cursor; StateConflict when another replica reads here now."""
        return await self._around.cursors.put(
            self._channel, self._folder, cursor, revision=kept.revision
        )
