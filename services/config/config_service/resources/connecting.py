"""A whole mailbox in one call: both channels, their secrets and filter entries, or nothing.

Nothing is written before both channels were tried and are good. Then the order is filter entries,
outbound channel, inbound channel, so that a crash in between leaves no inbound channel without its
way out; the same call made again takes up what it left.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr, ValidationError

from config_service.bodies import StepView
from config_service.connect_bodies import ConnectedView
from config_service.domain.mailbox_plan import Plan, plan_of
from config_service.domain.mailbox_wish import MailboxWish, Ways
from config_service.domain.own_entries import own_entries
from config_service.domain.refusals import Refusal
from config_service.resources import inbound, outbound
from config_service.resources.channel_documents import document_with, made_at, shown
from config_service.resources.channel_secrets import Channel, ChannelSecrets, kind_of
from config_service.resources.channel_tests import view_of_try
from config_service.resources.connect_problems import (
    changed_meanwhile,
    try_problem,
    unknown_sign_in,
)
from config_service.resources.documents import Documents, State, read_as
from config_service.resources.own_addresses import OwnAddresses
from config_service.resources.refusing import invalid, problem_of
from config_service.resources.trying import Trying
from config_service.resources.undoing import Undo, all_or_nothing
from postbus.configuration import key_of
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.trying import TryResult


@dataclass(frozen=True)
class Connecting:
    """Who sets what up; `pointer` is where its secret came in (RFC 6901 §6).

    `renews`: the mailbox has to be there; nothing new is set up.
    """

    wish: MailboxWish
    ways: Ways
    secret: SecretStr
    by: str
    pointer: str = "#"
    renews: bool = False


@dataclass(frozen=True)
class Connected:
    """What is there now; `is_new`: it was not there before."""

    view: ConnectedView
    is_new: bool


class Connect:
    """Sets mailboxes up."""

    def __init__(
        self,
        documents: Documents,
        own_addresses: OwnAddresses,
        secrets: ChannelSecrets,
        trying: Trying,
    ) -> None:
        self._documents = documents
        self._own_addresses = own_addresses
        self._secrets = secrets
        self._trying = trying

    async def check(self, wish: MailboxWish, ways: Ways) -> Plan:
        """What would be set up; 409, 422 when that cannot be, whatever the secret."""
        return self._plan(wish, ways, await self._documents.state())

    async def connect(self, what: Connecting) -> Connected:
        """Both channels; 409 when id or address is taken, 422 when it does not work, 503."""
        plan = self._plan(what.wish, what.ways, await self._documents.state())
        if what.renews and plan.is_new:
            raise unknown_sign_in()
        sealed = {one: self._secrets.seal(one, what.secret) for one in _channels(plan)}
        warnings = await self._try(plan, sealed, what.pointer)
        async with self._documents.changing() as state:
            if self._plan(what.wish, what.ways, state) != plan:
                raise changed_meanwhile()
            await self._write(plan, sealed, state, by=what.by)
        view = self._view(plan, warnings, await self._documents.state())
        return Connected(view, plan.is_new)

    def _plan(self, wish: MailboxWish, ways: Ways, state: State) -> Plan:
        try:
            plan = plan_of(wish, ways, state.configuration)
        except ValidationError as error:
            raise invalid(error) from error
        if isinstance(plan, Refusal):
            raise problem_of(plan)
        return plan

    async def _try(
        self, plan: Plan, sealed: dict[Channel, str], pointer: str
    ) -> tuple[StepView, ...]:
        """Steps that are good and yet say why somebody should look."""
        coming = self._trying.inbound(plan.inbound, sealed[plan.inbound])
        going = self._try_outbound(plan.outbound, sealed)
        came, went = await asyncio.gather(coming, going)
        if not (came.ok and went.ok):
            raise try_problem(came, went, pointer)
        steps = (*view_of_try(came).steps, *view_of_try(went).steps)
        return tuple(step for step in steps if step.ok and step.reason)

    async def _try_outbound(
        self, channel: OutboundChannel | None, sealed: dict[Channel, str]
    ) -> TryResult:
        if channel is None:
            return TryResult(ok=True)
        return await self._trying.outbound(channel, sealed[channel])

    async def _write(
        self, plan: Plan, sealed: dict[Channel, str], state: State, *, by: str
    ) -> None:
        async with all_or_nothing() as undo:
            for channel in _channels(plan):
                undo(self._release(channel, state, by=by))
                await self._own_addresses.hold(channel, state, by=by)
            for channel in _channels(plan):
                await self._save(channel, sealed[channel], state, undo, by=by)

    async def _save(
        self, channel: Channel, sealed: str, state: State, undo: Callable[[Undo], None], *, by: str
    ) -> None:
        before = await self._secrets.sealed(channel)
        undo(lambda: self._secrets.keep_or_forget(channel, before))
        await self._secrets.keep_or_forget(channel, sealed)
        kind, id_ = kind_of(channel), channel.id
        kept = state.kept.get(key_of(kind, id_))
        now = self._documents.now()
        document = document_with(made_at(channel, now), now)
        undo(lambda: self._documents.restore(kind, id_, kept, by=by))
        if kept is None:
            await self._documents.create(kind, id_, document, by=by)
        else:
            await self._documents.replace(kept, document, by=by)

    def _release(self, channel: Channel, state: State, *, by: str) -> Undo:
        there = state.kept.get(key_of(kind_of(channel), channel.id))
        before = read_as(type(channel), there) if there else None
        return lambda: self._own_addresses.release(channel, before, by=by)

    def _view(self, plan: Plan, warnings: tuple[StepView, ...], state: State) -> ConnectedView:
        now = self._documents.now()
        ids = [id_ for one in _channels(plan) for id_ in own_entries(one, now)]
        entries = [one for one in state.configuration.filter.entries if one.id in ids]
        out = plan.outbound
        return ConnectedView.model_validate(
            {
                "inbound": shown(state.get(inbound.KIND, plan.inbound.id)),
                "outbound": shown(state.get(outbound.KIND, out.id)) if out else None,
                "filter_entries": [one.model_dump() for one in entries],
                "warnings": [one.model_dump() for one in warnings],
            }
        )


def _channels(plan: Plan) -> tuple[Channel, ...]:
    """In the order that they are written in: the way out first."""
    way_out: tuple[OutboundChannel, ...] = (plan.outbound,) if plan.outbound else ()
    way_in: InboundChannel = plan.inbound
    return (*way_out, way_in)
