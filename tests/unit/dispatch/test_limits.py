"""How many mails a provider takes of a channel."""

from typing import Any

import pytest

from dispatch.domain.limits import account_of, limits_of
from postbus.contracts.configuration import OutboundChannel


def channel(kind: str, address: str | None = "it@abc.com", **fields: Any) -> OutboundChannel:
    smtp = {"host": fields.pop("host", "mx.abc.com"), "username": fields.pop("username", None)}
    own = {"smtp": smtp} if kind in ("smtp", "gmail") else {}
    if kind == "graph":
        own = {"graph": {"mailbox": fields.pop("mailbox", address)}}
    return OutboundChannel.model_validate(
        {"id": "own", "name": "Own", "kind": kind, "from_address": address, **own, **fields}
    )


@pytest.mark.parametrize(
    ("made", "limits"),
    [
        (channel("graph"), {"minute": 30}),
        (channel("smtp", host="SMTP.Office365.com"), {"minute": 30}),
        (channel("gmail", host="smtp.gmail.com"), {"day": 2000}),
        (channel("gmail", "a.n.na@gmail.com", host="smtp.gmail.com"), {"day": 500}),
        (channel("smtp", "a@googlemail.com", host="smtp.gmail.com"), {"day": 500}),
        (channel("smtp"), {}),
        (channel("relay"), {}),
        (channel("relay", limits={"per_minute": 5, "per_day": 9}), {"minute": 5, "day": 9}),
        (channel("graph", limits={"per_day": 1000}), {"minute": 30, "day": 1000}),
        (channel("gmail", host="smtp.gmail.com", limits={"per_day": 10000}), {"day": 10000}),
    ],
)
def test_limits_are_those_of_the_channel_else_of_its_kind(
    made: OutboundChannel, limits: dict[str, int]
) -> None:
    assert {limit.word: limit.most for limit in limits_of(made)} == limits


def test_channels_of_one_mailbox_share_its_limits_whichever_way_they_send() -> None:
    """INVARIANT: two channels on one mailbox are one sender to its provider."""
    graph = channel("graph", "sales@abc.com", mailbox="IT@abc.com")
    smtp = channel("smtp", host="smtp.office365.com", username="it@ABC.com")
    assert account_of(graph) == account_of(smtp)
    assert account_of(channel("smtp")) != account_of(smtp)
