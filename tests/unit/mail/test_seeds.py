"""The kept inputs of fuzzing: each once showed something, or leads to code of its own."""

from pathlib import Path

import pytest

from fuzz.promises import check

SEEDS = sorted((Path(__file__).parents[2] / "mails" / "seeds").iterdir())


def test_there_are_seeds() -> None:
    assert len(SEEDS) > 20


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_what_holds_for_any_mail_holds_for_the_seeds(seed: Path) -> None:
    check(seed.read_bytes())
