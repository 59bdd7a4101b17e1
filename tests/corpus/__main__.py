"""`make corpus CORPUS=folder`: how well real mail is read, one line a question.

The folder holds mails with the right answers beside them; nothing of it belongs to the project.
Being wrong is no failure of the run: the numbers are for people, and `--json` for programs.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus import containers, forwards, replies
from corpus.answers import Answer, Line, scoreboard
from corpus.fields import fields
from corpus.kinds import kinds
from corpus.source import Mail, load, mails
from corpus.words import words
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedMail

_LIMIT_SECONDS = 1.0
_SHOWN_CHARACTERS = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the questions were asked, however they were answered; 2 without a folder."""
    asked = _options().parse_args(arguments)
    if asked.folder is None or not asked.folder.is_dir():
        named = asked.folder or "of mails"
        print(f"There is no folder {named}: give one as CORPUS=…", file=sys.stderr)  # noqa: T201 - a command
        return 2
    lines = scoreboard(ask(asked.folder))
    print(_as_json(lines) if asked.json else _as_text(lines, with_misses=asked.misses))  # noqa: T201 - a command
    return 0


def ask(root: Path) -> Iterator[Answer]:
    """Every question of the folder, in the order of the scoreboard."""
    ordinary = frozenset(load(root / "negatives.json", {"files": []})["files"])
    forward = forwards.forward_reader()
    read: list[tuple[Mail, ParsedMail]] = []
    for mail in mails(root):
        began = time.process_time()
        try:
            parsed = parse(mail.raw)
        except Exception as error:  # noqa: BLE001 - that it raises is the finding
            yield Answer("reads it", mail.label, 0, want="no exception", got=repr(error))
            continue
        seconds = time.process_time() - began
        right = int(seconds < _LIMIT_SECONDS)
        yield Answer("reads it", mail.label, right, want="under 1 s", got=f"{seconds:.2f} s")
        read.append((mail, parsed))
    for mail, parsed in read:
        yield from fields(mail, parsed)
        yield from words(mail, parsed)
    for mail, parsed in read:
        yield from kinds(mail, parsed, ordinary)
    yield from replies.replies_of_texts(root)
    for mail, parsed in read:
        yield from replies.replies_of_mails(mail, parsed)
        yield from forwards.forward_of_mail(mail, parsed, forward)
        yield from containers.protection(mail, parsed)
    yield from replies.replies_of_html(root)
    yield from forwards.forwards_of_texts(root, forward)
    yield from forwards.threads(read)
    yield from containers.tnef(root)
    yield from forwards.subjects(root)


def _as_text(lines: dict[str, Line], *, with_misses: bool) -> str:
    shown = []
    for name, line in lines.items():
        shown.append(f"{name:<36} {line.right:>6}/{line.asked:<6} ({line.percent:.1f} %)")
        if with_misses:
            for miss in line.misses:
                want, got = (
                    replies.dumped(one)[:_SHOWN_CHARACTERS] for one in (miss.want, miss.got)
                )
                shown.append(f"    {miss.where}\n        want {want}\n        got  {got}")
    return "\n".join(shown)


def _as_json(lines: dict[str, Line]) -> str:
    return json.dumps(
        [
            {
                "question": name,
                "right": line.right,
                "asked": line.asked,
                "misses": [
                    {"where": m.where, "want": replies.dumped(m.want), "got": replies.dumped(m.got)}
                    for m in line.misses
                ],
            }
            for name, line in lines.items()
        ],
        ensure_ascii=False,
        indent=1,
    )


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="make corpus", description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", help="mails with answers beside them")
    options.add_argument("--misses", action="store_true", help="what was wanted and what came")
    options.add_argument("--json", action="store_true", help="for programs")
    return options


if __name__ == "__main__":
    sys.exit(main())
