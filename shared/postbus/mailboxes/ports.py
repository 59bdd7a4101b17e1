"""What reading mailboxes needs of the world, whatever their servers speak."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from postbus.contracts.base import Contract
from postbus.contracts.mailboxes import AskFiled, CompletenessProof, Filed, KnownHealth

Cursor = TypeVar("Cursor", bound=Contract)


@dataclass(frozen=True)
class Kept(Generic[Cursor]):
    """A cursor and the revision at which it stands."""

    cursor: Cursor
    revision: int


class Cursors(Protocol[Cursor]):
    """How far folders were read. BusUnavailable, and StateConflict for a lost race."""

    async def get(self, channel: str, folder: str) -> Kept[Cursor] | None:
        """What is known of a folder."""

    async def put(
        self, channel: str, folder: str, cursor: Cursor, *, revision: int
    ) -> Kept[Cursor]:
        """Write over that very revision, 0 for none."""


class Lease(Protocol):
    """A mailbox that is this replica's; `token` rises with each holder."""

    @property
    def channel(self) -> str:
        """Whose mailbox."""

    @property
    def token(self) -> int:
        """The fencing token."""

    def is_good(self) -> bool:
        """Whether nobody else can have it now, by our own clock."""


class Leases(Protocol):
    """Who reads which mailbox; BusUnavailable where it does not say otherwise."""

    @property
    def me(self) -> str:
        """How this replica is named among `replicas`."""

    def is_good(self) -> bool:
        """Whether nobody else can think that we are gone, by our own clock."""

    async def replicas(self) -> frozenset[str]:
        """All that are alive, ourselves included."""

    async def take(self, channel: str, alive: frozenset[str]) -> Lease | None:
        """The mailbox, unless one that is alive has it."""

    async def still_mine(self, lease: Lease) -> bool:
        """Whether nobody took it meanwhile."""

    async def release(self, lease: Lease) -> None:
        """Let another have it at once; never raises."""


class Reader(Protocol):
    """Reads one folder of a mailbox for as long as it is this replica's."""

    async def run(self) -> None:
        """Ends only when it is cancelled, or when another replica turns out to read there."""

    def hurry(self) -> None:
        """Look at the folder now, or try again now if it could not be read."""


class HealthBoard(Protocol):
    """Where health is written for all to see; BusUnavailable."""

    async def get(self, channel: str) -> KnownHealth | None:
        """What was written last."""

    async def put(self, health: KnownHealth) -> None:
        """Write."""

    async def proof(self, channel: str) -> CompletenessProof | None:
        """The proof before."""

    async def put_proof(self, proof: CompletenessProof) -> None:
        """Write."""


class AskTicketing(Protocol):
    """Asks ticketing which mails are on tickets."""

    async def __call__(self, question: AskFiled) -> Filed:
        """BusUnavailable."""


class TellChannel(Protocol):
    """Tells `postbus.channel.<fact>.<channel>`."""

    async def __call__(self, channel: str, fact: str, reason: str, *, at: datetime) -> None:
        """BusUnavailable."""
