"""What becomes of a message whose handler raised."""

import json

import pydantic
import pytest

from postbus.bus.retry import Park, Policy, Retry, WaitHere, verdict
from postbus.errors import (
    BusUnavailable,
    MailHostUnavailable,
    MailRefused,
    StateConflict,
    StoreUnavailable,
)

POLICY = Policy()


def _invalid() -> pydantic.ValidationError:
    try:
        pydantic.TypeAdapter(int).validate_python("x")
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


_NO_TEXT = UnicodeDecodeError("utf8", b"", 0, 1, "")


def _asking(seconds: float) -> MailHostUnavailable:
    return MailHostUnavailable("later", retry_after_seconds=seconds)


@pytest.mark.parametrize(
    ("error", "delivery", "expected"),
    [
        pytest.param(MailRefused("no"), 1, Park("MailRefused"), id="permanent-parks-at-once"),
        pytest.param(_invalid(), 1, Park("ValidationError"), id="unreadable-model"),
        pytest.param(json.JSONDecodeError("x", "", 0), 1, Park("JSONDecodeError"), id="no-json"),
        pytest.param(_NO_TEXT, 1, Park("UnicodeDecodeError"), id="no-text"),
        pytest.param(MailHostUnavailable("later"), 1, Retry(1), id="temporary-1"),
        pytest.param(MailHostUnavailable("later"), 5, Retry(600), id="temporary-5"),
        pytest.param(MailHostUnavailable("later"), 6, Park("tries-exhausted"), id="temporary-6"),
        pytest.param(_asking(77), 1, Retry(77), id="asked-for-more"),
        pytest.param(_asking(1), 3, Retry(30), id="asked-for-less"),
        pytest.param(ValueError("bug"), 2, Retry(5), id="unknown-2"),
        pytest.param(ValueError("bug"), 3, Park("tries-exhausted"), id="unknown-3"),
        pytest.param(StoreUnavailable("away"), 99, WaitHere(0.2), id="an-outage-uses-no-tries"),
        pytest.param(StateConflict("lost"), 1, WaitHere(0.01), id="a-lost-race-looks-again"),
    ],
)  # fmt: skip
def test_each_error_has_its_verdict(
    error: Exception, delivery: int, expected: Retry | Park | WaitHere
) -> None:
    assert verdict(error, delivery, POLICY) == expected


def test_a_long_outage_gives_the_message_back_to_the_stream() -> None:
    error = BusUnavailable("away")
    assert verdict(error, 1, POLICY, waited_seconds=599, waits=50) == WaitHere(5)
    assert verdict(error, 1, POLICY, waited_seconds=600, waits=50) == Retry(5)


def test_a_race_lost_again_and_again_is_delivered_again() -> None:
    assert verdict(StateConflict("lost"), 1, POLICY, waits=5) == Retry(1)
