"""Who may do what."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running

ANY = {"If-Match": "*"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "inbound-channels", {"admin", "agent", "reader"}),
        ("GET", "outbound-filter", {"admin", "agent", "reader"}),
        ("GET", "health", {"admin", "agent", "reader"}),
        ("GET", "audit", {"admin"}),
        ("GET", "tokens", {"admin"}),
        ("POST", "inbound-channels/support/pause", {"admin"}),
        ("POST", "inbound-channels/support/test", {"admin"}),
        ("POST", "outbound-channels/relay/test", {"admin"}),
    ],
)
@pytest.mark.parametrize("scope", ["admin", "agent", "reader"])
async def test_each_scope_may_do_its_part(
    api: ConfigUnderTest, method: str, path: str, *, scopes: set[str], scope: str
) -> None:
    async with client_of(api.service, TOKENS[scope]) as client:
        answer = await client.request(method, path)
    assert answer.status_code == (200 if scope in scopes else 403)
    if scope not in scopes:
        assert answer.json()["type"] == "/problems/scope-too-small"
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def documents(api: ConfigUnderTest) -> dict[str, int]:
    everything = (await api.config.all()).items()
    return {key: one.revision for key, one in everything if not key.startswith("meta.")}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "inbound-channels"),
        ("PATCH", "inbound-channels/support"),
        ("DELETE", "inbound-channels/support"),
        ("POST", "outbound-channels"),
        ("PATCH", "outbound-channels/relay"),
        ("DELETE", "outbound-channels/relay"),
        ("POST", "ticket-types"),
        ("DELETE", "ticket-types/support"),
        ("POST", "outbound-filter"),
        ("POST", "tokens"),
        ("PATCH", "tokens/any"),
    ],
)
@pytest.mark.parametrize("scope", ["agent", "reader"])
async def test_only_admins_write(api: ConfigUnderTest, method: str, path: str, scope: str) -> None:
    before = await documents(api)
    async with client_of(api.service, TOKENS[scope]) as client:
        answer = await client.request(method, path, json={}, headers=ANY)
    assert answer.status_code == 403
    assert await documents(api) == before


@pytest.mark.parametrize("token", [None, "wrong", "", "the-admin-token "])
async def test_without_a_known_token_nothing_is_shown(
    api: ConfigUnderTest, token: str | None
) -> None:
    async with client_of(api.service, None) as client:
        headers = {} if token is None else {"Authorization": f"Bearer {token}x"}
        answer = await client.get("inbound-channels", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="postbus"')
    assert ("invalid_token" in answer.headers["www-authenticate"]) is (token is not None)
    assert answer.json()["type"] == "/problems/unauthorized"


async def test_another_scheme_is_no_token(api: ConfigUnderTest) -> None:
    async with client_of(api.service, None) as client:
        answer = await client.get("tokens", auth=("the admin", TOKENS["admin"]))
    assert answer.status_code == 401


async def test_a_token_is_shown_once_and_works_at_once(api: ConfigUnderTest) -> None:
    made = await api.client.post("tokens", json={"name": "console", "scope": "reader"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["token"]
    async with client_of(api.service, token) as client:
        assert (await client.get("inbound-channels")).status_code == 200
        assert (await client.get("tokens")).status_code == 403
    listed = await api.client.get("tokens")
    assert token not in listed.text
    assert {one["name"] for one in listed.json()["items"]} >= {"console", "the admin"}
    assert all(token.encode() not in one.value for one in (await api.config.all()).values())


async def test_a_revoked_token_works_no_more(api: ConfigUnderTest) -> None:
    made = (await api.client.post("tokens", json={"name": "gone", "scope": "admin"})).json()
    gone = await api.client.delete(f"tokens/{made['id']}", headers=ANY)
    assert gone.status_code == 204
    async with client_of(api.service, made["token"]) as client:
        assert (await client.get("inbound-channels")).status_code == 401


async def test_names_of_tokens_tell_people_apart(api: ConfigUnderTest) -> None:
    answer = await api.client.post("tokens", json={"name": "the admin", "scope": "reader"})
    assert answer.status_code == 409


async def test_the_last_admin_token_stays(api: ConfigUnderTest) -> None:
    tokens = {one["name"]: one["id"] for one in await api.items("tokens")}
    refused = await api.client.delete(f"tokens/{tokens['the admin']}", headers=ANY)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/protected")
    await api.client.post("tokens", json={"name": "second", "scope": "admin"})
    gone = await api.client.delete(f"tokens/{tokens['the admin']}", headers=ANY)
    assert gone.status_code == 204


async def test_a_revoked_bootstrap_token_stays_revoked(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        tokens = {one["name"]: one["id"] for one in await api.items("tokens")}
        await api.client.delete(f"tokens/{tokens['the reader']}", headers=ANY)
        bus = api.bus
    async with running(tmp_path, bus=bus) as again:
        assert "the reader" not in {one["name"] for one in await again.items("tokens")}
