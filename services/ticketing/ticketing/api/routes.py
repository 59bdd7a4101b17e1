"""The routes of the ticketing API."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Response

from postbus.contracts.mail import Address
from postbus.contracts.tickets import TicketStatus
from postbus.runtime.auth import BearerAuth, Caller
from postbus.runtime.problems import Problem
from ticketing.answering import KeyReused, TicketChange, UnknownAgent
from ticketing.api.answers import answer_of
from ticketing.api.bodies import (
    CustomerBody,
    CustomerIn,
    CustomerWithTickets,
    MessageBody,
    NoteIn,
    Page,
    ReplyIn,
    TicketBody,
)
from ticketing.api.decisions import add_decisions
from ticketing.api.notifications import add_notifications
from ticketing.api.outgoing import add_outgoing
from ticketing.api.parts import Api, etag
from ticketing.api.views import customer_body, is_accepted
from ticketing.choosing_customer import ChoosingCustomer
from ticketing.domain.model import Message
from ticketing.ports import TicketQuery

Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
Limit = Annotated[int, Query(ge=1, le=200)]
Tag = Annotated[str | None, Query(min_length=1, max_length=200)]


def router(api: Api, auth: BearerAuth) -> APIRouter:
    """All routes under `/api/v1`."""
    routes = APIRouter(prefix="/api/v1")
    _tickets(routes, api, auth)
    _conversation(routes, api, auth)
    add_decisions(routes, api, auth)
    add_notifications(routes, api, auth)
    add_outgoing(routes, api, auth)
    _bytes(routes, api, auth)
    _customers(routes, api, auth)
    return routes


def _tickets(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    @routes.get("/tickets", dependencies=[Depends(auth.reader)], summary="List tickets")
    async def list_tickets(
        queue: str | None = None,
        status: TicketStatus | None = None,
        assignee: str | None = None,
        customer: str | None = None,
        q: Annotated[str | None, Query(max_length=200)] = None,
        tag: Tag = None,
        without_tag: Tag = None,
        cursor: Annotated[str | None, Query(pattern=r"^\d{1,12}$")] = None,
        limit: Limit = 50,
    ) -> Page[TicketBody]:
        query = TicketQuery(
            queue, status, assignee, customer, q, int(cursor) if cursor else None, limit + 1,
            tag, without_tag,
        )  # fmt: skip
        found = await api.listed.tickets(query)
        more = str(found[limit - 1].number) if len(found) > limit else None
        return Page(items=[api.body(ticket) for ticket in found[:limit]], next_cursor=more)

    @routes.get("/tickets/{number}", dependencies=[Depends(auth.reader)], summary="One ticket")
    async def get_ticket(number: int, response: Response) -> TicketBody:
        ticket = await api.ticket(number)
        response.headers["ETag"] = etag(ticket)
        return api.body(ticket)

    @routes.patch("/tickets/{number}", summary="Change status, assignee, priority, tags, queue")
    async def change_ticket(
        number: int,
        change: TicketChange,
        response: Response,
        caller: Annotated[Caller, Depends(auth.agent)],
        if_match: IfMatch = None,
    ) -> TicketBody:
        ticket = await api.to_change(number, if_match)
        try:
            after = await api.answering.change(ticket, change, by=caller.name, acting=caller.agent)
        except UnknownAgent as error:
            detail = f"There is no agent {error}; `assignee` is the id of one, or null."
            raise Problem(422, "unknown-agent", detail=detail) from error
        response.headers["ETag"] = etag(after)
        return api.body(after)

    @routes.post("/tickets/{number}/customer", summary="Say who the customer is")
    async def choose_customer(
        number: int,
        given: CustomerIn,
        response: Response,
        caller: Annotated[Caller, Depends(auth.agent)],
        if_match: IfMatch = None,
    ) -> TicketBody:
        ticket = await api.to_change(number, if_match)
        who = ticket.customer_alternative
        if given.address is not None:
            who = Address(name=given.name, address=given.address)
        if who is None:
            detail = "Nobody else is known who may be the customer; give `address`."
            raise Problem(422, "no-other-customer", detail=detail)
        after = await ChoosingCustomer(api.around).choose(ticket, who, by=caller.name)
        response.headers["ETag"] = etag(after)
        return api.body(after)


def _conversation(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    @routes.get(
        "/tickets/{number}/messages",
        dependencies=[Depends(auth.reader)],
        summary="The conversation, in order",
    )
    async def list_messages(number: int) -> Page[MessageBody]:
        ticket = await api.conversation(number)
        found = await api.listed.messages(ticket.id)
        shown = [message for message in found if is_accepted(message, ticket)]
        return Page(items=[await api.message_body(message) for message in shown])

    @routes.post("/tickets/{number}/replies", status_code=202, summary="Answer the customer")
    async def reply(
        number: int,
        given: ReplyIn,
        key: Key,
        caller: Annotated[Caller, Depends(auth.agent)],
    ) -> MessageBody:
        ticket = await api.conversation(number)
        answer = await answer_of(given, api.blobs)
        message = await _once(lambda: api.answering.reply(ticket, answer, key=key, by=caller.name))
        return await api.message_body(message)

    @routes.post("/tickets/{number}/notes", status_code=201, summary="Leave a note for agents")
    async def note(
        number: int,
        given: NoteIn,
        key: Key,
        caller: Annotated[Caller, Depends(auth.agent)],
    ) -> MessageBody:
        ticket = await api.conversation(number)
        message = await _once(
            lambda: api.answering.note(ticket, given.text, key=key, by=caller.name)
        )
        return await api.message_body(message)


def _bytes(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    @routes.get(
        "/attachments/{sha256}",
        dependencies=[Depends(auth.reader)],
        response_class=Response,
        summary="The bytes of an attachment, as a download",
    )
    async def attachment(sha256: str) -> Response:
        known = await api.listed.attachment_type(sha256)
        if known is None:
            raise Problem(404, "no-such-attachment", detail="No message has these bytes.")
        return _download(await api.blobs.get(sha256), name=known[0], media_type=known[1])

    @routes.get(
        "/messages/{message_id}/raw",
        dependencies=[Depends(auth.reader)],
        response_class=Response,
        summary="The mail as it came",
    )
    async def raw(message_id: str) -> Response:
        message = await api.around.store.message(message_id)
        if message is None or message.raw is None:
            raise Problem(404, "no-such-mail", detail="There are no raw bytes for this message.")
        data = await api.blobs.get(message.raw.sha256)
        return _download(data, name=f"{message_id}.eml", media_type="message/rfc822")


def _customers(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    @routes.get("/customers", dependencies=[Depends(auth.reader)], summary="List customers")
    async def customers(cursor: str | None = None, limit: Limit = 50) -> Page[CustomerBody]:
        found = await api.listed.customers(after=cursor, limit=limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return Page(items=[customer_body(one) for one in found[:limit]], next_cursor=more)

    @routes.get(
        "/customers/{customer_id}", dependencies=[Depends(auth.reader)], summary="One customer"
    )
    async def customer(customer_id: str) -> CustomerWithTickets:
        found = await api.listed.customer(customer_id)
        if found is None:
            raise Problem(404, "no-such-customer", detail=f"There is no customer {customer_id}.")
        tickets = await api.listed.tickets(TicketQuery(customer=customer_id))
        return CustomerWithTickets(
            **customer_body(found).model_dump(), tickets=[api.body(ticket) for ticket in tickets]
        )


async def _once(action: Callable[[], Awaitable[Message]]) -> Message:
    """A key used for something else is refused (draft-ietf-httpapi-idempotency-key-header §2.7)."""
    try:
        return await action()
    except KeyReused as error:
        detail = "This Idempotency-Key was used for another request."
        raise Problem(422, "idempotency-key-reused", detail=detail) from error


def _download(data: bytes, *, name: str, media_type: str) -> Response:
    """Bytes from strangers: saved, never shown or sniffed (RFC 6266 §4, RFC 8187 §3.2)."""
    return Response(
        data,
        media_type=media_type if "/" in media_type else "application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
        },
    )
