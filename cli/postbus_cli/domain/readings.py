"""What became of each mail that was read again, and all of them counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postbus.contracts.mail import MailHeld, MailReceived
from postbus_cli.domain.choosing import Entry
from postbus_cli.domain.differences import Difference


class Outcome(StrEnum):
    """Stable words; the guide explains them."""

    UNCHANGED = "unchanged"
    DIFFERS = "differs"
    NEW = "new"
    UNREADABLE = "unreadable"
    RAW_MISSING = "raw-missing"
    CHANNEL_GONE = "channel-gone"


TO_TELL = frozenset((Outcome.DIFFERS, Outcome.NEW))
NOT_READ = frozenset((Outcome.UNREADABLE, Outcome.RAW_MISSING, Outcome.CHANNEL_GONE))


@dataclass(frozen=True)
class Reading:
    """A mail, read again; `fact` is what would be told, `held` what was told when it was held."""

    entry: Entry
    outcome: Outcome
    detail: str = ""
    differences: tuple[Difference, ...] = ()
    fact: MailReceived | None = None
    held: MailHeld | None = None


@dataclass
class Summary:
    """The counts at the end."""

    already_filed: int = 0
    told: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)

    def add(self, reading: Reading) -> None:
        """Count it."""
        self.outcomes[reading.outcome] += 1
        self.fields.update(one.field for one in reading.differences)

    @property
    def to_tell(self) -> int:
        """How many would be told."""
        return sum(self.outcomes[one] for one in TO_TELL)

    @property
    def not_read(self) -> int:
        """How many could not be read."""
        return sum(self.outcomes[one] for one in NOT_READ)

    def counts(self) -> Mapping[str, int]:
        """By the names of the guide."""
        of_outcomes = {one.replace("-", "_"): self.outcomes[one] for one in Outcome}
        looked_at = {"looked_at": self.outcomes.total()}
        return {
            **looked_at, **of_outcomes, "already_filed": self.already_filed, "told": self.told,
        }  # fmt: skip
