"""Which marks of ours are on a mail that is read back, and when one is read."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.canary import Candidate, is_due, is_news, proof_of, silences
from dispatch.domain.compose import compose
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.guard import SendKind
from postbus.contracts.mailboxes import ChannelState, KnownHealth, MarksProof
from send_builders import send_requested

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
CHANNEL = OutboundChannel(id="relay", name="Relay", kind="relay")
RECEIPT = send_requested().model_copy(update={"kind": SendKind.RECEIPT, "automatic": True})
CANDIDATE = Candidate(RECEIPT, CHANNEL, RECEIPT.message_id, None, NOW)
WHOLE = compose(RECEIPT, CHANNEL, content=None, files=(), now=NOW).data
ALL = (
    "Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Postbus-Stamp", "Message-ID",
    "Reply-To",
)  # fmt: skip


def without(name: str) -> bytes:
    lines = WHOLE.split(b"\r\n")
    return b"\r\n".join(one for one in lines if not one.lower().startswith(name.lower().encode()))


def test_the_mail_that_we_wrote_has_every_mark() -> None:
    proof = proof_of(CANDIDATE, WHOLE, NOW)
    assert (proof.kept, proof.lost) == (ALL, ())
    assert (proof.checked_at, proof.send_id) == (NOW, RECEIPT.send_id)


@pytest.mark.parametrize("name", ALL)
def test_a_mark_that_is_gone_is_lost(name: str) -> None:
    proof = proof_of(CANDIDATE, without(name), NOW)
    assert proof.lost == (name,)
    assert silences(proof) is (name != "Auto-Submitted")


@pytest.mark.parametrize(
    ("was", "became", "lost"),
    [
        (b"Auto-Submitted: auto-replied", b"Auto-Submitted: no", "Auto-Submitted"),
        (b"Suppress: All", b"Suppress: None", "X-Auto-Response-Suppress"),
        (b"Message-ID: <pb.", b"Message-ID: <SN4PR.", "Message-ID"),
    ],
)
def test_a_mark_with_another_value_is_lost(was: bytes, became: bytes, lost: str) -> None:
    changed = WHOLE.replace(was, became)
    if lost == "Message-ID":
        changed = without("Message-ID").replace(b"\r\n\r\n", b"\r\nMessage-ID: <new@x>\r\n\r\n", 1)
    assert proof_of(CANDIDATE, changed, NOW).lost == (lost,)


def test_nothing_at_all_has_no_mark() -> None:
    assert proof_of(CANDIDATE, b"", NOW).lost == ALL


def health(marks: MarksProof | None) -> KnownHealth:
    return KnownHealth(
        channel="relay", state=ChannelState.CONNECTED, since=NOW, checked_at=NOW, marks=marks
    )


def lost(*names: str) -> MarksProof:
    return MarksProof(checked_at=NOW, send_id="s", kept=(), lost=names)


@pytest.mark.parametrize(
    ("known", "hours", "due"),
    [
        (None, 0, True),
        (health(None), 0, True),
        (health(lost()), 0, False),
        (health(lost()), 23.9, False),
        (health(lost()), 24, True),
    ],
)
def test_one_is_read_a_day(known: KnownHealth | None, hours: float, *, due: bool) -> None:
    assert is_due(known, NOW + timedelta(hours=hours)) is due


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (None, lost(), False),
        (None, lost("Precedence"), True),
        (lost(), lost("Precedence"), True),
        (lost("Precedence"), lost("Precedence"), False),
        (lost("Precedence", "Reply-To"), lost("Precedence"), False),
    ],
)
def test_only_what_was_not_lost_before_is_news(
    before: MarksProof | None, now: MarksProof, *, news: bool
) -> None:
    assert is_news(before, now) is news


def test_a_mail_that_is_not_found_within_two_hours_is_given_up() -> None:
    assert not CANDIDATE.is_over(NOW + timedelta(hours=2))
    assert CANDIDATE.is_over(NOW + timedelta(hours=2, seconds=1))


def test_unknown_marks_are_taken_to_be_there() -> None:
    assert silences(None)
