"""Has the services that use channels try them, and remembers how that went."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from config_service.domain.channel_health import Tried, reader_of
from config_service.ports import TryInboundChannel, TryOutboundChannel
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.trying import TryResult, TryStep
from postbus.errors import BusUnavailable
from postbus.runtime.problems import FieldError, Problem

_POINTERS: Final = {
    "smtp": {
        "resolve": "#/smtp/host",
        "connect": "#/smtp/port",
        "tls": "#/smtp/tls",
        "sign-in": "#/smtp/secret",
        "sender-accepted": "#/from_address",
    },
    "imap": {
        "resolve": "#/imap/host",
        "connect": "#/imap/port",
        "tls": "#/imap/tls",
        "sign-in": "#/imap/secret",
        "folders": "#/imap/folders",
        "push": "#/imap",
    },
    "graph": {
        "resolve": "#/graph/base_url",
        "connect": "#/graph/base_url",
        "tls": "#/graph/base_url",
        "sign-in": "#/graph/secret",
        "sender-accepted": "#/from_address",
        "folders": "#/graph/folders",
        "push": "#/graph",
        "scope": "#/graph/probe_mailbox",
    },
}
"""Field of the server → step → what in the document it speaks of."""


class Trying:
    """Tries, and the last result of each outbound channel since this service started."""

    def __init__(
        self,
        try_outbound: TryOutboundChannel,
        try_inbound: TryInboundChannel,
        now: Callable[[], datetime],
    ) -> None:
        self._try_outbound = try_outbound
        self._try_inbound = try_inbound
        self._now = now
        self._last: dict[str, Tried] = {}

    async def outbound(self, channel: OutboundChannel, sealed: str | None = None) -> TryResult:
        """How far it comes; 503 when dispatch does not answer."""
        try:
            result = await self._try_outbound(channel, sealed)
        except BusUnavailable as error:
            raise _nobody("Dispatch, which tries outbound channels,") from error
        self._last[channel.id] = Tried(result, self._now())
        return result

    async def inbound(self, channel: InboundChannel, sealed: str | None = None) -> TryResult:
        """How far it comes; 503 when the service that reads such mailboxes does not answer."""
        try:
            return await self._try_inbound(channel, sealed)
        except BusUnavailable as error:
            raise _nobody(f"{reader_of(channel)}, which reads mailboxes,") from error

    async def require(self, channel: InboundChannel | OutboundChannel, sealed: str | None) -> None:
        """422 naming the step that fails; 503 when nobody answers. Forwarded mail needs no try."""
        if isinstance(channel, OutboundChannel):
            field = "graph" if channel.graph else "smtp"
            result = await self.outbound(channel, sealed)
        elif channel.mailbox is not None:
            field, result = channel.kind, await self.inbound(channel, sealed)
        else:
            return
        if not result.ok:
            raise _failed(result, _POINTERS[field])

    def last(self, channel_id: str) -> Tried | None:
        """The last try of an outbound channel, if there was one."""
        return self._last.get(channel_id)


def said_of(step: TryStep | None) -> Mapping[str, object]:
    """What a failed step says, as members of a problem document."""
    if step is None:
        return {}
    said = {"step": step.name.value, "reason": step.reason, "advice": step.advice}
    return {name: text for name, text in said.items() if text}


def in_words(step: TryStep | None) -> str:
    """What a failed step says, in one sentence."""
    if step is None:
        return "the try failed: no step says why"
    return f"{step.name.value} failed: {step.detail}"


def _failed(result: TryResult, pointers: Mapping[str, str]) -> Problem:
    step = result.failed_step()
    detail = in_words(step)
    pointer = pointers.get(step.name.value, "#") if step else "#"
    return Problem(
        422,
        "try-failed",
        detail=f"{detail}. `?force=true` saves it all the same.",
        errors=(FieldError(pointer, detail),),
        members=said_of(step),
    )


def _nobody(who: str) -> Problem:
    return Problem(
        503,
        "try-unavailable",
        detail=f"{who} does not answer. `?force=true` saves a channel without trying it.",
        headers={"Retry-After": "5"},
    )
