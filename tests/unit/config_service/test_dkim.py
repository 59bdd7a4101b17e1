"""Keys for DKIM over HTTP: made, activated, changed and removed; never shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import ConfigUnderTest, running

ANY = {"If-Match": "*"}
KEYS = "outbound-channels/relay/dkim"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


async def made(api: ConfigUnderTest, **fields: Any) -> dict[str, Any]:
    body = {"domain": "Example.com", "algorithm": "ed25519-sha256", **fields}
    answer = await api.client.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("algorithm", "begins", "private"),
    [
        ("rsa-sha256", "v=DKIM1; k=rsa; p=MIIB", "BEGIN RSA PRIVATE KEY"),
        ("ed25519-sha256", "v=DKIM1; k=ed25519; p=", "="),
    ],
)
async def test_a_key_is_made_and_says_what_to_publish(
    api: ConfigUnderTest, algorithm: str, begins: str, private: str
) -> None:
    key = await made(api, algorithm=algorithm)
    assert (key["domain"], key["active"]) == ("example.com", False)
    record = key["record"]
    assert record["name"] == f"{key['selector']}._domainkey.example.com"
    assert record["type"] == "TXT"
    assert record["value"].startswith(begins)
    kept = await api.opened(f"dkim.relay.{key['selector']}")
    assert kept is not None
    assert private in kept


async def test_the_private_half_never_comes_out(api: ConfigUnderTest) -> None:
    """INVARIANT: whoever reads the configuration, the audit or the API cannot sign."""
    key = await made(api)
    private = await api.opened(f"dkim.relay.{key['selector']}")
    assert private is not None
    shown = [(await api.client.get(path)).text for path in (KEYS, "audit?kind=dkim")]
    entries = [entry.value.decode() for entry in (await api.config.all()).values()]
    assert key["selector"] in "".join(entries)
    assert not any(private in text for text in (*shown, *entries))


async def test_a_key_signs_once_it_is_activated_and_the_one_before_stays(
    api: ConfigUnderTest,
) -> None:
    old, other = await made(api), await made(api, domain="other.example")
    for one in (old, other):
        answer = await api.client.post(f"{KEYS}/{one['selector']}/activate")
        assert answer.json()["active"] is True
    new = await made(api)
    assert await active(api) == {old["selector"], other["selector"]}
    await api.client.post(f"{KEYS}/{new['selector']}/activate")
    assert await active(api) == {new["selector"], other["selector"]}
    assert old["selector"] in [one["selector"] for one in await api.items(KEYS)]


async def active(api: ConfigUnderTest) -> set[str]:
    return {one["selector"] for one in await api.items(KEYS) if one["active"]}


async def test_a_key_is_removed_for_ever(api: ConfigUnderTest) -> None:
    one, two = await made(api), await made(api)
    path = f"{KEYS}/{one['selector']}"
    assert (await api.client.delete(path)).status_code == 428
    tag = (await api.client.get(KEYS)).headers["etag"]
    assert (await api.client.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    assert (await api.client.delete(path, headers={"If-Match": tag})).status_code == 204
    assert await api.opened(f"dkim.relay.{one['selector']}") is None
    assert [each["selector"] for each in await api.items(KEYS)] == [two["selector"]]
    assert (await api.client.delete(KEYS, headers=ANY)).status_code == 204
    assert await api.opened(f"dkim.relay.{two['selector']}") is None
    assert await api.items(KEYS) == []
    assert (await api.client.delete(KEYS, headers=ANY)).status_code == 404


@pytest.mark.parametrize(
    "domain",
    ["", "localhost", "a b.example", "bücher.example", "-a.example", "a@b.example", "a..b"],
)
async def test_what_is_no_domain_is_refused(api: ConfigUnderTest, domain: str) -> None:
    answer = await api.client.post(KEYS, json={"domain": domain})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/domain"


async def test_only_a_relay_that_is_there_has_keys(api: ConfigUnderTest) -> None:
    smtp = {"host": "mail.abc.com", "tls": "starttls"}
    own = {"id": "own", "name": "Own", "kind": "smtp", "from_address": "it@abc.com", "smtp": smtp}
    await api.client.post("outbound-channels", json=own)
    body = {"domain": "abc.com"}
    refused = await api.client.post("outbound-channels/own/dkim", json=body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/protected")
    assert (await api.client.post("outbound-channels/no/dkim", json=body)).status_code == 404
    assert (await api.client.post(f"{KEYS}/nothing/activate")).status_code == 404


async def test_keys_go_with_their_channel(api: ConfigUnderTest) -> None:
    second = {"id": "second", "name": "Second", "kind": "relay"}
    await api.client.post("outbound-channels", json=second)
    body = {"domain": "abc.com", "algorithm": "ed25519-sha256"}
    key = (await api.client.post("outbound-channels/second/dkim", json=body)).json()
    await api.client.delete("outbound-channels/second", headers=ANY)
    assert await api.opened(f"dkim.second.{key['selector']}") is None
    assert "dkim.second" not in {
        key
        for key, entry in (await api.config.all()).items()
        if b'"document":null' not in entry.value
    }


async def test_only_admins_make_keys(api: ConfigUnderTest) -> None:
    reader = {"Authorization": "Bearer the-reader-token"}
    answer = await api.client.post(KEYS, json={"domain": "abc.com"}, headers=reader)
    assert answer.status_code == 403
    assert (await api.client.get(KEYS, headers=reader)).status_code == 200
