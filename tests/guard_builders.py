"""Questions for the loop guard, with everything that a case does not speak of filled in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from doubles.kv import MemoryBucket
from loopguard.adapters.nats_shelf import memories
from loopguard.fuses import Fuses
from loopguard.handlers import Judging
from loopguard.surroundings import Surroundings
from loopguard.watching import Watching
from postbus.configuration import Configuration
from postbus.contracts.guard import (
    Alarm,
    Cause,
    Decision,
    Fingerprint,
    Judged,
    JudgeRequest,
    SendKind,
    Verdict,
)
from postbus.contracts.mail import BouncedRecipient, MailKind, MailReceived, MailReceivedEvent
from postbus.contracts.sending import SendOutcome, SendState

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CUSTOMER = "anna@example.com"
AGENT = "eve@desk.example.net"


def cause(**changes: Any) -> Cause:
    """A customer's own mail."""
    plain = {"mail_id": "m-1", "sender": CUSTOMER, "kind": MailKind.HUMAN}
    return Cause.model_validate({**plain, **changes})


def question(kind: SendKind = SendKind.RECEIPT, **changes: Any) -> JudgeRequest:
    """May this receipt, notification or reply go out?"""
    automatic = kind is not SendKind.AGENT_REPLY
    plain = {
        "send_id": "s-1",
        "ticket_number": 7,
        "queue": "support",
        "kind": kind,
        "automatic": automatic,
        "recipients": (AGENT if kind is SendKind.NOTIFICATION else CUSTOMER,),
        "outbound_channel": "relay",
        "outbound_kind": "relay",
        "cause": cause() if automatic else None,
        "asked_at": NOW,
    }
    return JudgeRequest.model_validate({**plain, **changes})


def receipt_of(n: int, sender: str = CUSTOMER, **changes: Any) -> JudgeRequest:
    """The receipt for the n-th mail of somebody, about something else each time."""
    print_ = Fingerprint(subject=f"{n:016x}", content=f"{n:016x}")
    why = cause(mail_id=f"m-{n}", sender=sender, fingerprint=print_)
    plain = {"send_id": f"s-{n}", "ticket_number": 100 + n, "recipients": (sender,), "cause": why}
    return question(**{**plain, **changes})


class NoAlarms:
    """The port `Alarms`, in memory."""

    def __init__(self) -> None:
        self.known: dict[str, Alarm] = {}

    def standing(self, name: str, now: datetime) -> Alarm | None:
        known = self.known.get(name)
        return known if known is not None and known.until > now else None

    def all(self, now: datetime) -> tuple[Alarm, ...]:
        return tuple(one for one in self.known.values() if one.until > now)

    async def raise_(self, name: str, alarm: Alarm, *, now: datetime) -> None:
        known = self.standing(name, now)
        if known is None or known.until < alarm.until:
            self.known[name] = alarm

    async def lift(self, name: str) -> bool:
        return self.known.pop(name, None) is not None


class Verdicts(list[Verdict]):
    """A tally that keeps them."""

    def counted(self, verdict: Verdict) -> None:
        self.append(verdict)


class Told(list[Judged]):
    """Verdicts that were told."""

    def told(self, judged: Judged) -> None:
        self.append(judged)


@dataclass
class Guard:
    """The whole of what the guard decides, on a bucket in memory and a clock that is set."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    configuration: Configuration = field(default_factory=Configuration)
    now: datetime = NOW
    verdicts: Verdicts = field(default_factory=Verdicts)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.alarms = NoAlarms()
        self.around = Surroundings(
            memories(lambda: self.bucket),
            self.alarms,
            configuration=lambda: self.configuration,
            now=lambda: self.now,
        )
        self.fuses = Fuses(self.around)
        self.judging = Judging(self.around, self.fuses, self.verdicts, self.told)
        self.watching = Watching(self.around)

    async def ask(self, request: JudgeRequest) -> Verdict:
        return await self.judging.on_question(request)

    async def allows(self, request: JudgeRequest) -> bool:
        return (await self.ask(request)).decision is Decision.ALLOW

    async def all_allowed(self, requests: Iterable[JudgeRequest]) -> list[bool]:
        """One after the other, with a round of the fuses after each."""
        found = []
        for one in requests:
            found.append(await self.allows(one))
            await self.fuses.write()
        return found

    def later(self, **how: float) -> None:
        self.now += timedelta(**how)


def received(mail: MailReceived) -> MailReceivedEvent:
    """The event about a mail."""
    return MailReceivedEvent(
        id=mail.mail_id, source="/postbus/test", type="postbus.mail.received", time=NOW, data=mail
    )


def bounced(*recipients: BouncedRecipient, at: datetime = NOW) -> SendOutcome:
    """A receipt came back from these."""
    return SendOutcome(
        send_id="s-1",
        ticket_number=7,
        queue="support",
        message_id="x@abc.com",
        kind=SendKind.RECEIPT,
        automatic=True,
        state=SendState.BOUNCED,
        outbound_channel="relay",
        bounced=recipients,
        at=at,
    )
