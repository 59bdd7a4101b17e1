from typing import Any

import pytest

from doubles.mails import mail_received
from postbus.contracts.base import BlobRef
from postbus_cli.domain.differences import Difference, differences, short


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({}, []),
        ({"subject": "Re: x", "text": "y"}, ["subject", "text"]),
        ({"kind": "bounce"}, ["kind"]),
        ({"channel": "other", "queue": "other", "ticket_type": "t"}, []),
        ({"raw": BlobRef(sha256="1" * 64, size_bytes=1)}, []),
        ({"content": BlobRef(sha256="1" * 64, size_bytes=1)}, ["content"]),
    ],
)
def test_only_what_is_read_in_a_mail_can_differ(changed: dict[str, Any], fields: list[str]) -> None:
    found = differences(mail_received(), mail_received(**changed))
    assert [one.field for one in found] == fields


def test_a_difference_has_both_values() -> None:
    (found,) = differences(mail_received(), mail_received(subject="Anders"))
    assert found == Difference("subject", "Printer on fire", "Anders")


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a", None, ('"a"', "null")),
        (["é"], [], ('["é"]', "[]")),
        ("x" * 50 + "OLD" + "z" * 50, "x" * 50 + "NEW" + "z" * 50,
         ("…xxxxxxxxxxxxOLDzzzz…", "…xxxxxxxxxxxxNEWzzzz…")),
        ("", "y" * 30, ('""', '"yyyyyyyyyyyyyyyyyy…')),
    ],
)  # fmt: skip
def test_long_values_are_shown_from_where_they_differ(
    old: Any, new: Any, shown: tuple[str, str]
) -> None:
    assert short(Difference("text", old, new), 20) == shown
