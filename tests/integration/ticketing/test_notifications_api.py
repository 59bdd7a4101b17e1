"""What the API shows of notifications, and who is notified of what she did by it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from doubles.blobs import MemoryBlobs
from doubles.bus import KeptBus
from doubles.desk import Desk, bounce_of
from doubles.mails import mail_received
from doubles.ticketing import agent
from postbus.configuration import Configuration
from postbus.contracts.configuration import ApiToken
from postbus.contracts.sending import SendState
from postbus.runtime import problems
from postbus.runtime.auth import BearerAuth, hash_of
from ticketing.api.parts import Api
from ticketing.api.routes import router

pytestmark = pytest.mark.xdist_group("mongodb")

ANY = {"If-Match": "*"}
TOKENS = [("admin", "admin", None), ("bea", "agent", "bea"), ("reader", "reader", None)]


@pytest.fixture
def desk(database: Any, bus: KeptBus) -> Desk:
    return Desk(database, bus, also=[agent("bea", queues=["support"])])


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    tokens = [
        ApiToken(id=hash_of(name), name=name, scope=scope, agent=of) for name, scope, of in TOKENS
    ]
    known: Any = SimpleNamespace(current=Configuration.of(tokens))
    app = FastAPI()
    problems.install(app)
    parts: Any = Api(desk.around, desk.listed, MemoryBlobs(), desk.answering, desk.notices)
    app.include_router(router(parts, BearerAuth(known)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://ticketing/api/v1/", headers=by("admin")
    ) as client:
        yield client


def tomorrow() -> datetime:
    """When there is room for another notification, whatever was sent today."""
    return datetime.now(UTC) + timedelta(hours=25)


def by(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def test_it_is_shown_who_is_told_what_and_what_became_of_it(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await desk.file(mail_received("m1"), mail_received("m2"))
    (waiting,) = (await api.get("tickets/2/notifications", headers=by("reader"))).json()["items"]
    assert (waiting["agent"], waiting["happening"]) == ("bea", "new-ticket")
    assert (waiting["state"], waiting["message"], waiting["delivery"]) == ("waiting", None, None)
    (request,) = await desk.notify()
    message = await desk.store.message(request.send_id)
    assert message is not None
    await desk.told(message, SendState.HELD)
    for number in (1, 2):
        (told,) = (await api.get(f"tickets/{number}/notifications")).json()["items"]
        assert (told["state"], told["message"], told["on"]) == ("told", message.id, 1)
        assert told["delivery"]["state"] == "held"
        assert "release" in told["delivery"]["possible"]
    conversation = (await api.get("tickets/1/messages")).json()["items"]
    assert message.id not in [one["id"] for one in conversation]
    released = await api.post(f"tickets/1/messages/{message.id}/release")
    assert released.status_code == 202
    assert released.json()["kind"] == "notification"


async def test_an_agent_is_not_told_of_what_she_did_herself(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await desk.file(mail_received("m1"))
    await desk.notify()
    for name, count in (("bea", 0), ("admin", 1)):
        body = {"assignee": "bea"}
        changed = await api.patch("tickets/1", json=body, headers={**by(name), **ANY})
        assert changed.json()["assignee"] == "bea"
        assert len(await desk.notify(tomorrow())) == count
        await api.patch("tickets/1", json={"assignee": None}, headers=ANY)


async def test_only_agents_are_assigned_to(desk: Desk, api: httpx.AsyncClient) -> None:
    await desk.file(mail_received("m1"))
    refused = await api.patch("tickets/1", json={"assignee": "nobody"}, headers=ANY)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/unknown-agent")
    assert "nobody" in refused.json()["detail"]


async def test_a_paused_agent_is_shown_and_resumed_by_an_admin(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await desk.file(mail_received("m1"))
    (request,) = await desk.notify()
    message = await desk.store.message(request.send_id)
    (bea,) = (await api.get("agents")).json()["items"]
    assert bea == {
        "id": "bea", "name": "Bea", "enabled": True, "queues": ["support"], "paused": None
    }  # fmt: skip
    await desk.file(bounce_of(message))
    (bea,) = (await api.get("agents", headers=by("reader"))).json()["items"]
    assert bea["paused"]["reason"] == "anna@example.com: 5.1.1 no such user"
    assert (await api.post("agents/bea/resume", headers=by("bea"))).status_code == 403
    assert (await api.post("agents/nobody/resume")).json()["type"] == "/problems/no-such-agent"
    assert (await api.post("agents/bea/resume")).status_code == 204
    (bea,) = (await api.get("agents")).json()["items"]
    assert bea["paused"] is None
