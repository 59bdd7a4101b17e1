"""Mails that somebody passed on by hand, subjects, and which mails belong together."""

import re
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from corpus.answers import Answer, answer
from corpus.source import Mail, load
from postbus.contracts.mail import Forwarded
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedMail
from postbus.mail.subjects import stripped_subject

Reader = Callable[[ParsedMail], Forwarded | None]
_ADDRESS: Final = re.compile(r"[^\s<>()\"',;:\[\]]+@[^\s<>()\"',;:\[\]]+")


def forward_reader() -> Reader | None:
    """What reads forwarded mail, where this release has it."""
    if find_spec("postbus.mail.forwarded") is None:
        return None
    reader: Reader = import_module("postbus.mail.forwarded").read_forwarded
    return reader


def forward_of_mail(mail: Mail, parsed: ParsedMail, read: Reader | None) -> Iterator[Answer]:
    """The author of a mail that is marked as a forward."""
    sender = mail.want.get("forward", {}).get("sender")
    if sender:
        yield from _author(mail.label, read(parsed) if read else None, sender, subject=None)


def forwards_of_texts(root: Path, read: Reader | None) -> Iterator[Answer]:
    """The bare texts of two sources, each put into a mail from a colleague."""
    for number, case in enumerate(load(root / "quotequail" / "inline_cases.json", [])):
        if "unwrap" not in case["test"]:
            continue
        expected = case["expected"] or {}
        is_forward = expected.get("type") == "forward"
        found = read(parse(_mail(case, expected, is_forward=is_forward))) if read else None
        label = f"quotequail {case['test']} {number}"
        if is_forward and "from" in expected:
            sender = parseaddr(expected["from"])[1] or expected["from"]
            yield from _author(label, found, sender, subject=expected.get("subject"))
        elif not is_forward:
            got = found.author.address if found else None
            yield answer("forward: none where none is", label, want=None, got=got)
    trimmer = root / "email_reply_trimmer"
    for path in sorted((trimmer / "embedded").glob("*.txt")):
        first = path.read_text("utf-8").lstrip().split("\n", 1)[0]
        address = _ADDRESS.search(first)
        if address is None:
            continue  # a name without an address says nobody
        text = (trimmer / "emails" / path.name).read_text("utf-8")
        found = read(parse(_mail({"text": text}, {}, is_forward=True))) if read else None
        yield from _author(f"email_reply_trimmer/{path.name}", found, address[0], subject=None)


def _author(
    where: str, found: Forwarded | None, sender: str, *, subject: str | None
) -> Iterator[Answer]:
    got = found.author.address.lower() if found else None
    yield answer("forward: author", where, want=sender.lower(), got=got)
    if subject is not None:
        got_subject = (found.subject or "").strip() if found else None
        yield answer("forward: subject", where, want=subject.strip(), got=got_subject)


def _mail(case: dict[str, Any], expected: dict[str, Any], *, is_forward: bool) -> bytes:
    mail = EmailMessage()
    mail["From"] = "A Colleague <colleague@corpus.localhost>"
    mail["To"] = "support@corpus.localhost"
    subject = re.sub(r"[\r\n]+", " ", expected.get("subject", "corpus"))
    mail["Subject"] = f"{'Fwd' if is_forward else 'Re'}: {subject}"
    if "html" in case:
        mail.set_content(case["html"], subtype="html")
    else:
        mail.set_content(case["text"])
    return mail.as_bytes()


def subjects(root: Path) -> Iterator[Answer]:
    """Subjects without what programs put around them."""
    for case in load(root / "zulip" / "subjects.json", []):
        subject, want = case["original_subject"], case["stripped_subject"]
        yield answer("subject stripped", repr(subject), want=want, got=stripped_subject(subject))


def threads(read: Iterable[tuple[Mail, ParsedMail]]) -> Iterator[Answer]:
    """Every pair of mails of one source whose conversation is known, joined by their ids alone."""
    by_source: dict[str, list[tuple[Mail, ParsedMail]]] = {}
    for mail, parsed in read:
        by_source.setdefault(mail.source, []).append((mail, parsed))
    for pairs in by_source.values():
        labelled = [one for one in pairs if "thread" in one[0].want]
        groups = _joined(parsed for _, parsed in labelled)
        for (a, in_a), (b, in_b) in combinations(zip(labelled, groups, strict=True), 2):
            same = a[0].want["thread"] == b[0].want["thread"]
            where = f"{a[0].label} {b[0].label}"
            if in_a == in_b:
                yield answer("thread: precision", where, want=same, got=True)
            if same:
                yield answer("thread: recall", where, want=True, got=in_a == in_b)


def _joined(mails: Iterable[ParsedMail]) -> list[int]:
    """The group of each mail: those that name a common Message-ID are of one group."""
    groups: list[int] = []
    known: dict[str, int] = {}
    for number, parsed in enumerate(mails):
        ids = {parsed.message_id, *parsed.in_reply_to, *parsed.references} - {None}
        met = {known[one] for one in ids if one in known}
        groups = [number if one in met else one for one in groups]
        known = {one: number if group in met else group for one, group in known.items()}
        known |= {one: number for one in ids if one is not None}
        groups.append(number)
    return groups
