"""Which mailboxes this replica reads: those that fall to it and that it got."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel
from postbus.mailboxes.board import Board
from postbus.mailboxes.ports import Lease, Leases, Reader
from postbus.mailboxes.sharing import reader_of
from postbus.runtime.rounds import end_tasks

log = structlog.get_logger("postbus.mailboxes")
_TAKEN_AT_ONCE = 32

MakeReader = Callable[[InboundChannel, str, Lease], Reader]
"""Who reads that folder of the mailbox of a channel."""


@dataclass
class _Reading:
    """A mailbox that is read here, as it was configured when that began."""

    channel: InboundChannel
    lease: Lease
    readers: dict[str, Reader] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)


class Mailboxes:
    """Takes, reads and gives up mailboxes of one kind; `settle` is called again and again."""

    def __init__(
        self,
        kind: str,
        make_reader: MakeReader,
        board: Board,
        leases: Leases,
        configuration: Callable[[], Configuration],
    ) -> None:
        self._kind = kind
        self._make_reader = make_reader
        self._board = board
        self._leases = leases
        self._configuration = configuration
        self._reading: dict[str, _Reading] = {}
        self._revision = 0
        self._stopped = False

    @property
    def channels(self) -> list[str]:
        """The channels that are read here."""
        return list(self._reading)

    def look(self, channel: str) -> None:
        """Have every folder of a channel looked at, if it is read here."""
        reading = self._reading.get(channel)
        for reader in reading.readers.values() if reading else ():
            reader.hurry()

    async def settle(self) -> None:
        """Give up what is not ours, take what is, begin again what ended. BusUnavailable."""
        if self._stopped or not self._leases.is_good():
            return
        configuration = self._configuration()
        wanted = {one.id: one for one in configuration.inbound_channels if self._is_read(one)}
        alive = await self._leases.replicas()
        mine = {id_ for id_ in wanted if reader_of(id_, alive) == self._leases.me}
        for id_ in [id_ for id_ in self._reading if id_ not in mine]:
            await self._give_up(id_)
        for id_, reading in list(self._reading.items()):
            await self._keep_reading(reading, wanted[id_])
        missing = sorted(mine - self._reading.keys())
        for at in range(0, len(missing), _TAKEN_AT_ONCE):
            some = missing[at : at + _TAKEN_AT_ONCE]
            leases = await asyncio.gather(*(self._leases.take(id_, alive) for id_ in some))
            for lease in leases:
                if lease is not None and not self._stopped:
                    self._begin(wanted[lease.channel], lease)
        if configuration.revision != self._revision:
            self._revision = configuration.revision
            self._hurry_the_ill()

    def _hurry_the_ill(self) -> None:
        """What an admin has mended is tried at once."""
        for id_, reading in self._reading.items():
            if self._board.is_ill(id_):
                for reader in reading.readers.values():
                    reader.hurry()

    async def _keep_reading(self, reading: _Reading, channel: InboundChannel) -> None:
        if _same_mailbox(reading.channel, channel):
            ended = [folder for folder, task in reading.tasks.items() if task.done()]
            if ended and not await self._leases.still_mine(reading.lease):
                await self._give_up(channel.id, release=False)
                return
            for folder in ended:
                self._read(reading, folder)
            return
        await self._stop_reading(reading)
        self._begin(channel, reading.lease)

    def _begin(self, channel: InboundChannel, lease: Lease) -> None:
        reading = self._reading[channel.id] = _Reading(channel, lease)
        log.info("mailbox_taken", channel=channel.id, token=lease.token)
        for folder in channel.mailbox.folders if channel.mailbox else ():
            self._read(reading, folder)

    def _read(self, reading: _Reading, folder: str) -> None:
        reader = self._make_reader(reading.channel, folder, reading.lease)
        reading.readers[folder] = reader
        reading.tasks[folder] = asyncio.create_task(reader.run())

    async def _give_up(self, id_: str, *, release: bool = True) -> None:
        reading = self._reading.pop(id_)
        await self._stop_reading(reading)
        self._board.forget(id_)
        if release:
            await self._leases.release(reading.lease)
        log.info("mailbox_given_up", channel=id_)

    def _is_read(self, channel: InboundChannel) -> bool:
        return channel.kind == self._kind and channel.enabled

    async def _stop_reading(self, reading: _Reading) -> None:
        await end_tasks(list(reading.tasks.values()))

    async def stop(self) -> None:
        """Read no more, and let others have the mailboxes at once."""
        self._stopped = True
        readings, self._reading = list(self._reading.values()), {}
        await end_tasks([task for reading in readings for task in reading.tasks.values()])
        for at in range(0, len(readings), _TAKEN_AT_ONCE):
            some = readings[at : at + _TAKEN_AT_ONCE]
            await asyncio.gather(*(self._leases.release(one.lease) for one in some))


def _same_mailbox(one: InboundChannel, other: InboundChannel) -> bool:
    """Whether what reading depends on is the same; the rest is looked up mail by mail."""
    return (one.mailbox, one.after_fetch) == (other.mailbox, other.after_fetch)
