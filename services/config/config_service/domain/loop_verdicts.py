"""Verdicts of the loop guard as the stream tells of them, and the question for an explanation."""

from dataclasses import dataclass
from datetime import datetime

from postbus.contracts.guard import Cause, Decision, Judged, JudgeRequest, SendKind
from postbus.mail.addresses import normalise, without_plus

EXPLAINED = "explanation"
"""The `send_id` of a question that nothing is sent for."""


@dataclass(frozen=True)
class ToldVerdict:
    """A verdict at its place in the stream."""

    sequence: int
    judged: Judged


@dataclass(frozen=True)
class VerdictQuery:
    """Which verdicts; `before_sequence` is where the page before ended."""

    since: datetime
    queue: str | None = None
    decision: Decision | None = None
    rule: str | None = None
    address: str | None = None
    ticket: int | None = None
    before_sequence: int | None = None
    limit: int = 50

    def wants(self, told: ToldVerdict) -> bool:
        """Whether that one is asked for."""
        question, verdict = told.judged.question, told.judged.verdict
        return (
            self.queue in (None, question.queue)
            and self.decision in (None, verdict.decision)
            and self.rule in (None, verdict.rule)
            and self.ticket in (None, question.ticket_number)
            and (self.before_sequence is None or told.sequence < self.before_sequence)
            and (self.address is None or _is_about(question, self.address))
        )


@dataclass(frozen=True)
class Explained:
    """What shall be explained: a mail of that kind, because of that cause, to that address."""

    kind: SendKind
    recipient: str
    queue: str
    outbound_channel: str
    outbound_kind: str
    marks_survive: bool
    ticket_number: int = 0

    def question(self, cause: Cause | None, now: datetime) -> JudgeRequest:
        """The question to the guard."""
        return JudgeRequest(
            send_id=EXPLAINED,
            ticket_number=self.ticket_number,
            queue=self.queue,
            kind=self.kind,
            automatic=self.kind is not SendKind.AGENT_REPLY,
            recipients=(self.recipient,),
            outbound_channel=self.outbound_channel,
            outbound_kind=self.outbound_kind,
            marks_survive=self.marks_survive,
            cause=cause,
            asked_at=now,
        )


def _is_about(question: JudgeRequest, address: str) -> bool:
    """Whether somebody, by whatever plus-address, was to get the mail or caused it."""
    wanted = without_plus(normalise(address))
    people = (*question.recipients, *((question.cause.sender,) if question.cause else ()))
    return any(without_plus(normalise(one)) == wanted for one in people)
