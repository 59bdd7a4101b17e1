"""One attempt to send one mail: route, may I, compose, claim, send, record, tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from dispatch.canary import Canary
from dispatch.claim import Claim, Claimant
from dispatch.composing import letter_of
from dispatch.copying import Copying
from dispatch.domain.attempts import Attempt, Step
from dispatch.domain.copies import CopyTask
from dispatch.domain.decisions import ending_of
from dispatch.domain.lateness import warns_at
from dispatch.domain.outcomes import claimed
from dispatch.domain.permission import (
    Next,
    Permission,
    from_verdict,
    recipients,
    released,
    without_guard,
)
from dispatch.domain.routes import route_of
from dispatch.domain.senders import sender_of
from dispatch.doubting import Doubting
from dispatch.ports import Accepted, Kept, OutcomeUnknown, RecipientsRefused, Turn
from dispatch.recording import Doubtful, Ended, NotHandedOver, Recording
from dispatch.surroundings import Around
from dispatch.watching import Watching
from postbus.configuration import NoOutbound
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import JudgeRequest
from postbus.contracts.sending import SendState, SmtpReply
from postbus.errors import (
    BlobMissing,
    CredentialsRejected,
    GuardUnavailable,
    MailHostUnavailable,
    MailRefused,
    NotConfigured,
    PostbusError,
    StateConflict,
    Unavailable,
)

log = structlog.get_logger("dispatch")

_NO_ROUTE_AGAIN = timedelta(seconds=60)
_GUARD_AGAIN = timedelta(seconds=3)
_WORTH_TELLING = timedelta(minutes=2)
"""Agents are told of a wait for the channel's turn that is longer."""
_TURN_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class _Sent:
    """The other side took the mail."""

    accepted: Accepted
    from_address: str
    copy: CopyTask | None


class Sending:
    """Attempts; each gives back when to come again, or None when the mail reached its end."""

    def __init__(self, around: Around, copying: Copying, canary: Canary) -> None:
        self._a = around
        self._canary = canary
        self._copying = copying
        self._recording = Recording(around)
        self._doubting = Doubting(around, self._recording)
        self._watching = Watching(around)
        self._tried: dict[str, OutboundChannel] = {}
        """The channel as it was when a mail that waits was put off."""

    async def attempt(self, send_id: str) -> datetime | None:
        """Do what is to be done now with a mail; safe to call at any time and on any replica."""
        kept = await self._a.ledger.open(send_id)
        if kept is None:
            self._recording.unwritten.pop(send_id, None)
            return None
        # Looked for after the open entry was read: whoever ends a mail writes the end first.
        finished = await self._a.ledger.finished(send_id)
        if finished is not None and kept.attempt.is_ended_by(finished):
            self._recording.unwritten.pop(send_id, None)
            await self._recording.tell_end(finished.outcome, kept)
            return None
        unwritten = self._recording.unwritten.get(send_id)
        if isinstance(unwritten, Ended) and unwritten.fact.decision == kept.attempt.decided:
            await self._recording.write_end(unwritten)
            return None
        if kept.attempt.step is Step.CLAIMED and not self._was_not_handed_over(kept.attempt):
            return await self._claimed(kept)
        goes_otherwise = self._goes_otherwise(kept.attempt)
        kept = await self._recording.warn_if_late(kept, self._via(kept.attempt))
        due = kept.attempt.next_attempt_at
        if due is not None and due > self._a.now() and not goes_otherwise:
            return warns_at(kept.attempt, before=due)
        return await self._next(kept)

    def _goes_otherwise(self, attempt: Attempt) -> bool:
        """Whether another channel carries it now, or its own was changed, since it was put off."""
        route, last = route_of(attempt, self._a.configuration()), attempt.last_outcome
        if isinstance(route, NoOutbound) or last is None:
            return False
        tried = self._tried.get(attempt.request.send_id)
        return route != tried if tried is not None else route.id != last.outbound_channel

    async def _next(self, kept: Kept) -> datetime | None:
        """What a person decided, the route, and whether the channel may send now."""
        self._tried.pop(kept.attempt.request.send_id, None)
        outbound = route_of(kept.attempt, self._a.configuration())
        if await self._ended_by_a_person(kept):
            return None
        if isinstance(outbound, NoOutbound):
            return await self._no_route(kept, outbound)
        turn = self._a.turns.known_wait(outbound)
        if turn is not None:
            return await self._until_its_turn(kept, outbound, turn)
        return await self._judged(kept, outbound)

    async def _judged(self, kept: Kept, outbound: OutboundChannel) -> datetime | None:
        """Ask whether it may be sent, and whether it is its turn."""
        permission = await self._may_i(kept.attempt, outbound)
        if permission.next is Next.WAIT:
            return self._a.now() + _GUARD_AGAIN
        attempt = kept.attempt.model_copy(update={"verdict": permission.verdict})
        kept = Kept(attempt, kept.revision)
        if permission.next is Next.HOLD:
            reason = permission.verdict.reason if permission.verdict else ""
            await self._recording.end(kept, SendState.HELD, outbound.id, reason=reason)
            return None
        # After the guard: a mail that is held uses up nothing.
        turn = await self._a.turns.take(outbound)
        if turn is not None:
            return await self._until_its_turn(kept, outbound, turn)
        return await self._send(kept, outbound)

    async def _ended_by_a_person(self, kept: Kept) -> bool:
        """Whether the last decision about the mail is its end."""
        decision = kept.attempt.decision
        ending = ending_of(decision) if decision else None
        if decision is None or ending is None:
            return False
        via = kept.attempt.outbound_channel or self._via(kept.attempt)
        await self._recording.end(kept, ending.state, via, reason=ending.reason, by=decision.by)
        return True

    def _via(self, attempt: Attempt) -> str:
        """The id of the channel that the mail is to leave by, whether or not that can carry it."""
        route = route_of(attempt, self._a.configuration())
        return route.channel if isinstance(route, NoOutbound) else route.id

    def _was_not_handed_over(self, attempt: Attempt) -> bool:
        """Whether the standing claim is mine and was never used; another replica's is its own."""
        known = self._recording.unwritten.get(attempt.request.send_id)
        return attempt.claimed_by == self._a.me and isinstance(known, NotHandedOver)

    async def _claimed(self, kept: Kept) -> datetime | None:
        """A claim that stands: look for the mail if that is what is left, else it is its holder's.

        The claims of holders that are gone are the sweep's.
        """
        attempt = kept.attempt
        if attempt.doubt is not None:
            self._recording.unwritten.pop(attempt.request.send_id, None)
            return await self._doubting.look(kept, attempt.doubt)
        known = self._recording.unwritten.get(attempt.request.send_id)
        if attempt.claimed_by == self._a.me and isinstance(known, Doubtful):
            return await self._doubting.begin(kept, known.why)
        return None

    async def doubt(self, kept: Kept) -> None:
        """Note that nobody knows whether a claimed mail was sent; it is not sent again unlooked."""
        finished = await self._a.ledger.finished(kept.attempt.request.send_id)
        if finished is not None and kept.attempt.is_ended_by(finished):
            await self._recording.tell_end(finished.outcome, kept)
            return
        why = "The service stopped while this mail was being handed over."
        await self._doubting.begin(kept, why)

    async def _may_i(self, attempt: Attempt, outbound: OutboundChannel) -> Permission:
        request, now = attempt.request, self._a.now()
        if attempt.released_by:
            return released(attempt, self._a.configuration())
        question = JudgeRequest(
            send_id=request.send_id,
            ticket_number=request.ticket_number,
            queue=request.queue,
            kind=request.kind,
            automatic=request.automatic,
            recipients=recipients(request),
            outbound_channel=outbound.id,
            outbound_kind=outbound.kind,
            marks_survive=self._canary.marks_survive(outbound),
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
        again: datetime | None = None
        trouble: PostbusError | None = None
        try:
            sent = await self._hand_over(claim, outbound)
        except StateConflict:
            return None  # another replica has it
        except Unavailable:
            self._recording.unwritten[kept.attempt.request.send_id] = NotHandedOver()
            raise
        except OutcomeUnknown as error:
            why = f"The connection was lost before the server answered ({error})."
            again = await self._doubting.begin(claim.kept, why)
            trouble = MailHostUnavailable(why, reason="connection-lost")
        except (MailRefused, BlobMissing) as error:
            await self._failed(claim.kept, outbound, error)
            trouble = error
        except (MailHostUnavailable, CredentialsRejected, NotConfigured) as error:
            again = await self._defer(claim.kept, outbound, error, number)
            trouble = error
        except Exception as error:
            if claim.kept.attempt.step is Step.CLAIMED:
                raise  # it may have been sent; the sweep finds the claim
            # Told, so that it is seen and ends: else it would be tried in silence for ever.
            log.exception("attempt_broken", send_id=kept.attempt.request.send_id)
            why = f"A fault of ours keeps it from being sent ({type(error).__name__})."
            return await self._defer(claim.kept, outbound, MailHostUnavailable(why), number)
        else:
            await self._sent(claim.kept, outbound, sent)
            self._canary.sent(claim.kept, outbound)
        await self._watching.saw(outbound.id, trouble)
        return again

    async def _hand_over(self, claim: Claim, outbound: OutboundChannel) -> _Sent:
        attempt = claim.kept.attempt
        sender = sender_of(
            attempt.request,
            outbound,
            self._a.configuration(),
            bounce_address=self._a.bounce_address,
        )
        # The others wait some hours for a recipient whose mailbox is full, and not for days.
        patient = attempt.late_since is None
        letter = await letter_of(attempt.request, outbound, self._a, sender=sender, patient=patient)
        copy: CopyTask | None = None

        async def before_data(sent_as: str | None = None, handle: str | None = None) -> None:
            nonlocal copy
            copy = await self._copying.prepare(attempt, outbound, letter)
            await claim.take(sent_as, handle)
            await self._a.tell_claim(claimed(claim.kept.attempt))

        accepted = await self._a.transport.send(outbound, letter, before_data=before_data)
        return _Sent(accepted, letter.words.sender.address, copy)

    async def _failed(self, kept: Kept, outbound: OutboundChannel, error: PostbusError) -> None:
        reply = None
        if isinstance(error, MailRefused) and error.smtp_code is not None:
            reply = SmtpReply(code=error.smtp_code, enhanced=error.enhanced_code, text=str(error))
        await self._recording.end(
            kept,
            SendState.FAILED,
            outbound.id,
            reason=str(error),
            reply=reply,
            refused=error.refused if isinstance(error, RecipientsRefused) else None,
        )

    async def _sent(self, kept: Kept, outbound: OutboundChannel, sent: _Sent) -> None:
        refused = sent.accepted.refused
        await self._recording.end(
            kept,
            SendState.SENT,
            outbound.id,
            reason="; ".join(f"not to {who}: {said.text}" for who, said in refused.items()),
            reply=sent.accepted.reply,
            refused=refused,
            from_address=sent.from_address,
            sent_as=sent.accepted.sent_as,
            copy=sent.copy,
        )

    async def _defer(
        self, kept: Kept, outbound: OutboundChannel, error: PostbusError, number: int
    ) -> datetime | None:
        send_id = kept.attempt.request.send_id
        self._recording.unwritten[send_id] = NotHandedOver()
        again = await self._recording.defer(kept, outbound.id, error, number)
        self._recording.unwritten.pop(send_id, None)
        if again is not None:
            self._tried[send_id] = outbound
        return again

    async def _until_its_turn(self, kept: Kept, outbound: OutboundChannel, turn: Turn) -> datetime:
        """The channel sent what it may for now: the mail waits, however long, and does not fail."""
        now, last = self._a.now(), kept.attempt.last_outcome
        reason = (
            f"{outbound.id} has sent the {turn.limit.most} mails that it may in a"
            f" {turn.limit.word}; this one waits for its turn."
        )
        if turn.until - now > _WORTH_TELLING and (last is None or last.reason != reason):
            # Without a due time, so that a changed limit is followed at once.
            await self._recording.note_deferral(
                kept, outbound.id, reason=reason, at=turn.until, due=None,
                number=kept.attempt.attempt,
            )  # fmt: skip
        return min(turn.until, now + _TURN_AGAIN)

    async def _no_route(self, kept: Kept, problem: NoOutbound) -> datetime:
        """The answer waits; it never leaves from another address by itself."""
        at = self._a.now() + _NO_ROUTE_AGAIN
        last = kept.attempt.last_outcome
        if last is None or last.reason != problem.detail:
            # Without a due time, so that a changed configuration is followed at once.
            number = kept.attempt.attempt
            await self._recording.note_deferral(
                kept, problem.channel, reason=problem.detail, at=at, due=None, number=number
            )
        return at
