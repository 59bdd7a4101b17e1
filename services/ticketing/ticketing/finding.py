"""Looks up where a mail belongs."""

from collections.abc import Mapping

from postbus.contracts.mail import MailKind, MailReceived
from ticketing.domain.bounced import may_be_report, returned_ids
from ticketing.domain.filing import message_keys
from ticketing.domain.model import Ticket
from ticketing.domain.placing import (
    Claim,
    Place,
    accepts_hint,
    claim_key,
    claim_keys,
    hinted,
    only_key,
    own_ticket_id,
    place_of,
)
from ticketing.merging import Merging
from ticketing.surroundings import Surroundings


class Finding:
    """Where mails belong, and whether they are there already."""

    def __init__(self, around: Surroundings, merging: Merging) -> None:
        self._around = around
        self._store = around.store
        self._merging = merging

    async def place(
        self,
        mail: MailReceived,
        *,
        parties: frozenset[str] | None = None,
        heeds_numbers: bool = True,
        any_bounce: bool = False,
    ) -> Place | None:
        """The place of a mail; None for a bounce of a mail that is not ours, unless `any_bounce`.

        Most mail is new and points nowhere: to win its only claim is to know that. ``parties`` are
        those whose mail it is, if not its writers'; ``heeds_numbers`` looks for ours in subjects.
        """
        only, own = only_key(mail), own_ticket_id(mail)
        if only is not None and await self._store.claim_first(only, own, now=self._around.now()):
            return Place(own)
        anchor = await self._anchor(mail)
        if mail.kind is MailKind.BOUNCE and anchor is None and not any_bounce:
            return None
        claims = await self._store.claims(claim_keys(mail))
        tickets = await self._tickets(mail, claims, anchor)
        now = self._around.now()
        place = place_of(mail, claims, tickets, anchor=anchor, now=now, parties=parties)
        hint = await self._hint(mail, place) if heeds_numbers else None
        return place if hint is None else place_of(mail, claims, tickets, anchor=hint, now=now)

    async def claim(self, place: Place, ticket_id: str) -> None:
        """Claim what is free of a mail's ids for its ticket; StateConflict where another won."""
        if place.missing:
            await self._store.claim(place.missing, ticket_id, now=self._around.now())
        for old, keys in (place.strays or {}).items():
            if old != ticket_id:
                await self._store.move_claims(keys, old=old, new=ticket_id)

    async def of_returned(self, mail: MailReceived) -> Ticket | None:
        """The ticket of the mail that a bounce returned, by that mail's Message-ID alone."""
        ids = returned_ids(mail)
        claims = await self._store.claims([claim_key(mail.queue, one) for one in ids])
        tickets = await self._tickets(mail, claims, None)
        for one in ids:
            claim = claims.get(claim_key(mail.queue, one))
            if claim is not None and claim.ticket_id in tickets:
                return tickets[claim.ticket_id]
        return None

    async def has(self, ticket: Ticket, mail: MailReceived) -> bool:
        """Whether the ticket counted the mail before."""
        keys = message_keys(mail, ticket)
        if any(ticket.has_counted(key) for key in keys):
            return True
        # What came back for a notification is filed beside the ticket, which does not count it.
        if ticket.remembers_all and not may_be_report(mail):
            return False
        kept = [await self._store.message(key) for key in keys]
        return any(one is not None and one.filed for one in kept)

    async def number_of(self, mail: MailReceived) -> int | None:
        """The number of the ticket that the mail is on; None where it is on none."""
        for ticket in await self.candidates(mail):
            if await self.has(ticket, mail):
                return ticket.number
        return None

    async def candidates(self, mail: MailReceived) -> list[Ticket]:
        """Every ticket that the mail may be on, however it was read when it was filed."""
        claims = await self._store.claims(claim_keys(mail))
        found = await self._tickets(mail, claims, None)
        own = await self._store.ticket(own_ticket_id(mail))
        tickets = list(found.values())
        tickets += [await self._merging.root(own)] if own is not None else []
        anchor = await self._anchor(mail)
        tickets += [anchor] if anchor is not None else []
        returned = await self.of_returned(mail) if mail.kind is MailKind.BOUNCE else None
        tickets += [returned] if returned is not None else []
        return list({one.id: one for one in tickets}.values())

    async def _anchor(self, mail: MailReceived) -> Ticket | None:
        """The ticket that a verified stamp names; in a report the stamp of what came back first."""
        numbers = [mail.stamp.ticket_number] if mail.stamp is not None else []
        if may_be_report(mail):
            stamps = (self._around.stamper.find(one) for one in returned_ids(mail))
            numbers = [*(one.ticket_number for found in stamps for one in found), *numbers]
        for number in dict.fromkeys(numbers):
            ticket = await self._store.ticket_by_number(number)
            if ticket is not None:
                return await self._merging.root(ticket)
        return None

    async def _tickets(
        self, mail: MailReceived, claims: Mapping[str, Claim], anchor: Ticket | None
    ) -> dict[str, Ticket]:
        """By the id in the claim, the ticket that it is part of now."""
        ids = {claim.ticket_id for claim in claims.values()}
        if mail.message_id is None:
            ids.add(own_ticket_id(mail))
        known = {anchor.id, *anchor.absorbed} if anchor is not None else set()
        found = {id_: anchor for id_ in ids & known if anchor is not None}
        others = await self._store.tickets(sorted(ids - known))
        for one in others:
            found[one.id] = await self._merging.root(one)
        return found

    async def _hint(self, mail: MailReceived, place: Place) -> Ticket | None:
        for number in hinted(mail, place):
            ticket = await self._store.ticket_by_number(number)
            if ticket is None:
                continue
            ticket = await self._merging.root(ticket)
            if accepts_hint(mail, ticket):
                return ticket
        return None
