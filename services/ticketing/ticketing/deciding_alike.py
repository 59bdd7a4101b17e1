"""An agent decides alike about all mail that one rule holds, e.g. when a fuse was closed again."""

from dataclasses import dataclass, field, replace
from typing import Final

from postbus.contracts.sending import SendState, WhatNext
from postbus.errors import StateConflict
from ticketing.deciding import Deciding, NotPossible
from ticketing.domain.model import Message
from ticketing.ports import Listed, OutgoingQuery
from ticketing.surroundings import Surroundings

MOST: Final = 200
"""Of so many mails a call decides, which takes seconds; whoever asks may ask again."""
_PAGE: Final = 200
_MOST_PAGES: Final = 50


@dataclass(frozen=True)
class Left:
    """A mail that stays held, and why."""

    ticket: int
    message_id: str
    reason: str
    detail: str


@dataclass
class Decided:
    """About how many it was decided; `more` says that another call would find some.

    Of those that are `left` the first 200 are named.
    """

    count: int = 0
    left: list[Left] = field(default_factory=list)
    more: bool = False

    def leave(self, left: Left) -> None:
        """One more that stays held."""
        if len(self.left) < MOST:
            self.left.append(left)


class DecidingAlike:
    """Releases or discards held mail by the rule that holds it; each mail is decided by itself."""

    def __init__(self, around: Surroundings, listed: Listed) -> None:
        self._deciding = Deciding(around)
        self._store = around.store
        self._listed = listed

    async def decide(self, what: WhatNext, *, rule: str, outbound: str | None, by: str) -> Decided:
        """The newest first; those that are decided already are left out. StoreUnavailable.

        Safe to call again after any crash: what was decided stays, and the rest is still held.
        """
        done = Decided()
        query = OutgoingQuery(SendState.HELD, limit=_PAGE, rule=rule, outbound=outbound)
        for _ in range(_MOST_PAGES):
            page = await self._listed.outgoing(query)
            undecided = [
                one for one in page if one.delivery is not None and one.delivery.under_way is None
            ]
            for message in undecided:
                if done.count >= MOST:
                    done.more = True
                    return done
                await self._one(message, what, by=by, done=done)
            if len(page) < _PAGE:
                return done
            query = replace(query, after=page[-1].id)
        done.more = True
        return done

    async def _one(self, message: Message, what: WhatNext, *, by: str, done: Decided) -> None:
        # Read anew for each: the mail before may have been of the same ticket.
        ticket = await self._store.ticket(message.ticket_id)
        if ticket is None:
            return
        try:
            await self._deciding.decide(ticket, message.id, what, by=by)
        except NotPossible as error:
            detail = f"{error} {error.advice}".strip()
            done.leave(Left(ticket.number, message.id, error.reason, detail))
        except StateConflict:
            detail = "Somebody changed the ticket at the same moment."
            done.leave(Left(ticket.number, message.id, "conflict", detail))
        else:
            done.count += 1
