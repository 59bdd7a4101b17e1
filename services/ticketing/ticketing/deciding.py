"""An agent decides about a mail that waits, failed, or of which nobody knows."""

from contextlib import suppress
from dataclasses import replace

from postbus.configuration import NoOutbound
from postbus.contracts.sending import SendDecided, WhatNext
from postbus.errors import BusUnavailable, NotConfigured, PermanentError
from ticketing.domain.decisions import (
    SEND_DECIDED,
    next_decision,
    possible,
    same_as_before,
    send_decided,
)
from ticketing.domain.facts import ticket_fact
from ticketing.domain.model import Message, Ticket
from ticketing.surroundings import Surroundings


class NotPossible(PermanentError):
    """That cannot be decided about the mail now; ``reason`` and ``advice`` as in `errors`."""

    def __init__(self, message: str, *, reason: str, advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.advice = advice


class Deciding:
    """Decisions, numbered for each mail: the ticket's revision lets one person decide at a time."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._store = around.store

    async def decide(
        self,
        ticket: Ticket,
        message_id: str,
        what: WhatNext,
        *,
        by: str,
        outbound: str | None = None,
    ) -> Message:
        """The message with the decision on it; the same one again gives the same message.

        LookupError where the ticket has no such message, NotPossible, NotConfigured for a channel
        that cannot carry it, StateConflict if somebody else changed the ticket meanwhile.
        """
        # Decisions that are still untold stand on their messages before the next is numbered.
        await self._note_untold(ticket)
        message = await self._store.message(message_id)
        if message is None or message.ticket_id != ticket.id:
            raise LookupError(message_id)
        if same_as_before(message.delivery, what, outbound) is not None:
            return message
        self._must_be_possible(message, what)
        if what is WhatNext.SEND_VIA:
            self._must_carry(outbound or "")
        decision = next_decision(message, what, outbound=outbound, by=by, at=self._around.now())
        after = replace(ticket, updated_at=max(decision.at, ticket.updated_at))
        told = ticket_fact(
            "changed",
            after,
            queue=self._around.queue(after.queue),
            cause=f"decided-{message.id}-{decision.number}",
            message=message,
            change={"send": decision.model_dump(mode="json", by_alias=True)},
            by=by,
        )
        via = (message.delivery.outbound_channel if message.delivery else None) or (
            self._around.reply_via(ticket)
        )
        facts = [send_decided(after, message, decision, outbound_channel=via), told]
        saved = await self._store.save(after, facts)
        await self._store.note_decision(message.id, decision)
        with suppress(BusUnavailable):  # the sweep tells it later
            await self._around.telling.tell(saved, facts)
        return await self._store.message(message.id) or message

    async def _note_untold(self, ticket: Ticket) -> None:
        for fact in ticket.untold:
            if fact.type == SEND_DECIDED:
                decided = SendDecided.model_validate_json(fact.data_json)
                await self._store.note_decision(decided.send_id, decided.decision)

    def _must_be_possible(self, message: Message, what: WhatNext) -> None:
        delivery = message.delivery
        if what not in possible(delivery):
            state = delivery.state if delivery else "no mail that goes out"
            raise NotPossible(
                f"The message is {state}, so `{what}` does not apply to it.", reason="not-waiting"
            )
        if what is not WhatNext.RELEASE:
            return
        for one in (*message.to, *message.cc):
            entry = self._around.configuration().filter.match(one.address)
            if entry is not None:
                raise NotPossible(
                    f"{one.address} is on the outgoing mail filter ({entry.pattern}).",
                    reason="on-filter",
                    advice="Remove the entry from the filter first, if mail may go there.",
                )

    def _must_carry(self, outbound: str) -> None:
        found = self._around.configuration().carrier(outbound, "this answer would go")
        if isinstance(found, NoOutbound):
            raise NotConfigured(found.detail, reason=found.reason)
