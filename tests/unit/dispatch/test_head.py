"""Header fields as bytes, read back by the reader of our own door and by the standard library."""

from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtplib.email import parse_address
from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain import head
from dispatch.domain.words import one_line
from postbus.contracts.mail import Address
from postbus.mail.parse import parse

OUTLOOK = "AM0PR05MB6834D2C88EE7DD0B43CC6B35E8A0A@AM0PR05MB6834.eurprd05.prod.outlook.com"
NAMES = [
    "Jansen, Anna", "Müller, Hans", 'Hans "the \\ man" Jansen', "A. B. Smith", "x@y.com", "<b>",
    "a (comment) b", "Ltd; Co:", "日本語の長い名前の株式会社サポート窓口担当者御中お客様相談室",
    "עברית ארוכה מאוד", "😀 Support", "Ü" * 90, "word " * 40, "n" * 1200, "",
    "A long name, with commas, that goes on until it must be folded, evil@example.com, somewhere",
    "A long näme, with commas, that goes on until it must be folded, evil@example.com, somewhere",
]  # fmt: skip


def to(field: bytes) -> tuple[Address, ...]:
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    return parse(field + b"\r\nx").to


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_it_was_and_makes_no_recipient(name: str, *, utf8: bool) -> None:
    given_ = (Address(name=name, address="a@example.com"), Address(name="Bö, x", address="b@x.nl"))
    field = head.addresses("To", given_, utf8=utf8)
    assert [(one.name, one.address) for one in to(field)] == [
        (name.strip(), "a@example.com"), ("Bö, x", "b@x.nl"),
    ]  # fmt: skip
    addresses = message_from_bytes(field, policy=default)["To"].addresses
    assert [one.addr_spec for one in addresses] == ["a@example.com", "b@x.nl"]


@given(st.text(max_size=300).map(one_line), st.booleans())
def test_words_are_read_as_they_were(words: str, utf8: bool) -> None:  # noqa: FBT001 - given by hypothesis
    """INVARIANT: one field, lines of an allowed length, nothing but ASCII unless that is taken."""
    field = head.text("Subject", words, utf8=utf8)
    assert utf8 or field.isascii()
    assert field.endswith(b"\r\n")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert all(line.strip() and len(line) <= 998 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])
    assert not any(end in line for line in lines for end in b"\r\n")
    assert b"".join(lines[:1]).startswith(b"Subject:")
    if not utf8:
        assert parse(field + b"\r\nx").subject.split() == words.split()


def test_ids_are_never_encoded_and_begin_on_the_line_of_their_name() -> None:
    """Outlook's have 79 characters; as encoded words they are other ids."""
    assert head.ids("In-Reply-To", (OUTLOOK,)) == f"In-Reply-To: <{OUTLOOK}>\r\n".encode()
    field = head.ids("References", ("a@x", OUTLOOK, "b" * 480, OUTLOOK))
    assert field == (
        f"References: <a@x>\r\n <{OUTLOOK}>\r\n <{'b' * 480}>\r\n <{OUTLOOK}>\r\n".encode()
    )


def test_what_cannot_be_an_id_is_left_away() -> None:
    assert head.ids("References", ("a b@x", "ä@x", "c@x", "<d@x>", "")) == b"References: <c@x>\r\n"
    assert head.ids("In-Reply-To", ("ä@x",)) == b""
    assert head.ids("In-Reply-To", ("ä@x",), utf8=True) == "In-Reply-To: <ä@x>\r\n".encode()


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("anna@example.com", "anna@example.com"),
        ("o'hara+x@example.com", "o'hara+x@example.com"),
        ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("a.@docomo.ne.jp", "a.@docomo.ne.jp"),
        ('"a..b"@docomo.ne.jp', '"a..b"@docomo.ne.jp'),
        ('"john \\" doe"@example.com', '"john \\" doe"@example.com'),
        ("user,name@example.com", '"user,name"@example.com'),
        ("a@b@example.com", '"a@b"@example.com'),
        ("anna@[192.0.2.1]", "anna@[192.0.2.1]"),
        ("änna@example.com", "änna@example.com"),
    ],
)
def test_an_address_is_written_so_that_it_is_read_as_one(address: str, written: str) -> None:
    spec = head.addr_spec(address)
    assert spec == written
    assert head.is_addr_spec(spec)
    assert parse_address(spec) == spec, "the envelope has it as it is"
    field = head.addresses("To", (Address(name="N", address=spec),), utf8=not spec.isascii())
    assert f"<{written}>".encode() in field


@pytest.mark.parametrize("address", ["", "foo", "@x", "a@", "a@exa mple.com", "a@x>", "a@x,y"])
def test_what_is_no_address_is_known(address: str) -> None:
    assert not head.is_addr_spec(head.addr_spec(address))
