"""The parts of a mail, found in its bytes; what senders get wrong about boundaries and fields."""

import base64
import hashlib

import pytest

from postbus.mail.content import PIECE_BYTES, Content, is_clean_base64
from postbus.mail.parse import parse
from postbus.mail.structure import read_tree


def mail(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


def quiet(_: str) -> None:
    return


def test_parts_lie_where_their_boundaries_say() -> None:
    raw = mail(
        "Content-Type: multipart/mixed; boundary=b", "", "preamble", "--b", "", "one", "--b",
        "Content-Type: text/html", "", "<p>two", "--b--", "epilogue",
    )  # fmt: skip
    tree = read_tree(raw, quiet)
    assert [raw[part.start : part.end] for part in tree.children] == [b"one", b"<p>two"]
    assert [part.content_type for part in tree.children] == ["text/plain", "text/html"]


def test_a_boundary_that_begins_another_is_told_from_it() -> None:
    raw = mail(
        "Content-Type: multipart/mixed; boundary=a", "", "--a",
        "Content-Type: multipart/alternative; boundary=ab", "", "--ab", "", "inner", "--ab--",
        "--a", "", "outer", "--a--",
    )  # fmt: skip
    tree = read_tree(raw, quiet)
    assert len(tree.children) == 2
    assert [raw[one.start : one.end] for one in tree.children[0].children] == [b"inner"]


def test_an_inner_multipart_may_use_the_boundary_of_the_outer_one() -> None:
    raw = mail(
        "Content-Type: multipart/mixed; boundary=same", "", "--same",
        'Content-Type: multipart/alternative; boundary="same"', "", "--same", "", "words", "--same",
        "Content-Type: text/html", "", "<p>words", "--same--", "--same",
        "Content-Type: image/png; name=p.png", "", "picture", "--same--",
    )  # fmt: skip
    parsed = parse(raw)
    assert parsed.full_text == "words"
    assert [one.name for one in parsed.attachments] == ["p.png"]


@pytest.mark.parametrize("declared", ["", "; boundary=other"])
def test_a_boundary_that_is_missing_or_wrong_is_seen_in_the_body(declared: str) -> None:
    raw = mail(
        f"Content-Type: multipart/mixed{declared}", "", "--real", "Content-Type: text/plain", "",
        "words", "--real", "Content-Type: application/pdf; name=a.pdf", "", "%PDF", "--real--",
    )  # fmt: skip
    parsed = parse(raw)
    assert parsed.full_text == "words"
    assert [one.data for one in parsed.attachments] == [b"%PDF"]
    assert "boundary-guessed" in parsed.problems


def test_a_multipart_that_only_closes_is_the_text_above() -> None:
    raw = mail("Content-Type: multipart/mixed; boundary=b", "", "no parts here", "--b--", "end")
    assert parse(raw).full_text == "no parts here"


def test_a_fold_that_lost_its_white_space_does_not_end_the_header() -> None:
    raw = mail(
        "Subject: a long", "subject", "From: a@example.org", "Content-Type: text/plain", "", "hi"
    )
    parsed = parse(raw)
    assert (parsed.subject, parsed.from_.address, parsed.full_text) == (
        "a long subject", "a@example.org", "hi",
    )  # fmt: skip
    assert "header-line-broken" in parsed.problems


def test_a_body_without_an_empty_line_above_is_the_body() -> None:
    assert parse(mail("Subject: s", "words of the body", "", "more")).full_text == (
        "words of the body\n\nmore"
    )


def test_a_mail_with_the_line_ends_of_old_macs_is_read() -> None:
    parsed = parse(b"Subject: s\rFrom: a@example.org\r\rone\rtwo")
    assert (parsed.subject, parsed.full_text) == ("s", "one\ntwo")


def test_an_attached_mail_keeps_the_bytes_it_came_as() -> None:
    inner = b"From:  b@example.org\r\nsubject:x\r\n\r\nBody \r\n\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822"
    parsed = parse(raw + b"\r\n\r\n" + inner + b"\r\n--b--\r\n")
    assert parsed.attachments[0].data == inner


def test_an_attached_mail_in_base64_is_a_mail_all_the_same() -> None:
    inner = b"From: x@example.net\r\nSubject: inner\r\n\r\nIt burns.\r\n"
    raw = mail(
        "Subject: Fwd: x", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "see", "--b",
        "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "",
        base64.encodebytes(inner).decode(), "--b--",
    )  # fmt: skip
    parsed = parse(raw)
    assert [one.data for one in parsed.attachments] == [inner]
    assert parsed.forwarded is not None
    assert parsed.forwarded.author.address == "x@example.net"


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
def test_a_file_of_any_size_comes_out_whole(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    head = "Content-Type: application/pdf; name=a.pdf", "Content-Transfer-Encoding: base64"
    raw = mail("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", *head)
    file = parse(
        raw + b"\r\n\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n") + b"--b--"
    ).attachments[0]
    assert (file.size_bytes, file.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert file.data == data
    assert all(len(piece) <= PIECE_BYTES for piece in file.content.pieces())


def test_a_large_file_is_not_copied_out_of_the_mail() -> None:
    data = bytes(2 * PIECE_BYTES)
    raw = mail("Content-Type: application/zip; name=a.zip", "Content-Transfer-Encoding: base64", "")
    file = parse(raw + b"\r\n" + base64.encodebytes(data)).attachments[0]
    assert isinstance(file.content.stored, memoryview)
    assert file.data == data


@pytest.mark.parametrize(
    ("stored", "clean"),
    [
        (b"QUJD\r\nRA==\r\n", True),
        (b"QUJD", True),
        (b"QUJ", False),
        (b"QQ==QUJD", False),
        (b"QUJD\r\n-- \r\nlist", False),
        (b"QQ===", False),
        (b"", True),
    ],
)
def test_only_clean_base64_is_taken_off_piece_by_piece(stored: bytes, *, clean: bool) -> None:
    assert is_clean_base64(stored) is clean
    if clean:
        assert Content(stored, base64=True).data() == base64.b64decode(stored)


def test_uuencoded_files_in_the_text_are_files() -> None:
    raw = mail(
        "Subject: s", "", "before", "begin 644 cat.txt", "#0V%T", "`", "end", "after",
    )  # fmt: skip
    parsed = parse(raw)
    assert [(one.name, one.data) for one in parsed.attachments] == [("cat.txt", b"Cat")]
    assert "before" in parsed.full_text
    assert "after" in parsed.full_text
    assert "#0V%T" not in parsed.full_text


def test_words_that_look_like_uuencode_stay_words() -> None:
    text = "begin 644 things that\nwe never\nend"
    assert parse(f"Subject: s\n\n{text}".encode()).full_text == text
