"""The writer's own words: exactly, and how many of them were lost."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from corpus.answers import Answer, answer
from corpus.source import Mail, expectations, load
from postbus.mail.own_words import own_words
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedMail

_SPACE = re.compile(r"\s+")


def replies_of_texts(root: Path) -> Iterator[Answer]:
    """The sources that keep bare texts."""
    trimmer = root / "email_reply_trimmer"
    for path in sorted((trimmer / "emails").glob("*.txt")):
        want = (trimmer / "trimmed" / path.name).read_text("utf-8")
        yield from _exactly(f"email_reply_trimmer/{path.name}", want, _own(path.read_text("utf-8")))
    parser = root / "email_reply_parser"
    for name, expected in expectations(parser).items():
        got = _own((parser / name).read_text("utf-8"))
        if "reply_exact" in expected:
            yield from _exactly(f"email_reply_parser/{name}", expected["reply_exact"], got)
        elif "reply_contains" in expected or "reply_startswith" in expected:
            right = got.startswith(expected.get("reply_startswith", "")) and all(
                words in got for words in expected.get("reply_contains", [])
            )
            label = f"email_reply_parser/{name}"
            yield Answer("reply: begins or contains", label, int(right), want=expected, got=got)
    for case in load(root / "talon" / "inline_cases.json", []):
        if case["kind"] == "plain":
            yield from _exactly(f"talon {case['id']}", case["expected"], _own(case["input"]))


def replies_of_mails(mail: Mail, parsed: ParsedMail) -> Iterator[Answer]:
    """Mails whose reply is known."""
    if mail.source in ("talon", "discourse") and "reply_exact" in mail.want:
        yield from _exactly(mail.label, mail.want["reply_exact"], parsed.text)


def replies_of_html(root: Path) -> Iterator[Answer]:
    """HTML replies; white space is left out of the comparison, since peers write HTML, too."""
    talon = root / "talon"
    for name, expected in expectations(talon).items():
        if "reply_ignoring_whitespace" in expected:
            html = (talon / name).read_text("utf-8", "replace")
            yield _in_html(f"talon/{name}", html, expected["reply_ignoring_whitespace"])
    for case in load(talon / "inline_cases.json", []):
        if case["kind"] == "html":
            yield _in_html(f"talon {case['id']}", case["input"], _text_of(case["expected"]))
    for case in load(root / "freescout" / "html_reply_cases.json", []):
        yield _in_html(f"freescout {case['id']}", case["input"], _text_of(case["expected_html"]))


def _own(text: str) -> str:
    return own_words(text.replace("\r\n", "\n")).strip()


def _exactly(where: str, want: str, got: str) -> Iterator[Answer]:
    want, got = want.replace("\r\n", "\n").strip(), got.strip()
    yield answer("reply: exactly", where, want=want, got=got)
    words, kept = Counter(want.split()), Counter(got.split())
    lost = words - kept
    asked = words.total()
    if asked:
        yield Answer(
            "reply: writer's words kept", where, asked - lost.total(), asked, "all", sorted(lost)
        )


def _in_html(where: str, html: str, want: str) -> Answer:
    got = parse(_html_mail(html)).text
    squeezed = _SPACE.sub("", got)
    right = squeezed == _SPACE.sub("", want)
    return Answer("reply: HTML", where, int(right), want=want, got=got)


def _text_of(html: str) -> str:
    return parse(_html_mail(html)).full_text if "<" in html else html


def _html_mail(html: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = "customer@corpus.localhost"
    mail["Subject"] = "Re: corpus"
    mail.set_content(html, subtype="html")
    return mail.as_bytes()


def dumped(value: object) -> str:
    """A value of a miss on one line."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_listed)
    except TypeError:
        return repr(value)


def _listed(value: object) -> object:
    return sorted(value, key=str) if isinstance(value, set | frozenset) else repr(value)
