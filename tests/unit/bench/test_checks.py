"""A benchmark that does not notice a lost mail measures nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.checks import OPENED, REPLIED, Outbox, received_wrong, sent_wrong, tickets_wrong
from bench.generator import Mail
from bench.watching import Told
from postbus.contracts.mail import MailKind


def mail(message_id: str, *, root: str | None = None) -> Mail:
    return Mail(
        raw=b"", message_id=message_id, root=root or message_id, envelope_from="a@example.com",
        subject="Help", opening="It broke.", kind=MailKind.HUMAN, attachments=("f" * 64,),
    )  # fmt: skip


def told(message_id: str, *, subject: str = OPENED, number: int = 1, **changed: Any) -> Told:
    message = {
        "message_id": message_id,
        "subject": "Help",
        "attachments": [{"sha256": "f" * 64}],
        **changed,
    }
    data = {"ticket": {"number": number}, "message": message}
    return Told(0.0, f"{subject}support", json.dumps({"data": data}).encode())


def ended(send_id: str, message_id: str, *, state: str = "sent", rule: str = "none") -> Told:
    data = {"send_id": send_id, "message_id": message_id, "verdict": {"rule": rule}}
    return Told(0.0, f"postbus.send.{state}.relay", json.dumps({"data": data}).encode())


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1").write_bytes(b"From: a@b.example\r\nMessage-ID: <out-1>\r\n\r\nText")
    return Outbox(tmp_path)


THREAD = [mail("a"), mail("b", root="a"), mail("c")]
GOOD = [told("a"), told("b", subject=REPLIED), told("c", number=2)]


def test_what_arrived_as_it_was_sent_is_right() -> None:
    assert tickets_wrong(THREAD, GOOD) == []


def test_an_answer_may_overtake_what_it_answers() -> None:
    overtaken = [told("a", subject=REPLIED), told("b"), told("c", number=2)]
    assert tickets_wrong(THREAD, overtaken) == []


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(GOOD[:2], id="lost"),
        pytest.param([*GOOD, told("c", number=2)], id="twice"),
        pytest.param([*GOOD, told("d", number=3)], id="from-nowhere"),
        pytest.param([GOOD[0], told("b", number=3), GOOD[2]], id="thread-split"),
        pytest.param([*GOOD[:2], told("c", number=1)], id="threads-merged"),
        pytest.param([GOOD[0], told("b"), GOOD[2]], id="opened-twice"),
        pytest.param([*GOOD[:2], told("c", number=2, attachments=[])], id="file-lost"),
    ],
)
def test_what_went_wrong_with_tickets_is_seen(events: list[Told]) -> None:
    assert tickets_wrong(THREAD, events) != []


@pytest.mark.parametrize(
    ("received", "right"),
    [
        ([{"message_id": "a", "kind": "human", "text": "It\nbroke. Help."}], True),
        ([{"message_id": "a", "kind": "human", "text": "It br?ke."}], False),
        ([{"message_id": "a", "kind": "bounce", "text": "It broke."}], False),
        ([], False),
    ],
)
def test_a_mail_is_read_as_what_it_is(received: list[dict[str, Any]], *, right: bool) -> None:
    assert (received_wrong([mail("a")], received) == []) is right


@pytest.mark.parametrize(
    ("expected", "ends", "right"),
    [
        (1, [ended("1", "out-1")], True),
        (1, [ended("1", "out-2", state="held", rule="L15")], True),
        (1, [ended("1", "out-2")], False),
        (1, [ended("1", "out-1"), ended("1", "out-1")], False),
        (1, [ended("1", "out-2", state="held", rule="L3")], False),
        (1, [ended("1", "out-1", state="held", rule="L15")], False),
        (1, [ended("1", "out-2", state="failed")], False),
        (2, [ended("1", "out-1")], False),
    ],
)
def test_what_was_sent_is_in_the_outbox_once(
    outbox: Outbox, expected: int, ends: list[Told], *, right: bool
) -> None:
    requested = [told("out-1")]
    assert (sent_wrong(expected, requested, ends, outbox) == []) is right
