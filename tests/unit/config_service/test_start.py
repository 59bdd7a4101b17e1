"""Starting, on nothing, again, and after a crash at any moment."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from config_service.resources.seeding import read_bootstrap_tokens
from doubles.config_api import ConfigUnderTest, running
from doubles.kv import MemoryBucket, MemoryBus
from postbus.configuration import Configuration, Kept, read_value
from postbus.contracts.base import Contract
from postbus.errors import BusUnavailable, NotConfigured

ANY = {"If-Match": "*"}
IT = {
    "id": "it",
    "name": "IT",
    "kind": "forward",
    "forward": {"creation_addresses": ["it@abc.com", "help@abc.com"]},
}


async def configuration_in(bucket: MemoryBucket) -> Configuration:
    read = [
        read_value(key, entry.value, entry.revision) for key, entry in (await bucket.all()).items()
    ]
    contents = [one.content() for one in read if isinstance(one, Kept)]
    return Configuration.of([one for one in contents if isinstance(one, Contract)])


def unheld(configuration: Configuration) -> list[str]:
    """Own addresses that mail could be sent to."""
    return [
        address
        for channel in configuration.inbound_channels
        for address in channel.own_addresses()
        if configuration.filter.match(address) is None
    ]


def left_over(configuration: Configuration) -> list[str]:
    return [
        entry.pattern
        for entry in configuration.filter.entries
        if entry.automatic and configuration.channel_of_address(entry.pattern) is None
    ]


async def test_out_of_the_box_there_is_a_channel_that_works(tmp_path: Path) -> None:
    async with running(tmp_path, mail_domain="example.org") as api:
        (support,) = await api.items("inbound-channels")
        assert support["address"] == "support@example.org"
        assert [one["id"] for one in await api.items("outbound-channels")] == ["relay"]
        assert [one["id"] for one in await api.items("ticket-types")] == ["support"]
        assert await api.patterns() == {"support@example.org"}


async def test_what_an_admin_removed_does_not_come_back(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.client.delete("inbound-channels/support", headers=ANY)
        await api.client.delete("ticket-types/support", headers=ANY)
    async with running(tmp_path, bus=api.bus) as again:
        assert await again.items("inbound-channels") == []
        assert await again.items("ticket-types") == []


@pytest.mark.parametrize("writes", range(8))
async def test_a_first_start_that_was_cut_short_is_finished_by_the_next(
    tmp_path: Path, writes: int
) -> None:
    bus = MemoryBus({"postbus-config": MemoryBucket()})
    bus.buckets["postbus-config"].fail_writes_after = writes
    with pytest.raises(BusUnavailable):
        async with running(tmp_path, bus=bus):
            pass
    assert unheld(await configuration_in(bus.buckets["postbus-config"])) == []
    bus.buckets["postbus-config"].fail_writes_after = None
    async with running(tmp_path, bus=bus) as api:
        assert [one["id"] for one in await api.items("inbound-channels")] == ["support"]
        assert len(await api.items("tokens")) == 3


async def make(api: ConfigUnderTest) -> Any:
    return await api.client.post("inbound-channels", json=IT)


async def move(api: ConfigUnderTest) -> Any:
    patch = {"forward": {"creation_addresses": ["new@abc.com"]}}
    return await api.client.patch("inbound-channels/it", json=patch, headers=ANY)


async def remove(api: ConfigUnderTest) -> Any:
    return await api.client.delete("inbound-channels/it", headers=ANY)


@pytest.mark.parametrize("writes", range(5))
@pytest.mark.parametrize("operation", [make, move, remove])
async def test_a_crash_at_any_moment_leaves_no_own_address_unheld(
    tmp_path: Path, operation: Any, writes: int
) -> None:
    """INVARIANT: at no moment can mail be sent to an address of ours; the next start tidies up."""
    async with running(tmp_path) as api:
        if operation is not make:
            await make(api)
        api.config.fail_writes_after = writes
        answer = await operation(api)
        assert answer.status_code in (200, 201, 204, 503)
        assert unheld(await configuration_in(api.config)) == []
        bus = api.bus
    bus.buckets["postbus-config"].fail_writes_after = None
    async with running(tmp_path, bus=bus):
        configuration = await configuration_in(bus.buckets["postbus-config"])
        assert unheld(configuration) == []
        assert left_over(configuration) == []


async def test_a_hand_in_the_bucket_is_mended_while_running(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        key = next(key for key in await api.config.all() if key.startswith("outbound-filter."))
        await api.config.delete(key)
        for _ in range(100):
            await asyncio.sleep(0.01)
            if await api.patterns():
                break
        assert await api.patterns() == {"support@postbus.localhost"}


async def test_a_stop_ends_it_even_where_a_driver_swallows_the_cancellation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT: asyncio.wait_for of Python 3.11 may answer a cancellation with its result."""

    async def swallow() -> dict[str, Any]:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        return {}

    async with running(tmp_path) as api:
        await asyncio.sleep(0.05)
        await api.client.post("ticket-types", json={"id": "spare", "name": "Spare"})
        monkeypatch.setattr(api.config, "all", swallow)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            await api.service.stop()


async def test_a_start_may_be_called_again(tmp_path: Path) -> None:
    bus = MemoryBus({"postbus-config": MemoryBucket()})
    async with running(tmp_path, bus=bus) as api:
        before = {key: entry.revision for key, entry in (await api.config.all()).items()}
        await api.service.start()
        after = {key: entry.revision for key, entry in (await api.config.all()).items()}
        assert {key: rev for key, rev in after.items() if not key.startswith("meta.")} == {
            key: rev for key, rev in before.items() if not key.startswith("meta.")
        }


async def test_two_admins_at_the_same_moment_cannot_share_an_address(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        answers = await asyncio.gather(
            *(api.client.post("inbound-channels", json={**IT, "id": f"it{n}"}) for n in range(5))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_two_changes_of_one_document_are_not_both_made(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        etag = (await api.client.get("ticket-types/support")).headers["etag"]
        answers = await asyncio.gather(
            *(
                api.client.patch(
                    "ticket-types/support", json={"name": f"n{n}"}, headers={"If-Match": etag}
                )
                for n in range(4)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize("text", ["", "{}", '[{"name": "x", "scope": "god", "sha256": "0"}]'])
def test_a_bad_list_of_tokens_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokens.json").write_text(text)
    with pytest.raises(NotConfigured):
        read_bootstrap_tokens(tmp_path / "tokens.json")
    with pytest.raises(NotConfigured):
        read_bootstrap_tokens(tmp_path / "missing.json")


async def test_the_door_is_knocked_at(tmp_path: Path) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 postbus ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(tmp_path, forward_door=f"127.0.0.1:{port}") as api:

        async def support() -> dict[str, Any]:
            return next(one for one in await api.items("health") if one["channel"] == "support")

        assert (await support())["state"] == "connected"
        server.close()
        await server.wait_closed()
        down = await support()
        assert down["state"] == "degraded"
        assert "door does not answer" in down["last_error"]
