"""One attempt to send one mail: route, may I, compose, claim, send, record, tell."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from dispatch.claim import Claim, Claimant
from dispatch.domain.attempts import Attempt, Step
from dispatch.domain.compose import Composed, LoadedFile, compose
from dispatch.domain.outcomes import outcome
from dispatch.domain.permission import Next, Permission, from_verdict, recipients, without_guard
from dispatch.domain.schedule import Schedule
from dispatch.ports import Accepted, Guard, Kept, Ledger, OutcomeUnknown, TellOutcome, Transport
from postbus.blobs import BlobStore
from postbus.configuration import Configuration, NoOutbound
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import JudgeRequest
from postbus.contracts.mail import Content
from postbus.contracts.sending import SendOutcome, SendState, SmtpReply
from postbus.errors import (
    BlobMissing,
    CredentialsRejected,
    GuardUnavailable,
    MailHostUnavailable,
    MailRefused,
    NotConfigured,
    StateConflict,
    Unavailable,
)

log = structlog.get_logger("dispatch")

_NO_ROUTE_AGAIN = timedelta(seconds=60)
_GUARD_AGAIN = timedelta(seconds=3)


@dataclass(frozen=True)
class Around:
    """What an attempt has around it."""

    ledger: Ledger
    guard: Guard
    transport: Transport
    blobs: BlobStore
    configuration: Callable[[], Configuration]
    tell: TellOutcome
    schedule: Schedule
    now: Callable[[], datetime]
    me: str


class Sending:
    """Attempts; each gives back when to come again, or None when the mail reached its end."""

    def __init__(self, around: Around) -> None:
        self._a = around
        self._unwritten: dict[str, SendOutcome | None] = {}
        """What I know of a claimed mail and the ledger does not, because the bus went away: how it
        ended, or None for not handed over. Without it, the claim would stand until it is in doubt.
        """

    async def attempt(self, send_id: str) -> datetime | None:  # noqa: PLR0911 - one per way it can go
        """Do what is to be done now with a mail; safe to call at any time and on any replica."""
        kept = await self._a.ledger.open(send_id)
        if kept is None:
            self._unwritten.pop(send_id, None)
            return None
        # Looked for after the open entry was read: whoever ends a mail writes the end first.
        finished = await self._a.ledger.finished(send_id)
        if finished is not None:
            await self._tell_end(finished.outcome)
            return None
        unwritten = self._unwritten.get(send_id)
        if unwritten is not None:
            await self._write_end(unwritten)
            return None
        if kept.attempt.step is Step.CLAIMED and not self._was_not_handed_over(kept.attempt):
            return None
        due = kept.attempt.next_attempt_at
        if due is not None and due > self._a.now():
            return due
        outbound = self._a.configuration().reply_via(kept.attempt.request.channel)
        if isinstance(outbound, NoOutbound):
            return await self._no_route(kept, outbound)
        permission = await self._may_i(kept.attempt, outbound)
        if permission.next is Next.WAIT:
            return self._a.now() + _GUARD_AGAIN
        attempt = kept.attempt.model_copy(update={"verdict": permission.verdict})
        kept = Kept(attempt, kept.revision)
        if permission.next is Next.HOLD:
            reason = permission.verdict.reason if permission.verdict else ""
            await self._end(kept, SendState.HELD, outbound.id, reason=reason)
            return None
        return await self._send(kept, outbound)

    def _was_not_handed_over(self, attempt: Attempt) -> bool:
        """Whether the standing claim is mine and was never used; another replica's is its own."""
        return attempt.claimed_by == self._a.me and attempt.request.send_id in self._unwritten

    async def doubt(self, kept: Kept) -> None:
        """Note that nobody can know whether a claimed mail was sent; it is not sent again."""
        finished = await self._a.ledger.finished(kept.attempt.request.send_id)
        if finished is not None:
            await self._tell_end(finished.outcome)
            return
        via = kept.attempt.outbound_channel or "relay"
        reason = "The service stopped while this mail was being handed over."
        await self._end(kept, SendState.IN_DOUBT, via, reason=reason)

    async def _may_i(self, attempt: Attempt, outbound: OutboundChannel) -> Permission:
        request, now = attempt.request, self._a.now()
        question = JudgeRequest(
            send_id=request.send_id,
            ticket_number=request.ticket_number,
            queue=request.queue,
            kind=request.kind,
            automatic=request.automatic,
            recipients=recipients(request),
            outbound_channel=outbound.id,
            outbound_kind=outbound.kind,
            cause=request.cause,
            asked_at=now,
        )
        permission = Permission(Next.WAIT)
        try:
            permission = from_verdict(await self._a.guard.judge(question))
        except GuardUnavailable as error:
            log.warning("guard_silent", send_id=request.send_id, error=str(error))
        if permission.next is not Next.WAIT:
            return permission
        return without_guard(
            request, self._a.configuration(), waiting_since=attempt.accepted_at, now=now
        )

    async def _send(self, kept: Kept, outbound: OutboundChannel) -> datetime | None:
        number = kept.attempt.attempt + 1
        claim = Claim(self._a.ledger, kept, Claimant(self._a.me, outbound.id, number), self._a.now)
        send_id = kept.attempt.request.send_id
        try:
            mail = await self._compose(kept.attempt, outbound)
            accepted = await self._a.transport.send(outbound, mail, before_data=claim.take)
        except StateConflict:
            return None  # another replica has it
        except Unavailable:
            # Whether the claim was written or not, not a byte of the mail left.
            self._unwritten[send_id] = None
            raise
        except (MailRefused, BlobMissing) as error:
            await self._end(claim.kept, SendState.FAILED, outbound.id, reason=str(error))
        except OutcomeUnknown as error:
            reason = f"The connection was lost before the server answered ({error})."
            await self._end(claim.kept, SendState.IN_DOUBT, outbound.id, reason=reason)
        except (MailHostUnavailable, CredentialsRejected, NotConfigured) as error:
            self._unwritten[send_id] = None
            again = await self._defer(claim.kept, outbound, error, number)
            self._unwritten.pop(send_id, None)
            return again
        else:
            await self._sent(claim.kept, outbound, mail, accepted)
        return None

    async def _sent(
        self, kept: Kept, outbound: OutboundChannel, mail: Composed, accepted: Accepted
    ) -> None:
        reason = "; ".join(f"not to {who}: {said.text}" for who, said in accepted.refused.items())
        await self._end(
            kept,
            SendState.SENT,
            outbound.id,
            reason=reason,
            reply=accepted.reply,
            from_address=mail.from_address,
        )

    async def _compose(self, attempt: Attempt, outbound: OutboundChannel) -> Composed:
        request = attempt.request
        content = None
        if request.content is not None:
            blob = await self._a.blobs.get(request.content.sha256)
            content = Content.model_validate_json(blob)
        files = tuple(
            [LoadedFile(one, await self._a.blobs.get(one.sha256)) for one in request.attachments]
        )
        now = request.requested_at  # the same bytes on every attempt
        return compose(request, outbound, content=content, files=files, now=now)

    async def _no_route(self, kept: Kept, problem: NoOutbound) -> datetime:
        """The answer waits; it never leaves from another address by itself."""
        at = self._a.now() + _NO_ROUTE_AGAIN
        last = kept.attempt.last_outcome
        if last is None or last.reason != problem.detail:
            # Without a due time, so that a changed configuration is followed at once.
            number = kept.attempt.attempt
            await self._note_deferral(
                kept, problem.channel, reason=problem.detail, at=at, due=None, number=number
            )
        return at

    async def _defer(
        self, kept: Kept, outbound: OutboundChannel, error: Exception, number: int
    ) -> datetime | None:
        now = self._a.now()
        at = self._a.schedule.next_attempt_at(
            number,
            accepted_at=kept.attempt.accepted_at,
            now=now,
            asked_seconds=getattr(error, "retry_after_seconds", None),
        )
        if at is None:
            reason = f"given up after {self._a.schedule.give_up_after.days} days: {error}"
            await self._end(kept, SendState.FAILED, outbound.id, reason=reason)
            return None
        # What an admin has to mend is tried again as soon as the configuration changes.
        mendable = isinstance(error, (CredentialsRejected, NotConfigured))
        due = None if mendable else at
        await self._note_deferral(
            kept, outbound.id, reason=str(error), at=at, due=due, number=number
        )
        return at

    async def _note_deferral(
        self, kept: Kept, via: str, *, reason: str, at: datetime, due: datetime | None, number: int
    ) -> None:
        attempt = kept.attempt.model_copy(
            update={"step": Step.DEFERRED, "attempt": number, "next_attempt_at": due}
        )
        fact = outcome(
            attempt,
            SendState.DEFERRED,
            outbound_channel=via,
            now=self._a.now(),
            reason=reason,
            next_attempt_at=at,
        )
        await self._a.ledger.change(kept, attempt.model_copy(update={"last_outcome": fact}))
        await self._a.tell(fact)

    async def _end(
        self,
        kept: Kept,
        state: SendState,
        via: str,
        *,
        reason: str = "",
        reply: SmtpReply | None = None,
        from_address: str = "",
    ) -> None:
        fact = outcome(
            kept.attempt,
            state,
            outbound_channel=via,
            now=self._a.now(),
            reason=reason,
            reply=reply,
            from_address=from_address,
        )
        await self._write_end(fact)

    async def _write_end(self, fact: SendOutcome) -> None:
        self._unwritten[fact.send_id] = fact
        await self._a.ledger.finish(fact)
        del self._unwritten[fact.send_id]
        await self._tell_end(fact)

    async def _tell_end(self, fact: SendOutcome) -> None:
        """Tell the end, and only then forget that it was open: a crash in between tells again."""
        await self._a.tell(fact)
        await self._a.ledger.forget_open(fact.send_id)
        log.info(
            "mail_ended",
            send_id=fact.send_id,
            state=fact.state,
            outbound=fact.outbound_channel,
            attempt=fact.attempt,
            rule=fact.verdict.rule if fact.verdict else None,
        )
