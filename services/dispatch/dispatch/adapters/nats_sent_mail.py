"""Asks ingest-imap for the folders of sent mail, by request/reply."""

from postbus.bus import Bus
from postbus.contracts.catalogue import FIND_SENT_SUBJECT, PUT_SENT_SUBJECT
from postbus.contracts.mailboxes import FindSent, FoundSent, PutSent, PutSentResult
from postbus.errors import BusUnavailable


class NatsSentMail:
    """The port `SentMail`. The bus asks twice, so an answer may take twice `seconds`."""

    def __init__(self, bus: Bus, *, seconds: float) -> None:
        self._bus = bus
        self._seconds = seconds

    async def put(self, copy: PutSent) -> PutSentResult:
        try:
            return await self._bus.ask(
                PUT_SENT_SUBJECT, copy, PutSentResult, timeout_seconds=self._seconds
            )
        except BusUnavailable as error:
            return PutSentResult(ok=False, again=True, detail=f"nobody answers: {error}")

    async def find(self, question: FindSent) -> FoundSent:
        try:
            return await self._bus.ask(
                FIND_SENT_SUBJECT, question, FoundSent, timeout_seconds=self._seconds
            )
        except BusUnavailable as error:
            return FoundSent(found=None, detail=f"nobody answers: {error}")
