"""The question "does this channel work?", asked before it is saved of the service that will use it.

Request `postbus.dispatch.try`: nothing is sent; the conversation ends after the server has
accepted the sender (RFC 5321 §4.1.1.2) and is reset (§4.1.1.5). Requests `postbus.ingest-imap.try`
and `postbus.ingest-graph.try`: nothing is marked or moved; a folder that mail shall be moved to is
made where it is missing.
"""

from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract
from postbus.contracts.configuration import InboundChannel, OutboundChannel


class TryStepName(StrEnum):
    """The steps, in the order they are taken."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    SIGN_IN = "sign-in"
    SENDER_ACCEPTED = "sender-accepted"
    FOLDERS = "folders"
    PUSH = "push"
    SCOPE = "scope"
    """Whether an app may open this mailbox and no other; a warning is an ok step with a reason."""


class TryOutbound(Contract):
    """Try this channel as it stands here, whether or not it is saved."""

    channel: OutboundChannel
    sealed_secret: str | None = Field(
        default=None,
        repr=False,
        description="sealed under `outbound-channels.<id>`; null: the one that is kept, if any",
    )


class TryInbound(Contract):
    """Try this mailbox as it stands here, whether or not it is saved."""

    channel: InboundChannel
    sealed_secret: str | None = Field(
        default=None,
        repr=False,
        description="sealed under `inbound-channels.<id>`; null: the one that is kept, if any",
    )


class TryStep(Contract):
    """One step; the first that is not ok is the last that was taken."""

    name: TryStepName
    ok: bool
    detail: str = Field(default="", description="for people; what the server said, no secrets")
    reason: str = Field(
        default="", description="of a failure whose cause is known: a stable word for programs"
    )
    advice: str = Field(default="", description="what to do about it, for people")


class TryResult(Contract):
    """How far it came."""

    ok: bool
    steps: tuple[TryStep, ...] = ()

    def failed_step(self) -> TryStep | None:
        """The step that failed, if one did."""
        return next((step for step in self.steps if not step.ok), None)
