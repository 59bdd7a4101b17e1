"""The mail that ticketing wants sent."""

from postbus.contracts.guard import SendKind
from postbus.contracts.mail import Address
from ticketing.domain.outgoing import Letter, message_id_of


def test_the_message_id_is_ascii_where_the_channel_has_another_domain() -> None:
    """An id is ASCII (RFC 5322 §3.6.4); one that is not keeps the mail from being written."""
    sender = Address(name="Bücher", address="hilfe@bücher.example")
    letter = Letter(
        send_id="s", kind=SendKind.AGENT_REPLY, to=(), text="", stamp="c" * 32, sender=sender
    )
    assert message_id_of(letter, sender.address).endswith("@xn--bcher-kva.example")
