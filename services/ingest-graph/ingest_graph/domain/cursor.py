"""How far a folder was read: the link where news of it are, and what is still to be done.

Which mails were told is not kept here: ticketing knows which of them are on tickets, by their ids.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from postbus.contracts.base import Contract

HELD_TRIES: Final = 24
"""How often a mail that was not given is asked for again, once a sweep."""
MOST_KEPT: Final = 1000
"""Of held and of untidied mails: a cursor must fit into a value on NATS. Of what is held beyond it
the oldest is forgotten, and held again when it is met again; of what is untidied the oldest stays
as it lies."""
GRACE: Final = timedelta(minutes=10)
"""Mail that came so shortly before the mailbox was connected is taken as mail of today: whoever
connects a mailbox tries it out."""


class HeldMail(Contract):
    """A mail that is held: why, under which identity, and how often it was asked for again."""

    reason: str
    mail_id: str
    sha256: str
    size_bytes: int = 0
    tries: int = 0


class Cursor(Contract):
    """One folder of one channel; ids are immutable ids.

    `untidied` are told, and not yet marked or moved. Until `in_step` the folder is gone through
    from its beginning, so what is found is compared; after it only what is new is found.
    """

    folder: str
    folder_id: str
    since: datetime = Field(description="mail that arrived later is taken as mail of today")
    link: str | None = Field(default=None, description="where to ask next")
    in_step: bool = False
    again: bool = Field(
        default=False, description="some of what is gone through now may be told already"
    )
    held: dict[str, HeldMail] = Field(default_factory=dict)
    untidied: tuple[str, ...] = ()
    imported_until: datetime | None = Field(
        default=None, description="mail from before is imported, from the newest back to here"
    )
    imported: bool = Field(default=False, description="all mail from before is imported")

    @property
    def of_today(self) -> datetime:
        """From when on mail is mail of today."""
        return self.since - GRACE


def gone_on(cursor: Cursor, link: str, *, is_last: bool) -> Cursor:
    """After a page."""
    return cursor.model_copy(update={"link": link, "in_step": cursor.in_step or is_last})


def from_the_beginning(cursor: Cursor) -> Cursor:
    """The link is known no more: everything that lies there is compared."""
    return cursor.model_copy(update={"link": None, "in_step": False, "again": True})


def told(cursor: Cursor, ids: Sequence[str], *, tidy: bool) -> Cursor:
    """These are told; where fetched mail is marked or moved, that is still to be done."""
    update: dict[str, object] = {}
    if any(id_ in cursor.held for id_ in ids):
        update["held"] = {id_: one for id_, one in cursor.held.items() if id_ not in ids}
    if tidy:
        update["untidied"] = tuple(dict.fromkeys((*cursor.untidied, *ids)))[-MOST_KEPT:]
    return cursor.model_copy(update=update)


def tidied(cursor: Cursor, ids: Sequence[str]) -> Cursor:
    """These are marked or moved, or gone."""
    left = tuple(id_ for id_ in cursor.untidied if id_ not in set(ids))
    return cursor.model_copy(update={"untidied": left})


def held(cursor: Cursor, id_: str, why: HeldMail) -> Cursor:
    """That one is held."""
    kept = {**cursor.held, id_: why}
    return cursor.model_copy(update={"held": dict(list(kept.items())[-MOST_KEPT:])})


def to_ask_again(cursor: Cursor) -> list[str]:
    """Held mails that were not given, and may be by now."""
    return [
        id_
        for id_, one in cursor.held.items()
        if one.reason == "not-given" and one.tries < HELD_TRIES
    ]
