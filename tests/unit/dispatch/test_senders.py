"""Whom a mail is from, for people and for mail systems."""

from typing import Any

import pytest

from dispatch.domain.senders import Sender, sender_of
from postbus.configuration import Configuration
from postbus.contracts.configuration import InboundChannel, OutboundChannel
from postbus.contracts.mail import Address
from postbus.contracts.sending import SendRequested
from send_builders import STAMP, send_requested

RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
OWN = OutboundChannel.model_validate(
    {"id": "own", "name": "Own", "kind": "smtp", "from_address": "it@abc.com",
     "smtp": {"host": "mx.abc.com"}, "aliases": ["Sales@abc.com", "help@abc.com"]}
)  # fmt: skip
FORWARDED = InboundChannel.model_validate(
    {"id": "support", "name": "Support", "kind": "forward", "address": "support@xyz.com",
     "forward": {"creation_addresses": ["xyz@postbus.localhost", "second@postbus.localhost"]}}
)  # fmt: skip
MAILBOX = InboundChannel.model_validate(
    {"id": "support", "name": "Box", "kind": "imap", "address": "support@xyz.com",
     "imap": {"host": "imap.xyz.com", "username": "x"}}
)  # fmt: skip
BOUNCES = InboundChannel.model_validate(
    {"id": "bounces", "name": "Bounces", "kind": "forward",
     "forward": {"creation_addresses": ["bounce@postbus.localhost"]}}
)  # fmt: skip


def asked(meant_for: str | None = None) -> SendRequested:
    reply = Address(name="Support", address="support@xyz.com")
    return send_requested().model_copy(update={"meant_for": meant_for, "reply_address": reply})


def sender(
    outbound: OutboundChannel, meant_for: str | None = None, *documents: Any, **fields: Any
) -> Sender:
    known = Configuration.of(documents or [FORWARDED])
    return sender_of(asked(meant_for), outbound, known, **fields)


@pytest.mark.parametrize(
    ("meant_for", "address"),
    [
        (None, "it@abc.com"), ("sales@abc.com", "Sales@abc.com"),
        ("SALES+x+y@ABC.com", "Sales@abc.com"), ("boss@abc.com", "it@abc.com"),
        ("it@abc.com", "it@abc.com"),
    ],
)  # fmt: skip
def test_who_wrote_to_an_alias_is_answered_from_it_where_the_channel_may(
    meant_for: str | None, address: str
) -> None:
    """INVARIANT: never from an address that the channel was not given."""
    # Bounces go to the account itself: a server may refuse another in MAIL FROM.
    assert sender(OWN, meant_for) == Sender(address, "it@abc.com")


def test_the_relay_may_send_as_every_address_of_the_queue() -> None:
    assert sender(RELAY).address == "support@xyz.com"
    assert sender(RELAY, "second@postbus.localhost").address == "second@postbus.localhost"
    assert sender(RELAY, "else@postbus.localhost").address == "support@xyz.com"
    fixed = RELAY.model_copy(update={"from_address": "desk@xyz.com"})
    assert sender(fixed, "second@postbus.localhost").address == "desk@xyz.com"


def test_bounces_of_the_relay_go_to_our_own_door_with_the_stamp() -> None:
    assert sender(RELAY).envelope == f"xyz+{STAMP}@postbus.localhost"
    named = sender(RELAY, None, MAILBOX, BOUNCES, bounce_address="bounce@postbus.localhost")
    assert named.envelope == f"bounce+{STAMP}@postbus.localhost"
    # An address that no door takes mail for would lose the bounces.
    lost = sender(RELAY, None, MAILBOX, bounce_address="bounce@postbus.localhost")
    assert lost.envelope == "support@xyz.com"


def test_a_local_part_stays_within_sixty_four_octets() -> None:
    long = FORWARDED.model_copy(deep=True)
    forward = long.forward
    assert forward is not None
    long = long.model_copy(
        update={"forward": forward.model_copy(
            update={"creation_addresses": (f"{'x' * 32}@p.localhost", f"{'y' * 31}@p.localhost")}
        )}
    )  # fmt: skip
    assert sender(RELAY, None, long).envelope == f"{'y' * 31}+{STAMP}@p.localhost"
