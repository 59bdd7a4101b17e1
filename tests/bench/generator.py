"""The mails of the benchmark: the same bytes for the same seed, and as varied as a real mailbox.

`seed` decides the shapes, `edition` who writes and what sets a mail apart: two editions of a seed
cost the same to handle and are not duplicates of each other.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime, formataddr
from random import Random

from bench.corpus_bodies import Parts, assemble, encodable
from bench.corpus_words import DOMAINS, LANGUAGES, Language
from postbus.contracts.mail import MailKind

TO = "support@postbus.localhost"
_SENDERS = 600
_MIN_DISTANCE = 12
"""A reply is this many mails behind what it answers: more than there are connections."""
_BEGUN_AT = datetime(2025, 11, 3, 8, tzinfo=UTC)
_KINDS = (
    (MailKind.AUTO_REPLY, 0.04),
    (MailKind.LIST, 0.03),
    (MailKind.AUTO_GENERATED, 0.02),
    (MailKind.BOUNCE, 0.01),
)
_REPLIES = 0.29
"""Of what people write; about a quarter of all mails."""
_HEADERS: dict[MailKind, tuple[str, ...]] = {
    MailKind.AUTO_REPLY: ("Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"),
    MailKind.LIST: ("List-Id: <news.lists.example>", "Precedence: list"),
    MailKind.AUTO_GENERATED: ("Auto-Submitted: auto-generated",),
}


@dataclass(frozen=True)
class Mail:
    """One mail, and what must become of it. Ids are without angle brackets."""

    raw: bytes = field(repr=False)
    message_id: str
    root: str
    envelope_from: str
    subject: str
    opening: str
    kind: MailKind
    attachments: tuple[str, ...]

    @property
    def opens(self) -> bool:
        """It begins a thread."""
        return self.root == self.message_id


@dataclass(frozen=True)
class _Sender:
    name: str
    address: str
    language: Language


@dataclass(frozen=True)
class _Known:
    """An earlier mail that can be answered."""

    at: int
    mail: Mail
    sender: _Sender
    text: str
    references: tuple[str, ...]


def mails(count: int, *, seed: int, edition: str = "", large: bool = True) -> Iterator[Mail]:
    """The first `count` mails of a seed; without `large` none has a file over 60 kB."""
    rng = Random(f"shapes of {seed}")
    senders = _senders(seed, edition)
    known: list[_Known] = []
    for at in range(count):
        kind = _kind(rng)
        old = [one for one in known[-300:] if one.at <= at - _MIN_DISTANCE]
        joins = kind is MailKind.AUTO_REPLY or (kind is MailKind.HUMAN and rng.random() < _REPLIES)
        parent = rng.choice(old) if joins and old else None
        sender = parent.sender if parent else rng.choice(senders)
        if parent and rng.random() < 0.15:
            sender = rng.choice(senders)  # a colleague who was copied
        draft = _Draft(at, seed, edition, kind, sender, parent, large=large)
        made = draft.write(rng)
        if kind is MailKind.HUMAN:
            known.append(made)
        yield made.mail


@dataclass(frozen=True)
class _Draft:
    at: int
    seed: int
    edition: str
    kind: MailKind
    sender: _Sender
    parent: _Known | None
    large: bool = field(kw_only=True)

    def write(self, rng: Random) -> _Known:
        language, name = self.sender.language, self.sender.name
        charset = "utf-8" if rng.random() < 0.75 else rng.choice(language.charsets)
        parts = Parts.drawn(rng, language, name, quoting=self._quoted(), human=self._is_human)
        body = assemble(
            parts,
            charset=charset,
            token=self._token,
            rng=rng,
            files=Random(f"files of {self._token}"),
            large=self.large,
            report=self.kind is MailKind.BOUNCE,
        )
        subject = self._subject(rng)
        message_id = f"{self._token}@mua.{self.sender.address.rpartition('@')[2]}"
        references = (*self.parent.references, self.parent.mail.message_id) if self.parent else ()
        head = self._head(subject, message_id, references, charset=charset, rng=rng)
        mail = Mail(
            raw="\r\n".join((*head, "")).encode("ascii") + body.data,
            message_id=message_id,
            root=self.parent.mail.root if self.parent else message_id,
            envelope_from="" if self.kind is MailKind.BOUNCE else self.sender.address,
            subject=subject,
            opening=parts.opening,
            kind=self.kind,
            attachments=body.attachments,
        )
        return _Known(self.at, mail, self.sender, parts.text, references)

    @property
    def _is_human(self) -> bool:
        return self.kind is MailKind.HUMAN

    @property
    def _token(self) -> str:
        digest = hashlib.sha256(f"{self.seed}/{self.edition}/{self.at}".encode()).hexdigest()
        return f"{self.at}.{digest[:20]}"

    def _quoted(self) -> tuple[str, str] | None:
        if self.parent is None:
            return None
        attribution = self.parent.sender.language.attribution.format(name=self.parent.sender.name)
        return attribution, self.parent.text

    def _subject(self, rng: Random) -> str:
        fresh = f"{rng.choice(self.sender.language.subjects)} {self.at + 1000}"
        if self.kind is MailKind.BOUNCE:
            return "Undelivered Mail Returned to Sender"
        if self.parent is None:
            return fresh
        subject = self.parent.mail.subject
        return subject if subject.startswith("Re: ") else f"Re: {subject}"

    def _head(
        self, subject: str, message_id: str, references: tuple[str, ...], *, charset: str,
        rng: Random,
    ) -> list[str]:  # fmt: skip
        daemon = ("Mail Delivery System", f"MAILER-DAEMON@mx.{DOMAINS[0]}")
        who = daemon if self.kind is MailKind.BOUNCE else (self.sender.name, self.sender.address)
        sent_at = _BEGUN_AT + timedelta(seconds=self.at * 7)
        hop = f"from mx{self.at % 7}.example.net by mx.example.net with ESMTPS id {self.at:x}"
        head = [
            f"Received: {hop};\r\n\t{format_datetime(sent_at)}",
            f"From: {formataddr(who, encodable(who[0], charset))}",
            f"To: Support <{TO}>",
            f"Subject: {_encoded(subject, charset)}",
            f"Date: {format_datetime(sent_at)}",
            f"Message-ID: <{message_id}>",
            *_HEADERS.get(self.kind, ()),
        ]
        if references:
            head.append(f"In-Reply-To: <{references[-1]}>")
            head.append("References: " + "\r\n ".join(f"<{one}>" for one in references[-10:]))
        if self._is_human and rng.random() < 0.03:
            head.append("X-Auto-Response-Suppress: DR, OOF, AutoReply")
        return head


def _encoded(subject: str, charset: str) -> str:
    header = Header(subject, encodable(subject, charset), header_name="Subject")
    return header.encode(linesep="\r\n")


def _kind(rng: Random) -> MailKind:
    drawn = rng.random()
    for kind, share in _KINDS:
        if drawn < share:
            return kind
        drawn -= share
    return MailKind.HUMAN


def _senders(seed: int, edition: str) -> list[_Sender]:
    """People; an edition has its own, so that what one edition sends limits no other's receipts."""
    rng = Random(f"senders of {seed}")
    weights = (8, *(2 for _ in LANGUAGES[1:5]), *(1 for _ in LANGUAGES[5:]))
    found = []
    for n in range(_SENDERS):
        (language,) = rng.choices(LANGUAGES, weights)
        name, domain = rng.choice(language.names), rng.choice(DOMAINS)
        found.append(_Sender(name, f"{language.code}{n}{edition}@{domain}", language))
    return found
