"""The way out by the kind of the channel."""

from collections.abc import Mapping

from dispatch.ports import Accepted, BeforeData, Letter, Transport
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.trying import TryOutbound, TryResult


class Transports:
    """The port `Transport` for channels of every kind; `usual` is for those without their own."""

    def __init__(self, usual: Transport, own: Mapping[str, Transport]) -> None:
        self._usual = usual
        self._own = own

    async def send(
        self, channel: OutboundChannel, letter: Letter, *, before_data: BeforeData
    ) -> Accepted:
        return await self._of(channel).send(channel, letter, before_data=before_data)

    async def find(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bool | None:
        return await self._of(channel).find(channel, message_id, handle)

    async def head(
        self, channel: OutboundChannel, message_id: str, handle: str | None
    ) -> bytes | None:
        return await self._of(channel).head(channel, message_id, handle)

    async def try_out(self, question: TryOutbound) -> TryResult:
        return await self._of(question.channel).try_out(question)

    async def close(self) -> None:
        for one in (self._usual, *self._own.values()):
            await one.close()

    def _of(self, channel: OutboundChannel) -> Transport:
        return self._own.get(channel.kind, self._usual)
