"""Has dispatch try outbound channels, and remembers how that went."""

from collections.abc import Callable
from datetime import datetime

from config_service.domain.channel_health import Tried
from config_service.ports import TryOutboundChannel
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.trying import TryResult
from postbus.errors import BusUnavailable
from postbus.runtime.problems import FieldError, Problem

_POINTERS = {
    "resolve": "#/smtp/host",
    "connect": "#/smtp/port",
    "tls": "#/smtp/tls",
    "sign-in": "#/smtp/secret",
    "sender-accepted": "#/from_address",
}


class Trying:
    """Tries, and the last result of each channel since this service started."""

    def __init__(self, try_channel: TryOutboundChannel, now: Callable[[], datetime]) -> None:
        self._try_channel = try_channel
        self._now = now
        self._last: dict[str, Tried] = {}

    async def test(self, channel: OutboundChannel, sealed: str | None = None) -> TryResult:
        """How far it comes; 503 when dispatch does not answer."""
        try:
            result = await self._try_channel(channel, sealed)
        except BusUnavailable as error:
            raise Problem(
                503,
                "try-unavailable",
                detail="Dispatch, which tries channels, does not answer. "
                "`?force=true` saves without trying.",
                headers={"Retry-After": "5"},
            ) from error
        self._last[channel.id] = Tried(result, self._now())
        return result

    async def require(self, channel: OutboundChannel, sealed: str | None) -> None:
        """422 naming the step that fails; 503 when dispatch does not answer."""
        result = await self.test(channel, sealed)
        if result.ok:
            return
        failed = result.failed_step()
        name = failed.name.value if failed else "the try"
        detail = f"{name} failed: {failed.detail if failed else 'no step says why'}"
        errors = (FieldError(_POINTERS.get(name, "#"), detail),)
        raise Problem(
            422,
            "try-failed",
            detail=f"{detail}. `?force=true` saves it all the same.",
            errors=errors,
        )

    def last(self, channel_id: str) -> Tried | None:
        """The last try, if there was one."""
        return self._last.get(channel_id)
