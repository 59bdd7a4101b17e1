"""Each process is killed in the middle and comes back: nothing lost, nothing twice."""

import os
import signal
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from servers.customer import new_mail
from servers.stack import LocalStack

pytestmark = [pytest.mark.xdist_group("crashes"), pytest.mark.timeout(300)]

_MAILS = 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    running = LocalStack(tmp_path_factory.mktemp("crashes") / "home").start()
    running.widen_fuses()
    yield running
    assert running.stop() == 0


def deliver(stack: LocalStack, mail: EmailMessage, *, seconds: float = 60) -> None:
    """As a mail server does: what is not accepted is tried again (RFC 5321 §4.5.4.1)."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with smtplib.SMTP(*stack.address("smtp_in"), timeout=20) as smtp:
                smtp.send_message(mail)
        except (OSError, smtplib.SMTPException):
            assert time.monotonic() < deadline, "never accepted"
            time.sleep(0.2)
        else:
            return


def under_load(stack: LocalStack, name: str, disturb: Any) -> list[str]:
    """Send mails from two clients while something happens; gives back their subjects."""
    subjects = [f"{name} {number}" for number in range(_MAILS)]

    def client(mine: list[str]) -> None:
        for subject in mine:
            sender = subject.replace(" ", "-")
            deliver(stack, new_mail(subject, sender=f"C <{sender}@example.com>"))
            time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(subjects[at::2],)) for at in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    disturb()
    for thread in threads:
        thread.join()
    return subjects


def tickets(stack: LocalStack, name: str) -> list[dict[str, Any]]:
    answer = stack.api("GET", f"tickets?limit=200&q={name}")
    return answer.body["items"] if answer.status == 200 else []


def check(stack: LocalStack, name: str, subjects: list[str]) -> Counter[str]:
    """One ticket a mail, one receipt a ticket; gives back how the receipts ended."""
    stack.until(
        lambda: len(tickets(stack, name)) >= len(subjects), seconds=90, what=f"tickets of {name}"
    )

    def receipts() -> list[str]:
        found = [m for t in tickets(stack, name) for m in stack.messages(t["number"])]
        return [m["delivery"]["state"] for m in found if m["direction"] == "outbound"]

    ended = {"sent", "held", "failed", "in-doubt"}
    stack.until(
        lambda: len(receipts()) >= len(subjects) and set(receipts()) <= ended,
        seconds=90,
        what=f"receipts of {name}",
    )
    found = Counter(ticket["title"] for ticket in tickets(stack, name))
    assert found == Counter(subjects)
    assert all(ticket["message_count"] == 2 for ticket in tickets(stack, name))
    states = Counter(receipts())
    sent = Counter(str(mail["To"]) for mail in stack.outbox() if f"{name}-" in str(mail["To"]))
    assert not [to for to, count in sent.items() if count > 1], "a receipt went out twice"
    # What is in doubt may have gone out or not; what is `sent` did.
    assert states["sent"] <= len(sent) <= states["sent"] + states["in-doubt"]
    assert sum(states.values()) == len(subjects)
    return states


@pytest.mark.parametrize("service", ["ingest-forward", "ticketing", "loopguard", "config"])
def test_a_killed_service_loses_nothing_and_doubles_nothing(
    stack: LocalStack, service: str
) -> None:
    name = f"kill{service}".replace("-", "")
    subjects = under_load(stack, name, lambda: stack.kill(service))
    stack.wait_ready()
    assert check(stack, name, subjects) == {"sent": _MAILS}


def test_a_killed_dispatch_doubles_nothing_and_says_what_is_in_doubt(stack: LocalStack) -> None:
    """At most one mail per connection can have been in the middle of being handed over."""

    def thrice() -> None:
        for _ in range(3):
            stack.kill("dispatch")
            stack.until(lambda: "dispatch" in stack.endpoints["pids"])
            time.sleep(0.4)

    subjects = under_load(stack, "killdispatch", thrice)
    stack.wait_ready()
    states = check(stack, "killdispatch", subjects)
    assert set(states) <= {"sent", "in-doubt"}
    assert states["in-doubt"] <= 12


def test_a_restart_of_nats_loses_nothing_and_doubles_nothing(stack: LocalStack) -> None:
    subjects = under_load(stack, "killnats", lambda: stack.kill("nats"))
    stack.wait_ready()
    states = check(stack, "killnats", subjects)
    assert set(states) <= {"sent", "in-doubt"}


def test_a_restart_of_mongodb_loses_nothing_and_doubles_nothing(stack: LocalStack) -> None:
    subjects = under_load(stack, "killmongo", lambda: stack.kill("mongodb"))
    stack.wait_ready()
    assert check(stack, "killmongo", subjects) == {"sent": _MAILS}
    parked = stack.api("GET", "tickets?limit=1")
    assert parked.status == 200


def test_a_restart_of_the_relay_delays_and_doubles_nothing(stack: LocalStack) -> None:
    subjects = under_load(stack, "killoutbox", lambda: stack.kill("outbox"))
    # What was refused for now is tried again after a minute, by the schedule.
    stack.until(lambda: len(tickets(stack, "killoutbox")) == len(subjects), what="tickets")
    states = check(stack, "killoutbox", subjects)
    assert set(states) <= {"sent", "in-doubt"}


def test_mail_is_refused_for_now_while_nats_is_away(tmp_path: Any) -> None:
    """451, so that the sending server keeps it (RFC 5321 §4.2.1)."""
    # A stack of its own, whose NATS is not started again.
    stack = LocalStack(tmp_path / "home").start()
    try:
        pid = stack.endpoints["pids"]["nats"]
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        with (
            smtplib.SMTP(*stack.address("smtp_in"), timeout=60) as smtp,
            pytest.raises(smtplib.SMTPResponseException) as refused,
        ):
            smtp.send_message(new_mail("While away"))
        assert refused.value.smtp_code == 451
        assert time.monotonic() - started < 40
        os.kill(pid, signal.SIGCONT)
        deliver(stack, new_mail("Afterwards"))
        stack.ticket_titled("Afterwards")
    finally:
        assert stack.stop() == 0


def test_data_survives_a_restart_and_ctrl_c_is_quick(tmp_path: Any) -> None:
    stack = LocalStack(tmp_path / "home").start()
    deliver(stack, new_mail("Before the restart"))
    number = stack.ticket_titled("Before the restart")["number"]
    token = stack.endpoints["agent_token"]
    started = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - started < 15
    stack.start()
    assert stack.endpoints["agent_token"] == token
    assert stack.ticket_titled("Before the restart")["number"] == number
    deliver(stack, new_mail("After the restart"))
    assert stack.ticket_titled("After the restart")["number"] > number
    assert stack.stop() == 0
