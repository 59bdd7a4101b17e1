"""Opens a folder and finds out how far it was read: for the first time, again, or after a change.

Three things may have changed behind our back: the folder was made anew and its UIDs mean other
mails (UIDVALIDITY, RFC 9051 §2.3.1.1), it was renamed, or another replica read on.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from ingest_imap.domain.cursor import Cursor, is_unchanged, seen
from ingest_imap.domain.dating import Brief, from_before
from ingest_imap.ports import FolderMissing, KeptCursor, NotGiven, Opened, Session
from ingest_imap.surroundings import Surroundings
from postbus.contracts.configuration import History, InboundChannel
from postbus.errors import NotConfigured
from postbus.mail.uid_sets import UidSet

log = structlog.get_logger("ingest_imap")

GRACE: Final = timedelta(minutes=10)
"""Mail that came so shortly before the mailbox was connected is taken as mail of today: whoever
connects a mailbox tries it out."""
_AT_ONCE: Final = 200


@dataclass(frozen=True)
class TakenUp:
    """The cursor as it stands and the mails to look at; `anew`: their UIDs are new to us.

    `modseq` is that of the folder as it was opened.
    """

    kept: KeptCursor
    there: UidSet
    modseq: int | None
    anew: bool = False


class TakingUp:
    """For one folder of one channel."""

    def __init__(self, around: Surroundings, channel: str, folder: str) -> None:
        self._around = around
        self._channel = channel
        self._folder = folder

    async def take_up(self, session: Session, channel: InboundChannel) -> TakenUp:
        """Open the folder; the cursor is written, so that whoever read it before us cannot go on.

        Raises:
            ConnectionLost, NotConfigured (the folder is not there), BusUnavailable, StateConflict.
        """
        kept = await self._around.cursors.get(self._channel, self._folder)
        name, opened = await self._open(session, channel, kept)
        anew = kept is None or kept.cursor.uidvalidity != opened.uidvalidity
        imports = channel.imap is not None and channel.imap.history is History.ALL
        unchanged = (
            kept is not None
            and not anew
            and not imports
            and is_unchanged(kept.cursor, uidnext=opened.uidnext, modseq=opened.modseq)
        )
        # A folder of a hundred thousand mails is not listed at every reconnection.
        there = await session.search() if opened.exists and not unchanged else UidSet()
        if kept is None:
            cursor = await self._first(session, channel, opened, there)
        elif anew:
            cursor = await self._made_anew(session, kept.cursor, opened, there)
        else:
            cursor = seen(kept.cursor, there, uidnext=opened.uidnext)
        called = None if name == self._folder else name
        cursor = cursor.model_copy(update={"called": called})
        revision = kept.revision if kept else 0
        put = await self._around.cursors.put(self._channel, self._folder, cursor, revision=revision)
        return TakenUp(put, there, opened.modseq, anew=anew and kept is not None)

    async def _open(
        self, session: Session, channel: InboundChannel, kept: KeptCursor | None
    ) -> tuple[str, Opened]:
        read_only = channel.after_fetch == "keep"
        name = kept.cursor.name if kept else self._folder
        try:
            return name, await session.open(name, read_only=read_only)
        except FolderMissing as missing:
            renamed = await self._renamed(session, channel, kept) if kept else None
            if renamed is None:
                raise folder_missing(name) from missing
        log.warning("folder_renamed", channel=self._channel)
        await self._around.board.say(
            self._channel, "folder-renamed", f"{name} is called {renamed} now"
        )
        return renamed, await session.open(renamed, read_only=read_only)

    async def _renamed(
        self, session: Session, channel: InboundChannel, kept: KeptCursor
    ) -> str | None:
        """The one folder that must be ours under another name: a renamed folder keeps its UIDs."""
        cursor = kept.cursor
        watched = set(channel.imap.folders if channel.imap else ()) | {channel.move_to}
        found = []
        for folder in await session.folders():
            if not folder.selectable or folder.name in watched:
                continue
            try:
                described = await session.described(folder.name)
            except FolderMissing:
                continue
            same = described.uidvalidity == cursor.uidvalidity
            if same and (described.uidnext or 0) > cursor.known_to:
                found.append(folder.name)
        anchor = cursor.anchor
        if anchor is not None:
            found = [
                name
                for name in found
                if await session.message_ids(name, anchor.uid) == anchor.message_id
            ]
        return found[0] if len(found) == 1 else None

    async def _first(
        self, session: Session, channel: InboundChannel, opened: Opened, there: UidSet
    ) -> Cursor:
        """What lies there is from before, but for what came when the mailbox was being connected.

        UIDs rise with arrival, so the newest are looked at until all of a handful are old.
        """
        connected = channel.imap.since if channel.imap else None
        since = connected or self._around.now()
        young = UidSet()
        rest = there
        while rest:
            newest = UidSet.of(list(rest)[-_AT_ONCE:])
            briefs = await _briefs(session, newest)
            found = UidSet.of(one.uid for one in briefs if one.arrived_at >= since - GRACE)
            young |= found
            rest -= newest
            if not found:
                break
        cursor = Cursor(folder=self._folder, uidvalidity=opened.uidvalidity, since=since)
        cursor = seen(cursor, there, uidnext=opened.uidnext)
        return cursor.model_copy(update={"before": str(UidSet.span(1, cursor.known_to) - young)})

    async def _made_anew(
        self, session: Session, old: Cursor, opened: Opened, there: UidSet
    ) -> Cursor:
        """Every mail has another UID. What is from before is told by its dates.

        The rest is fetched again, and known again by its content where it was told already.
        """
        log.warning("uidvalidity_changed", channel=self._channel, mails=len(there))
        await self._around.board.say(
            self._channel,
            "folder-made-anew",
            f"the server gave all mails of {old.name} new numbers; they are compared again",
        )
        briefs: list[Brief] = []
        rest = there
        while rest:
            some = rest.first(_AT_ONCE)
            briefs += await _briefs(session, some)
            rest -= some
        before = from_before(briefs, old.since - GRACE)
        cursor = Cursor(
            folder=old.folder,
            uidvalidity=opened.uidvalidity,
            since=old.since,
            before=str(before),
            allowance=old.allowance,
        )
        return seen(cursor, there, uidnext=opened.uidnext)


async def _briefs(session: Session, uids: UidSet) -> list[Brief]:
    """Of those the server cannot describe nothing is known, so they count as mail of today."""
    try:
        return list(await session.briefs(uids))
    except NotGiven:
        return []


def folder_missing(name: str) -> NotConfigured:
    """What people are told of a folder that is not there."""
    return NotConfigured(
        f"there is no folder {name} in the mailbox",
        reason="folder-missing",
        advice="It was deleted, renamed in a way that cannot be followed, or is spelt otherwise. "
        "Name the folders that are to be read in `imap.folders`.",
    )
