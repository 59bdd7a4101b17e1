"""Hundreds of genuine alerts in an hour, with a customer in between: none of it is a loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from loops.robot import Planned, Robot, letter
from servers.customer import new_mail

CUSTOMER = "anna@customers.example"
_CHECKS = ("CPU load", "disk space on /var", "HTTP response time", "replication lag", "swap usage")


@dataclass
class Monitoring(Robot):
    """Each alert of another service; every second one says that a program wrote it.

    A customer writes in the middle, and the day after a person from the address of the robot.
    """

    address: str = "monitoring@customers.example"
    alerts: int = 500
    hours: float = 30
    letters_at_once: int = 20

    def begins(self) -> Iterator[Planned]:
        every = timedelta(hours=1) / self.alerts
        for number in range(self.alerts):
            yield number * every, letter(self._alert(number), self.address)
        yield timedelta(minutes=30), letter(self._from_a_person(CUSTOMER), CUSTOMER)
        yield timedelta(hours=26), letter(self._from_a_person(self.address), self.address)

    def _alert(self, number: int) -> EmailMessage:
        check, host = _CHECKS[number % len(_CHECKS)], f"web{number // len(_CHECKS):03}"
        marks = {"Auto_Submitted": "auto-generated", "Precedence": "bulk"} if number % 2 else {}
        text = (
            f"***** Monitoring *****\n\nNotification type: PROBLEM\n\nService: {check}\n"
            f"Host: {host}\nState: {'CRITICAL' if number % 3 else 'WARNING'}\n"
            f"Value: {60 + number % 40} %\n"
        )
        subject = f"** PROBLEM: {host}/{check} **"
        return new_mail(subject, text, sender=self.address, to=self.to, **marks)

    def _from_a_person(self, address: str) -> EmailMessage:
        text = "Since this morning I cannot log in. What can I do?"
        return new_mail("Cannot log in", text, sender=address, to=self.to)
