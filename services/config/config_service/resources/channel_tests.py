"""Tests of channels step by step, and their health."""

from collections.abc import Awaitable, Callable, Mapping

from config_service.bodies import HealthView, MarksView, StepView, TestView
from config_service.domain.channel_health import (
    ChannelHealth,
    Step,
    config_steps,
    forward_health,
    forward_steps,
    mailbox_health,
    outbound_health,
)
from config_service.ports import CheckDoor, Known
from config_service.resources import inbound, outbound
from config_service.resources.documents import Documents, read_as
from config_service.resources.trying import Trying
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.mailboxes import ChannelState, KnownHealth, MarksProof
from postbus.contracts.trying import TryResult
from postbus.mail.addresses import normalise


class ChannelTests:
    """What can be known about channels from here."""

    def __init__(
        self,
        documents: Documents,
        trying: Trying,
        check_door: CheckDoor,
        known: Known,
        sign_in_url: Callable[[InboundChannel], Awaitable[str | None]],
    ) -> None:
        self._documents = documents
        self._trying = trying
        self._check_door = check_door
        self._known = known
        self._sign_in_url = sign_in_url

    async def inbound(self, id_: str) -> TestView:
        """The steps of an inbound channel; those at a mailbox its reader takes. 404, 503."""
        state = await self._documents.state()
        channel = read_as(InboundChannel, state.get(inbound.KIND, id_))
        if channel.mailbox is None:
            door = await self._check_door()
            return _test_view(_views(forward_steps(channel, state.configuration, door)))
        tried = _views_of_try(await self._trying.inbound(channel))
        return _test_view((*tried, *_views(config_steps(channel, state.configuration))))

    async def outbound(self, id_: str) -> TestView:
        """The steps of an outbound channel, taken by dispatch; 404, 503."""
        kept = await self._documents.get(outbound.KIND, id_)
        return view_of_try(await self._trying.outbound(read_as(OutboundChannel, kept)))

    async def health(self) -> list[HealthView]:
        """Every channel, inbound ones first; BusUnavailable."""
        there = (await self._documents.state()).configuration
        door = await self._check_door()
        known = await self._known.health()
        views = [
            *(self._inbound_health(one, there, door, known) for one in there.inbound_channels),
            *(self._outbound_health(one, known) for one in there.outbound_channels),
        ]
        return [await self._with_link(one, there) for one in views]

    async def _with_link(self, view: HealthView, there: Configuration) -> HealthView:
        """With where its owner signs in anew, of a mailbox that needs it."""
        if view.state is not ChannelState.NEEDS_SIGN_IN:
            return view
        mailbox = _mailbox_of(view, there)
        url = await self._sign_in_url(mailbox) if mailbox is not None else None
        return view.model_copy(update={"sign_in_url": url})

    def _inbound_health(
        self,
        channel: InboundChannel,
        there: Configuration,
        door: Step,
        known: Mapping[str, KnownHealth],
    ) -> HealthView:
        now = self._documents.now()
        if channel.mailbox is None:
            steps = forward_steps(channel, there, door)
            return _health_view(channel, forward_health(steps, now))
        steps = config_steps(channel, there)
        said = known.get(f"inbound.{channel.id}")
        return _health_view(channel, mailbox_health(channel, steps, said, now))

    def _outbound_health(
        self, channel: OutboundChannel, known: Mapping[str, KnownHealth]
    ) -> HealthView:
        said = known.get(f"outbound.{channel.id}")
        tried = self._trying.last(channel.id)
        return _health_view(channel, outbound_health(channel, tried, said))


def _mailbox_of(view: HealthView, there: Configuration) -> InboundChannel | None:
    """The channel that reads the mailbox; of one that sends, that which answers by it."""
    if view.direction == "inbound":
        return there.inbound(view.channel)
    sender = there.outbound(view.channel)
    address = sender.from_address if sender else None
    found = (
        one
        for one in there.inbound_channels
        if address and one.address and normalise(one.address) == normalise(address)
    )
    return next(found, None)


def view_of_try(result: TryResult) -> TestView:
    """A try as it is shown."""
    return TestView(ok=result.ok, steps=_views_of_try(result))


def _views_of_try(result: TryResult) -> tuple[StepView, ...]:
    steps = tuple(
        StepView(
            name=step.name.value,
            ok=step.ok,
            detail=step.detail,
            reason=step.reason,
            advice=step.advice,
        )
        for step in result.steps
    )
    if result.ok or result.failed_step():
        return steps
    return (*steps, StepView(name="try", ok=False, detail="no step says why"))


def _views(steps: tuple[Step, ...]) -> tuple[StepView, ...]:
    return tuple(StepView(name=one.name, ok=one.ok, detail=one.detail) for one in steps)


def _test_view(steps: tuple[StepView, ...]) -> TestView:
    return TestView(ok=all(step.ok is not False for step in steps), steps=steps)


def _health_view(channel: InboundChannel | OutboundChannel, health: ChannelHealth) -> HealthView:
    known = health.known
    return HealthView(
        channel=channel.id,
        name=channel.name,
        direction="inbound" if isinstance(channel, InboundChannel) else "outbound",
        kind=channel.kind,
        state=health.state,
        since=known.since if known and known.state is health.state else None,
        last_error=health.last_error,
        reason=health.reason,
        advice=health.advice,
        checked_at=health.checked_at,
        last_mail_at=known.last_mail_at if known else None,
        lag_seconds=known.lag_seconds if known else None,
        credential_expires_at=known.credential_expires_at if known else None,
        waiting=known.waiting if known else None,
        marks=_marks_view(known.marks) if known and known.marks else None,
    )


def _marks_view(marks: MarksProof) -> MarksView:
    return MarksView(checked_at=marks.checked_at, kept=marks.kept, lost=marks.lost)
