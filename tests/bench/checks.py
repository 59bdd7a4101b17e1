"""Nothing lost, nothing twice, nothing garbled: what a figure is worthless without."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.generator import Mail
from bench.watching import Told
from postbus.contracts.mail import MailKind

OPENED, REPLIED = "postbus.ticket.opened.", "postbus.ticket.customer-replied."
"""An answer that overtakes a large mail opens the thread, and that mail joins it."""
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_HEAD_BYTES = 8192
_MAY_HOLD = ("L6", "L15", "L16")
"""A person who wants no answers; one who writes, at this speed, as quickly as a robot; one whose
words come again."""
_SHOWN = 5


class Outbox:
    """The Maildir where all mail that leaves is caught."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "new"
        self._read: dict[str, tuple[str, float]] = {}

    def arrived(self) -> dict[str, list[float]]:
        """When each came, in seconds of the clock, by Message-ID."""
        found: dict[str, list[float]] = {}
        for file in self._folder.iterdir():
            if file.name not in self._read:
                with file.open("rb") as opened:
                    match = _MESSAGE_ID.search(opened.read(_HEAD_BYTES))
                message_id = match.group(1).decode() if match else file.name
                self._read[file.name] = (message_id, file.stat().st_mtime_ns / 1e9)
            message_id, at = self._read[file.name]
            found.setdefault(message_id, []).append(at)
        return found


def tickets_wrong(mails: Sequence[Mail], told: Iterable[Told]) -> list[str]:
    """Each mail is told once, as it was written, on the ticket of its thread."""
    events: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for one in told:
        data = one.data
        events.setdefault(data["message"]["message_id"], []).append((one.subject, data))
    wrong = [
        f"{mail.message_id}: told {len(events.get(mail.message_id, []))} times"
        for mail in mails
        if len(events.get(mail.message_id, [])) != 1
    ]
    known = {mail.message_id for mail in mails}
    wrong += [f"{message_id}: nobody sent it" for message_id in events if message_id not in known]
    if wrong:
        return _some("ticket events", wrong)
    of_root = {mail.root: events[mail.root][0][1]["ticket"]["number"] for mail in mails}
    openers = Counter[str]()
    for mail in mails:
        ((subject, data),) = events[mail.message_id]
        openers[mail.root] += subject.startswith(OPENED)
        wrong += _event_wrong(mail, subject, data, ticket=of_root[mail.root])
    wrong += [f"{root}: {n} mails opened its thread" for root, n in openers.items() if n != 1]
    if len(set(of_root.values())) != len(of_root):
        wrong.append(f"{len(of_root)} threads on {len(set(of_root.values()))} tickets")
    return _some("ticket events", wrong)


def _event_wrong(mail: Mail, subject: str, data: dict[str, Any], *, ticket: int) -> list[str]:
    message = data["message"]
    files = {one["sha256"] for one in message["attachments"]}
    facts = {
        f"is {subject}": subject.startswith((OPENED, REPLIED)),
        f"on ticket {data['ticket']['number']}": data["ticket"]["number"] == ticket,
        "another subject": message["subject"] == mail.subject,
        "files missing": files >= set(mail.attachments),
    }
    return [f"{mail.message_id}: {name}" for name, right in facts.items() if not right]


def receipts_due(mails: Iterable[Mail], told: Iterable[Told]) -> int:
    """How many receipts must be asked for: one for each ticket that a person opened."""
    people = {mail.message_id for mail in mails if mail.kind is MailKind.HUMAN}
    opened = (one.data for one in told if one.subject.startswith(OPENED))
    return sum(data["message"]["message_id"] in people for data in opened)


def received_wrong(mails: Sequence[Mail], received: Iterable[dict[str, Any]]) -> list[str]:
    """Each mail was read as what it is: its kind, and the writer's own words."""
    by_id = {one["message_id"]: one for one in received}
    wrong = []
    for mail in mails:
        one = by_id.get(mail.message_id)
        if one is None:
            wrong.append(f"{mail.message_id}: not received")
        elif one["kind"] != mail.kind:
            wrong.append(f"{mail.message_id}: {one['kind']} instead of {mail.kind}")
        elif mail.kind is not MailKind.BOUNCE and not _says(one, mail.opening):
            wrong.append(f"{mail.message_id}: its first sentence is not in its text")
    return _some("mails received", wrong)


def sent_wrong(
    expected: int, requested: Sequence[Told], ended: Sequence[Told], outbox: Outbox
) -> list[str]:
    """As many as expected were asked for, each came to one end, and what was sent is there once."""
    wrong = []
    if len(requested) != expected:
        wrong.append(f"{len(requested)} asked for instead of {expected}")
    ends = [(one.subject, one.data) for one in ended]
    twice = [one for one, n in Counter(data["send_id"] for _, data in ends).items() if n > 1]
    wrong += [f"{send_id}: ended twice" for send_id in twice]
    arrived = outbox.arrived()
    for subject, data in ends:
        there = len(arrived.get(data["message_id"], []))
        rule = (data["verdict"] or {}).get("rule")
        if subject.startswith("postbus.send.sent."):
            if there != 1:
                wrong.append(f"{data['message_id']}: sent, and {there} times in the outbox")
        elif not (subject.startswith("postbus.send.held.") and rule in _MAY_HOLD and not there):
            wrong.append(f"{data['send_id']}: {subject} by {rule}, {there} times in the outbox")
    return _some("mails sent", wrong)


def _says(received: dict[str, Any], opening: str) -> bool:
    return " ".join(opening.split()) in " ".join(received["text"].split())


def _some(what: str, wrong: list[str]) -> list[str]:
    more = [f"{what}: and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return [f"{what}: {one}" for one in wrong[:_SHOWN]] + more
