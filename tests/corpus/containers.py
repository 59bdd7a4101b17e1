"""Files inside winmail.dat, and whether protection is recognised."""

import hashlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from corpus.answers import Answer, answer
from corpus.fields import bytes_of
from corpus.source import Mail, expectations
from postbus.mail import ParsedMail, parse

_BODIES = ("message.rtf", "message.html", "message.txt")


def tnef(root: Path) -> Iterator[Answer]:
    """Every bare TNEF file, put into a mail as Outlook does it."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for name, want in expectations(folder).items():
            if want.get("tnef") and name.endswith(".tnef"):
                parsed = parse(_winmail((folder / name).read_bytes()))
                yield from _files_inside(f"{folder.name}/{name}", want["files"], parsed)


def _files_inside(where: str, want: list[dict[str, Any]], parsed: ParsedMail) -> Iterator[Answer]:
    got = {(one.name, hashlib.sha256(bytes_of(one)).hexdigest()) for one in parsed.attachments}
    hashes = {sha256 for _, sha256 in got}
    files = [one for one in want if one["name"] not in _BODIES]
    missing = [one["name"] for one in files if not _is_there(one, got, hashes)]
    yield answer("TNEF: names and sha256", where, want=[], got=missing)
    for one in want:
        if one["name"] in _BODIES:
            found = int(one["sha256"] in hashes)
            yield Answer("TNEF: body as the peer writes it", where, found, want=one["name"])


def _is_there(one: dict[str, Any], got: set[tuple[str, str]], hashes: set[str]) -> bool:
    if one["name"].startswith("Untitled Attachment"):
        return one["sha256"] in hashes  # the peer made the name up
    return (one["name"], one["sha256"]) in got


def _winmail(data: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"] = "customer@corpus.localhost"
    mail["Subject"] = "corpus"
    mail.set_content("See the files.\n")
    mail.add_attachment(data, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return mail.as_bytes()


def protection(mail: Mail, parsed: ParsedMail) -> Iterator[Answer]:
    """Signed or encrypted; what is signed inside the encryption cannot be seen without a key."""
    if "encrypted" not in mail.want:
        return
    how = "smime" if mail.want.get("smime") else "pgp"
    if mail.want["encrypted"]:
        want = {f"{how}-encrypted"}
    else:
        want = {f"{how}-signed"} if mail.want["signed"] else set()
    got = set(getattr(parsed, "protection", ()))
    # a clear signature around or inside the encryption may be seen as well
    seen = got - {f"{how}-signed"} if mail.want["encrypted"] and mail.want["signed"] else got
    yield Answer("protection", mail.label, int(seen == want), want=want, got=got)
