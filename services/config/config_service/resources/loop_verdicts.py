"""What the loop guard decided and why, what it would decide, and how that ends early."""

import base64
import binascii
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from config_service.domain.loop_verdicts import Explained, ToldVerdict, VerdictQuery
from config_service.domain.merge_patch import merge
from config_service.guard_bodies import (
    DryRunBody,
    ExplainBody,
    ExplanationView,
    LiftBody,
    LiftedView,
    LoopLimitsBody,
    VerdictView,
)
from config_service.ports import Archive, AskGuard, TellAudit
from config_service.resources.documents import Documents, checked, document_of
from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.base import BlobRef
from postbus.contracts.channels import AuditRecord
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.guard import (
    GUARD_ERROR_RULE,
    Alarm,
    Cause,
    DryRun,
    DryRunRequest,
    LiftRequest,
)
from postbus.contracts.mail import MailReceived, Route
from postbus.errors import BusUnavailable, MailUnreadable
from postbus.intake import Taken, find_stamp, mail_received
from postbus.intake.stamps import Find
from postbus.mail.cause import cause_of
from postbus.mail.parsed import ParsedMail
from postbus.runtime.problems import FieldError, Problem

KIND = "loop-verdicts"
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class VerdictPage:
    """Verdicts, newest first, and where the next page begins."""

    items: list[VerdictView]
    next_cursor: str | None


@dataclass(frozen=True)
class Reading:
    """How a mail is read; `find_stamps` is None where no keys were given."""

    read: Callable[[bytes], Awaitable[ParsedMail]]
    find_stamps: Find | None


class LoopVerdicts:
    """What can be asked about the loop guard."""

    def __init__(
        self,
        documents: Documents,
        archive: Archive,
        guard: AskGuard,
        tell: TellAudit,
        reading: Reading,
    ) -> None:
        self._documents = documents
        self._archive = archive
        self._guard = guard
        self._tell = tell
        self._reading = reading

    async def page(self, query: VerdictQuery) -> VerdictPage:
        """The newest that the query asks for; BusUnavailable."""
        newest: deque[ToldVerdict] = deque(maxlen=query.limit + 1)
        async for told in self._archive.verdicts(query.since, query.queue):
            if query.wants(told):
                newest.append(told)
        found = list(reversed(newest))
        page = found[: query.limit]
        more = len(found) > query.limit
        cursor = str(page[-1].sequence) if more else None
        return VerdictPage([_view(one) for one in page], cursor)

    async def explain(self, body: ExplainBody) -> ExplanationView:
        """The verdict that a mail would get now; 404, 422, 503 `guard-unavailable`."""
        configuration = (await self._documents.state()).configuration
        inbound = configuration.inbound(body.queue)
        if inbound is None:
            raise _field("queue", f"there is no queue {body.queue}")
        outbound = _outbound(body, configuration)
        mail = await self._mail(body, inbound, configuration)
        recipient = body.recipient or (mail.customer.address if mail else "")
        if "@" not in recipient:
            raise _field("recipient", "the mail names nobody who wrote it: say who is meant")
        cause: Cause | None = cause_of(mail) if mail else None
        asked = Explained(
            kind=body.kind,
            recipient=recipient,
            queue=body.queue,
            outbound_channel=outbound.id,
            outbound_kind=outbound.kind,
            marks_survive=outbound.marks_survive,
            ticket_number=body.ticket_number,
        )
        question = asked.question(cause, self._documents.now())
        verdict = await _answered(self._guard.explain(question))
        if verdict.rule == GUARD_ERROR_RULE:
            raise _unavailable(verdict.reason)
        return ExplanationView(
            verdict=verdict,
            question=question,
            stamps_checked=self._reading.find_stamps is not None,
        )

    async def dry_run(self, body: DryRunBody) -> DryRun:
        """What other limits would have decided; 422, 503 `guard-unavailable`."""
        now = (await self._documents.state()).configuration.loop_limits
        limits = checked(LoopLimitsBody, merge(document_of(now), body.limits))
        found = await _answered(self._guard.dry_run(DryRunRequest(limits=limits, days=body.days)))
        if found.problem:
            raise _unavailable(found.problem)
        return found

    async def lift(self, body: LiftBody, *, by: str) -> LiftedView:
        """Let the guard forget; who did is in the audit. 503 `guard-unavailable`."""
        at = self._documents.now()
        about = body.address or f"fuse.{'all' if body.fuse == '*' else body.fuse}"
        await self._tell(
            AuditRecord(who=by, at=at, action="lifted", kind=KIND, id=about, revision=0)
        )
        request = LiftRequest(address=body.address, fuse=body.fuse, by=by)
        done = await _answered(self._guard.lift(request))
        if done.problem:
            raise _unavailable(done.problem)
        return LiftedView(lifted=done.lifted)

    async def alarms(self) -> tuple[Alarm, ...]:
        """What holds more than one mail now; 503 `guard-unavailable`."""
        state = await _answered(self._guard.state())
        if state.problem:
            raise _unavailable(state.problem)
        return state.alarms

    async def _mail(
        self, body: ExplainBody, inbound: InboundChannel, configuration: Configuration
    ) -> MailReceived | None:
        raw = _raw(body)
        if raw is None:
            return None
        try:
            parsed = await self._reading.read(raw)
        except MailUnreadable as error:
            raise _field("mail", f"it cannot be read: {error}") from error
        to = (inbound.address or "",)
        route = Route(
            door="explain",
            received_at=self._documents.now(),
            envelope_from=body.envelope_from,
            envelope_to=to,
        )
        find = self._reading.find_stamps
        stamp = find_stamp(parsed, to, channel=inbound, find=find) if find else None
        digest = sha256(raw).hexdigest()
        taken = Taken(digest, parsed, BlobRef(sha256=digest, size_bytes=len(raw)))
        own = configuration.own_addresses()
        return mail_received(taken, inbound, route=route, stamp=stamp, own_addresses=own)


def _raw(body: ExplainBody) -> bytes | None:
    """The bytes of the mail; line ends as they come, which reading takes."""
    if body.mail is not None:
        return body.mail.encode("utf-8", "surrogateescape")
    if body.mail_base64 is None:
        return None
    try:
        return base64.b64decode(body.mail_base64, validate=True)
    except binascii.Error as error:
        raise _field("mail_base64", "it is no base64") from error


def _outbound(body: ExplainBody, configuration: Configuration) -> OutboundChannel:
    if body.outbound_channel is not None:
        route = configuration.carrier(body.outbound_channel, "it would go")
    else:
        route = configuration.reply_via(body.queue)
    if isinstance(route, NoOutbound):
        raise _field("outbound_channel", route.detail)
    return route


async def _answered(asking: Awaitable[Answer]) -> Answer:
    try:
        return await asking
    except BusUnavailable as error:
        raise _unavailable("The loop guard does not answer.") from error


def _unavailable(detail: str) -> Problem:
    return Problem(503, "guard-unavailable", detail=detail, headers={"Retry-After": "5"})


def _field(name: str, said: str) -> Problem:
    return Problem(422, "invalid", detail=said, errors=(FieldError(f"#/{name}", said),))


def _view(told: ToldVerdict) -> VerdictView:
    question, verdict = told.judged.question, told.judged.verdict
    return VerdictView(
        id=str(told.sequence),
        at=told.judged.at,
        decision=verdict.decision,
        rule=verdict.rule,
        reason=verdict.reason,
        evidence=verdict.evidence,
        lifted_by=verdict.lifted_by,
        source=verdict.source,
        send_id=question.send_id,
        ticket_number=question.ticket_number,
        queue=question.queue,
        kind=question.kind,
        recipients=question.recipients,
        outbound_channel=question.outbound_channel,
        caused_by=question.cause.sender if question.cause else None,
    )
