"""Tests of channels step by step, and their health."""

from config_service.bodies import HealthView, StepView, TestView
from config_service.domain.channel_health import (
    ChannelHealth,
    Step,
    inbound_health,
    inbound_steps,
    outbound_health,
)
from config_service.ports import CheckDoor
from config_service.resources import inbound, outbound
from config_service.resources.documents import Documents, read_as
from config_service.resources.trying import Trying
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel


class ChannelTests:
    """What can be known about channels from here."""

    def __init__(self, documents: Documents, trying: Trying, check_door: CheckDoor) -> None:
        self._documents = documents
        self._trying = trying
        self._check_door = check_door

    async def inbound(self, id_: str) -> TestView:
        """The steps of an inbound channel; 404."""
        state = await self._documents.state()
        channel = read_as(InboundChannel, state.get(inbound.KIND, id_))
        steps = inbound_steps(channel, state.configuration, await self._check_door())
        views = tuple(StepView(name=one.name, ok=one.ok, detail=one.detail) for one in steps)
        return TestView(ok=all(step.ok is not False for step in steps), steps=views)

    async def outbound(self, id_: str) -> TestView:
        """The steps of an outbound channel, taken by dispatch; 404, 503."""
        kept = await self._documents.get(outbound.KIND, id_)
        result = await self._trying.test(read_as(OutboundChannel, kept))
        views = tuple(
            StepView(name=step.name.value, ok=step.ok, detail=step.detail) for step in result.steps
        )
        return TestView(ok=result.ok, steps=views)

    async def health(self) -> list[HealthView]:
        """Every channel, inbound ones first."""
        there = (await self._documents.state()).configuration
        door = await self._check_door()
        inbound_views = [self._inbound_health(one, there, door) for one in there.inbound_channels]
        outbound_views = [self._outbound_health(one) for one in there.outbound_channels]
        return inbound_views + outbound_views

    def _inbound_health(
        self, channel: InboundChannel, there: Configuration, door: Step
    ) -> HealthView:
        steps = inbound_steps(channel, there, door)
        return _view(channel, inbound_health(steps, self._documents.now()))

    def _outbound_health(self, channel: OutboundChannel) -> HealthView:
        return _view(channel, outbound_health(channel, self._trying.last(channel.id)))


def _view(channel: InboundChannel | OutboundChannel, health: ChannelHealth) -> HealthView:
    return HealthView(
        channel=channel.id,
        name=channel.name,
        direction="inbound" if isinstance(channel, InboundChannel) else "outbound",
        kind=channel.kind,
        state=health.state.value,
        last_error=health.last_error,
        checked_at=health.checked_at,
    )
