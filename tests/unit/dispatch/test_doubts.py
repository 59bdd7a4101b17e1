"""What follows from looking for a doubtful mail among sent mail: a table."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.domain.attempts import Attempt, Step, is_orphan
from dispatch.domain.doubts import Finding, Looks
from send_builders import send_requested

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGAIN = Finding.LOOK_AGAIN


@pytest.mark.parametrize(
    ("answers", "findings"),
    [
        ([True], [Finding.SENT]),
        ([False, True], [AGAIN, Finding.SENT]),
        ([None, False, True], [AGAIN, AGAIN, Finding.SENT]),
        ([False, False, False], [AGAIN, AGAIN, Finding.NOT_SENT]),
        ([None, None, None], [AGAIN, AGAIN, Finding.UNKNOWABLE]),
        ([None, False, None, False, False], [AGAIN, AGAIN, AGAIN, AGAIN, Finding.NOT_SENT]),
        ([False, None, False, None, None], [AGAIN, AGAIN, AGAIN, AGAIN, Finding.UNKNOWABLE]),
    ],
)
def test_it_was_sent_if_found_and_not_if_missed_three_times(
    answers: list[bool | None], findings: list[Finding]
) -> None:
    """INVARIANT: a look that could not look never lets a mail be sent again."""
    looks = Looks()
    doubt = looks.begin("lost", "box", now=NOW)
    seen = []
    for found in answers:
        finding, doubt = looks.after(doubt, found=found, now=doubt.look_at)
        seen.append(finding)
    assert seen == findings


def test_three_looks_take_two_minutes() -> None:
    looks = Looks()
    doubt = looks.begin("lost", "box", now=NOW)
    at = [doubt.look_at]
    for _ in range(2):
        _, doubt = looks.after(doubt, found=False, now=doubt.look_at)
        at.append(doubt.look_at)
    assert [(one - NOW).total_seconds() for one in at] == [10, 40, 120]


def test_a_claim_that_is_looked_into_is_no_orphan() -> None:
    """INVARIANT: a restart in between goes on looking, and does not begin anew."""
    attempt = Attempt(
        request=send_requested(),
        step=Step.CLAIMED,
        accepted_at=NOW,
        claimed_by="a",
        claimed_at=NOW,
    )
    looked_into = attempt.model_copy(update={"doubt": Looks().begin("lost", "box", now=NOW)})
    for one, orphan in ((attempt, True), (looked_into, False)):
        assert is_orphan(one, me="a", now=NOW, send_limit=timedelta(0)) is orphan
