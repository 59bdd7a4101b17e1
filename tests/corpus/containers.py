"""Files inside winmail.dat, and whether protection is recognised."""

import hashlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from corpus.answers import Answer, answer
from corpus.fields import bytes_of
from corpus.source import Mail, expectations
from postbus.mail.parse import parse
from postbus.mail.parsed import ParsedMail

_BODIES = ("message.rtf", "message.html", "message.txt")
_UNNAMED = "Untitled Attachment"
"""A name that the peer makes up for objects and for mails inside."""
_INTERFACES = tuple(
    bytes.fromhex(one + "0000 0000 c000 000000000046") for one in ("0b000000", "07030200")
)
"""IStorage and IMessage, which the peer leaves standing before the object."""


def tnef(root: Path) -> Iterator[Answer]:
    """Every bare TNEF file, put into a mail as Outlook does it."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for name, want in expectations(folder).items():
            if want.get("tnef") and name.endswith(".tnef"):
                parsed = parse(_winmail((folder / name).read_bytes()))
                yield from _files_inside(f"{folder.name}/{name}", want["files"], parsed)


def _files_inside(where: str, want: list[dict[str, Any]], parsed: ParsedMail) -> Iterator[Answer]:
    got = {(one.name, sha256) for one in parsed.attachments for sha256 in _hashes(bytes_of(one))}
    hashes = {sha256 for _, sha256 in got}
    bodies = [one for one in want if one["name"] in _BODIES]
    objects = [one for one in want if one["name"].startswith(_UNNAMED)]
    files = [one for one in want if one not in bodies and one not in objects]
    missing = [one["name"] for one in files if (one["name"], one["sha256"]) not in got]
    yield answer("TNEF: names and sha256", where, want=[], got=missing)
    for question, asked in (("body", bodies), ("object as the peer keeps it", objects)):
        for one in asked:
            right = int(one["sha256"] in hashes)
            yield Answer(f"TNEF: {question}", f"{where} {one['name']}", right, want=one)


def _hashes(data: bytes) -> Iterator[str]:
    """Of the bytes; of text with bare line ends, and of an OLE object behind its interface id."""
    for reading in (data, data.replace(b"\r\n", b"\n"), *(one + data for one in _INTERFACES)):
        yield hashlib.sha256(reading).hexdigest()


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
