import pytest

from postbus_cli.domain.mbox import letters_of, mails_of


def split(text: bytes) -> list[bytes]:
    return list(mails_of(text.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("text", "mails"),
    [
        (b"", []),
        (b"Subject: no mbox\n\nHello\n", []),
        (b"From a@x Mon Mar 2\nSubject: 1\n\nHi\n", [b"Subject: 1\n\nHi\n"]),
        (
            b"From a@x Mon\nSubject: 1\n\nHi\n\nFrom b@x Tue\nSubject: 2\n\nHo\n\n",
            [b"Subject: 1\n\nHi\n", b"Subject: 2\n\nHo\n"],
        ),
        (b"From a@x\r\nA: 1\r\n\r\nHi\r\n\r\nFrom b\r\nA: 2\r\n",
         [b"A: 1\r\n\r\nHi\r\n", b"A: 2\r\n"]),
        (b"From a@x\nA: 1\n\nText.\nFrom here on it is text.\n",
         [b"A: 1\n\nText.\nFrom here on it is text.\n"]),
        (b"From a@x\nA: 1\n\n>From me\n>>From you\n> From\n",
         [b"A: 1\n\nFrom me\n>From you\n> From\n"]),
        (b"From a@x\n", [b""]),
    ],
)  # fmt: skip
def test_an_mbox_falls_apart_into_its_mails(text: bytes, mails: list[bytes]) -> None:
    assert split(text) == mails


MBOX = b"From a@x Mon\nSubject: 1\n\n>From me\nHi\n\nFrom b@x Tue\nSubject: 2\n\nHo\n\n"


def pieces(text: bytes, size: int) -> list[bytes]:
    """Lines, cut where they are longer than that, as a bounded `readline` gives them."""
    lines = text.splitlines(keepends=True)
    return [line[at : at + size] for line in lines for at in range(0, len(line), size)]


@pytest.mark.parametrize("size", [7, 8, 100])
def test_lines_may_come_in_pieces(size: int) -> None:
    found = list(letters_of(pieces(MBOX, size)))
    assert [one.raw for one in found] == split(MBOX)


def test_each_mail_says_where_the_next_one_begins() -> None:
    first, second = letters_of(MBOX.splitlines(keepends=True))
    assert MBOX[first.ends_at :].startswith(b"From b@x")
    assert second.ends_at == len(MBOX)
    assert (first.separator, second.separator) == (b"From a@x Mon\n", b"From b@x Tue\n")


def test_no_more_than_a_mail_may_have_is_kept() -> None:
    large = b"From a@x\n" + b"y" * 60 + b"\n" + b"x\n" * 1000 + b"\nFrom b@x\nSubject: 2\n"
    first, second = letters_of(large.splitlines(keepends=True), most_bytes=100)
    assert 100 < len(first.raw) < 110
    assert second.raw == b"Subject: 2\n"
