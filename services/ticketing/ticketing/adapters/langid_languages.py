"""The language that a customer writes in, by py3langid.

The header that could say it is rarely there, and says what the program speaks (Content-Language,
RFC 3282), so the words themselves are asked.
"""

import re
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_MOST_CHARACTERS: Final = 1000
_FEWEST_LETTERS: Final = 20
"""In fewer, names and loans decide: "Printer" is a word of six languages."""
_SURE: Final = 0.6
"""Of 86 single sentences in 20 languages five are not said then, and one is taken for another:
Czech for Slovak. Of three sentences together all are right."""
_ADDRESSES: Final = re.compile(r"\S*(?:@|://|www\.)\S*")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no encoding has."""
_OTHER_CODES: Final = {"no": "nb", "nn": "nb"}


class LangidLanguages:
    """The port `LanguageOf`; the model takes 80 MB and a second, once."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def __call__(self, text: str) -> str | None:
        words = _ADDRESSES.sub(" ", _SURROGATES.sub(" ", text[:_MOST_CHARACTERS]))
        if sum(one.isalpha() for one in words) < _FEWEST_LETTERS:
            return None
        code, probability = self._identifier.classify(words)
        code = _OTHER_CODES.get(code, code)
        return code if probability >= _SURE and len(code) == 2 else None
