"""Signed stamps."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbus.tokens import Stamp, Stamper, StampKind, read_keys

AT = datetime(2026, 11, 23, 9, 30, 12, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32


def stamper(*keys: bytes, tenant: str = "acme") -> Stamper:
    return Stamper(tenant, keys or (NEW,))


@given(st.integers(0, 2**32 - 1), st.sampled_from(StampKind), st.integers(0, 255))
def test_what_is_stamped_is_read_back(number: int, kind: StampKind, hop: int) -> None:
    token = stamper().stamp(ticket_number=number, kind=kind, hop=hop, at=AT)
    assert stamper().read(token) == Stamp(number, kind, hop, AT)


def test_a_stamp_fits_the_local_part_of_an_address() -> None:
    """RFC 5321 §4.5.3.1.1: a local part has at most 64 octets; case may be changed on the way."""
    token = stamper().stamp(ticket_number=12, kind=StampKind.RECEIPT, hop=0, at=AT)
    assert len(token) == 32
    assert token.isascii()
    assert token == token.lower()
    assert stamper().read(token.upper()) == stamper().read(token) is not None


def test_the_old_key_still_reads_after_a_change_of_keys() -> None:
    token = stamper(OLD).stamp(ticket_number=3, kind=StampKind.AGENT_REPLY, hop=1, at=AT)
    assert stamper(NEW, OLD).read(token) is not None
    assert stamper(NEW).read(token) is None


def test_another_installation_does_not_read_it() -> None:
    token = stamper().stamp(ticket_number=3, kind=StampKind.AGENT_REPLY, hop=1, at=AT)
    assert stamper(tenant="other").read(token) is None


@given(st.integers(0, 31), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_stamp_with_one_letter_changed_is_not_ours(at: int, letter: str) -> None:
    """INVARIANT: nobody can make up a stamp; else strangers could write on any ticket."""
    token = stamper().stamp(ticket_number=3, kind=StampKind.AGENT_REPLY, hop=1, at=AT)
    changed = token[:at] + letter + token[at + 1 :]
    assert (stamper().read(changed) is None) == (changed != token)


def test_stamps_are_found_in_addresses_ids_and_bodies() -> None:
    token = stamper().stamp(ticket_number=8, kind=StampKind.RECEIPT, hop=0, at=AT)
    text = f"To: support+{token}@x.example\nIn-Reply-To: <pb.{token}.0f@x>\n> #8 · {token}\n"
    assert [stamp.ticket_number for stamp in stamper().find(text)] == [8, 8, 8]


@pytest.mark.parametrize("text", ["", "hello", "a" * 32, "a" * 33, "0" * 32, "ä" * 32])
def test_other_texts_are_no_stamps(text: str) -> None:
    assert stamper().read(text) is None
    assert stamper().find(text) == []


def test_keys_come_from_a_file_the_signing_one_first(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{base64.b64encode(NEW).decode()}\n{base64.b64encode(OLD).decode()}\n")
    assert read_keys(file) == [NEW, OLD]


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Stamper("acme", [b"short"])
