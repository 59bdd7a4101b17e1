"""The job that makes the topology."""

import pytest
from nats.aio.client import Client
from nats.js.errors import APIError

from postbus.bus.apply import apply
from postbus.bus.topology import MAIL, TOPOLOGY


async def test_the_job_can_be_run_again_and_again(admin: Client) -> None:
    applied = await apply(admin.jetstream())
    assert applied.added == ()
    names = {
        *(stream.name for stream in TOPOLOGY.streams),
        *(f"KV_{bucket.name}" for bucket in TOPOLOGY.buckets),
        *(durable.name for durable in TOPOLOGY.durables),
    }
    assert set(applied.updated) == names


async def test_a_changed_durable_is_changed_on_the_server(admin: Client) -> None:
    """INVARIANT: a client that binds ignores a changed configuration; the job must not."""
    js = admin.jetstream()
    info = await js.consumer_info(MAIL, "ticketing-mail")
    info.config.ack_wait = 3
    await js.add_consumer(MAIL, info.config)
    await apply(js)
    assert (await js.consumer_info(MAIL, "ticketing-mail")).config.ack_wait == 30


async def test_what_the_topology_does_not_name_is_left_alone_and_listed(admin: Client) -> None:
    js = admin.jetstream()
    await js.add_stream(name="SOMEBODYS", subjects=["somebodys.>"])
    assert (await apply(js)).unknown == ("SOMEBODYS",)
    assert (await js.stream_info("SOMEBODYS")).config.name == "SOMEBODYS"


async def test_events_cannot_be_deleted_one_by_one(admin: Client) -> None:
    js = admin.jetstream()
    ack = await js.publish("postbus.mail.received.support", b"{}")
    with pytest.raises(APIError, match="not permitted"):
        await js.delete_msg(MAIL, ack.seq)
