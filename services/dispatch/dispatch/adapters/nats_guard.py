"""Asks the loop guard by request/reply: half a second, one retry."""

from postbus.bus import Bus
from postbus.contracts.catalogue import JUDGE_SUBJECT
from postbus.contracts.guard import JudgeRequest, Verdict
from postbus.errors import BusUnavailable, GuardUnavailable


class NatsGuard:
    """The port `Guard`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def judge(self, question: JudgeRequest) -> Verdict:
        try:
            return await self._bus.ask(JUDGE_SUBJECT, question, Verdict, timeout_seconds=0.5)
        except BusUnavailable as error:
            raise GuardUnavailable(str(error)) from error
