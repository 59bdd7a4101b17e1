"""What the door needs of the world, in its own words."""

from datetime import datetime
from typing import Protocol

from postbus.contracts.base import Contract
from postbus.contracts.configuration import InboundChannel


class Telling(Protocol):
    """Where facts are told."""

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Tell a fact; its stream has it when this returns.

        BusUnavailable when it has not said so; PermanentError when it can never take the fact.
        """


class Channels(Protocol):
    """The channels of the newest configuration."""

    def channel_of_address(self, address: str) -> InboundChannel | None:
        """The channel that an address or a plus-address of it belongs to, disabled ones too."""

    def own_addresses(self) -> frozenset[str]:
        """Every address that is ours, normalised."""


class CurrentChannels(Protocol):
    """Gives the newest channels."""

    def __call__(self) -> Channels:
        """BusUnavailable before the configuration was read for the first time."""


class Clock(Protocol):
    """Gives the moment."""

    def __call__(self) -> datetime:
        """Now, with its time zone."""
