"""The yardstick does not change: the same seed gives the same mails."""

import hashlib
from collections import Counter

import pytest

from bench.generator import Mail, mails
from postbus.contracts.mail import MailKind
from postbus.mail.kind import classify
from postbus.mail.parse import parse

COUNT = 400


@pytest.fixture(scope="module")
def corpus() -> list[Mail]:
    return list(mails(COUNT, seed=7))


def digest(corpus: list[Mail]) -> str:
    return hashlib.sha256(b"".join(mail.raw for mail in corpus)).hexdigest()


def test_the_same_seed_gives_the_same_bytes(corpus: list[Mail]) -> None:
    assert digest(list(mails(COUNT, seed=7))) == digest(corpus)
    assert digest(list(mails(COUNT, seed=8))) != digest(corpus)


def test_a_shorter_run_is_the_beginning_of_a_longer_one(corpus: list[Mail]) -> None:
    assert list(mails(50, seed=7)) == corpus[:50]


def test_another_edition_has_the_same_shapes_and_no_mail_in_common(corpus: list[Mail]) -> None:
    other = list(mails(COUNT, seed=7, edition="b"))
    assert [mail.kind for mail in other] == [mail.kind for mail in corpus]
    assert {len(mail.attachments) for mail in other} == {len(mail.attachments) for mail in corpus}
    assert sum(len(mail.raw) for mail in other) == pytest.approx(
        sum(len(mail.raw) for mail in corpus), rel=0.01
    )
    for field in ("message_id", "envelope_from"):
        ours, theirs = ({getattr(mail, field) for mail in one} for one in (corpus, other))
        assert ours & theirs <= {""}
    files = ({sha for mail in one for sha in mail.attachments} for one in (corpus, other))
    assert not set.intersection(*files)


def test_a_quarter_are_replies_and_a_twentieth_carries_a_large_file() -> None:
    corpus = list(mails(2000, seed=1))
    kinds = Counter(mail.kind for mail in corpus)
    replies = sum(not mail.opens for mail in corpus)
    large = sum(len(mail.raw) > 100_000 for mail in corpus)
    assert 0.22 < replies / len(corpus) < 0.32
    assert 0.03 < large / len(corpus) < 0.07
    assert len({mail.envelope_from for mail in corpus}) > 500
    assert all(kinds[kind] >= 5 for kind in (MailKind.BOUNCE, MailKind.LIST, MailKind.AUTO_REPLY))
    assert len({mail.message_id for mail in corpus}) == len(corpus)


def test_a_reply_follows_what_it_answers_on_the_thread_of_its_root(corpus: list[Mail]) -> None:
    seen: set[str] = set()
    for mail in corpus:
        assert mail.opens or mail.root in seen
        seen.add(mail.message_id)


def test_every_mail_reads_as_it_was_meant(corpus: list[Mail]) -> None:
    """Subject, text, kind and files, in every language and charset of the corpus."""
    for mail in corpus:
        parsed = parse(mail.raw)
        kind, _ = classify(parsed, mail.envelope_from, None)
        assert kind is mail.kind, mail
        assert parsed.message_id == mail.message_id
        assert parsed.subject == mail.subject
        assert {one.sha256 for one in parsed.attachments} >= set(mail.attachments)
        if mail.kind is not MailKind.BOUNCE:
            assert mail.opening in parsed.full_text


def test_without_large_files_a_mail_is_small() -> None:
    assert max(len(mail.raw) for mail in mails(COUNT, seed=7, large=False)) < 250_000
