"""Writes to agents what happened: at once, or together with what happens in the quiet time.

The turn of an agent is the commit point: the whole mail is written there before it is asked for, so
whoever comes after a crash asks for the same one, and another is written only once that is done.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from postbus.configuration import NoOutbound
from postbus.contracts.base import derived_id
from postbus.contracts.configuration import Agent
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendRequested
from postbus.errors import StateConflict
from postbus.mail.addresses import normalise
from postbus.tokens import StampKind
from ticketing.domain.model import Ticket
from ticketing.domain.notices import (
    DROPPED,
    Lane,
    Notice,
    Notification,
    Turn,
    can_be_told,
    hop_of,
)
from ticketing.domain.notifications import MOST_TOLD, subject_of, text_of
from ticketing.domain.outgoing import message_of, notification_of, send_requested
from ticketing.domain.pace import DAY, free_at
from ticketing.merging import Merging
from ticketing.ports import Notices
from ticketing.surroundings import Surroundings


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
            with suppress(StateConflict):  # another replica is at it
                sent += await self._take_turn(lane, agent)
        return sent

    async def _take_turn(self, lane: Lane, agent_id: str) -> bool:
        # Read before the notices: what was told since moves the turn on, and this is decided anew.
        turn = await self._notices.turn(lane, agent_id)
        if turn.unfinished is None:
            waiting = await self._notices.untold(lane, agent_id, limit=MOST_TOLD)
            agent = await self._told_agent(agent_id, waiting)
            if agent is None or await self._notices.paused(normalise(agent.address)):
                return False
            written = await self._write(turn, agent, waiting)
            if written is None:
                return False
            turn = await self._notices.save_turn(written)
        if turn.unfinished is not None:
            await self._send(turn, turn.unfinished)
        return True

    async def _told_agent(self, agent_id: str, waiting: Sequence[Notice]) -> Agent | None:
        """The agent, if anything is to be told; of one who is gone it never is."""
        there = self._around.configuration()
        agent = there.agent(agent_id)
        if can_be_told(agent, there):
            return agent if waiting else None
        await self._notices.mark_told([one.id for one in waiting], DROPPED)
        return None

    async def _write(self, turn: Turn, agent: Agent, waiting: Sequence[Notice]) -> Turn | None:
        """The turn with the notification in it, where it may go now."""
        place = await self._place(waiting)
        if place is None:
            # Every channel that it could come from was removed, and so were their queues.
            await self._notices.mark_told([one.id for one in waiting], DROPPED)
            return None
        now, there = self._around.now(), self._around.configuration()
        via = there.reply_via(place.ticket.channel)
        free = free_at(
            turn.sent,
            turn.lane,
            quiet=timedelta(minutes=there.notifications.quiet_minutes),
            marks_survive=isinstance(via, NoOutbound) or via.kind != "graph",
            now=now,
        )
        if now < free:
            return None
        request = self._request(agent, waiting, place)
        notification = Notification(
            place.ticket.id,
            tuple(one.id for one in waiting),
            send_requested(place.ticket, request),
        )
        sent = (*(at for at in turn.sent if now - at < DAY), now)
        return replace(turn, sent=sent, unfinished=notification)

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

    def _request(self, agent: Agent, waiting: Sequence[Notice], place: _Place) -> SendRequested:
        now, ticket = self._around.now(), place.ticket
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
