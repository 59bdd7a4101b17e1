import pytest

from postbus.mail.addresses import normalise, plus_tag, without_plus


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("Anna@Example.COM", "anna@example.com"),
        (" <anna@example.com> ", "anna@example.com"),
        ("anna@example.com.", "anna@example.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("Anna@BÜCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("an@na@example.com", "an@na@example.com"),
        ("anna@-\u200b-", "anna@-\u200b-"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_addresses_are_compared_in_one_form(address: str, normal: str) -> None:
    assert normalise(address) == normal


@pytest.mark.parametrize(
    ("address", "base", "tag"),
    [
        ("support+abc@example.com", "support@example.com", "abc"),
        ("support+a+b@example.com", "support@example.com", "a+b"),
        ("support+@example.com", "support@example.com", ""),
        ("support@example.com", "support@example.com", None),
        ("+x@example.com", "+x@example.com", None),
    ],
)
def test_a_plus_tag_is_taken_off(address: str, base: str, tag: str | None) -> None:
    assert (without_plus(address), plus_tag(address)) == (base, tag)
