"""Fetches mails and takes them in; the cursor moves only when the stream has acknowledged.

A mail that cannot be had is asked for alone, then held, and the others go on.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

import structlog

from ingest_imap.domain.cursor import (
    Anchor,
    Cursor,
    HeldUid,
    held,
    tidied,
    to_ask_again,
    told,
)
from ingest_imap.domain.dating import Brief
from ingest_imap.ports import ConnectionLost, KeptCursor, NotGiven, Session
from ingest_imap.surroundings import Surroundings
from postbus.contracts.base import BlobRef
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import Origin, Route
from postbus.contracts.mailboxes import ChannelState
from postbus.intake import TakenIn
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.health import Seen
from postbus.mailboxes.taking import is_held

Result = TypeVar("Result")

log = structlog.get_logger("ingest_imap")

BATCH: Final = 25
_GROUP_BYTES: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 4
_TIDIED_AT_ONCE: Final = 200
_REFUSALS: Final = 3
_LOSSES: Final = 4
"""A connection may be lost by chance; over the same mail four times in a row it is the mail."""
_AGAIN_SECONDS: Final = 0.5

NOT_GIVEN, TOO_LARGE = "not-given", "too-large"


class Fetching:
    """For one folder of one channel; `losses` outlive the connections they count."""

    def __init__(self, around: Surroundings, channel: str, folder: str) -> None:
        self._around = around
        self._channel = channel
        self._folder = folder
        self._losses: Counter[int] = Counter()
        self._alone: UidSet = UidSet()
        self.trouble: Seen | None = None
        """What does not keep mail from being taken in, and still wants mending."""

    def choose(self, uids: UidSet) -> UidSet:
        """Which of these to fetch next: a batch of good ones, or the least doubtful one alone."""
        good = (uids - self._alone).first(BATCH)
        if good:
            return good
        return UidSet.of((min(uids, key=lambda uid: (self._losses[uid], uid)),))

    async def batch(
        self, session: Session, channel: InboundChannel, kept: KeptCursor, uids: UidSet
    ) -> KeptCursor:
        """Take in these mails, a batch at most; the cursor that knows of them.

        Raises:
            ConnectionLost, TemporaryError: some may be taken in; asking again does no harm.
        """
        briefs = await self._briefs(session, uids)
        for group in self._groups(briefs):
            kept = await self._group(session, channel, kept, group)
        gone = uids - UidSet.of(one.uid for one in briefs)
        if gone:
            log.info("mail_gone", channel=self._channel, mails=len(gone))
        return kept

    async def _briefs(self, session: Session, uids: UidSet) -> Sequence[Brief]:
        now = self._around.now()
        if self._is_hopeless(uids):
            return [Brief(uid, 0, now) for uid in uids]
        try:
            return await self._watched(uids, session.briefs(uids))
        except NotGiven:
            there = uids & await session.search()
            self._alone |= there
            return [Brief(uid, 0, now) for uid in there]

    def _is_hopeless(self, uids: UidSet) -> bool:
        """Whether it is one mail over which the connection was lost again and again."""
        return len(uids) == 1 and self._losses[next(iter(uids))] >= _LOSSES

    async def _watched(self, uids: UidSet, asked: Awaitable[Result]) -> Result:
        """What was asked for; a connection lost meanwhile is remembered against the mails."""
        try:
            return await asked
        except ConnectionLost:
            if len(uids) == 1:
                self._losses[next(iter(uids))] += 1
            self._alone |= uids
            raise

    def _groups(self, briefs: Sequence[Brief]) -> list[list[Brief]]:
        """In order; small mails together, a large or doubtful one alone."""
        groups: list[list[Brief]] = []
        size, takes_more = 0, False
        for brief in briefs:
            alone = brief.uid in self._alone
            if alone or not takes_more or size + brief.size_bytes > _GROUP_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(brief)
            size, takes_more = size + brief.size_bytes, not alone
        return groups

    async def _group(
        self, session: Session, channel: InboundChannel, kept: KeptCursor, group: list[Brief]
    ) -> KeptCursor:
        limit = self._around.limits.max_mail_bytes
        for brief in [one for one in group if one.size_bytes > limit]:
            detail = f"{brief.size_bytes} bytes are over {limit}"
            kept = await self._hold(session, kept, brief, TOO_LARGE, detail)
        wanted = [one for one in group if one.size_bytes <= limit]
        if not wanted:
            return kept
        mails = await self._fetch(session, UidSet.of(one.uid for one in wanted))
        outcomes = await self._take_in(channel, kept, wanted, mails)
        kept = await self._record(channel, kept, outcomes, mails)
        for brief in wanted:
            if brief.uid not in mails:
                kept = await self._doubtful(session, channel, kept, brief)
        return await self.tidy(session, channel, kept)

    async def _fetch(self, session: Session, uids: UidSet) -> dict[int, bytes]:
        """The mails, or those that could be had; a lost connection is remembered against them."""
        if self._is_hopeless(uids):
            return {}
        try:
            mails = await self._watched(uids, session.fetch(uids))
        except NotGiven:
            self._alone |= uids
            return {}
        self._alone -= UidSet.of(mails)
        for uid in mails:
            self._losses.pop(uid, None)
        return mails

    async def _take_in(
        self,
        channel: InboundChannel,
        kept: KeptCursor,
        briefs: Sequence[Brief],
        mails: dict[int, bytes],
    ) -> dict[int, TakenIn]:
        before = UidSet.parse(kept.cursor.before)
        few = asyncio.Semaphore(_AT_ONCE)

        async def one(brief: Brief) -> TakenIn:
            imported = brief.uid in before
            route = self._route(channel, kept, brief, imported=imported)
            async with few:
                return await self._around.taking.take(
                    channel,
                    mails[brief.uid],
                    route,
                    arrived_at=brief.arrived_at,
                    imported=imported,
                )

        given = [brief for brief in briefs if brief.uid in mails]
        taken = await asyncio.gather(*(one(brief) for brief in given))
        return {brief.uid: outcome for brief, outcome in zip(given, taken, strict=True)}

    def _route(
        self, channel: InboundChannel, kept: KeptCursor, brief: Brief, *, imported: bool
    ) -> Route:
        return Route(
            door="imap",
            received_at=brief.arrived_at if imported else self._around.now(),
            envelope_to=(channel.address,) if channel.address else (),
            origin=Origin(
                folder=self._folder,
                uidvalidity=kept.cursor.uidvalidity,
                uid=brief.uid,
                provider_id=brief.provider_id,
            ),
        )

    async def _record(
        self,
        channel: InboundChannel,
        kept: KeptCursor,
        outcomes: dict[int, TakenIn],
        mails: dict[int, bytes],
    ) -> KeptCursor:
        """What was told goes into the cursor; StateConflict when another replica reads here now."""
        if not outcomes:
            return kept
        cursor = kept.cursor
        released = [
            (cursor.held[uid], outcome)
            for uid, outcome in outcomes.items()
            if uid in cursor.held and not is_held(outcome, self._channel)
        ]
        for was, outcome in released:
            raw = BlobRef(sha256=was.sha256, size_bytes=was.size_bytes)
            await self._around.taking.release(self._channel, was.mail_id, raw, outcome)
        good = [uid for uid, one in outcomes.items() if not is_held(one, self._channel)]
        cursor = told(cursor, UidSet.of(good), tidy=channel.after_fetch != "keep")
        for uid in outcomes.keys() - set(good):
            mail = mails[uid]
            why = HeldUid(
                reason="not-readable",
                mail_id=outcomes[uid].mail_id,
                sha256=outcomes[uid].mail_id,
                size_bytes=len(mail),
            )
            cursor = held(cursor, uid, why)
        size = sum(len(mail) for mail in mails.values())
        allowance = cursor.allowance.after(size, at=self._around.now().timestamp())
        update: dict[str, object] = {"allowance": allowance}
        newest = max(good, default=0)
        message_id = outcomes[newest].message_id if newest else None
        if message_id is not None:
            update["anchor"] = Anchor(uid=newest, message_id=message_id)
        return await self._put(kept, cursor.model_copy(update=update))

    async def _doubtful(
        self, session: Session, channel: InboundChannel, kept: KeptCursor, brief: Brief
    ) -> KeptCursor:
        """The server did not give this one: gone, or asked for alone a few times, then held."""
        there = UidSet.of((brief.uid,))
        for _ in range(_REFUSALS if self._losses[brief.uid] < _LOSSES else 0):
            if not there & await session.search(above=brief.uid - 1):
                return kept
            mails = await self._fetch(session, there)
            if mails:
                outcomes = await self._take_in(channel, kept, [brief], mails)
                return await self._record(channel, kept, outcomes, mails)
            await asyncio.sleep(_AGAIN_SECONDS)
        detail = "the server does not give this mail"
        return await self._hold(session, kept, brief, NOT_GIVEN, detail)

    async def _hold(
        self, session: Session, kept: KeptCursor, brief: Brief, reason: str, detail: str
    ) -> KeptCursor:
        """Tell that the mail is there and cannot be had; what can be had of it is kept."""
        before = kept.cursor.held.get(brief.uid)
        uid = brief.uid
        if before is not None:
            again = before.model_copy(update={"tries": before.tries + 1})
            return await self._put(kept, held(kept.cursor, uid, again))
        head = b"" if self._losses[uid] >= _LOSSES else await session.head(uid)
        channel = self._around.channel(self._channel)
        route = Route(
            door="imap",
            received_at=self._around.now(),
            envelope_to=(channel.address,) if channel and channel.address else (),
            origin=Origin(folder=self._folder, uidvalidity=kept.cursor.uidvalidity, uid=uid),
        )
        fact = await self._around.taking.hold(
            self._channel,
            head,
            route,
            reason="not-given-by-server" if reason == NOT_GIVEN else "too-large-to-fetch",
            detail=detail,
        )
        why = HeldUid(
            reason=reason,
            mail_id=fact.mail_id,
            sha256=fact.raw.sha256,
            size_bytes=fact.raw.size_bytes,
        )
        return await self._put(kept, held(kept.cursor, uid, why))

    async def tidy(self, session: Session, channel: InboundChannel, kept: KeptCursor) -> KeptCursor:
        """Mark or move what is told; what a crash or a refusal left is done at a later time."""
        todo = UidSet.parse(kept.cursor.untidied).first(_TIDIED_AT_ONCE)
        if not todo:
            return kept
        try:
            if channel.after_fetch == "mark-seen":
                await session.mark_seen(todo)
            elif channel.move_to is not None:
                await session.move(todo, channel.move_to)
        except NotGiven as error:
            # The mails are taken in; that they lie where they lay is no reason to stop.
            log.warning("mail_not_tidied", channel=self._channel, error=str(error))
            self.trouble = Seen(
                ChannelState.DEGRADED,
                "not-tidied",
                f"fetched mail cannot be marked or moved: {error}",
                "Check `after_fetch`: the folder's name, and whether the account may write there.",
            )
            return kept
        self.trouble = None
        return await self._put(kept, tidied(kept.cursor, todo))

    async def ask_again(
        self, session: Session, channel: InboundChannel, kept: KeptCursor, there: UidSet
    ) -> KeptCursor:
        """Ask for what the server did not give before; one try each."""
        for uid in to_ask_again(kept.cursor, there):
            self._losses.pop(uid, None)
            self._alone |= UidSet.of((uid,))
            kept = await self.batch(session, channel, kept, UidSet.of((uid,)))
        return kept

    async def _put(self, kept: KeptCursor, cursor: Cursor) -> KeptCursor:
        return await self._around.cursors.put(
            self._channel, self._folder, cursor, revision=kept.revision
        )
