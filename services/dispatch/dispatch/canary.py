"""Reads one automatic mail a day of each channel back, where its mailbox can be read."""

import structlog

from dispatch.domain.canary import Candidate, is_due, is_news, proof_of, silences
from dispatch.domain.copies import sent_copy
from dispatch.ports import Kept
from dispatch.surroundings import Around
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mailboxes import ChannelState, FindSent, KnownHealth, MarksProof
from postbus.errors import PostbusError

log = structlog.get_logger("dispatch")

FACT = "marks-lost"


class Canary:
    """The newest automatic mail of each channel, until it was read back.

    Which one it is matters to nobody, so it is kept in memory: after a restart the next one will
    do. The result is in the health of the channel, so replicas do it once together.
    """

    def __init__(self, around: Around, *, after_seconds: float) -> None:
        self._a = around
        self._after_seconds = after_seconds
        self._candidates: dict[str, Candidate] = {}
        self._known: dict[str, MarksProof | None] = {}

    def sent(self, kept: Kept, outbound: OutboundChannel) -> None:
        """The mail was sent; it is read back if it can be, and if it is time."""
        attempt = kept.attempt
        if not attempt.request.automatic or outbound.id in self._candidates:
            return
        if not sent_copy(outbound, self._a.configuration()).shows_what_was_sent:
            return
        marks = self._known.get(outbound.id)
        if marks is not None and not is_due(_with(outbound, marks), self._a.now()):
            return
        self._candidates[outbound.id] = Candidate(
            attempt.request,
            outbound,
            attempt.sent_as or attempt.request.message_id,
            attempt.handle,
            self._a.now(),
        )

    def marks_survive(self, outbound: OutboundChannel) -> bool:
        """Whether the channel keeps the marks: by its kind, and by the mail read back last."""
        return outbound.marks_survive and silences(self._known.get(outbound.id))

    async def once(self) -> None:
        """Learn what other replicas found, and look after every candidate. BusUnavailable."""
        await self._learn()
        for channel, candidate in list(self._candidates.items()):
            age = (self._a.now() - candidate.sent_at).total_seconds()
            if age < self._after_seconds:
                continue
            try:
                is_read = await self._look(candidate)
            except PostbusError as error:
                log.warning("canary_waits", outbound=channel, error=type(error).__name__)
                is_read = False
            if is_read or candidate.is_over(self._a.now()):
                self._candidates.pop(channel, None)

    async def _learn(self) -> None:
        for outbound in self._a.configuration().outbound_channels:
            health = (await self._a.healths.read(outbound.id)).health
            self._known[outbound.id] = health.marks if health else None

    async def _look(self, candidate: Candidate) -> bool:
        kept = await self._a.healths.read(candidate.outbound.id)
        if not is_due(kept.health, self._a.now()):
            self._known[candidate.outbound.id] = kept.health.marks if kept.health else None
            return True
        head = await self._head(candidate)
        if head is None:
            return False
        before = kept.health.marks if kept.health else None
        marks = proof_of(candidate, head, self._a.now())
        health = _with(candidate.outbound, marks, known=kept.health)
        if is_news(before, marks):
            lost = ", ".join(marks.lost)
            told = health.model_copy(update={"last_error": lost, "since": marks.checked_at})
            await self._a.healths.tell(FACT, told, after=kept)
        await self._a.healths.write(kept, health)
        self._known[candidate.outbound.id] = marks
        log.info("canary_read", outbound=candidate.outbound.id, lost=list(marks.lost))
        return True

    async def _head(self, candidate: Candidate) -> bytes | None:
        copying = sent_copy(candidate.outbound, self._a.configuration())
        if copying.mailbox is None:
            return await self._a.transport.head(
                candidate.outbound, candidate.message_id, candidate.handle
            )
        question = FindSent(
            channel=copying.mailbox, message_id=candidate.message_id, with_head=True
        )
        found = await self._a.sent_mail.find(question)
        return None if found.head is None else found.head.encode("ascii", "replace")


def _with(
    outbound: OutboundChannel, marks: MarksProof, *, known: KnownHealth | None = None
) -> KnownHealth:
    """The health with these marks in it; a mail that was read back says that the channel works."""
    if known is not None:
        return known.model_copy(update={"marks": marks})
    return KnownHealth(
        channel=outbound.id,
        state=ChannelState.CONNECTED,
        since=marks.checked_at,
        checked_at=marks.checked_at,
        last_mail_at=marks.checked_at,
        marks=marks,
    )
