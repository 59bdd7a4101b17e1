"""The configuration at one moment; immutable, so that a handler sees one truth all through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from postbus.configuration.filter import OutboundFilter
from postbus.contracts.appearance import Appearance
from postbus.contracts.base import Contract
from postbus.contracts.configuration import (
    Agent,
    ApiToken,
    FilterEntry,
    InboundChannel,
    LoopLimits,
    Notifications,
    OutboundChannel,
    TicketType,
)
from postbus.contracts.dkim import DkimSigning
from postbus.mail.addresses import normalise, with_fewer_tags

RELAY_ID = "relay"
"""The outbound channel that carries answers when nothing else is said."""

Model = TypeVar(
    "Model",
    InboundChannel,
    OutboundChannel,
    TicketType,
    ApiToken,
    FilterEntry,
    Appearance,
    DkimSigning,
    LoopLimits,
    Agent,
    Notifications,
)


class NoOutboundReason(StrEnum):
    """Why no channel can carry an answer."""

    INBOUND_MISSING = "inbound-channel-missing"
    OUTBOUND_MISSING = "outbound-channel-missing"
    OUTBOUND_DISABLED = "outbound-channel-disabled"


@dataclass(frozen=True)
class NoOutbound:
    """No channel carries answers now; another one is never taken silently instead."""

    reason: NoOutboundReason
    channel: str
    detail: str


@dataclass(frozen=True)
class Configuration:
    """Everything admins have configured, as of `revision` (the highest KV revision in it)."""

    revision: int = 0
    inbound_channels: tuple[InboundChannel, ...] = ()
    outbound_channels: tuple[OutboundChannel, ...] = ()
    ticket_types: tuple[TicketType, ...] = ()
    filter: OutboundFilter = field(default_factory=OutboundFilter)
    loop_limits: LoopLimits = field(default_factory=LoopLimits)
    tokens: tuple[ApiToken, ...] = field(default=(), repr=False)
    agents: tuple[Agent, ...] = ()
    notifications: Notifications = field(default_factory=Notifications)
    _inbound: Mapping[str, InboundChannel] = field(default_factory=dict, repr=False)
    _outbound: Mapping[str, OutboundChannel] = field(default_factory=dict, repr=False)
    _types: Mapping[str, TicketType] = field(default_factory=dict, repr=False)
    _tokens: Mapping[str, ApiToken] = field(default_factory=dict, repr=False)
    _channels: Mapping[str, InboundChannel] = field(default_factory=dict, repr=False)
    _appearances: Mapping[str, Appearance] = field(default_factory=dict, repr=False)
    _dkim: Mapping[str, DkimSigning] = field(default_factory=dict, repr=False)
    _own: frozenset[str] = field(default=frozenset(), repr=False)
    _agents: Mapping[str, Agent] = field(default_factory=dict, repr=False)
    _agents_by_address: Mapping[str, Agent] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, documents: Iterable[Contract], revision: int = 0) -> "Configuration":
        """The snapshot made of these documents, in whatever order they come."""
        given = list(documents)
        inbound = _by_id(given, InboundChannel)
        outbound = _by_id(given, OutboundChannel)
        types = _by_id(given, TicketType)
        tokens = _by_id(given, ApiToken)
        agents = _by_id(given, Agent)
        channels: dict[str, InboundChannel] = {}
        for channel in inbound.values():
            for address in channel.own_addresses():
                channels.setdefault(normalise(address), channel)
        sends_as = (address for one in outbound.values() for address in one.own_addresses())
        return cls(
            revision=revision,
            inbound_channels=tuple(inbound.values()),
            outbound_channels=tuple(outbound.values()),
            ticket_types=tuple(types.values()),
            filter=OutboundFilter.of(_by_id(given, FilterEntry).values()),
            loop_limits=_by_id(given, LoopLimits).get("default", LoopLimits()),
            tokens=tuple(tokens.values()),
            agents=tuple(agents.values()),
            notifications=_by_id(given, Notifications).get("default", Notifications()),
            _inbound=inbound,
            _outbound=outbound,
            _types=types,
            _tokens=tokens,
            _channels=channels,
            _appearances=_by_id(given, Appearance),
            _dkim=_by_id(given, DkimSigning),
            _own=frozenset(channels) | {normalise(address) for address in sends_as},
            _agents=agents,
            _agents_by_address={normalise(one.address): one for one in agents.values()},
        )

    def inbound(self, id_: str) -> InboundChannel | None:
        """The inbound channel of that id."""
        return self._inbound.get(id_)

    def outbound(self, id_: str) -> OutboundChannel | None:
        """The outbound channel of that id."""
        return self._outbound.get(id_)

    def ticket_type(self, id_: str) -> TicketType | None:
        """The ticket type of that id."""
        return self._types.get(id_)

    def token(self, sha256: str) -> ApiToken | None:
        """The API token with that SHA-256 (hexadecimal)."""
        return self._tokens.get(sha256)

    def appearance(self, queue_id: str) -> Appearance | None:
        """How the mail of that queue looks, where somebody said so."""
        return self._appearances.get(queue_id)

    def dkim(self, outbound_id: str) -> DkimSigning | None:
        """The keys that mail of that outbound channel is signed with, where it has any."""
        return self._dkim.get(outbound_id)

    def agent(self, id_: str) -> Agent | None:
        """The agent of that id."""
        return self._agents.get(id_)

    def agent_of_address(self, address: str) -> Agent | None:
        """The agent whose address it is, itself or as its plus-address (RFC 5233 §1)."""
        found = (self._agents_by_address.get(one) for one in with_fewer_tags(normalise(address)))
        return next((agent for agent in found if agent is not None), None)

    def own_addresses(self) -> frozenset[str]:
        """Every address that is ours, normalised: of inbound channels and of senders."""
        return self._own

    def is_own(self, address: str) -> bool:
        """Whether an address, or a plus-address of it, is one that we take mail at or send as."""
        return any(one in self._own for one in with_fewer_tags(normalise(address)))

    def channel_of_address(self, address: str) -> InboundChannel | None:
        """The inbound channel that an address or a plus-address of it belongs to.

        A disabled channel is given back too: to whom an address belongs and whether mail is taken
        there are two questions.
        """
        known = (self._channels.get(one) for one in with_fewer_tags(normalise(address)))
        return next((channel for channel in known if channel is not None), None)

    def reply_via(self, inbound_id: str) -> OutboundChannel | NoOutbound:
        """The outbound channel that carries answers of an inbound channel.

        The one that `reply_via` names; else the outbound channel of the same id, its own; else the
        relay. When that one is missing or disabled the result says so.
        """
        inbound = self.inbound(inbound_id)
        if inbound is None:
            detail = f"there is no inbound channel {inbound_id}"
            return NoOutbound(NoOutboundReason.INBOUND_MISSING, inbound_id, detail)
        chosen = inbound.reply_via or (inbound_id if self.outbound(inbound_id) else RELAY_ID)
        return self.carrier(chosen, f"answers of {inbound_id} go")

    def carrier(self, id_: str, what: str) -> OutboundChannel | NoOutbound:
        """The outbound channel of that id, where it can carry mail; `what` it is asked for."""
        outbound = self.outbound(id_)
        if outbound is None:
            detail = f"{what} via {id_}, which does not exist"
            return NoOutbound(NoOutboundReason.OUTBOUND_MISSING, id_, detail)
        if not outbound.enabled:
            detail = f"{what} via {id_}, which is disabled"
            return NoOutbound(NoOutboundReason.OUTBOUND_DISABLED, id_, detail)
        return outbound


def _by_id(documents: Iterable[Contract], model: type[Model]) -> dict[str, Model]:
    found = [document for document in documents if isinstance(document, model)]
    return {document.id: document for document in sorted(found, key=lambda one: one.id)}
