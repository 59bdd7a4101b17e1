"""How far a folder was read: which mails were there before, which are told, which are held.

What is known is kept by UID under the folder's UIDVALIDITY, never by "unseen": a mail that somebody
opened elsewhere is a mail all the same.
"""

from datetime import datetime
from typing import Final

from pydantic import Field

from ingest_imap.domain.allowance import Allowance
from postbus.contracts.base import Contract
from postbus.contracts.configuration import History
from postbus.mail.uid_sets import UidSet

HELD_TRIES: Final = 24
"""How often a mail that the server did not give is asked for again, once a sweep."""


class HeldUid(Contract):
    """A mail that is held: why, under which identity, and how often it was asked for again."""

    reason: str
    mail_id: str
    sha256: str
    size_bytes: int = 0
    tries: int = 0


class Anchor(Contract):
    """A mail by which a folder is known again under another name."""

    uid: int
    message_id: str


class Cursor(Contract):
    """One folder of one channel; sets of UIDs are kept as text.

    `known_to` is the highest UID that was ever seen or announced. `before` lay there before the
    mailbox was connected. `untidied` are told, and not yet marked or moved.
    """

    folder: str
    uidvalidity: int
    since: datetime = Field(description="mail that arrived later is taken as mail of today")
    known_to: int = 0
    before: str = ""
    taken: str = ""
    held: dict[int, HeldUid] = Field(default_factory=dict)
    untidied: str = ""
    settled_at: int | None = Field(
        default=None,
        description="HIGHESTMODSEQ of the folder (RFC 7162 §3.1.2.1) when nothing was left to do",
    )
    anchor: Anchor | None = None
    allowance: Allowance = Allowance()
    called: str | None = Field(
        default=None, description="what the folder is called now, where it was renamed"
    )

    @property
    def name(self) -> str:
        """What the folder is called on the server."""
        return self.called or self.folder


def settled(cursor: Cursor, history: History) -> UidSet:
    """What needs no fetching."""
    done = UidSet.parse(cursor.taken) | UidSet.of(cursor.held)
    return done | UidSet.parse(cursor.before) if history is History.NONE else done


def is_unchanged(cursor: Cursor, *, uidnext: int | None, modseq: int | None) -> bool:
    """Whether the folder is as it was when nothing was left to do."""
    same = modseq is not None and modseq == cursor.settled_at
    return same and uidnext == cursor.known_to + 1


def live(cursor: Cursor, there: UidSet) -> UidSet:
    """Of the mails that are there, those of today that are not told yet."""
    return there - settled(cursor, History.NONE)


def backlog(cursor: Cursor, there: UidSet, history: History) -> UidSet:
    """Of the mails that are there, those from before that are to be imported still."""
    if history is History.NONE:
        return UidSet()
    return (there & UidSet.parse(cursor.before)) - settled(cursor, history)


def seen(cursor: Cursor, there: UidSet, *, uidnext: int | None = None) -> Cursor:
    """The cursor that knows of these mails."""
    to = max(cursor.known_to, there.max_uid, (uidnext or 1) - 1)
    return cursor.model_copy(update={"known_to": to})


def told(cursor: Cursor, uids: UidSet, *, tidy: bool) -> Cursor:
    """These are told; where fetched mail is marked or moved, that is still to be done."""
    update: dict[str, object] = {"taken": str(UidSet.parse(cursor.taken) | uids)}
    held = {uid: one for uid, one in cursor.held.items() if uid not in uids}
    if len(held) != len(cursor.held):
        update["held"] = held
    if tidy:
        update["untidied"] = str(UidSet.parse(cursor.untidied) | uids)
    return cursor.model_copy(update=update)


def tidied(cursor: Cursor, uids: UidSet) -> Cursor:
    """These are marked or moved, or gone."""
    return cursor.model_copy(update={"untidied": str(UidSet.parse(cursor.untidied) - uids)})


def held(cursor: Cursor, uid: int, why: HeldUid) -> Cursor:
    """That one is held."""
    return cursor.model_copy(update={"held": {**cursor.held, uid: why}})


def to_ask_again(cursor: Cursor, there: UidSet) -> UidSet:
    """Held mails that the server did not give, and may by now."""
    return UidSet.of(
        uid
        for uid, one in cursor.held.items()
        if one.reason == "not-given" and one.tries < HELD_TRIES and uid in there
    )
