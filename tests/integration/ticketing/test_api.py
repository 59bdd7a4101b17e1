"""What the API shows of merged tickets, reports, flags and customers."""

import base64
import os
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from doubles.blobs import MemoryBlobs
from doubles.desk import CHANGED, REQUESTED, Desk, absence_of, answer_to, bounce_of
from doubles.mails import mail_received
from postbus.configuration import Configuration
from postbus.contracts.configuration import ApiToken
from postbus.contracts.mail import Address, CalendarItem, Confidence, Forwarded
from postbus.runtime import problems
from postbus.runtime.auth import BearerAuth, hash_of
from ticketing.api.parts import Api
from ticketing.api.routes import router

pytestmark = pytest.mark.xdist_group("mongodb")

ANNA, CAS = Address(name="Anna", address="anna@example.com"), Address(address="cas@our.example")
ANY = {"If-Match": "*"}


@pytest.fixture
async def api(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    tokens = [ApiToken(id=hash_of(name), name=name, scope=name) for name in ("agent", "reader")]
    known: Any = SimpleNamespace(current=Configuration.of(tokens))
    app = FastAPI()
    problems.install(app)
    parts: Any = Api(desk.around, desk.listed, MemoryBlobs(), desk.answering, desk.notices)
    app.include_router(router(parts, BearerAuth(known)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://ticketing/api/v1/",
        headers={"Authorization": "Bearer agent"},
    ) as client:
        yield client


async def merged(desk: Desk) -> None:
    await desk.file(mail_received("a"), mail_received("c", in_reply_to=("b@example.com",)))
    await desk.file(mail_received("b", in_reply_to=("a@example.com",)))


async def test_a_merged_ticket_is_shown_and_its_conversation_is_that_of_the_elder(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await merged(desk)
    young = (await api.get("tickets/2")).json()
    assert (young["merged_into"], young["status"]) == (1, "closed")
    conversations = [(await api.get(f"tickets/{n}/messages")).json()["items"] for n in (1, 2)]
    assert conversations[0] == conversations[1]
    assert len(conversations[0]) == 5


async def test_an_answer_to_a_merged_ticket_is_on_the_elder(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await merged(desk)
    for path in ("replies", "notes"):
        answer = await api.post(
            f"tickets/2/{path}", json={"text": "We come."}, headers={"Idempotency-Key": path}
        )
        assert answer.is_success, answer.text
    assert (await api.get("tickets/1")).json()["message_count"] == 7


async def test_a_merged_ticket_is_not_changed(desk: Desk, api: httpx.AsyncClient) -> None:
    await merged(desk)
    for answer in (
        await api.patch("tickets/2", json={"status": "open"}, headers=ANY),
        await api.post("tickets/2/customer", json={"address": "x@example.com"}, headers=ANY),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/merged")
        assert "ticket 1" in answer.json()["detail"]


async def test_what_came_back_is_shown_on_both_messages(desk: Desk, api: httpx.AsyncClient) -> None:
    await desk.file(mail_received("m1"))
    sent = await desk.reply()
    await desk.file(absence_of(sent), bounce_of(sent))
    items = (await api.get("tickets/1/messages")).json()["items"]
    shown = {one["kind"]: one for one in items}
    delivery = shown["agent-reply"]["delivery"]
    assert (delivery["state"], delivery["reason"]) == (
        "bounced", "anna@example.com: 5.1.1 no such user"
    )  # fmt: skip
    assert [(one["kind"], one["message"]) for one in delivery["reports"]] == [
        ("auto-reply", shown["auto-reply"]["id"]),
        ("bounce", shown["bounce"]["id"]),
    ]
    assert delivery["reports"][1]["hard"] is True
    for kind in ("auto-reply", "bounce"):
        assert shown[kind]["about"] == sent.id
        assert (shown[kind]["direction"], shown[kind]["automatic"]) == ("inbound", True)


async def test_tickets_are_listed_with_a_tag_or_without_it(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await desk.file(mail_received("m1"), mail_received("m2"))
    assert (await api.patch("tickets/2", json={"tags": ["burst"]}, headers=ANY)).is_success
    numbers = {}
    for query in ("tag=burst", "without_tag=burst", "tag=burst&without_tag=burst", "tag=no", ""):
        items = (await api.get(f"tickets?{query}")).json()["items"]
        numbers[query] = [one["number"] for one in items]
    assert list(numbers.values()) == [[2], [1], [], [], [2, 1]]
    assert (await api.get("tickets?tag=")).status_code == 422


async def test_flags_and_what_was_read_of_a_mail_are_shown(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await desk.file(mail_received("m1"))
    eve = Address(address="eve@evil.example")
    invitation = CalendarItem(method="REQUEST", summary="Lunch")
    await desk.file(
        answer_to(
            await desk.reply(), "m2", from_=eve, customer=eve, calendar=(invitation,),
            protection=("pgp-signed",), problems=("no-date",),
        )
    )  # fmt: skip
    message = (await api.get("tickets/1/messages")).json()["items"][-1]
    assert message["flags"] == ["stranger"]
    assert message["calendar"][0]["summary"] == "Lunch"
    assert (message["protection"], message["problems"]) == (["pgp-signed"], ["no-date"])


async def test_a_picture_that_was_pasted_into_the_html_is_a_file_of_the_mail(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    """Gmail and Outlook show none that stands in the HTML, and an event has no room for it."""
    await desk.file(mail_received("m1"))
    shot, other = (base64.b64encode(os.urandom(900_000)).decode() for _ in range(2))
    html = "".join(
        f'<img alt="x" src="data:image/png;base64,{one}">' for one in (shot, other, shot)
    )
    answer = await api.post(
        "tickets/1/replies",
        json={"text": "Look.", "html": html + '<img src="data:image/png;base64,a">'},
        headers={"Idempotency-Key": "1"},
    )
    assert answer.status_code == 202, answer.text
    request = desk.bus.of(REQUESTED)[-1]
    assert [(one.name, one.content_type, one.content_id) for one in request.attachments] == [
        ("picture-1.png", "image/png", "picture-1@postbus"),
        ("picture-2.png", "image/png", "picture-2@postbus"),
    ]
    shown = re.findall(r'src="([^"]*)"', request.html)
    assert shown == [f"cid:picture-{number}@postbus" for number in (1, 2, 1)] + [""]
    long = await api.post(
        "tickets/1/replies",
        json={"text": "Look.", "html": "x" * 2_000_001},
        headers={"Idempotency-Key": "2"},
    )
    assert (long.status_code, long.json()["errors"][0]["pointer"]) == (422, "#/html")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\U0001f525" * 400_000])
async def test_a_very_long_answer_travels_by_reference(
    desk: Desk, api: httpx.AsyncClient, text: str
) -> None:
    """INVARIANT: what the API takes can be told, and so is sent, whole."""
    await desk.file(mail_received("m1"))
    wanted = {"text": text, "html": f"<p>{text}</p>"}
    for _ in range(2):
        answer = await api.post("tickets/1/replies", json=wanted, headers={"Idempotency-Key": "1"})
        assert answer.status_code == 202, answer.text[:500]
        assert (answer.json()["text"], answer.json()["html"]) == (text, wanted["html"])
    (request,) = [one for one in desk.bus.of(REQUESTED) if one.kind == "agent-reply"]
    assert request.content is not None
    assert len(request.text.encode()) <= 65536
    other = await api.post(
        "tickets/1/replies", json=wanted | {"text": text[1:]}, headers={"Idempotency-Key": "1"}
    )
    assert other.json()["type"] == "/problems/idempotency-key-reused"


async def passed_on(desk: Desk) -> None:
    forwarded = Forwarded(author=ANNA, by=CAS, confidence=Confidence.LIKELY)
    await desk.file(
        mail_received(
            "m1", from_=CAS, customer=ANNA, customer_confidence="likely",
            customer_evidence=("forwarded-by-colleague",), forwarded=forwarded,
        )
    )  # fmt: skip


async def test_an_agent_reverses_who_the_customer_is_in_one_call(
    desk: Desk, api: httpx.AsyncClient
) -> None:
    await passed_on(desk)
    before = await api.get("tickets/1")
    assert before.json()["customer_confidence"] == "likely"
    assert before.json()["customer_evidence"] == ["forwarded-by-colleague"]
    assert before.json()["forwarded_by"]["address"] == CAS.address
    match = {"If-Match": before.headers["etag"]}
    after = await api.post("tickets/1/customer", json={"reverse": True}, headers=match)
    assert after.status_code == 200
    assert after.json()["customer"]["address"] == CAS.address
    assert after.json()["customer_alternative"]["address"] == ANNA.address
    again = await api.post("tickets/1/customer", json={"reverse": True}, headers=match)
    assert (again.status_code, again.json()["type"]) == (412, "/problems/stale")
    match = {"If-Match": after.headers["etag"]}
    back = await api.post("tickets/1/customer", json={"reverse": True}, headers=match)
    assert back.json()["customer"]["address"] == ANNA.address
    assert [fact.by for fact in desk.bus.of(CHANGED)] == ["agent", "agent"]
    found = (await api.get(f"tickets?customer={back.json()['customer']['id']}")).json()["items"]
    assert [one["number"] for one in found] == [1]


@pytest.mark.parametrize(
    ("body", "headers", "status", "problem"),
    [
        ({"reverse": True}, ANY, 422, "no-other-customer"),
        ({"reverse": True}, {}, 428, "if-match-needed"),
        ({}, ANY, 422, "invalid"),
        ({"address": "x@example.com", "reverse": True}, ANY, 422, "invalid"),
        ({"address": "nobody"}, ANY, 422, "invalid"),
        (
            {"address": "x@example.com"},
            {**ANY, "Authorization": "Bearer reader"},
            403,
            "scope-too-small",
        ),
    ],
)
async def test_a_wrong_choice_of_customer_is_refused(
    desk: Desk,
    api: httpx.AsyncClient,
    *,
    body: dict[str, Any],
    headers: dict[str, str],
    status: int,
    problem: str,
) -> None:
    await desk.file(mail_received("m1"))
    answer = await api.post("tickets/1/customer", json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{problem}")


async def test_an_agent_names_another_customer(desk: Desk, api: httpx.AsyncClient) -> None:
    await desk.file(mail_received("m1"))
    body = {"address": "Zoe@example.com", "name": "Zoe"}
    answer = await api.post("tickets/1/customer", json=body, headers=ANY)
    assert answer.json()["customer"]["name"] == "Zoe"
    customer = (await api.get(f"customers/{answer.json()['customer']['id']}")).json()
    assert customer["addresses"] == ["zoe@example.com"]
