"""A fact is the same bytes whether its data comes as a model or was kept as JSON."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from doubles.mails import mail_received
from postbus.bus.envelope import event_bytes
from postbus.contracts.mail import MailReceivedEvent
from postbus.contracts.sending import SendRequestedEvent

ATTRIBUTES: dict[str, Any] = {
    "id": "e1",
    "source": "/postbus/ticketing",
    "type": "postbus.mail.received",
    "time": datetime(2026, 11, 23, 9, 0, 0, 120, tzinfo=UTC),
}


@pytest.mark.parametrize("about", [None, "tickets/1", 'a "quote" and }'])
def test_kept_json_goes_out_as_a_model_would(about: str | None) -> None:
    data = mail_received(text="Grüße, 東京, \u2028 }")
    kept = data.model_dump_json(by_alias=True).encode()
    told = event_bytes(MailReceivedEvent, kept, subject=about, **ATTRIBUTES)
    assert told == event_bytes(MailReceivedEvent, data, subject=about, **ATTRIBUTES)
    assert MailReceivedEvent.model_validate_json(told).data == data


def test_data_of_another_fact_is_refused() -> None:
    with pytest.raises(ValidationError):
        event_bytes(SendRequestedEvent, mail_received(), subject=None, **ATTRIBUTES)
