"""What a receipt says, and in which language."""

import pytest

from postbus.appearance import Look, receipt_of
from postbus.appearance.names import About
from postbus.appearance.phrases import LANGUAGES
from postbus.contracts.appearance import Appearance

ANNA = About(7, "Anna Jansen", "anna@example.com", ticket_title="Printer")


def look(**fields: object) -> Look:
    return Look(
        appearance=Appearance.model_validate({"id": "support", **fields}), queue_name="Support"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_language_names_customer_and_ticket(language: str) -> None:
    made = receipt_of(ANNA, look(), language)
    assert (made.language, made.subject, made.problem) == (language, None, None)
    assert made.text.splitlines()[0].endswith(" Anna Jansen,")
    assert "#7" in made.text
    assert "{" not in made.text
    assert "Printer" not in made.text


def test_the_texts_differ_from_language_to_language() -> None:
    assert len({receipt_of(ANNA, look(), one).text for one in LANGUAGES}) == len(LANGUAGES) == 13


def test_who_has_no_name_is_greeted_all_the_same() -> None:
    nobody = About(7, "", "anna@example.com")
    assert receipt_of(nobody, look(), "en").text.startswith("Hello,\n")


OWN = {"nl": {"text": "Dag {{ customer.name }}", "subject": "Ontvangen: {{ ticket.title }}"}}


@pytest.mark.parametrize(
    ("language", "default", "spoken"),
    [
        ("nl", "en", "nl"), ("de", "en", "de"), (None, "en", "en"), (None, "nl", "nl"),
        ("xx", "fr", "fr"),
    ],
)  # fmt: skip
def test_the_language_is_that_of_the_mail_else_of_the_queue(
    language: str | None, default: str, spoken: str
) -> None:
    made = receipt_of(ANNA, look(receipts=OWN, language=default), language)
    assert made.language == spoken
    assert (made.text == "Dag Anna Jansen") is (spoken == "nl")
    assert made.subject == ("Ontvangen: Printer" if spoken == "nl" else None)


def test_a_text_that_fails_gives_way_to_the_shipped_one() -> None:
    broken = {"nl": {"text": "{% for a in 'b' %}{% endfor %}"}}
    made = receipt_of(ANNA, look(receipts=broken), "nl")
    assert made.text.startswith("Hallo Anna Jansen,")
    assert "loops" in (made.problem or "")
