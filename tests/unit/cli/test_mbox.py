import pytest

from postbus_cli.domain.mbox import mails_of


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
