"""Sign-ins of paused mailboxes are kept alive, and those that end are warned of."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from ingest_graph.upkeep import Upkeep
from postbus.contracts.configuration import InboundChannel
from postbus.errors import CredentialsRejected
from postbus.mailboxes.ports import Lease

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def channel(id_: str, *, enabled: bool = False, app_only: bool = False) -> InboundChannel:
    graph = {"mailbox": f"{id_}@example.com", "tenant": "example.com"}
    if app_only:
        graph["auth"] = "app-only"
    return InboundChannel.model_validate(
        {
            "id": id_,
            "name": id_,
            "kind": "graph",
            "address": f"{id_}@example.com",
            "enabled": enabled,
            "graph": graph,
        }
    )


@dataclass
class World:
    """One replica, sign-ins by channel with the days that are left, and what was told."""

    days: dict[str, float | None]
    refused: set[str] = field(default_factory=set)
    renewed: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    others: frozenset[str] = frozenset()
    me: str = "one/1"

    async def ends_at(self, channel: InboundChannel) -> datetime | None:
        left = self.days.get(channel.id)
        return None if left is None else NOW + timedelta(days=left)

    async def renew(self, channel: InboundChannel) -> None:
        if channel.id in self.refused:
            raise CredentialsRejected("revoked", reason="needs-sign-in")
        self.renewed.append(channel.id)
        self.days[channel.id] = 90

    async def replicas(self) -> frozenset[str]:
        return self.others | {self.me}

    async def tell(self, channel: str, fact: str, reason: str, *, at: datetime) -> None:
        assert reason
        assert at == NOW
        self.told.append((channel, fact))

    def is_good(self) -> bool:
        return True

    async def take(self, channel: str, alive: frozenset[str]) -> Lease | None:
        raise NotImplementedError

    async def still_mine(self, lease: Lease) -> bool:
        raise NotImplementedError

    async def release(self, lease: Lease) -> None:
        raise NotImplementedError

    def upkeep(self, *channels: InboundChannel) -> Upkeep:
        return Upkeep(self, self, self.tell, lambda: channels, lambda: NOW)


@pytest.mark.parametrize(("left", "renewed"), [(61, False), (59, True), (10, True)])
async def test_a_sign_in_is_used_before_it_would_end(left: float, *, renewed: bool) -> None:
    world = World({"paused": left})
    await world.upkeep(channel("paused")).once()
    assert bool(world.renewed) is renewed
    assert world.told == []


async def test_one_that_cannot_be_renewed_is_warned_of_once_and_the_others_go_on() -> None:
    world = World({"bad": 40, "good": 40}, refused={"bad"})
    upkeep = world.upkeep(channel("bad"), channel("good"))
    await upkeep.once()
    await upkeep.once()
    assert world.told == [("bad", "credentials-expiring")]
    assert world.renewed == ["good"]


async def test_the_secret_of_an_app_is_warned_of_and_not_used() -> None:
    world = World({"soon": 13, "later": 15, "unknown": None})
    ids = ("soon", "later", "unknown")
    await world.upkeep(*(channel(id_, app_only=True) for id_ in ids)).once()
    assert world.told == [("soon", "credentials-expiring")]
    assert world.renewed == []


async def test_a_mailbox_that_is_read_looks_after_itself() -> None:
    world = World({"read": 1})
    await world.upkeep(channel("read", enabled=True)).once()
    assert (world.renewed, world.told) == ([], [])


async def test_of_several_replicas_one_looks_after_a_mailbox() -> None:
    ids = [f"box-{number}" for number in range(30)]
    replicas = ("one/1", "two/1", "three/1")
    renewed: list[str] = []
    for me in replicas:
        world = World(dict.fromkeys(ids, 30.0), others=frozenset(replicas), me=me)
        await world.upkeep(*(channel(id_) for id_ in ids)).once()
        assert world.renewed
        renewed += world.renewed
    assert sorted(renewed) == sorted(ids)
