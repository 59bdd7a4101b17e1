"""What dispatch has around it, in memory: copies, health, and mailboxes that nobody reads."""

from collections.abc import Callable

from dispatch.domain.copies import CopyTask
from dispatch.ports import KeptCopy, KeptHealth, Turn
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mailboxes import FindSent, FoundSent, KnownHealth, PutSent, PutSentResult
from postbus.contracts.sending import SendClaimed
from postbus.errors import BusUnavailable, StateConflict


class MemoryCopies:
    """The port `Copies`."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptCopy] = {}

    async def keep(self, task: CopyTask) -> None:
        self.kept.setdefault(task.send_id, KeptCopy(task, 1))

    async def get(self, send_id: str) -> KeptCopy | None:
        return self.kept.get(send_id)

    async def change(self, kept: KeptCopy, task: CopyTask) -> KeptCopy:
        standing = self.kept.get(task.send_id)
        if standing is None or standing.revision != kept.revision:
            raise StateConflict(task.send_id)
        self.kept[task.send_id] = KeptCopy(task, kept.revision + 1)
        return self.kept[task.send_id]

    async def forget(self, send_id: str) -> None:
        self.kept.pop(send_id, None)

    async def waiting(self) -> list[CopyTask]:
        return [kept.task for kept in self.kept.values()]


class MemoryClaims:
    """The port `TellClaim`, as its method `tell`."""

    def __init__(self) -> None:
        self.told: list[SendClaimed] = []

    async def tell(self, fact: SendClaimed) -> None:
        self.told.append(fact)


class MemoryHealths:
    """The port `Healths`, with a switch."""

    def __init__(self) -> None:
        self.away = False
        self.written: list[KnownHealth] = []
        self.told: list[tuple[str, str]] = []

    async def read(self, channel: str) -> KeptHealth:
        if self.away:
            raise BusUnavailable("away")
        of_channel = [one for one in self.written if one.channel == channel]
        return KeptHealth(of_channel[-1] if of_channel else None, len(of_channel))

    async def write(self, kept: KeptHealth, health: KnownHealth) -> None:
        self.written.append(health)

    async def tell(self, fact: str, health: KnownHealth, *, after: KeptHealth) -> None:
        self.told.append((fact, health.channel))


class NoLimits:
    """The port `Turns` of channels without a limit."""

    def known_wait(self, channel: OutboundChannel) -> Turn | None:
        del channel
        return None

    async def take(self, channel: OutboundChannel) -> Turn | None:
        del channel
        return None


class NobodyLooks:
    """The port `SentMail` when ingest-imap is away; `before` is called at every question."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self._before = before

    async def put(self, copy: PutSent) -> PutSentResult:
        self._before()
        return PutSentResult(ok=False, again=True, detail="nobody answers")

    async def find(self, question: FindSent) -> FoundSent:
        self._before()
        return FoundSent(found=None, detail="nobody answers")
