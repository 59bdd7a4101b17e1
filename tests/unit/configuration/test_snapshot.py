"""What a snapshot answers."""

from typing import Any

import pytest

from postbus.configuration import Configuration, NoOutbound, NoOutboundReason
from postbus.contracts.base import Contract
from postbus.contracts.configuration import (
    Agent,
    ApiToken,
    FilterEntry,
    InboundChannel,
    Notifications,
    OutboundChannel,
    Scope,
    TicketType,
)


def inbound(id_: str, *addresses: str, **fields: Any) -> InboundChannel:
    forward = {"creation_addresses": addresses or (f"{id_}@example.com",)}
    return InboundChannel.model_validate(
        {"id": id_, "name": id_, "kind": "forward", "forward": forward, **fields}
    )


def relay(id_: str = "relay", **fields: Any) -> OutboundChannel:
    return OutboundChannel.model_validate({"id": id_, "name": id_, "kind": "relay", **fields})


def entry(pattern: str, id_: str = "one") -> FilterEntry:
    return FilterEntry(id=id_, pattern=pattern)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("anna@example.com", "anna@example.com"),
        ("anna@example.com", "Anna@EXAMPLE.com"),
        ("Anna@Example.com", "anna@example.com"),
        ("anna@example.com", "anna+tag@example.com"),
        ("anna+tag@example.com", "anna+tag@example.com"),
        ("*@example.com", "anybody@Example.Com"),
        ("*@exämple.com", "anna@xn--exmple-cua.com"),
    ],
)
def test_the_filter_holds_every_writing_of_a_listed_address(pattern: str, address: str) -> None:
    assert Configuration.of([entry(pattern)]).filter.match(address) == entry(pattern)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("anna+tag@example.com", "anna@example.com"),
        ("anna@example.com", "bert@example.com"),
        ("anna@example.com", "anna@example.org"),
        ("*@example.com", "anybody@sub.example.com"),
        ("*@example.com", "anybody@notexample.com"),
        ("anna@example.com", "not an address"),
        ("anna@example.com", ""),
    ],
)
def test_the_filter_lets_all_others_pass(pattern: str, address: str) -> None:
    assert Configuration.of([entry(pattern)]).filter.match(address) is None


def test_the_filter_names_the_entry_that_holds_a_mail() -> None:
    configuration = Configuration.of([entry("*@example.com", "b"), entry("a@example.com", "a")])
    found = configuration.filter.match("a@example.com")
    assert found is not None
    assert found.id == "a"


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((inbound("it", reply_via="mine"), relay("mine"), relay()), "mine"),
        ((inbound("it"), relay("it"), relay()), "it"),
        ((inbound("it"), relay()), "relay"),
        ((inbound("it", reply_via="relay"), relay("it"), relay()), "relay"),
    ],
    ids=["assigned", "its own", "the relay", "assigned over its own"],
)
def test_answers_leave_by_the_channel_that_was_chosen(
    documents: tuple[Contract, ...], expected: str
) -> None:
    chosen = Configuration.of(documents).reply_via("it")
    assert isinstance(chosen, OutboundChannel)
    assert chosen.id == expected


@pytest.mark.parametrize(
    ("documents", "reason", "channel"),
    [
        ((relay(),), NoOutboundReason.INBOUND_MISSING, "it"),
        ((inbound("it", reply_via="gone"), relay()), NoOutboundReason.OUTBOUND_MISSING, "gone"),
        ((inbound("it"),), NoOutboundReason.OUTBOUND_MISSING, "relay"),
        (
            (inbound("it"), relay("it", enabled=False), relay()),
            NoOutboundReason.OUTBOUND_DISABLED,
            "it",
        ),
        ((inbound("it"), relay(enabled=False)), NoOutboundReason.OUTBOUND_DISABLED, "relay"),
    ],
)
def test_no_other_channel_is_taken_silently(
    documents: tuple[Contract, ...], reason: NoOutboundReason, channel: str
) -> None:
    result = Configuration.of(documents).reply_via("it")
    assert isinstance(result, NoOutbound)
    assert (result.reason, result.channel) == (reason, channel)
    assert channel in result.detail


def test_an_address_leads_to_its_channel_also_with_a_plus_token() -> None:
    configuration = Configuration.of([inbound("it", "it@abc.com", "help@abc.com"), inbound("hr")])
    for address in ("it@abc.com", "IT@ABC.com", "help@abc.com", "it+token@abc.com"):
        channel = configuration.channel_of_address(address)
        assert channel is not None
        assert channel.id == "it"
    assert configuration.channel_of_address("nobody@abc.com") is None


@pytest.mark.parametrize("address", ["shop+returns@abc.com", "Shop+Returns+r.abc@abc.com"])
def test_an_address_may_have_a_plus_of_its_own(address: str) -> None:
    configuration = Configuration.of(
        [inbound("shop", "shop@abc.com"), inbound("back", "shop+returns@abc.com")]
    )
    channel = configuration.channel_of_address(address)
    assert channel is not None
    assert channel.id == "back"


def test_own_addresses_are_those_of_channels_and_senders() -> None:
    configuration = Configuration.of(
        [
            inbound("it", "IT@abc.com", "help@abc.com"),
            relay(from_address="Desk@abc.com"),
            relay("b"),
        ]
    )
    assert configuration.own_addresses() == {"it@abc.com", "help@abc.com", "desk@abc.com"}


def test_documents_are_found_by_id_and_listed_in_order() -> None:
    token = ApiToken(id="f" * 64, name="boss", scope=Scope.ADMIN)
    kind = TicketType(id="support", name="Support")
    configuration = Configuration.of([token, relay("z"), kind, relay("a")], 7)
    assert [channel.id for channel in configuration.outbound_channels] == ["a", "z"]
    assert configuration.outbound("z") == relay("z")
    assert configuration.token("f" * 64) == token
    assert configuration.token("0" * 64) is None
    assert configuration.ticket_type("support") == kind
    assert configuration.inbound("support") is None
    assert configuration.revision == 7


def test_hashes_of_tokens_are_not_shown() -> None:
    token = ApiToken(id="f" * 64, name="boss", scope=Scope.ADMIN)
    assert "ffff" not in repr(Configuration.of([token]))


BEA = Agent(id="bea", name="Bea", address="Bea@abc.com")


@pytest.mark.parametrize(
    ("address", "agent"),
    [("bea@ABC.com", BEA), ("bea+desk@abc.com", BEA), ("be@abc.com", None), ("", None)],
)
def test_an_agent_is_known_by_her_address_and_its_plus_addresses(
    address: str, agent: Agent | None
) -> None:
    assert Configuration.of([BEA]).agent_of_address(address) == agent


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("support@example.com", True),
        ("Support+token@Example.com", True),
        ("sender@example.com", True),
        ("alias@example.com", True),
        ("bea@abc.com", False),
    ],
)
def test_an_address_is_ours_where_we_take_mail_or_send_as_it(address: str, *, is_own: bool) -> None:
    channels = [
        inbound("support"),
        relay(from_address="sender@example.com", aliases=("alias@example.com",)),
    ]
    assert Configuration.of([*channels, BEA]).is_own(address) is is_own


def test_notifications_are_as_postbus_comes_until_somebody_says_otherwise() -> None:
    assert Configuration.of([]).notifications == Notifications()
    less = Notifications(answer=False)
    assert Configuration.of([less]).notifications == less
