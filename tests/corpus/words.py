"""Words that a reader must find in a mail, where a peer does not give the whole text."""

from collections.abc import Iterator
from typing import Any

from corpus.answers import Answer
from corpus.source import Mail
from postbus.mail.parsed import ParsedMail


def words(mail: Mail, parsed: ParsedMail) -> Iterator[Answer]:
    """Beginnings, ends and words of subject and texts."""
    for key, right in _checks(mail.want, parsed):
        yield Answer("words found", f"{mail.label} {key}", int(right), want=mail.want[key])


def _checks(want: dict[str, Any], parsed: ParsedMail) -> Iterator[tuple[str, bool]]:
    text, html = parsed.full_text, parsed.html or ""
    for key, where in (
        ("text_contains", text),
        ("html_contains", html + text),
        ("subject_contains", parsed.subject),
    ):
        if key in want:
            yield key, all(words in where for words in want[key])
    if "subject_prefix" in want:
        yield "subject_prefix", parsed.subject.startswith(want["subject_prefix"])
    if "text_endswith" in want:
        yield "text_endswith", text.rstrip().endswith(want["text_endswith"].rstrip())
    key = "text_exact_ignoring_trailing_space"
    if key in want:
        yield key, text.strip() == want[key].strip()
