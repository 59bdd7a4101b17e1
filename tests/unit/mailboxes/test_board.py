"""What is written and told of the health of mailboxes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from postbus.contracts.mailboxes import ChannelState, CompletenessProof, KnownHealth
from postbus.errors import BusUnavailable
from postbus.mailboxes.board import Board
from postbus.mailboxes.health import Seen

WELL = Seen(ChannelState.CONNECTED)
ILL = Seen(ChannelState.DEGRADED, "unreachable", "away")


@dataclass
class Wall:
    """A health bucket and a channel stream in memory, which can be away."""

    now: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)
    away: bool = False
    kept: dict[str, KnownHealth] = field(default_factory=dict)
    writes: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)

    async def get(self, channel: str) -> KnownHealth | None:
        return self.kept.get(channel)

    async def put(self, health: KnownHealth) -> None:
        self._must_be_there()
        self.kept[health.channel] = health
        self.writes += 1

    async def proof(self, channel: str) -> CompletenessProof | None:
        return None

    async def put_proof(self, proof: CompletenessProof) -> None:
        self._must_be_there()

    async def tell(self, channel: str, fact: str, reason: str, *, at: datetime) -> None:
        self._must_be_there()
        self.told.append((channel, fact))

    def _must_be_there(self) -> None:
        if self.away:
            raise BusUnavailable("away")


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def board(wall: Wall) -> Board:
    return Board(wall, wall.tell, lambda: wall.now)


async def test_what_does_not_change_is_written_once_in_ten_minutes(
    wall: Wall, board: Board
) -> None:
    for _ in range(21):
        board.seen("support", "INBOX", WELL)
        await board.write()
        wall.now += timedelta(minutes=1)
    assert wall.writes == 2
    assert wall.told == [("support", "connected")]


async def test_what_could_not_be_written_is_written_later(wall: Wall, board: Board) -> None:
    wall.away = True
    board.seen("support", "INBOX", ILL)
    with pytest.raises(BusUnavailable):
        await board.write()
    wall.away = False
    await board.write()
    assert wall.kept["support"].last_error == "away"
    assert wall.told == [("support", "unhealthy")]


async def test_a_restart_tells_nothing_anew(wall: Wall, board: Board) -> None:
    board.seen("support", "INBOX", WELL)
    await board.write()
    again = Board(wall, wall.tell, lambda: wall.now)
    again.seen("support", "INBOX", WELL)
    await again.write()
    assert wall.told == [("support", "connected")]


async def test_one_folder_in_trouble_is_trouble(wall: Wall, board: Board) -> None:
    board.seen("support", "INBOX", WELL)
    board.seen("support", "Junk", ILL)
    await board.write()
    assert wall.kept["support"].reason == "unreachable"
    assert board.is_ill("support")
    assert not board.is_ill("sales")


async def test_the_last_mail_is_shown_soon_and_not_with_every_mail(
    wall: Wall, board: Board
) -> None:
    board.seen("support", "INBOX", WELL)
    await board.write()
    for _ in range(100):
        wall.now += timedelta(seconds=0.3)
        board.mail("support", arrived_at=wall.now - timedelta(seconds=2))
        await board.write()
    assert wall.writes <= 4
    assert wall.kept["support"].lag_seconds == 2
    assert wall.kept["support"].last_mail_at is not None


async def test_a_sign_in_that_ends_soon_is_told_once(wall: Wall, board: Board) -> None:
    """INVARIANT: people hear of it while they can still do something; else mail stops one day."""
    ends = wall.now + timedelta(days=30)
    board.seen("support", "INBOX", WELL)
    for _ in range(40):
        board.credential("support", ends)
        await board.write()
        wall.now += timedelta(days=1)
    assert wall.told == [("support", "connected"), ("support", "credentials-expiring")]
    assert wall.kept["support"].credential_expires_at == ends
