"""Which mail is held, and why."""

from datetime import UTC, datetime

import pytest

from doubles.mails import mail_received
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import MailKind, Release, Signals
from ticketing.domain.held import Held, why_held

RELEASE = Release(by="ada", at=datetime(2026, 11, 23, tzinfo=UTC), held_as="m1")


def hops(count: int) -> Signals:
    return Signals(received_count=count)


@pytest.mark.parametrize("kind", [MailKind.HUMAN, MailKind.LIST, MailKind.BOUNCE])
@pytest.mark.parametrize(
    ("count", "limits", "held"),
    [
        (0, LoopLimits(), False),
        (29, LoopLimits(), False),
        (30, LoopLimits(), True),
        (1000, LoopLimits(), True),
        (29, LoopLimits(received_fields_held=29), True),
        (99, LoopLimits(received_fields_held=100), False),
    ],
)
def test_a_mail_that_went_through_thirty_servers_is_held(
    kind: MailKind, count: int, limits: LoopLimits, *, held: bool
) -> None:
    mail = mail_received(kind=kind, signals=hops(count))
    found = why_held(mail, limits)
    most = limits.received_fields_held
    detail = f"{count} Received fields; held from {most} on"
    assert found == (Held("came-a-long-way", detail) if held else None)


def test_our_own_mail_is_held_as_such_however_far_it_came() -> None:
    mail = mail_received(kind="own", kind_reasons=("own-stamp:receipt",), signals=hops(99))
    assert why_held(mail, LoopLimits()) == Held("own-mail-came-back", "own-stamp:receipt")


@pytest.mark.parametrize("kind", [MailKind.OWN, MailKind.HUMAN])
def test_what_was_released_is_held_for_nothing(kind: MailKind) -> None:
    mail = mail_received(kind=kind, signals=hops(99), released=RELEASE)
    assert why_held(mail, LoopLimits()) is None
