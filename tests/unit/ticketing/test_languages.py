"""Which language a customer writes in, or that nobody can say."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.corpus_words import LANGUAGES as SPOKEN
from doubles.ticketing import LANGUAGES

WRITTEN = [
    ("en", "Where is my order 4711? It should have arrived yesterday."),
    ("nl", "Wanneer wordt mijn bestelling bezorgd? Ik wacht al een week."),
    ("nl", "Mijn printer doet het niet meer, kunt u helpen?"),
    ("de", "Wann kommt meine Bestellung an? Ich warte seit einer Woche."),
    ("fr", "Bonjour, mon imprimante ne fonctionne plus. Pouvez-vous m'aider ?"),
    ("es", "¿Cuándo llegará mi pedido? Llevo una semana esperando."),
    ("it", "Buongiorno, la mia stampante non funziona più. Potete aiutarmi?"),
    ("pt", "Quando chega a minha encomenda? Estou à espera há uma semana."),
    ("pl", "Dzień dobry, moja drukarka nie działa. Czy mogą Państwo pomóc?"),
    ("da", "Hvornår kommer min bestilling? Jeg har ventet i en uge."),
    ("sv", "När kommer min beställning? Jag har väntat i en vecka."),
    ("nb", "Hei, skriveren min virker ikke lenger. Kan dere hjelpe meg?"),
    ("fi", "Hei, tulostimeni ei toimi enää. Voitteko auttaa minua?"),
    ("cs", "Dobrý den, moje tiskárna nefunguje. Můžete mi prosím pomoci?"),
    ("tr", "Merhaba, yazıcım artık çalışmıyor. Bana yardım edebilir misiniz?"),
    ("nl", "Zie https://www.example.com/the-page-of-the-printer voor de foto van mijn printer."),
    ("nl", "Wanneer wordt mijn bestelling bezorgd?\x00\ud800\ufffe\U0010ffff\x1b"),
]


@pytest.mark.parametrize(("language", "text"), WRITTEN)
def test_a_sentence_tells_its_language(language: str, text: str) -> None:
    assert LANGUAGES(text) == language


THREE_SENTENCES = [
    (spoken.code, " ".join(spoken.sentences[at : at + 3]))
    for spoken in SPOKEN
    for at in range(len(spoken.sentences) - 2)
]


@pytest.mark.parametrize(("language", "text"), THREE_SENTENCES)
def test_three_sentences_are_never_taken_for_another_language(language: str, text: str) -> None:
    """INVARIANT: a receipt in a language that the customer did not write is worse than English."""
    assert LANGUAGES(text) == {"no": "nb"}.get(language, language)


NOBODY_KNOWS = [
    "", "ok", "Printer", "Thanks!", "4711 4711 4711 4711 4711", "anna@example.com " * 5,
    "\ud800" * 40, "x" * 40, "ASDF GHJK QWER TYUI XCVB NMKL",
]  # fmt: skip


@pytest.mark.parametrize("text", NOBODY_KNOWS)
def test_what_is_short_or_no_language_has_none(text: str) -> None:
    assert LANGUAGES(text) is None


@given(st.text(max_size=300))
def test_any_text_has_a_language_or_none_and_always_the_same(text: str) -> None:
    """INVARIANT: a redelivery gives the same receipt, and no text stops the filing of a mail."""
    first = LANGUAGES(text)
    assert first is None or len(first) == 2
    assert LANGUAGES(text) == first


def test_a_long_mail_takes_a_moment() -> None:
    text = "Wanneer wordt mijn bestelling bezorgd? Ik wacht al een week. " * 20_000
    began = time.process_time()
    assert LANGUAGES(text) == "nl"
    assert time.process_time() - began < 0.1
