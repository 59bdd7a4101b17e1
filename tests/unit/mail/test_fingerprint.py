"""What counts as the same words, and what is nearly the same."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbus.mail.fingerprint import FEW_WORDS, differing_bits, fingerprint_of

ALERT = (
    "The disk of the server in the cellar is nearly full, please make room soon or it stops."
    " This message was sent by the monitoring of your house and is about one machine only."
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ALERT, ALERT.upper()),
        (ALERT, ALERT.replace(" ", "  \n")),
        (f"{ALERT} Job 4711 at 2026-03-02.", f"{ALERT} Job 9 at 2026-11-29."),
        (f"{ALERT} See https://x.example/a", f"{ALERT} See https://y.example/b?c=d"),
        (f"{ALERT} Ask anna@example.com", f"{ALERT} Ask bert@example.org"),
    ],
)
def test_numbers_links_and_addresses_make_no_other_text(one: str, other: str) -> None:
    assert fingerprint_of("a", one).content == fingerprint_of("b", other).content


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Printer on fire", "Re: Printer on fire", True),
        ("Printer on fire", "AW: re: PRINTER on fire", True),
        ("Alert 17", "Alert 18", True),
        ("Printer on fire", "Printer on ice", False),
    ],
)
def test_a_subject_counts_without_its_prefixes_and_numbers(
    one: str, other: str, *, same: bool
) -> None:
    digests = {fingerprint_of(subject, "").subject for subject in (one, other)}
    assert (len(digests) == 1) is same


def test_few_words_count_together_with_the_subject() -> None:
    """People write `Please call me back` alike, about different things."""
    one, other = (
        fingerprint_of("Invoice", "Please call me"),
        fingerprint_of("Tax", "Please call me"),
    )
    assert one.content != other.content
    assert (one.similar, other.similar) == ("", "")
    assert fingerprint_of("Invoice", "please CALL me!") == one
    assert fingerprint_of("", "").content == fingerprint_of("", " \n").content


@pytest.mark.parametrize(
    ("other", "near"),
    [
        (ALERT.replace("cellar", "attic"), True),
        (ALERT + " Regards", True),
        ("Dear friend, may I ask when my parcel from last week will at last be delivered?", False),
        ("", False),
    ],
)
def test_a_few_other_words_make_a_text_that_is_nearly_the_same(other: str, *, near: bool) -> None:
    bits = differing_bits(fingerprint_of("", ALERT).similar, fingerprint_of("", other).similar)
    assert (bits <= 12) is near, bits


def test_nothing_of_the_text_is_in_its_hashes_and_they_are_short() -> None:
    print_ = fingerprint_of("Secret plan", ALERT)
    assert {len(print_.subject), len(print_.content), len(print_.similar)} == {16}
    assert "secret" not in print_.model_dump_json().lower()


def test_a_text_of_a_megabyte_and_one_without_words_are_read() -> None:
    assert fingerprint_of("", "word " * 250_000).similar
    assert fingerprint_of("", "!?. 123").similar == ""
    assert fingerprint_of("", "这是一个没有空格的句子").similar == ""


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=FEW_WORDS, max_size=60))
def test_similar_is_the_simhash_of_runs_of_three_words(words: list[str]) -> None:
    """By its definition (Charikar 2002): each bit is what most runs have there."""
    runs = ["\x1f".join(words[at : at + 3]) for at in range(len(words) - 2)]
    hashes = [int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "big") for run in runs]
    bits = [sum(one >> bit & 1 for one in hashes) * 2 > len(hashes) for bit in range(64)]
    expected = sum(1 << bit for bit, most in enumerate(bits) if most)
    assert fingerprint_of("", " ".join(words)).similar == f"{expected:016x}"
