"""Addresses of MAIL and RCPT: read fast where they are plain, and never otherwise than before."""

import asyncio
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import example, given
from hypothesis import strategies as st

from ingest_forward.adapters.aiosmtpd_protocol import _PLAIN_PATH, Smtp


class Handler:
    """Hears nothing."""


LOOP = asyncio.new_event_loop()
OURS = Smtp(Handler(), loop=LOOP, enable_SMTPUTF8=True)
LIBRARY = SMTP(Handler(), loop=LOOP, enable_SMTPUTF8=True)


@pytest.fixture(scope="module", autouse=True)
def _loop_closes() -> Iterator[None]:
    yield
    LOOP.close()


def both(path: str) -> list[object]:
    """What each says; the library trips over some input, and then so do we."""
    said: list[object] = []
    for protocol in (OURS, LIBRARY):
        try:
            said.append(protocol._getaddr(path))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
            said.append(type(error))
    return said


PLAIN = [
    "<anna@example.com>",
    "<Anna.Jansen@Example.COM>",
    "<a@b>",
    "<support+ceaaaaaaafvqjnjy2dzzdzlpm7hqzzbr@postbus.localhost>",
    "<bounce+anna=example.com@list-7.example.com> SIZE=1200 BODY=8BITMIME",
    "<a@b>SIZE=3",
    "<a@b>  SIZE=3  ",
    "<o'hara!#$%&*/^_`{|}~-@a-b.example>",
    "<a@-b>",
]
OTHER = [
    "",
    " ",
    "<>",
    "<postmaster>",
    "anna@example.com",
    "anna@example.com SIZE=3",
    "< anna@example.com>",
    "<anna@example.com",
    "<a..b@c>",
    "<.a@c>",
    "<a.@c>",
    "<a@b.>",
    "<a@.b>",
    "<a@b..c>",
    "<a@b@c>",
    "<@relay.example:a@b>",
    "<@one,@two:a@b>",
    '<"a b"@c>',
    '<"a\\"b"@c>',
    "<a b@c>",
    "<a@[192.0.2.1]>",
    "<a@[IPv6:2001:db8::1]>",
    "<a@c_d>",
    "<é@bücher.example>",
    "<a(comment)@b>",
    "<a@b>(comment) SIZE=1",
    "<a@b>>",
    "<a@b>,<c@d>",
    "<a@b>\tSIZE=1",
    "<a@b> =",
    "<=?us-ascii?q?abc?=@x>",
    "<a=?x@b>",
    "<a@=?utf-8?q?b?=>",
    "<a@b>\n",
    "<a@b> SIZE=1\nX",
    "<a@b>\x00",
    "<a\udcff@b>",
]


@pytest.mark.parametrize("path", PLAIN)
def test_plain_addresses_are_read_as_the_library_reads_them(path: str) -> None:
    assert _PLAIN_PATH.fullmatch(path)
    ours, library = both(path)
    assert ours == library


@pytest.mark.parametrize("path", OTHER)
def test_everything_else_is_left_to_the_library(path: str) -> None:
    assert _PLAIN_PATH.fullmatch(path) is None
    ours, library = both(path)
    assert ours == library


near_addresses = st.text(
    alphabet=st.sampled_from("aZ09.+-_=?!'`@<>()\"\\,:; []\t\x00é/qS"), max_size=24
)


@given(near_addresses)
@example("a@b> X=1")
def test_whatever_stands_in_a_path_is_read_as_the_library_reads_it(text: str) -> None:
    for path in (text, f"<{text}>", f"<{text}@example.com>", f"<a@{text}>", f"<a@b>{text}"):
        ours, library = both(path)
        assert ours == library


@given(st.emails(), st.sampled_from(["", " SIZE=1", "BODY=8BITMIME", "  X-Y=2 SMTPUTF8"]))
def test_addresses_by_the_book_are_read_as_the_library_reads_them(
    address: str, parameters: str
) -> None:
    ours, library = both(f"<{address}>{parameters}")
    assert ours == library
