"""The outgoing mail filter and ticket types over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doubles.config_api import ConfigUnderTest, running

ANY = {"If-Match": "*"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


@pytest.mark.parametrize("pattern", ["Anna@Example.com", "*@example.com", " anna@example.com "])
async def test_an_entry_comes_and_goes(api: ConfigUnderTest, pattern: str) -> None:
    made = await api.client.post("outbound-filter", json={"pattern": pattern, "reason": "asked"})
    assert made.status_code == 201
    entry = made.json()
    assert (entry["pattern"], entry["automatic"]) == (pattern.strip().lower(), False)
    assert entry["created_at"] is not None
    path = made.headers["location"].removeprefix("/api/v1/")
    assert (await api.client.get(path)).json() == entry
    gone = await api.client.delete(path, headers={"If-Match": made.headers["etag"]})
    assert gone.status_code == 204
    assert entry["pattern"] not in await api.patterns()


@pytest.mark.parametrize(
    "pattern", ["anna", "*", "*@", "@example.com", "a*@example.com", "", "**@b"]
)
async def test_what_is_no_pattern_is_refused(api: ConfigUnderTest, pattern: str) -> None:
    answer = await api.client.post("outbound-filter", json={"pattern": pattern})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/pattern"


async def test_a_pattern_stands_there_once(api: ConfigUnderTest) -> None:
    await api.client.post("outbound-filter", json={"pattern": "anna@example.com"})
    again = await api.client.post("outbound-filter", json={"pattern": "ANNA@example.com"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-exists")


async def test_an_own_address_cannot_be_taken_off_by_hand(api: ConfigUnderTest) -> None:
    """INVARIANT: mail that we send to ourselves would come in and be answered for ever."""
    (entry,) = await api.items("outbound-filter")
    refused = await api.client.delete(f"outbound-filter/{entry['id']}", headers=ANY)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/protected")
    assert "support" in refused.json()["detail"]
    assert entry["pattern"] in await api.patterns()


async def test_nobody_can_make_an_automatic_entry(api: ConfigUnderTest) -> None:
    body = {"pattern": "a@b.c", "automatic": True, "channel": "support"}
    assert (await api.client.post("outbound-filter", json=body)).status_code == 422


async def test_a_ticket_type_shows_its_creation_addresses(api: ConfigUnderTest) -> None:
    made = await api.client.post("ticket-types", json={"id": "complaint", "name": "Complaint"})
    assert made.status_code == 201
    assert made.json()["creation_addresses"] == []
    channel = {
        "id": "grumble",
        "name": "Complaints",
        "kind": "forward",
        "ticket_type": "complaint",
        "forward": {"creation_addresses": ["grumble@abc.com"]},
    }
    await api.client.post("inbound-channels", json=channel)
    read = await api.client.get("ticket-types/complaint")
    assert read.json()["creation_addresses"] == ["grumble@abc.com"]
    listed = {one["id"]: one["creation_addresses"] for one in await api.items("ticket-types")}
    assert listed == {"complaint": ["grumble@abc.com"], "support": ["support@postbus.localhost"]}


async def test_a_ticket_type_that_mail_becomes_stays(api: ConfigUnderTest) -> None:
    refused = await api.client.delete("ticket-types/support", headers=ANY)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/in-use")
    await api.client.post("ticket-types", json={"id": "spare", "name": "Spare"})
    assert (await api.client.delete("ticket-types/spare", headers=ANY)).status_code == 204


async def test_a_ticket_type_is_renamed_and_can_be_sent_back(api: ConfigUnderTest) -> None:
    read = await api.client.get("ticket-types/support")
    body = {**read.json(), "name": "Helpdesk"}
    changed = await api.client.patch(
        "ticket-types/support", json=body, headers={"If-Match": read.headers["etag"]}
    )
    assert changed.status_code == 200
    assert changed.json()["name"] == "Helpdesk"
