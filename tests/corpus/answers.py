"""What a question was answered with, and how that is summed up."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One thing asked of one mail; `asked` is more than one where words are counted."""

    question: str
    where: str
    right: int
    asked: int = 1
    want: object = None
    got: object = None


def answer(question: str, where: str, *, want: object, got: object) -> Answer:
    """Right where both are the same."""
    return Answer(question, where, int(want == got), want=want, got=got)


@dataclass
class Line:
    """One line of the scoreboard."""

    right: int = 0
    asked: int = 0
    misses: list[Answer] = field(default_factory=list)

    @property
    def percent(self) -> float:
        return 100 * self.right / self.asked if self.asked else 0.0


def scoreboard(answers: Iterable[Answer]) -> dict[str, Line]:
    """The lines by the name of their question, in the order in which they were asked first."""
    lines: dict[str, Line] = {}
    for one in answers:
        line = lines.setdefault(one.question, Line())
        line.right += one.right
        line.asked += one.asked
        if one.right < one.asked:
            line.misses.append(one)
    return lines
