"""The routes by which people see what agents are told by mail."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from postbus.contracts.configuration import Agent
from postbus.mail.addresses import normalise
from postbus.runtime.auth import BearerAuth, Caller
from postbus.runtime.problems import Problem
from ticketing.api.bodies import AgentBody, NotificationBody, Page
from ticketing.api.parts import Api
from ticketing.api.views import agent_body, notification_body


def add_notifications(routes: APIRouter, api: Api, auth: BearerAuth) -> None:
    """`/tickets/{number}/notifications` and `/agents`."""

    @routes.get(
        "/tickets/{number}/notifications",
        dependencies=[Depends(auth.reader)],
        summary="Which agents are told what of a ticket, oldest first",
    )
    async def notifications(number: int) -> Page[NotificationBody]:
        ticket = await api.conversation(number)
        notices = await api.notices.of_tickets((ticket.id, *ticket.absorbed))
        told_by = {one.told_by for one in notices if one.told_by is not None}
        messages = {one.id: one for one in await api.listed.messages_of_ids(sorted(told_by))}
        there = await api.around.store.tickets(sorted({m.ticket_id for m in messages.values()}))
        numbers = {one.id: one.number for one in there}
        items = []
        for one in notices:
            message = messages.get(one.told_by or "")
            on = numbers.get(message.ticket_id) if message else None
            items.append(notification_body(one, message, on=on))
        return Page(items=items)

    @routes.get(
        "/agents", dependencies=[Depends(auth.reader)], summary="Whom tickets can be assigned to"
    )
    async def agents() -> Page[AgentBody]:
        found = api.around.configuration().agents
        paused = [await api.notices.paused(normalise(one.address)) for one in found]
        pairs = zip(found, paused, strict=True)
        return Page(items=[agent_body(agent, pause) for agent, pause in pairs])

    @routes.post(
        "/agents/{agent_id}/resume",
        status_code=204,
        response_class=Response,
        summary="Send notifications to an agent again whose address they came back from",
    )
    async def resume(agent_id: str, _: Annotated[Caller, Depends(auth.admin)]) -> Response:
        agent = _agent(api, agent_id)
        await api.notices.resume(normalise(agent.address))
        return Response(status_code=204)


def _agent(api: Api, agent_id: str) -> Agent:
    found = api.around.configuration().agent(agent_id)
    if found is None:
        raise Problem(404, "no-such-agent", detail=f"There is no agent {agent_id}.")
    return found
