"""What holds for every resource: conditions, problem documents, lists, description."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config_service.app import assemble
from doubles.config_api import TOKENS, ConfigUnderTest, client_of, running, settings_in
from doubles.kv import MemoryBus

ONE_OF_EACH = [
    ("inbound-channels", "support", {"name": "x"}),
    ("outbound-channels", "relay", {"name": "x"}),
    ("ticket-types", "support", {"name": "x"}),
]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


@pytest.mark.parametrize(("kind", "id_", "patch"), ONE_OF_EACH)
async def test_changes_need_to_say_what_was_seen(
    api: ConfigUnderTest, kind: str, id_: str, patch: dict[str, Any]
) -> None:
    path = f"{kind}/{id_}"
    etag = (await api.client.get(path)).headers["etag"]
    for method, body in (("PATCH", patch), ("DELETE", None)):
        missing = await api.client.request(method, path, json=body)
        assert (missing.status_code, missing.json()["type"]) == (428, "/problems/if-match-needed")
        stale = await api.client.request(method, path, json=body, headers={"If-Match": '"999"'})
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale")
    good = await api.client.patch(path, json=patch, headers={"If-Match": etag})
    assert good.status_code == 200
    assert good.headers["etag"] != etag
    second = await api.client.patch(path, json={"name": "y"}, headers={"If-Match": etag})
    assert second.status_code == 412
    assert (await api.client.get(path)).json()["name"] == "x"


async def test_an_etag_is_the_revision_in_the_bucket(api: ConfigUnderTest) -> None:
    entry = await api.config.get("inbound-channels.support")
    assert entry is not None
    answer = await api.client.get("inbound-channels/support")
    assert answer.headers["etag"] == f'"{entry.revision}"'


@pytest.mark.parametrize("path", ["inbound-channels", "inbound-channels/support", "tokens"])
async def test_what_the_reader_has_is_not_sent_again(api: ConfigUnderTest, path: str) -> None:
    etag = (await api.client.get(path)).headers["etag"]
    same = await api.client.get(path, headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    other = await api.client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_a_removal_changes_the_etag_of_the_list(api: ConfigUnderTest) -> None:
    await api.client.post("ticket-types", json={"id": "spare", "name": "Spare"})
    before = (await api.client.get("ticket-types")).headers["etag"]
    await api.client.delete("ticket-types/spare", headers={"If-Match": "*"})
    after = await api.client.get("ticket-types", headers={"If-None-Match": before})
    assert after.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["inbound-channels", "outbound-channels", "ticket-types", "outbound-filter", "tokens",
     "health", "audit"],
)  # fmt: skip
async def test_lists_have_items_and_a_cursor(api: ConfigUnderTest, path: str) -> None:
    body = (await api.client.get(path)).json()
    assert set(body) == {"items", "next_cursor"}
    assert body["next_cursor"] is None


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "nothing-here", 404, "not-found"),
        ("GET", "inbound-channels/none", 404, "not-found"),
        ("GET", "inbound-channels/%20%3E", 404, "not-found"),
        ("GET", "inbound-channels/a.b.*", 404, "not-found"),
        ("PUT", "inbound-channels/support", 405, "method-not-allowed"),
        ("POST", "ticket-types", 422, "invalid"),
        ("GET", "audit?limit=0", 422, "invalid"),
        ("GET", "audit?kind=nothing", 422, "invalid"),
        ("GET", "audit?cursor=x", 422, "invalid"),
    ],
)
async def test_every_error_is_a_problem_document(
    api: ConfigUnderTest, method: str, path: str, *, status: int, slug: str
) -> None:
    body = {} if method == "POST" else None
    answer = await api.client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{slug}"
    assert answer.json()["status"] == status
    assert answer.json()["title"]


async def test_a_body_that_is_not_json_is_malformed(api: ConfigUnderTest) -> None:
    headers = {"content-type": "application/json"}
    answer = await api.client.post("ticket-types", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-json")


async def test_merge_patches_come_under_their_own_media_type(api: ConfigUnderTest) -> None:
    answer = await api.client.patch(
        "ticket-types/support",
        content=b'{"name": "New"}',
        headers={"content-type": "application/merge-patch+json", "If-Match": "*"},
    )
    assert (answer.status_code, answer.json()["name"]) == (200, "New")


async def test_a_fault_of_ours_tells_nothing_of_our_inside(
    api: ConfigUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(api.config, "all", fail)
    answer = await api.client.get("inbound-channels")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret inside" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "inbound-channels", None),
        ("GET", "inbound-channels/support", None),
        ("GET", "health", None),
        ("GET", "audit", None),
        ("PATCH", "inbound-channels/support", {"name": "x"}),
        ("POST", "outbound-filter", {"pattern": "a@b.c"}),
        ("DELETE", "ticket-types/support", None),
        ("POST", "tokens", {"name": "x", "scope": "reader"}),
    ],
)
async def test_when_nats_is_away_the_answer_is_503(
    api: ConfigUnderTest, method: str, path: str, body: dict[str, Any] | None
) -> None:
    api.config.away = True
    answer = await api.client.request(method, path, json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_before_the_start_the_answer_is_503(tmp_path: Path) -> None:
    settings, _ = settings_in(tmp_path)
    service = assemble(settings, MemoryBus(), CollectorRegistry())
    async with client_of(service, TOKENS["admin"]) as client:
        assert (await client.get("inbound-channels")).status_code == 503


async def test_the_api_describes_itself(api: ConfigUnderTest) -> None:
    answer = await api.client.get("http://config/openapi.json")
    description = answer.json()
    operations = [
        operation for path in description["paths"].values() for operation in path.values()
    ]
    assert len(operations) > 25
    assert all(operation["summary"] for operation in operations)
    proven_otherwise = {
        "/api/v1/connect/google/callback",
        "/api/v1/connect/microsoft/callback",
        "/api/v1/connect/microsoft/again/{channel}",
    }
    open_to_all = {
        name
        for name, path in description["paths"].items()
        if any("security" not in operation for operation in path.values())
    }
    assert open_to_all == proven_otherwise, "browsers have no token, but a state or a key"
    assert all("default" in operation["responses"] for operation in operations)
    patch = description["paths"]["/api/v1/inbound-channels/{channel_id}"]["patch"]
    assert "application/merge-patch+json" in patch["requestBody"]["content"]


async def test_changes_take_effect_in_the_snapshot_of_services(api: ConfigUnderTest) -> None:
    assert await api.service.ready_checks[1]() == []


async def test_a_body_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with running(tmp_path, max_request_bytes=100) as under_test:
        body = {"id": "spare", "name": "x" * 100}
        answer = await under_test.client.post("ticket-types", json=body)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
