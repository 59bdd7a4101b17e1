"""Files within files: winmail.dat, opaque signatures; invitations; what is signed or encrypted."""

import base64
import struct
from collections.abc import Sequence

import compressed_rtf
import pytest
from asn1crypto import cms, core
from hypothesis import given
from hypothesis import strategies as st

from postbus.mail.parse import parse
from postbus.mail.tnef import SIGNATURE, unpack

RENDERING = (2, 0x00069002, b"\x01\x00" + bytes(12))


def quiet(_: str) -> None:
    return


def attribute(level: int, name: int, value: bytes) -> bytes:
    checksum = sum(value) & 0xFFFF
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", checksum)


def winmail(*attributes: tuple[int, int, bytes]) -> bytes:
    return SIGNATURE + b"\x01\x00" + b"".join(attribute(*one) for one in attributes)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def properties(*given: tuple[int, int, bytes]) -> bytes:
    """Properties of variable length: type, id, value."""
    out = struct.pack("<I", len(given))
    for kind, name, value in given:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + padded(value)
    return out


def mail_with(data: bytes, content_type: str, *, text: str = "", name: str = "") -> bytes:
    named = f'; name="{name}"' if name else ""
    lines = (
        "Content-Type: multipart/mixed; boundary=b", "", "--b", "", text, "--b",
        f"Content-Type: {content_type}{named}", "Content-Transfer-Encoding: base64", "",
        base64.encodebytes(data).decode(), "--b--", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def named_file(
    title: bytes, data: bytes, *more: tuple[int, int, bytes]
) -> Sequence[tuple[int, int, bytes]]:
    return (RENDERING, (2, 0x00018010, title + b"\x00"), (2, 0x0006800F, data), *more)


def test_the_files_of_a_winmail_dat_take_its_place() -> None:
    data = winmail(*named_file(b"a.txt", b"first"), *named_file(b"b.pdf", b"%PDF"))
    parsed = parse(mail_with(data, "application/ms-tnef", name="winmail.dat", text="hello"))
    assert [(one.name, one.data) for one in parsed.attachments] == [
        ("a.txt", b"first"), ("b.pdf", b"%PDF"),
    ]  # fmt: skip
    assert parsed.attachments[1].content_type == "application/pdf"
    assert parsed.full_text == "hello"


def test_the_long_name_of_a_packed_file_wins_and_its_picture_is_found_by_id() -> None:
    mapi = properties(
        (0x001F, 0x3707, "Jahresübersicht.png\x00".encode("utf-16-le")),
        (0x001E, 0x370E, b"image/png\x00"),
        (0x001E, 0x3712, b"pic@1\x00"),
    )
    found = unpack(winmail(*named_file(b"JAHRES~1.PNG", b"png", (2, 0x00069005, mapi))), quiet)
    assert found is not None
    file = found.files[0]
    assert (file.name, file.content_type, file.content_id) == (
        "Jahresübersicht.png", "image/png", "pic@1",
    )  # fmt: skip


def test_named_properties_in_between_are_passed_over() -> None:
    named = struct.pack("<HH", 0x001E, 0x8001) + bytes(16) + struct.pack("<II", 1, 6)
    named += padded("abc".encode("utf-16-le")) + struct.pack("<II", 1, 2) + padded(b"x\x00")
    number = struct.pack("<HHI", 0x0003, 0x0E20, 5)
    plain = properties((0x001E, 0x3707, b"real.txt\x00"))[4:]
    mapi = struct.pack("<I", 3) + named + number + plain
    found = unpack(winmail(*named_file(b"X.TXT", b"x", (2, 0x00069005, mapi))), quiet)
    assert found is not None
    assert found.files[0].name == "real.txt"


def test_the_body_of_a_winmail_dat_is_the_text_where_the_mail_has_none() -> None:
    html = b"<html><body><p>Only here</p></body></html>"
    data = winmail((1, 0x00069003, properties((0x0102, 0x1013, html))))
    alone = parse(mail_with(data, "application/ms-tnef"))
    assert alone.full_text == "Only here"
    assert alone.html is not None
    beside = parse(mail_with(data, "application/ms-tnef", text="The words"))
    assert beside.full_text == "The words"
    assert [one.name for one in beside.attachments] == ["message.html"]


def test_a_rich_text_body_is_kept_as_a_file() -> None:
    rtf = rb"{\rtf1\ansi Hello}"
    packed = compressed_rtf.compress(rtf, compressed=True)
    found = unpack(winmail((1, 0x00069003, properties((0x0102, 0x1009, packed)))), quiet)
    assert found is not None
    assert found.rtf == rtf


def test_rich_text_that_claims_a_gigabyte_is_not_unpacked() -> None:
    packed = struct.pack("<II4sI", 30, 1 << 30, b"LZFu", 0) + bytes(30)
    problems: list[str] = []
    found = unpack(winmail((1, 0x00069003, properties((0x0102, 0x1009, packed)))), problems.append)
    assert found is not None
    assert (found.rtf, problems) == (b"", ["tnef-damaged"])


def test_a_mail_in_a_winmail_dat_is_opened_as_well() -> None:
    inner = winmail(*named_file(b"inner.txt", b"inside"))
    interface = bytes.fromhex("0703020000000000c000000000000046")
    mapi = properties((0x000D, 0x3701, interface + inner))
    data = winmail(*named_file(b"Untitled", b"a placeholder", (2, 0x00069005, mapi)))
    parsed = parse(mail_with(data, "application/ms-tnef"))
    assert [(one.name, one.data) for one in parsed.attachments] == [("inner.txt", b"inside")]


def test_a_winmail_dat_that_is_cut_off_gives_what_is_whole() -> None:
    data = winmail(*named_file(b"a.txt", b"first"), *named_file(b"b.txt", bytes(500)))[:-300]
    parsed = parse(mail_with(data, "application/ms-tnef"))
    assert parsed.attachments[0].data == b"first"
    assert "tnef-damaged" in parsed.problems


def test_a_winmail_dat_that_is_none_stays_a_file() -> None:
    parsed = parse(mail_with(b"not at all", "application/ms-tnef", name="winmail.dat"))
    assert [(one.name, one.data) for one in parsed.attachments] == [("winmail.dat", b"not at all")]


@given(st.binary(max_size=300))
def test_any_bytes_after_the_signature_are_no_trouble(data: bytes) -> None:
    assert unpack(SIGNATURE + data, quiet) is not None


def signed(inside: bytes) -> bytes:
    """An opaque signature without signers: enough to be taken apart."""
    content = {"content_type": "data", "content": core.OctetString(inside)}
    data = cms.SignedData(
        {"version": "v1", "digest_algorithms": [], "encap_content_info": content,
         "signer_infos": []}
    )  # fmt: skip
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": data}).dump())


@pytest.mark.parametrize("parameter", ["; smime-type=signed-data", ""])
def test_what_is_signed_opaquely_is_read_as_the_mail(parameter: str) -> None:
    inside = b"Content-Type: text/plain; charset=utf-8\r\n\r\nSigned words"
    raw = (
        f"Subject: s\r\nContent-Type: application/pkcs7-mime{parameter}; name=smime.p7m\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(signed(inside))
    parsed = parse(raw)
    assert parsed.full_text == "Signed words"
    assert parsed.protection == ("smime-signed",)
    assert parsed.attachments == ()


def test_what_is_encrypted_stays_a_file_and_is_shown_as_such() -> None:
    parsed = parse(mail_with(b"\x30\x80", "application/pkcs7-mime; smime-type=enveloped-data"))
    assert parsed.protection == ("smime-encrypted",)
    assert len(parsed.attachments) == 1


def test_a_signature_that_makes_no_sense_stays_a_file() -> None:
    parsed = parse(mail_with(b"\x30\x03abc", "application/pkcs7-mime; smime-type=signed-data"))
    assert len(parsed.attachments) == 1
    assert "smime-damaged" in parsed.problems


@pytest.mark.parametrize(
    ("protocol", "kind", "shown"),
    [
        ("application/pkcs7-signature", "signed", "smime-signed"),
        ("application/pgp-signature", "signed", "pgp-signed"),
        ("application/pgp-encrypted", "encrypted", "pgp-encrypted"),
    ],
)
def test_a_signed_or_encrypted_multipart_is_shown(protocol: str, kind: str, shown: str) -> None:
    raw = (
        f'Content-Type: multipart/{kind}; protocol="{protocol}"; boundary=b\r\n\r\n'
        f"--b\r\n\r\nwords\r\n--b\r\nContent-Type: {protocol}\r\n\r\nx\r\n--b--\r\n"
    )
    assert shown in parse(raw.encode()).protection


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-----BEGIN PGP MESSAGE-----\n\nx", ("pgp-encrypted",)),
        ("-----BEGIN PGP SIGNED MESSAGE-----\n\nx", ("pgp-signed",)),
        ("I saw -----BEGIN PGP MESSAGE----- once", ()),
    ],
)
def test_armour_in_the_text_is_seen_where_a_line_begins_with_it(
    text: str, shown: tuple[str, ...]
) -> None:
    assert parse(f"Subject: s\n\n{text}".encode()).protection == shown


INVITATION = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y
METHOD:REQUEST
BEGIN:VEVENT
UID:u-1@example.org
SUMMARY:Visit of the
  printer
DTSTART:20260302T090000Z
DTEND:20260302T100000Z
ORGANIZER;CN=Anna:mailto:anna@example.org
LOCATION:Room 4
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_an_invitation_says_when_and_by_whom() -> None:
    parsed = parse(mail_with(INVITATION.encode(), "text/calendar; method=REQUEST", text="Come"))
    item = parsed.calendar[0]
    assert (item.method, item.uid, item.summary) == (
        "REQUEST", "u-1@example.org", "Visit of the printer",
    )  # fmt: skip
    assert (item.organizer, item.location) == ("anna@example.org", "Room 4")
    assert item.starts == "2026-03-02T09:00:00+00:00"
    assert len(parsed.attachments) == 1


def test_an_answer_to_an_invitation_says_which() -> None:
    reply = INVITATION.replace("METHOD:REQUEST", "METHOD:REPLY").replace(
        "LOCATION:Room 4", "ATTENDEE;PARTSTAT=DECLINED:mailto:b@example.org"
    )
    item = parse(mail_with(reply.encode(), "text/calendar")).calendar[0]
    assert (item.method, item.answer) == ("REPLY", "DECLINED")


@pytest.mark.parametrize("data", [b"nonsense", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n", b""])
def test_a_calendar_that_makes_no_sense_is_a_file(data: bytes) -> None:
    parsed = parse(mail_with(data, "text/calendar; method=REQUEST", name="a.ics"))
    assert parsed.calendar == ()
    assert [one.name for one in parsed.attachments] == ["a.ics"]
