"""`postbus parse`, called as a shell calls it."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from builders import multipart_mail, part, raw_mail

POSTBUS = Path(sys.executable).parent / "postbus"


def run(
    *arguments: str | Path, given: bytes = b"", **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [POSTBUS, "parse", *arguments],
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "COLUMNS": "120", **environment},
    )


def documents(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    file = tmp_path / "mail.eml"
    file.write_bytes(
        multipart_mail(
            "mixed",
            part("text/plain", "Help.\n\n> an old line\n"),
            part("application/pdf", b"%PDF", Content_Disposition='attachment; filename="a.pdf"'),
            headers={"Subject": "Re: Printer on fire"},
        )
    )
    return file


def test_one_mail_is_one_document(mail: Path) -> None:
    done = run(mail, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    read = json.loads(done.stdout)
    assert read["from"] == {"name": "Anna Jansen", "address": "anna@example.com"}
    assert (read["subject"], read["stripped_subject"]) == (
        "Re: Printer on fire", "Printer on fire",
    )  # fmt: skip
    assert read["text"].strip() == "Help."
    assert "an old line" in read["full_text"]
    assert read["full_text_characters"] == len(read["full_text"])
    assert (read["kind"], read["message_id"]) == ("human", "first@example.com")
    assert read["sha256"] == sha256(mail.read_bytes()).hexdigest()
    assert read["size_bytes"] == mail.stat().st_size
    assert read["milliseconds"] > 0
    assert read["attachments"] == [
        {
            "name": "a.pdf",
            "content_type": "application/pdf",
            "size_bytes": 4,
            "sha256": sha256(b"%PDF").hexdigest(),
            "inline": False,
            "content_id": None,
        }
    ]


def test_people_see_a_table(mail: Path) -> None:
    shown = run(mail).stdout.decode()
    for words in ("Anna Jansen <anna@example.com>", "Re: Printer on fire", "human", "a.pdf", "4 B"):
        assert words in shown
    assert "an old line" not in shown


def test_standard_input_is_a_file_named_by_a_dash() -> None:
    read = json.loads(run("-", "--json", given=raw_mail()).stdout)
    assert (read["file"], read["subject"]) == ("-", "Printer on fire")


def test_several_mails_are_lines_in_their_order_with_what_could_not_be_read(
    mail: Path, tmp_path: Path
) -> None:
    done = run(tmp_path / "gone.eml", mail, tmp_path, "--json")
    assert done.returncode == 1
    gone, read, folder = documents(done.stdout)
    assert gone == {
        "file": str(tmp_path / "gone.eml"), "index": None, "error": "there is no such file",
    }  # fmt: skip
    assert read["file"] == str(mail)
    assert folder["error"] == "it is a folder; name the files in it"


def test_an_mbox_is_read_mail_by_mail(tmp_path: Path) -> None:
    file = tmp_path / "box"
    mails = [raw_mail({"Subject": f"number {n}"}) for n in range(3)]
    file.write_bytes(b"".join(b"From a@b Mon\r\n" + one + b"\r\n" for one in mails))
    found = documents(run("--mbox", "--json", file).stdout)
    assert [(one["index"], one["subject"]) for one in found] == [
        (0, "number 0"), (1, "number 1"), (2, "number 2"),
    ]  # fmt: skip


def test_a_file_that_is_no_mbox_is_said(mail: Path) -> None:
    done = run("--mbox", mail)
    assert done.returncode == 1
    assert b"no mail in it" in done.stderr
    assert done.stdout == b""


def test_a_mail_over_the_limit_is_said_and_the_others_are_read(mail: Path) -> None:
    done = run("-", mail, "--json", given=b"x" * 5000, MAX_MAIL_BYTES="2000")
    assert done.returncode == 1
    large, read = documents(done.stdout)
    assert "MAX_MAIL_BYTES" in large["error"]
    assert read["subject"] == "Re: Printer on fire"


def test_a_mail_that_takes_too_much_is_said_and_the_others_are_read(
    mail: Path, tmp_path: Path
) -> None:
    """The limits of the services hold here, too."""
    heavy = tmp_path / "heavy.eml"
    # one letter beyond the basic plane makes each letter of the text take four bytes
    text = "A line of words \U0001f642 that takes much room.\n" * 500_000
    heavy.write_bytes(raw_mail({"Content-Type": "text/plain; charset=utf-8"}, text))
    done = run(heavy, mail, "--json", READ_MEMORY_BYTES=str(300 * 1024 * 1024))
    unread, read = documents(done.stdout)
    assert done.returncode == 1
    assert "more memory" in unread["error"]
    assert read["subject"] == "Re: Printer on fire"


def test_what_steers_a_terminal_is_not_printed(tmp_path: Path) -> None:
    """INVARIANT: a subject must not rewrite the screen of who looks at it."""
    file = tmp_path / "evil.eml"
    encoded = "=?utf-8?Q?A=1B[2J=C2=9B2J_=E2=80=AEgpj.exe?="
    file.write_bytes(raw_mail({"Subject": encoded}, "\x1b]0;owned\x07Hi"))
    shown = run(file).stdout
    for bad in (b"\x1b", b"\xc2\x9b", "\u202e".encode(), b"\x07"):
        assert bad not in shown
    assert b"gpj.exe" in shown


def test_any_file_name_can_be_printed(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.eml"
    Path(os.fsdecode(name)).write_bytes(raw_mail())
    read = json.loads(run(os.fsdecode(name), "--json").stdout)
    assert read["file"].endswith("caf\ufffd.eml")
    assert run(os.fsdecode(name)).returncode == 0


def test_without_a_file_the_usage_is_said() -> None:
    done = run()
    assert done.returncode == 2
    assert b"FILE" in done.stderr
