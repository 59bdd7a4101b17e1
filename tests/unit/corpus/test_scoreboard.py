"""The scoreboard counts what it says it counts, on a folder made here."""

import json
from pathlib import Path

import pytest

from builders import multipart_mail, part, raw_mail
from corpus.__main__ import main
from corpus.answers import Answer, scoreboard
from corpus.replies import replies_of_texts

BOUNCE = multipart_mail(
    "report",
    part("text/plain", "Sorry.\r\n"),
    part(
        "message/delivery-status",
        "\r\nFinal-Recipient: rfc822; bob@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    ),
    headers={"From": "MAILER-DAEMON@example.net"},
    report_type="delivery-status",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of one source with a right and a wrong answer to most questions."""
    source = tmp_path / "own"
    source.mkdir()
    (source / "first.eml").write_bytes(raw_mail({"Message-ID": "<1@x>"}))
    (source / "answer.eml").write_bytes(raw_mail({"Message-ID": "<2@x>", "In-Reply-To": "<1@x>"}))
    (source / "alone.eml").write_bytes(raw_mail({"Message-ID": "<3@x>"}))
    (source / "bounce.eml").write_bytes(BOUNCE)
    (source / "note.md").write_text("no mail\n")
    (source / "old.mbox").write_bytes(b"From a\n" + raw_mail() + b"\n\nFrom b\n" + raw_mail())
    expected = {
        "first.eml": {"subject": "Printer on fire", "thread": "A", "to": ["nobody@example.com"]},
        "answer.eml": {
            "in_reply_to": ["1@x"],
            "thread": "A",
            "cls": "normal",
            "peer_choice": "so",
        },
        "alone.eml": {"thread": "A", "text_contains": ["Help"], "subject_prefix": "No"},
        "bounce.eml": {
            "cls": "bounce",
            "recipients": ["BOB@example.com"],
            "reports": [
                {"status": "5.1.1", "hard": True},
                {"status": "5.0.911", "hard": True},
            ],
        },
        "old.mbox": {"mbox": True},
    }
    (source / "expected.json").write_text(json.dumps(expected))
    ordinary = {"files": ["own/first.eml", "own/bounce.eml"]}
    (tmp_path / "negatives.json").write_text(json.dumps(ordinary))
    return tmp_path


def scores(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, int]]:
    assert main([str(folder), "--json"]) == 0
    return {
        line["question"]: (line["right"], line["asked"])
        for line in json.loads(capsys.readouterr().out)
    }


def test_every_question_of_the_folder_is_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scores(folder, capsys) == {
        "reads it": (6, 6),
        "fields, the peer's taste": (1, 1),
        "fields": (1, 2),
        "words found": (1, 2),
        "kind: no false alarm": (1, 2),
        "kind: human": (1, 1),
        "kind: bounce": (1, 1),
        "bounce: addresses exactly": (1, 1),
        "bounce: status": (1, 1),
        "bounce: hard or soft": (0, 1),
        "thread: precision": (1, 1),
        "thread: recall": (1, 3),
    }


def test_misses_are_shown_with_what_was_wanted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--misses"]) == 0
    shown = capsys.readouterr().out
    assert "fields                                    1/2      (50.0 %)" in shown
    assert 'own/first.eml to\n        want ["nobody@example.com"]' in shown


def test_without_a_folder_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "absent")]) == 2
    assert "CORPUS=" in capsys.readouterr().err


def test_lost_words_are_counted_apart_from_exactness(tmp_path: Path) -> None:
    """A reply of which a word is missing is wrong once, and one word of three is lost."""
    trimmer = tmp_path / "email_reply_trimmer"
    for name, text in (("emails", "two words\n"), ("trimmed", "two words more\n")):
        (trimmer / name).mkdir(parents=True)
        (trimmer / name / "a.txt").write_text(text)
    lines = scoreboard(replies_of_texts(tmp_path))
    assert {name: (line.right, line.asked) for name, line in lines.items()} == {
        "reply: exactly": (0, 1),
        "reply: writer's words kept": (2, 3),
    }


def test_answers_are_summed_by_question_in_their_order() -> None:
    lines = scoreboard([Answer("b", "x", 1), Answer("a", "y", 0), Answer("b", "z", 2, 4)])
    assert list(lines) == ["b", "a"]
    assert (lines["b"].right, lines["b"].asked, lines["b"].percent) == (3, 5, 60.0)
    assert [miss.where for miss in lines["b"].misses] == ["z"]
