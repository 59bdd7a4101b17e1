"""Inbound channels over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from doubles.config_api import ConfigUnderTest, running


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


def it_channel(**fields: Any) -> dict[str, Any]:
    return {
        "id": "it",
        "name": "IT",
        "kind": "forward",
        "forward": {"creation_addresses": ["IT@abc.com", "helpdesk@abc.com"]},
        **fields,
    }


async def test_a_channel_is_made_with_its_filter_entries(api: ConfigUnderTest) -> None:
    answer = await api.client.post("inbound-channels", json=it_channel(colour="#112233"))
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/inbound-channels/it"
    read = await api.client.get(answer.headers["location"].removeprefix("/api/v1/"))
    assert read.json() == answer.json()
    assert read.headers["etag"] == answer.headers["etag"]
    assert read.json()["address"] == "IT@abc.com"
    assert read.json()["colour"] == "#112233"
    entries = [one for one in await api.items("outbound-filter") if one["channel"] == "it"]
    assert {one["pattern"] for one in entries} == {"it@abc.com", "helpdesk@abc.com"}
    assert all(one["automatic"] for one in entries)


async def test_fields_of_other_kinds_are_taken_where_they_say_nothing(
    api: ConfigUnderTest,
) -> None:
    body = it_channel(after_fetch="keep", imap=None, graph=None)
    assert (await api.client.post("inbound-channels", json=body)).status_code == 201


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": "Not a slug"}, "#/id"),
        ({"name": ""}, "#/name"),
        ({"colour": "red"}, "#/colour"),
        ({"kind": "pigeon"}, "#/kind"),
        ({"forward": {"creation_addresses": []}}, "#/forward/creation_addresses"),
        ({"forward": {"creation_addresses": ["nope"]}}, "#/forward/creation_addresses/0"),
        ({"forward": {"creation_addresses": ["*@abc.com"]}}, "#/address"),
        ({"address": "one@abc.com two@abc.com"}, "#/address"),
        ({"reply_via": "nowhere"}, "#/reply_via"),
        ({"ticket_type": "nothing"}, "#/ticket_type"),
        ({"replyvia": "relay"}, "#/replyvia"),
    ],
)
async def test_what_is_wrong_is_named(
    api: ConfigUnderTest, fields: dict[str, Any], pointer: str
) -> None:
    answer = await api.client.post("inbound-channels", json=it_channel(**fields))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert "it@abc.com" not in await api.patterns()


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "support"},
        {"forward": {"creation_addresses": ["Support@postbus.localhost"]}},
        {"address": "support@POSTBUS.localhost"},
    ],
)
async def test_an_id_and_an_address_are_taken_once(
    api: ConfigUnderTest, fields: dict[str, Any]
) -> None:
    answer = await api.client.post("inbound-channels", json=it_channel(**fields))
    assert answer.status_code == 409
    assert "support" in answer.json()["detail"].lower()


async def test_changing_addresses_changes_the_filter_with_them(api: ConfigUnderTest) -> None:
    await api.client.post("inbound-channels", json=it_channel())
    patch = {"forward": {"creation_addresses": ["helpdesk@abc.com", "new@abc.com"]}}
    answer = await api.client.patch("inbound-channels/it", json=patch, headers={"If-Match": "*"})
    assert answer.status_code == 200
    assert answer.json()["address"] == "helpdesk@abc.com"
    patterns = await api.patterns()
    assert {"helpdesk@abc.com", "new@abc.com"} <= patterns
    assert "it@abc.com" not in patterns


async def test_an_address_that_was_set_by_hand_stays(api: ConfigUnderTest) -> None:
    await api.client.post("inbound-channels", json=it_channel(address="known@abc.com"))
    patch = {"forward": {"creation_addresses": ["new@abc.com"]}}
    answer = await api.client.patch("inbound-channels/it", json=patch, headers={"If-Match": "*"})
    assert answer.json()["address"] == "known@abc.com"
    assert {"known@abc.com", "new@abc.com"} <= await api.patterns()


async def test_null_sets_reply_via_back_to_its_own(api: ConfigUnderTest) -> None:
    await api.client.post("inbound-channels", json=it_channel(reply_via="relay"))
    answer = await api.client.patch(
        "inbound-channels/it", json={"reply_via": None}, headers={"If-Match": "*"}
    )
    assert answer.json()["reply_via"] is None


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ({"reply_via": "nowhere"}, 422),
        ({"ticket_type": "nothing"}, 422),
        ({"id": "other"}, 422),
        ({"name": None}, 422),
        ({"forward": {"creation_addresses": ["support@postbus.localhost"]}}, 409),
        (["not", "an", "object"], 422),
    ],
)
async def test_a_change_is_checked_like_a_new_channel(
    api: ConfigUnderTest, patch: Any, status: int
) -> None:
    before = (await api.client.post("inbound-channels", json=it_channel())).json()
    answer = await api.client.patch("inbound-channels/it", json=patch, headers={"If-Match": "*"})
    assert answer.status_code == status
    assert (await api.client.get("inbound-channels/it")).json() == before


async def test_what_was_read_can_be_sent_back(api: ConfigUnderTest) -> None:
    made = await api.client.post("inbound-channels", json=it_channel())
    answer = await api.client.patch(
        "inbound-channels/it", json=made.json(), headers={"If-Match": made.headers["etag"]}
    )
    assert answer.status_code == 200
    assert answer.headers["etag"] == made.headers["etag"], "nothing changed, nothing was written"


async def test_removing_a_channel_frees_its_addresses(api: ConfigUnderTest) -> None:
    made = await api.client.post("inbound-channels", json=it_channel())
    gone = await api.client.delete(
        "inbound-channels/it", headers={"If-Match": made.headers["etag"]}
    )
    assert gone.status_code == 204
    assert (await api.client.get("inbound-channels/it")).status_code == 404
    assert "it@abc.com" not in await api.patterns()
    again = await api.client.post("inbound-channels", json=it_channel(id="it2"))
    assert again.status_code == 201


async def test_a_removed_id_may_be_used_again(api: ConfigUnderTest) -> None:
    await api.client.post("inbound-channels", json=it_channel())
    await api.client.delete("inbound-channels/it", headers={"If-Match": "*"})
    assert (await api.client.post("inbound-channels", json=it_channel())).status_code == 201
    assert "it@abc.com" in await api.patterns()


async def test_pausing_and_resuming(api: ConfigUnderTest) -> None:
    paused = await api.client.post("inbound-channels/support/pause")
    assert (paused.status_code, paused.json()["enabled"]) == (200, False)
    health = {one["channel"]: one["state"] for one in await api.items("health")}
    assert health["support"] == "paused"
    resumed = await api.client.post("inbound-channels/support/resume")
    assert resumed.json()["enabled"] is True
    assert (await api.client.post("inbound-channels/none/pause")).status_code == 404


async def test_a_test_says_only_what_it_can_know(api: ConfigUnderTest) -> None:
    answer = (await api.client.post("inbound-channels/support/test")).json()
    steps = {step["name"]: step["ok"] for step in answer["steps"]}
    assert steps == {
        "address": True,
        "enabled": True,
        "reply-via": True,
        "own-address-on-filter": True,
        "door-reachable": None,
    }
    assert answer["ok"] is True


async def test_a_test_names_the_step_that_fails(api: ConfigUnderTest) -> None:
    await api.client.patch(
        "outbound-channels/relay", json={"enabled": False}, headers={"If-Match": "*"}
    )
    answer = (await api.client.post("inbound-channels/support/test")).json()
    assert answer["ok"] is False
    failed = [step for step in answer["steps"] if step["ok"] is False]
    assert [step["name"] for step in failed] == ["reply-via"]
    assert "relay" in failed[0]["detail"]
    health = {one["channel"]: one for one in await api.items("health")}
    assert health["support"]["state"] == "degraded"
    assert "disabled" in health["support"]["last_error"]
