"""Who puts the copy of what was sent into the mailbox: a table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatch.domain.copies import GIVE_UP_AFTER, Copying, CopyTask, begun, put_off, sent_copy
from dispatch.domain.schedule import Schedule
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel, SentCopy

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SMTP = {"host": "mail.abc.com"}


def inbound(**fields: Any) -> InboundChannel:
    return InboundChannel.model_validate(
        {
            "id": "box",
            "name": "Box",
            "kind": "imap",
            "address": "It@ABC.com",
            "imap": {"host": "mail.abc.com", "username": "it"},
            **fields,
        }
    )


def outbound(kind: str, **fields: Any) -> OutboundChannel:
    own = {} if kind == "relay" else {"smtp": SMTP, "from_address": "it@abc.com"}
    return OutboundChannel.model_validate(
        {"id": "own", "name": "Own", "kind": kind, **own, **fields}
    )


FORWARD = inbound(kind="forward", imap=None, forward={"creation_addresses": ["it@abc.com"]})


@pytest.mark.parametrize(
    ("kind", "wanted", "reads", "by", "mailbox", "shows"),
    [
        ("gmail", "auto", inbound(), "provider", "box", True),
        ("gmail", "auto", None, "provider", None, False),
        ("gmail", "auto", inbound(enabled=False), "provider", None, False),
        ("gmail", "append", inbound(), "append", "box", False),
        ("gmail", "none", inbound(), "none", "box", False),
        ("smtp", "auto", inbound(), "append", "box", False),
        ("smtp", "auto", None, "none", None, False),
        ("smtp", "auto", inbound(address="other@abc.com"), "none", None, False),
        ("smtp", "auto", inbound(enabled=False), "none", None, False),
        ("smtp", "auto", FORWARD, "none", None, False),
        ("smtp", "append", None, "none", None, False),
        ("smtp", "provider", inbound(), "provider", "box", True),
        ("smtp", "none", inbound(), "none", "box", False),
        ("relay", "auto", inbound(), "none", None, False),
        ("relay", "append", inbound(), "none", None, False),
    ],
)
def test_who_keeps_the_copy(
    kind: str,
    wanted: str,
    reads: InboundChannel | None,
    by: str,
    mailbox: str | None,
    shows: bool,  # noqa: FBT001 - a column of the table
) -> None:
    channel = outbound(kind, sent_copy=wanted)
    configuration = Configuration.of([channel, *([reads] if reads else [])])
    copying = sent_copy(channel, configuration)
    assert copying == Copying(SentCopy(by), mailbox)
    assert copying.shows_what_was_sent == shows


def test_a_copy_is_tried_again_with_growing_delays_and_given_up_after_a_month() -> None:
    schedule = Schedule((5, 30, 86_400), give_up_after=GIVE_UP_AFTER)
    task = CopyTask(send_id="s-1", message_id="m", mailbox="box", sent_at=NOW)
    now, waits = NOW, []
    while (later := put_off(begun(task, until=now), schedule, now=now)) is not None:
        assert later.next_try_at is not None
        waits.append((later.next_try_at - now).total_seconds())
        task, now = later, later.next_try_at
    assert waits[:4] == [5, 30, 86_400, 86_400]
    assert timedelta(days=29) < now - NOW <= timedelta(days=30)
