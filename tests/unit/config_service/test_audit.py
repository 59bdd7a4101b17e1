"""Who changed what, and that it is told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_service.adapters.nats_talk import NatsAudit
from doubles.config_api import ConfigUnderTest, running
from doubles.kv import MemoryBus
from postbus.contracts.channels import AuditRecord
from postbus.errors import BusUnavailable

ANY = {"If-Match": "*"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ConfigUnderTest]:
    async with running(tmp_path) as under_test:
        yield under_test


async def rename(api: ConfigUnderTest, name: str) -> None:
    answer = await api.client.patch("ticket-types/support", json={"name": name}, headers=ANY)
    assert answer.status_code == 200


async def test_a_change_is_audited_with_who_before_and_after(api: ConfigUnderTest) -> None:
    await rename(api, "Helpdesk")
    newest = (await api.items("audit"))[0]
    assert newest["who"] == "the admin"
    assert newest["action"] == "changed"
    assert (newest["kind"], newest["id"]) == ("ticket-types", "support")
    assert newest["before"]["name"] == "Support"
    assert newest["after"]["name"] == "Helpdesk"


async def test_a_removed_document_keeps_its_audit(api: ConfigUnderTest) -> None:
    await api.client.post("ticket-types", json={"id": "spare", "name": "Spare"})
    await api.client.delete("ticket-types/spare", headers=ANY)
    records = await api.items("audit", kind="ticket-types", id="spare")
    assert [(one["action"], one["who"]) for one in records] == [
        ("deleted", "the admin"),
        ("created", "the admin"),
    ]


@pytest.mark.parametrize(
    ("action", "told"),
    [("changed", 1), ("read", 2), ("lifted", 2), ("released", 2), ("discarded", 2)],
)
async def test_what_may_be_done_often_is_told_each_time(action: str, told: int) -> None:
    """INVARIANT: a change is told once, whoever tells it after a crash; an act at each time."""
    bus = MemoryBus()
    at = datetime(2026, 11, 23, tzinfo=UTC)
    record = AuditRecord(who="ada", at=at, action=action, kind="x", id="y", revision=3)
    for minutes in (0, 5, 5):
        later = at + timedelta(minutes=minutes)
        await NatsAudit(bus)(record.model_copy(update={"at": later}))
    assert len(bus.told) == told


async def test_the_newest_comes_first_and_pages_meet(api: ConfigUnderTest) -> None:
    for number in range(12):
        await rename(api, f"Name {number}")
        if number % 4 == 0:
            await api.client.post("inbound-channels/support/pause")
            await api.client.post("inbound-channels/support/resume")
    whole = await api.items("audit", limit=200)
    revisions = [one["revision"] for one in whole]
    assert revisions == sorted(set(revisions), reverse=True)
    paged, cursor = [], None
    while True:
        query = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await api.client.get("audit", params=query)).json()
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 5
    assert paged == whole


async def test_the_audit_can_be_asked_for_one_kind_or_document(api: ConfigUnderTest) -> None:
    await rename(api, "Helpdesk")
    assert {one["kind"] for one in await api.items("audit", kind="tokens")} == {"tokens"}
    records = await api.items("audit", kind="ticket-types", id="support")
    assert [one["action"] for one in records] == ["changed", "created"]


async def test_every_change_is_told_as_a_fact_named_by_its_revision(api: ConfigUnderTest) -> None:
    await rename(api, "Helpdesk")
    records = [told.data for told in api.bus.told]
    assert all(told.event_type == "postbus.audit" for told in api.bus.told)
    listed = await api.items("audit", limit=200)
    assert len(records) == len(listed)
    newest = records[-1]
    assert isinstance(newest, AuditRecord)
    assert newest.model_dump(mode="json") == listed[0]
    assert (api.bus.told[-1].last_token, api.bus.told[-1].about) == (
        "ticket-types",
        "ticket-types/support",
    )


async def test_what_could_not_be_told_is_told_with_the_next_change(api: ConfigUnderTest) -> None:
    api.bus.deaf = True
    await rename(api, "One")
    api.bus.deaf = False
    await rename(api, "Two")
    names = [told.data.after["name"] for told in api.bus.told[-2:]]  # type: ignore[attr-defined, index]
    assert names == ["One", "Two"]


async def test_what_a_crash_left_untold_is_told_at_the_next_start(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        api.bus.deaf = True
        await rename(api, "One")
        await api.client.post("ticket-types", json={"id": "spare", "name": "Spare"})
        await api.client.delete("ticket-types/spare", headers=ANY)
        bus = api.bus
    told_before = len(bus.told)
    bus.deaf = False
    async with running(tmp_path, bus=bus):
        records = [told.data for told in bus.told[told_before:]]
    assert [(one.id, one.action) for one in records] == [  # type: ignore[attr-defined]
        ("support", "changed"),
        ("spare", "created"),
        ("spare", "deleted"),
    ]


async def test_a_start_waits_for_the_stream_that_takes_the_audit(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        api.bus.deaf = True
        await rename(api, "One")
        bus = api.bus
    with pytest.raises(BusUnavailable):
        async with running(tmp_path, bus=bus):
            pass


async def test_what_was_told_is_not_looked_for_again(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        bus = api.bus
    async with running(tmp_path, bus=bus):
        marked = await bus.buckets["postbus-config"].get("meta.audit-told")
    bus.told.clear()
    async with running(tmp_path, bus=bus):
        pass
    assert marked is not None
    assert bus.told == []
