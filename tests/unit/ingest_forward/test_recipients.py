import pytest

from ingest_forward.domain.recipients import Accepted, Refusal, decide
from postbus.contracts.configuration import ForwardSettings, InboundChannel

SUPPORT = InboundChannel(
    id="support",
    name="Support",
    kind="forward",
    forward=ForwardSettings(creation_addresses=("support@postbus.localhost",)),
)
CLOSED = SUPPORT.model_copy(update={"enabled": False})


@pytest.mark.parametrize(
    ("channel", "taken", "expected"),
    [
        (SUPPORT, 0, Accepted("a@x", SUPPORT)),
        (SUPPORT, 99, Accepted("a@x", SUPPORT)),
        (SUPPORT, 100, Refusal.TOO_MANY),
        (CLOSED, 0, Refusal.CHANNEL_DISABLED),
        (CLOSED, 100, Refusal.CHANNEL_DISABLED),
        (None, 0, Refusal.UNKNOWN),
        (None, 100, Refusal.UNKNOWN),
    ],
)
def test_a_recipient_is_taken_or_refused(
    channel: InboundChannel | None, taken: int, expected: Accepted | Refusal
) -> None:
    assert decide("a@x", channel, taken=taken, limit=100) == expected


def test_every_refusal_is_an_smtp_answer_with_its_enhanced_code() -> None:
    assert {refusal.value[:9] for refusal in Refusal} == {"550 5.1.1", "550 5.2.1", "452 4.5.3"}
