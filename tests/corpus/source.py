"""The mails of a corpus folder, with the answers that stand beside them."""

import json
import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Final

_NO_MAIL: Final = frozenset((
    ".json", ".xml", ".html", ".tnef", ".list", ".md", ".bin", ".tsv", ".py",
))  # fmt: skip
_BODIES: Final = ("email_reply_trimmer/", "email_reply_parser/", "talon/signature/", "quotequail/")
_MBOX: Final = ("mox/imaptest/imaptest.mbox", "mox/importtest.mbox", "MimeKit/mbox/")
_DECODED: Final = re.compile(r"_decoded_[\d_]+\.txt$")


@dataclass(frozen=True)
class Mail:
    """One mail: where it stands, its bytes, and what is expected of it."""

    source: str
    label: str
    raw: bytes
    want: dict[str, Any] = field(default_factory=dict)


def mails(root: Path) -> Iterator[Mail]:
    """Every mail of the folder; those of an mbox singly, labelled `path#number`."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        expected = expectations(folder)
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(root).as_posix()
            if not path.is_file() or not _is_mail(relative):
                continue
            want = expected.get(path.relative_to(folder).as_posix(), {})
            if want.get("mbox") or relative.startswith(_MBOX):
                yield from _of_mbox(path, folder, expected)
            else:
                yield Mail(folder.name, relative, _without_envelope_line(path.read_bytes()), want)


def expectations(folder: Path) -> dict[str, Any]:
    """The answers of one source by path; empty where it has none."""
    return load(folder / "expected.json", {})


def load(path: Path, otherwise: Any) -> Any:
    """The JSON of the file, or ``otherwise`` where there is no such file."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else otherwise


def _of_mbox(path: Path, folder: Path, expected: dict[str, Any]) -> Iterator[Mail]:
    box = mailbox.mbox(path, create=False)
    name = path.relative_to(folder).as_posix()
    for number, key in enumerate(box.keys()):
        want = expected.get(f"{name}#{number}", {})
        yield Mail(folder.name, f"{folder.name}/{name}#{number}", box.get_bytes(key), want)
    box.close()


def _is_mail(relative: str) -> bool:
    name = relative.rsplit("/", 1)[-1]
    if PurePath(name).suffix in _NO_MAIL or name == "ARTISTIC-LICENSE.txt":
        return False
    if relative.startswith(_BODIES) or _DECODED.search(name):
        return False
    return not (relative.startswith("talon/") and name.endswith("_reply_text"))


def _without_envelope_line(raw: bytes) -> bytes:
    return raw.split(b"\n", 1)[-1] if raw.startswith(b"From ") else raw
