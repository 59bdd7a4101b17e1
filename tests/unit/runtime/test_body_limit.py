"""A request that is too large is refused, whether it says so or not."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from postbus.runtime import body_limit, problems

MOST = 100


class Words(BaseModel):
    text: str


def refuse() -> None:
    raise HTTPException(401)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    body_limit.install(app, max_bytes=MOST)

    @app.post("/words")
    async def words(given: Words) -> int:
        return len(given.text)

    @app.post("/stream")
    async def stream(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/locked", dependencies=[Depends(refuse)])
    async def locked(given: Words) -> int:
        return len(given.text)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


def declared(size: int) -> dict[str, Any]:
    return {"content": b'{"text":"' + b"x" * (size - 11) + b'"}', "headers": JSON}


def chunked(size: int) -> dict[str, Any]:
    whole = declared(size)["content"]

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 7):
            yield whole[at : at + 7]

    return {"content": chunks(), "headers": JSON}


def understated(size: int) -> dict[str, Any]:
    return {**declared(size), "headers": {**JSON, "content-length": "12"}}


def unreadable(size: int) -> dict[str, Any]:
    return {**declared(size), "headers": {**JSON, "content-length": "9" * 5000}}


JSON = {"content-type": "application/json"}
Body = Callable[[int], dict[str, Any]]
BODIES: list[Body] = [declared, chunked, understated, unreadable]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/words", "/stream", "/locked"])
async def test_one_byte_too_many_is_a_problem_document(
    client: httpx.AsyncClient, path: str, body: Body
) -> None:
    answer = await client.post(path, **body(MOST + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/too-large",
        "title": "Too large",
        "status": 413,
        "detail": "The body of a request has at most 100 bytes.",
    }


@pytest.mark.parametrize("body", BODIES)
async def test_the_largest_body_is_taken(client: httpx.AsyncClient, body: Body) -> None:
    assert (await client.post("/words", **body(MOST))).json() == MOST - 11
    assert (await client.post("/stream", **body(MOST))).json() == MOST


@pytest.mark.parametrize(("method", "path"), [("GET", "/words"), ("POST", "/nowhere")])
async def test_a_declared_length_is_refused_wherever_it_goes(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path, **declared(MOST + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
