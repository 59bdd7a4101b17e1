"""Writes to agents what happened: at once, or together with what happens in the quiet time.

The turn of an agent is the commit point: the whole mail is written there before it is asked for, so
whoever comes after a crash asks for the same one, and another is written only once that is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from postbus.configuration import NoOutbound
from postbus.contracts.base import derived_id
from postbus.contracts.configuration import Agent, Stop
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendRequested
from postbus.errors import StateConflict, TemporaryError
from postbus.mail.addresses import normalise
from postbus.tokens import StampKind
from ticketing.domain.audience import can_be_told
from ticketing.domain.model import Ticket
from ticketing.domain.notices import (
    DROPPED,
    Lane,
    Notice,
    Notification,
    Turn,
    hop_of,
)
from ticketing.domain.notifications import MOST_TOLD, subject_of, text_of
from ticketing.domain.outgoing import message_of, notification_of, send_requested
from ticketing.domain.pace import DAY, free_at, rooms_of
from ticketing.merging import Merging
from ticketing.ports import Notices
from ticketing.surroundings import Surroundings

log = structlog.get_logger("ticketing")

_FIRST: Final = 100
"""Notices that are looked at to decide whether it is time to tell."""
_NEWS_FOR: Final = timedelta(days=7)
"""What waited for longer, because the address was paused, is dropped."""


@dataclass(frozen=True)
class _Place:
    """The ticket that a notification belongs to, and the address of its channel."""

    ticket: Ticket
    sender: Address


class Notifying:
    """Gives every agent her turn; any replica may do it."""

    def __init__(
        self, around: Surroundings, notices: Notices, *, desk_url: str | None = None
    ) -> None:
        self._around = around
        self._store = around.store
        self._notices = notices
        self._merging = Merging(around)
        self._desk_url = desk_url

    async def round(self) -> int:
        """Send what is due; how many notifications that were. BusUnavailable, StoreUnavailable."""
        sent = 0
        for lane, agent in await self._notices.whose_turn():
            try:
                sent += await self._take_turn(lane, agent)
            except StateConflict:
                continue  # another replica is at it
            except TemporaryError:
                raise
            except Exception:  # one agent's trouble is no reason to leave the others waiting
                log.exception("agent_not_notified", agent=agent)
        return sent

    async def _take_turn(self, lane: Lane, agent_id: str) -> bool:
        # Read before the notices: what was told since moves the turn on, and this is decided anew.
        turn = await self._notices.turn(lane, agent_id)
        if turn.unfinished is None:
            written = await self._write(turn)
            if written is None:
                return False
            turn = await self._notices.save_turn(written)
        if turn.unfinished is not None:
            await self._send(turn, turn.unfinished)
        return True

    async def _write(self, turn: Turn) -> Turn | None:
        """The turn with a notification in it, if one may go now."""
        first = await self._notices.untold(turn.lane, turn.agent, limit=_FIRST)
        there, now = self._around.configuration(), self._around.now()
        agent = there.agent(turn.agent)
        if agent is None or not can_be_told(agent, there):
            await self._drop(first)
            return None
        stopped = there.loop_limits.stop is not Stop.NOTHING
        if stopped or await self._notices.paused(normalise(agent.address)) is not None:
            return None
        old = [one for one in first if now - one.happened.at > _NEWS_FOR]
        place = await self._place(first)
        # Without a place every channel that it could come from was removed, and so were the queues.
        if old or place is None:
            await self._drop(old or first)
            return None
        if now < self._free_at(turn, place, now):
            return None
        waiting = await self._notices.untold(turn.lane, turn.agent, limit=MOST_TOLD)
        request = send_requested(place.ticket, self._request(agent, waiting, place, now))
        told = Notification(place.ticket.id, tuple(one.id for one in waiting), request)
        sent = (*(at for at in turn.sent if now - at < DAY), now)
        return replace(turn, sent=sent, unfinished=told)

    async def _drop(self, notices: Sequence[Notice]) -> None:
        await self._notices.mark_told([one.id for one in notices], DROPPED)

    def _free_at(self, turn: Turn, place: _Place, now: datetime) -> datetime:
        there = self._around.configuration()
        via = there.reply_via(place.ticket.channel)
        # Graph takes no Auto-Submitted from us, so the guard allows half.
        marks_survive = isinstance(via, NoOutbound) or via.kind != "graph"
        return free_at(
            turn.sent,
            rooms_of(there.loop_limits, turn.lane, marks_survive=marks_survive),
            quiet=timedelta(minutes=there.notifications.quiet_minutes),
            now=now,
        )

    async def _place(self, waiting: Sequence[Notice]) -> _Place | None:
        """The first ticket of the notices whose channel is there."""
        for one in waiting:
            ticket = await self._store.ticket(one.happened.ticket_id)
            if ticket is None:
                continue
            ticket = await self._merging.root(ticket)
            channel = self._around.configuration().inbound(ticket.channel)
            if channel is not None and channel.address is not None:
                return _Place(ticket, Address(name=channel.name, address=channel.address))
        return None

    def _request(
        self, agent: Agent, waiting: Sequence[Notice], place: _Place, now: datetime
    ) -> SendRequested:
        ticket = place.ticket
        happened = [one.happened for one in waiting]
        causes = [one.cause for one in happened]
        return notification_of(
            ticket,
            send_id=derived_id("notification", waiting[0].id),
            to=Address(name=agent.name, address=agent.address),
            sender=place.sender,
            subject=subject_of(happened, agent.language),
            text=text_of(
                happened,
                name=agent.name,
                language=agent.language,
                queue_name=lambda id_: self._around.queue(id_).name,
                desk_url=self._desk_url,
                answered_on=ticket.number,
            ),
            language=agent.language.value,
            stamp=self._around.stamper.stamp(
                ticket_number=ticket.number,
                kind=StampKind.NOTIFICATION,
                hop=hop_of(causes),
                at=now,
            ),
            cause=next((one for one in causes if one is not None), None),
            now=now,
        )

    async def _send(self, turn: Turn, notification: Notification) -> None:
        request = SendRequested.model_validate_json(notification.request.data_json)
        message = message_of(request, notification.ticket_id)
        # Filed: no ticket counts it, and where tickets are merged it goes along.
        await self._store.put_message(replace(message, aside=True, filed=True))
        fact = notification.request
        await self._around.bus.tell(
            fact.type,
            fact.last_token,
            fact.data_json.encode(),
            event_id=fact.event_id,
            about=fact.about,
        )
        await self._notices.mark_told(notification.notices, request.send_id)
        await self._notices.save_turn(replace(turn, unfinished=None))
