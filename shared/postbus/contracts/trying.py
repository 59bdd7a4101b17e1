"""The question "can mail leave through this channel?", asked of dispatch before it is saved.

Request `postbus.dispatch.try`. Nothing is sent: the conversation ends after the server has accepted
the sender (RFC 5321 §4.1.1.2) and is reset (§4.1.1.5).
"""

from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract
from postbus.contracts.configuration import OutboundChannel


class TryStepName(StrEnum):
    """The steps, in the order they are taken."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    SIGN_IN = "sign-in"
    SENDER_ACCEPTED = "sender-accepted"


class TryOutbound(Contract):
    """Try this channel as it stands here, whether or not it is saved."""

    channel: OutboundChannel
    sealed_secret: str | None = Field(
        default=None,
        repr=False,
        description="sealed under `outbound-channels.<id>`; null: the one that is kept, if any",
    )


class TryStep(Contract):
    """One step; the first that is not ok is the last that was taken."""

    name: TryStepName
    ok: bool
    detail: str = Field(default="", description="for people; what the server said, no secrets")


class TryResult(Contract):
    """How far it came."""

    ok: bool
    steps: tuple[TryStep, ...] = ()

    def failed_step(self) -> TryStep | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if not step.ok), None)
