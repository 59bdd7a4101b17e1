"""Generated conversations are threaded without a mistake: no mail astray, none on its own."""

import os

import pytest

from doubles.conversations import Mailboxes, pairs
from doubles.desk import Desk
from postbus.contracts.sending import SendState

pytestmark = [pytest.mark.xdist_group("mongodb"), pytest.mark.timeout(1800)]

LONG = os.environ.get("POSTBUS_LONG_TESTS") == "1"
SEEDS = range(10) if LONG else range(2)
EACH = 100 if LONG else 40


@pytest.mark.parametrize("seed", SEEDS)
async def test_generated_conversations_are_threaded_exactly(desk: Desk, seed: int) -> None:
    """INVARIANT: precision and recall of what stands together are 1.0."""
    mailboxes = Mailboxes(desk, seed)
    await mailboxes.run(EACH)
    found: list[list[str]] = []
    for ticket in await desk.tickets():
        messages = await desk.listed.messages(ticket.id)
        assert ticket.message_count == len(messages)
        inbound = [f"{ticket.queue}|{m.text}" for m in messages if m.direction == "inbound"]
        assert len(inbound) == len(set(inbound))
        found.append(inbound)
        for message in messages:
            reports = message.delivery.reports if message.delivery else ()
            failed = any(one.action == "failed" for one in reports)
            if message.delivery is not None:
                assert (message.delivery.state is SendState.BOUNCED) is failed
    wanted: dict[tuple[str, str], list[str]] = {}
    for (queue, mail_id), name in mailboxes.truth.items():
        wanted.setdefault((queue, name), []).append(f"{queue}|{mail_id}")
    assert sorted(one for group in found for one in group) == sorted(
        one for group in wanted.values() for one in group
    )
    together, belong = pairs(found), pairs(list(wanted.values()))
    right = len(together & belong)
    assert (right / len(together), right / len(belong)) == (1.0, 1.0)
    assert len(found) == len(wanted)
