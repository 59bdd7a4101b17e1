"""Finds a folder and how far it was read: for the first time, again, or after it was made anew."""

import structlog

from ingest_graph.domain.cursor import Cursor
from ingest_graph.ports import Folder, FolderMissing, KeptCursor, Mailbox
from ingest_graph.surroundings import Surroundings
from postbus.contracts.configuration import InboundChannel
from postbus.errors import NotConfigured

log = structlog.get_logger("ingest_graph")


async def take_up(
    around: Surroundings, mailbox: Mailbox, channel: InboundChannel, folder: str
) -> KeptCursor:
    """The cursor; it is written, so that whoever read the folder before us cannot go on.

    Raises:
        NotConfigured (the folder is not there), MailHostUnavailable, CredentialsRejected,
        BusUnavailable, StateConflict.
    """
    kept = await around.cursors.get(channel.id, folder)
    there = await _folder(mailbox, kept, folder)
    if kept is None:
        since = channel.graph.since if channel.graph else None
        cursor = Cursor(folder=folder, folder_id=there.id, since=since or around.now())
    elif kept.cursor.folder_id == there.id:
        cursor = kept.cursor
    else:
        log.warning("folder_made_anew", channel=channel.id)
        await around.board.say(
            channel.id,
            "folder-made-anew",
            f"{there.name} is another folder than before; its mails are compared again",
        )
        old = kept.cursor
        cursor = Cursor(
            folder=folder,
            folder_id=there.id,
            since=old.since,
            again=True,
            held=old.held,
            untidied=old.untidied,
        )
    revision = kept.revision if kept else 0
    return await around.cursors.put(channel.id, folder, cursor, revision=revision)


async def _folder(mailbox: Mailbox, kept: KeptCursor | None, name: str) -> Folder:
    """By its id, which it keeps when it is renamed; else by its name."""
    if kept is not None:
        try:
            return await mailbox.folder_of_id(kept.cursor.folder_id)
        except FolderMissing:
            pass
    try:
        return await mailbox.folder(name)
    except FolderMissing as missing:
        raise folder_missing(name) from missing


def folder_missing(name: str) -> NotConfigured:
    """What people are told of a folder that is not there."""
    return NotConfigured(
        f"there is no folder {name} in the mailbox",
        reason="folder-missing",
        advice="It was deleted, or is spelt otherwise. Name the folders that are to be read in "
        "`graph.folders`: a well-known name (`inbox`), or a path (`Inbox/Support`).",
    )
