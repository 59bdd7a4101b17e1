"""Agents, and what they are notified of, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running

ANY = {"If-Match": "*"}
BEA = {"id": "bea", "name": "Bea", "address": "bea@abc.com"}
AS_IT_COMES = {
    "id": "default", "new_ticket": True, "answer": True, "assignment": True, "scope": "mine",
    "quiet_minutes": 10,
}  # fmt: skip


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


async def made(api: ConfigUnderTest, **fields: Any) -> dict[str, Any]:
    answer = await api.client.post("agents", json={**BEA, **fields})
    assert answer.status_code == 201, answer.text
    agent: dict[str, Any] = answer.json()
    return agent


async def test_an_agent_comes_changes_and_goes(api: ConfigUnderTest) -> None:
    agent = await made(api, queues=["support"], language="nl", notify={"answer": False})
    assert agent["notify"] == {
        "new_ticket": None, "answer": False, "assignment": None, "scope": None,
    }  # fmt: skip
    read = await api.client.get("agents/bea")
    assert read.json() == agent
    assert await api.items("agents") == [agent]
    tag = {"If-Match": read.headers["etag"]}
    changed = await api.client.patch("agents/bea", json={"notify": {"scope": "all"}}, headers=tag)
    assert changed.json()["notify"] == {**agent["notify"], "scope": "all"}
    stale = await api.client.patch("agents/bea", json={"enabled": False}, headers=tag)
    assert stale.status_code == 412
    assert (await api.client.delete("agents/bea", headers=ANY)).status_code == 204
    assert await api.items("agents") == []
    assert [one["kind"] for one in await api.items("audit", kind="agents")] == ["agents"] * 3


REFUSED = [
    ("own", {"address": "Support@postbus.localhost"}, "address-not-usable", "#/address"),
    ("own-plus", {"address": "support+bea@postbus.localhost"}, "address-not-usable", "#/address"),
    ("sender", {"address": "sender@abc.com"}, "address-not-usable", "#/address"),
    ("alias", {"address": "Alias@abc.com"}, "address-not-usable", "#/address"),
    ("filtered", {"address": "bea@filtered.example"}, "address-not-usable", "#/address"),
    ("many", {"address": "*@abc.com"}, "address-not-usable", "#/address"),
    ("taken", {"address": "Cas@abc.com"}, "address-taken", "#/address"),
    ("taken-plus", {"address": "cas+work@abc.com"}, "address-taken", "#/address"),
    ("queue", {"queues": ["nowhere"]}, "unknown-reference", "#/queues"),
    ("lines", {"name": "Bea\nBcc: x@y"}, "invalid", "#/name"),
    ("typo", {"notify": {"answers": True}}, "invalid", "#/notify/answers"),
]


@pytest.mark.parametrize(("fields", "slug", "pointer"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
async def test_an_agent_that_could_not_be_reached_or_would_loop_is_refused(
    api: ConfigUnderTest, fields: dict[str, Any], slug: str, pointer: str
) -> None:
    """INVARIANT: a notification to an address of ours would come back as a ticket."""
    sender = {
        "id": "abc", "name": "ABC", "kind": "relay", "from_address": "sender@abc.com",
        "aliases": ["alias@abc.com"],
    }  # fmt: skip
    assert (await api.client.post("outbound-channels", json=sender)).status_code == 201
    await api.client.post("outbound-filter", json={"pattern": "*@filtered.example"})
    await made(api, id="cas", address="cas@abc.com")
    made_so = await api.client.post("agents", json={**BEA, **fields})
    await made(api)
    changed_so = await api.client.patch("agents/bea", json=fields, headers=ANY)
    for refused in (made_so, changed_so):
        assert refused.json()["type"] == f"/problems/{slug}"
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_an_id_is_given_once_and_stays(api: ConfigUnderTest) -> None:
    await made(api)
    again = await api.client.post("agents", json={**BEA, "address": "other@abc.com"})
    assert again.json()["type"] == "/problems/already-exists"
    other = await api.client.patch("agents/bea", json={"id": "cas"}, headers=ANY)
    assert other.status_code == 422


async def test_notifications_are_as_postbus_comes_until_somebody_says_otherwise(
    api: ConfigUnderTest,
) -> None:
    read = await api.client.get("notifications")
    assert read.json() == AS_IT_COMES
    body = {**AS_IT_COMES, "new_ticket": False, "quiet_minutes": 30}
    without = await api.client.put("notifications", json=body)
    assert without.status_code == 428
    put = await api.client.put(
        "notifications", json=body, headers={"If-Match": read.headers["etag"]}
    )
    assert (put.status_code, put.json()) == (200, body)
    stale = await api.client.put(
        "notifications", json=AS_IT_COMES, headers={"If-Match": read.headers["etag"]}
    )
    assert stale.status_code == 412
    assert (await api.client.get("notifications")).json() == body
    back = await api.client.put("notifications", json=AS_IT_COMES, headers=ANY)
    assert back.json() == AS_IT_COMES
    assert len(await api.items("audit", kind="notifications")) == 2


@pytest.mark.parametrize("minutes", [4, 1441])
async def test_the_quiet_time_has_bounds(api: ConfigUnderTest, minutes: int) -> None:
    body = {**AS_IT_COMES, "quiet_minutes": minutes}
    answer = await api.client.put("notifications", json=body, headers=ANY)
    assert answer.json()["errors"][0]["pointer"] == "#/quiet_minutes"


async def test_a_token_is_made_for_an_agent_who_then_stays(api: ConfigUnderTest) -> None:
    unknown = {"name": "Bea", "scope": "agent", "agent": "bea"}
    refused = await api.client.post("tokens", json=unknown)
    assert refused.json()["errors"][0]["pointer"] == "#/agent"
    await made(api)
    token = (await api.client.post("tokens", json=unknown)).json()
    assert token["agent"] == "bea"
    assert {one["name"]: one["agent"] for one in await api.items("tokens")}["the admin"] is None
    in_use = await api.client.delete("agents/bea", headers=ANY)
    assert (in_use.status_code, in_use.json()["type"]) == (409, "/problems/in-use")
    await api.client.delete(f"tokens/{token['id']}", headers=ANY)
    assert (await api.client.delete("agents/bea", headers=ANY)).status_code == 204


async def test_a_token_that_is_there_is_given_to_an_agent(api: ConfigUnderTest) -> None:
    await made(api)
    made_so = await api.client.post("tokens", json={"name": "Bea", "scope": "agent"})
    token = made_so.json()
    path, tag = f"tokens/{token['id']}", {"If-Match": made_so.headers["etag"]}
    given = await api.client.patch(path, json={"agent": "bea"}, headers=tag)
    assert given.json() == {**(await api.client.get(path)).json(), "agent": "bea"}
    assert (await api.client.patch(path, json={"agent": None}, headers=tag)).status_code == 412
    for body in ({"agent": "nobody"}, {"scope": "admin"}, {"name": "Cas"}):
        refused = await api.client.patch(path, json=body, headers=ANY)
        assert refused.status_code == 422
    async with client_of(api.service, token["token"]) as client:
        assert (await client.get("agents")).status_code == 200
    taken = await api.client.patch(path, json={"agent": None}, headers=ANY)
    assert taken.json()["agent"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "agents"), ("PATCH", "agents/bea"), ("DELETE", "agents/bea"),
        ("PUT", "notifications"),
    ],
)  # fmt: skip
async def test_readers_look_and_admins_write(api: ConfigUnderTest, method: str, path: str) -> None:
    async with client_of(api.service, TOKENS["agent"]) as client:
        assert (await client.get("agents")).status_code == 200
        assert (await client.get("notifications")).status_code == 200
        body = AS_IT_COMES if method == "PUT" else BEA
        refused = await client.request(method, path, json=body, headers=ANY)
    assert refused.status_code == 403
