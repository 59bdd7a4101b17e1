"""How documents are kept."""

from datetime import UTC, datetime

import pytest

from postbus.configuration import Kept, Unreadable, key_of, read_value, value_of
from postbus.contracts.configuration import Change, TicketType

CHANGE = Change(by="anna", at=datetime(2024, 5, 1, tzinfo=UTC))


def test_a_document_is_read_back_with_who_wrote_it() -> None:
    value = value_of({"id": "support", "name": "Support"}, CHANGE)
    kept = read_value(key_of("ticket-types", "support"), value, 3)
    assert isinstance(kept, Kept)
    assert kept.content() == TicketType(id="support", name="Support")
    assert (kept.change, kept.revision, kept.key) == (CHANGE, 3, "ticket-types.support")


def test_a_removed_document_still_says_who_removed_it() -> None:
    kept = read_value("ticket-types.support", value_of(None, CHANGE), 4)
    assert isinstance(kept, Kept)
    assert kept.content() is None
    assert kept.change.by == "anna"


@pytest.mark.parametrize(
    "value",
    [b"", b"nonsense", b"[]", b'{"document": {}}', b'{"document": 1, "change": 2}', b"\xff"],
)
def test_what_cannot_be_read_says_so_and_does_not_raise(value: bytes) -> None:
    assert isinstance(read_value("ticket-types.support", value, 1), Unreadable)


def test_a_document_that_breaks_its_model_names_the_field_and_not_the_value() -> None:
    kept = read_value("ticket-types.x", value_of({"id": "NOT A SLUG", "name": "x"}, CHANGE), 1)
    assert isinstance(kept, Kept)
    problem = kept.content()
    assert isinstance(problem, Unreadable)
    assert problem.problem == "not valid: id"


@pytest.mark.parametrize("key", ["meta.seeded", "unknown.x", "ticket-types", "ticket-types."])
def test_other_keys_hold_no_document(key: str) -> None:
    assert read_value(key, b"whatever", 1) is None
