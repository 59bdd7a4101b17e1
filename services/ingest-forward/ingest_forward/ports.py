"""What the door needs of the world, in its own words."""

from datetime import datetime
from typing import Protocol

from postbus.contracts.configuration import InboundChannel


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
