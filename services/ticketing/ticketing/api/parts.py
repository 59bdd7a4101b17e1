"""What the routes of the ticketing API work with."""

from dataclasses import dataclass

from postbus.blobs import BlobStore
from postbus.contracts.mail import Content
from postbus.runtime.problems import Problem
from ticketing.answering import Answering
from ticketing.api.bodies import MessageBody, TicketBody
from ticketing.api.views import message_body, ticket_body
from ticketing.domain.model import Message, Ticket
from ticketing.merging import Merging
from ticketing.ports import Listed, Notices
from ticketing.surroundings import Surroundings


@dataclass(frozen=True)
class Api:
    """What the routes work with."""

    around: Surroundings
    listed: Listed
    blobs: BlobStore
    answering: Answering
    notices: Notices

    async def ticket(self, number: int) -> Ticket:
        """The ticket, or a 404 problem."""
        ticket = await self.around.store.ticket_by_number(number)
        if ticket is None:
            raise Problem(404, "no-such-ticket", detail=f"There is no ticket {number}.")
        return ticket

    async def conversation(self, number: int) -> Ticket:
        """The ticket that goes on under this number: that which it was merged into, or itself."""
        return await Merging(self.around).root(await self.ticket(number))

    async def to_change(self, number: int, if_match: str | None) -> Ticket:
        """The ticket as the caller knows it; a 409 problem where it is part of another one."""
        ticket = await self.ticket(number)
        if ticket.merged_into is not None:
            detail = f"Ticket {number} is part of ticket {ticket.merged_into} now."
            raise Problem(409, "merged", detail=detail)
        _check_match(ticket, if_match)
        return ticket

    def body(self, ticket: Ticket) -> TicketBody:
        """The ticket as the API shows it."""
        return ticket_body(ticket, self.around.queue(ticket.queue))

    async def message_body(self, message: Message) -> MessageBody:
        """The message as the API shows it, with its whole text."""
        if message.content is None:
            return message_body(message, None)
        blob = await self.blobs.get(message.content.sha256)
        return message_body(message, Content.model_validate_json(blob))


def etag(ticket: Ticket) -> str:
    """Which state of the ticket was read (RFC 9110 §8.8.3)."""
    return f'"{ticket.revision}"'


def _check_match(ticket: Ticket, if_match: str | None) -> None:
    """If-Match as RFC 9110 §13.1.1; without it a change would overwrite what nobody read."""
    if if_match is None:
        raise Problem(428, "if-match-needed", detail="Send If-Match with the ETag, or *.")
    wanted = {tag.strip() for tag in if_match.split(",")}
    if "*" not in wanted and etag(ticket) not in wanted:
        raise Problem(412, "stale", detail="It was changed since you read it.")
