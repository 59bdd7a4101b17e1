"""Delta of the messages of a folder (Graph: "message: delta", "delta-query-messages").

A round gives pages by `@odata.nextLink` and ends with an `@odata.deltaLink`. Its options are in
its tokens, so nothing may stand beside a token. Tokens work again as often as they are used.
"""

import secrets
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Any

from servers.graph.errors import GraphError, bad_request
from servers.graph.queries import Query
from servers.graph.shown import properties_of, show_message
from servers.graph.store import Folder, Mailbox

DELTA_OPTIONS = frozenset({"$select", "$filter", "$orderby", "$top", "$expand", "changeType"})
FILTERED_MOST = 5_000
"""With a filter a first round ends after as many messages ("message: delta")."""
PAGE_DEFAULT, PAGE_MOST = 10, 1000
CHANGE_TYPES = ("created", "updated", "deleted")


@dataclass(frozen=True)
class _Round:
    mailbox: str
    folder_id: str
    query: Query
    generation: int
    since: int
    """Changes after this sequence are in the next round."""
    waiting: tuple[tuple[int, str], ...] | None = None
    """(Serial, kind) still to give; None: a round has yet to begin."""


@dataclass
class Deltas:
    """The tokens that were given out."""

    rounds: dict[str, _Round] = field(default_factory=dict)
    repeats: bool = False
    """Give the last message of each page once more: Graph may repeat itself
    ("delta-query-overview", "Replays")."""
    resets: int = 0

    def begin(
        self, mailbox: Mailbox, folder: Folder, query: Query, *, immutable: bool, page: int
    ) -> dict[str, Any]:
        """The first page of a first round."""
        _check(query)
        rows = [(m.serial, properties_of(m)) for m in mailbox.in_folder(folder)]
        kept = [(serial, row) for serial, row in rows if query.holds(row)]
        if query.order:
            kept.sort(key=lambda pair: str(pair[1]["receivedDateTime"]), reverse=True)
        if query.conditions:
            kept = kept[:FILTERED_MOST]
        waiting = tuple((serial, "created") for serial, _ in kept)
        begun = _Round(
            mailbox.address,
            folder.id,
            query,
            mailbox.delta_generation,
            mailbox.sequence,
            waiting,
        )
        return self._page(mailbox, begun, immutable=immutable, page=query.top or page)

    def follow(
        self, mailbox: Mailbox, folder: Folder, token: str, *, immutable: bool, page: int
    ) -> dict[str, Any]:
        """The page of a token; 410 if it is of before a reset, 400 if it is of another folder."""
        known = self.rounds.get(token)
        if known is None or (known.mailbox, known.folder_id) != (mailbox.address, folder.id):
            raise bad_request("Badly formed token.", "ErrorInvalidSyncStateData")
        if known.generation != mailbox.delta_generation:
            self.resets += 1
            raise GraphError(
                410, "SyncStateNotFound", "The sync state generation is not found; resync required."
            )
        if known.waiting is None:
            known = replace(known, since=mailbox.sequence, waiting=_changes(mailbox, folder, known))
        return self._page(mailbox, known, immutable=immutable, page=known.query.top or page)

    def _page(self, mailbox: Mailbox, at: _Round, *, immutable: bool, page: int) -> dict[str, Any]:
        now, later = (at.waiting or ())[:page], (at.waiting or ())[page:]
        rows = [row for entry in now if (row := _row(mailbox, at, entry, immutable=immutable))]
        if self.repeats and rows:
            rows.append(rows[-1])
        token = secrets.token_urlsafe(24)
        self.rounds[token] = replace(at, waiting=later or None)
        word = "next" if later else "delta"
        return {"value": rows, "token": token, "word": word}


def _check(query: Query) -> None:
    for condition in query.conditions:
        if condition.name != "receivedDateTime" or condition.word not in ("ge", "gt"):
            raise bad_request("Only receivedDateTime ge or gt may be filtered by in delta.")
    if len(query.conditions) > 1:
        raise bad_request("Only one condition may be filtered by in delta.")
    if query.order not in ((), (("receivedDateTime", True),)):
        raise bad_request("Only receivedDateTime desc may be ordered by in delta.")
    kind = query.other.get("changeType")
    if kind is not None and kind not in CHANGE_TYPES:
        raise bad_request(f"Unsupported changeType '{kind}'.")


def _changes(mailbox: Mailbox, folder: Folder, at: _Round) -> tuple[tuple[int, str], ...]:
    """What became of each message since: the last word about it."""
    start = bisect_right(folder.changes, at.since, key=lambda change: change[0])
    kinds: dict[int, list[str]] = {}
    for _, serial, kind in folder.changes[start:]:
        kinds.setdefault(serial, []).append(kind)
    found = []
    for serial, seen in kinds.items():
        message = mailbox.messages.get(serial)
        if message is None or message.folder_id != folder.id:
            came_and_went = seen[0] == "created"
            found.append((serial, "" if came_and_went else "deleted"))
        elif at.query.holds(properties_of(message)):
            found.append((serial, "created" if "created" in seen else "updated"))
    only = at.query.other.get("changeType")
    return tuple((serial, kind) for serial, kind in found if kind and only in (None, kind))


def _row(
    mailbox: Mailbox, at: _Round, entry: tuple[int, str], *, immutable: bool
) -> dict[str, Any] | None:
    serial, kind = entry
    if kind == "deleted":
        immutable_id, regular_id = mailbox.left[serial, at.folder_id]
        gone = immutable_id if immutable else regular_id
        return {"id": gone, "@removed": {"reason": "deleted"}}
    message = mailbox.messages.get(serial)
    if message is None or message.folder_id != at.folder_id:
        return None  # gone since the round began; the next one tells
    shown = show_message(message, immutable=immutable, query=at.query)
    return {"@odata.type": "#microsoft.graph.message", **shown}
