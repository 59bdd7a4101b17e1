"""Whether the record of a key stands in DNS, asked of a real name server."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import ConfigUnderTest, client_of, running
from servers.dnsmasq import Dnsmasq, dnsmasq
from servers.nats import free_port

KEYS = "outbound-channels/relay/dkim"
StartDns = Callable[[dict[str, list[str]]], Dnsmasq]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def api(tmp_path: Path, port: int) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path, dns_server=f"127.0.0.1:{port}") as under_test:
        yield under_test


@pytest.fixture
def serve(port: int) -> Iterator[StartDns]:
    running_ones: list[Dnsmasq] = []

    def start(records: dict[str, list[str]]) -> Dnsmasq:
        running_ones.append(dnsmasq(records, port=port))
        return running_ones[-1]

    yield start
    for one in running_ones:
        one.stop()


async def made(api: ConfigUnderTest, **fields: Any) -> dict[str, Any]:
    answer = await api.client.post(KEYS, json={"domain": "example.com", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def checked(api: ConfigUnderTest, key: dict[str, Any]) -> dict[str, Any]:
    answer = await api.client.post(f"{KEYS}/{key['selector']}/check")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
async def test_a_published_key_is_found_however_its_record_is_cut(
    api: ConfigUnderTest, serve: StartDns, algorithm: str
) -> None:
    """The record of an RSA key has over 255 characters, so it is two strings."""
    key = await made(api, algorithm=algorithm)
    record = key["record"]
    serve({record["name"]: [record["value"]]})
    found = await checked(api, key)
    assert (found["state"], found["found"]) == ("published", [record["value"]])
    assert found["expected"] == record


async def test_what_is_wrong_with_a_record_is_said(api: ConfigUnderTest, serve: StartDns) -> None:
    missing, other, several, revoked = [
        await made(api, algorithm="ed25519-sha256") for _ in range(4)
    ]
    serve(
        {
            other["record"]["name"]: [missing["record"]["value"]],
            several["record"]["name"]: [several["record"]["value"], "v=spf1 -all"],
            revoked["record"]["name"]: ["v=DKIM1; k=ed25519; p="],
        }
    )
    found = [await checked(api, key) for key in (missing, other, several, revoked)]
    assert [one["state"] for one in found] == ["missing", "other", "other", "other"]
    assert missing["record"]["name"] in found[0]["detail"]
    assert "Another key" in found[1]["detail"]
    assert "several" in found[2]["detail"]
    assert len(found[2]["found"]) == 2
    assert "revokes" in found[3]["detail"]


async def test_a_name_server_that_does_not_answer_says_nothing_of_the_record(
    api: ConfigUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config_service.adapters.dns_records._SECONDS", 0.5)
    found = await checked(api, await made(api, algorithm="ed25519-sha256"))
    assert (found["state"], found["found"]) == ("unknown", [])
    assert "no answer" in found["detail"]


async def test_only_admins_ask_and_only_for_keys_that_are_there(api: ConfigUnderTest) -> None:
    key = await made(api, algorithm="ed25519-sha256")
    async with client_of(api.service, "the-reader-token") as reader:
        assert (await reader.post(f"{KEYS}/{key['selector']}/check")).status_code == 403
    assert (await api.client.post(f"{KEYS}/pb-nothing/check")).status_code == 404
    assert (await api.client.post("outbound-channels/x/dkim/pb-x/check")).status_code == 404
