"""What a rule says when it has something to say, and which rules are asked about which mail."""

from dataclasses import dataclass, field
from enum import StrEnum

from loopguard.domain.facts import answers_the_sender, is_automatic
from postbus.contracts.base import JsonObject
from postbus.contracts.guard import Decision, JudgeRequest, SendKind


@dataclass(frozen=True)
class Finding:
    """A decision with its reason, its evidence, and what would change it."""

    decision: Decision
    reason: str
    evidence: JsonObject = field(default_factory=dict)
    lifted_by: str = ""


class AppliesTo(StrEnum):
    """The mail that a rule is about."""

    EVERYTHING = "everything"
    HUMAN = "mail that a person asked for"
    AUTOMATIC = "automatic mail"
    AUTOMATIC_ANSWERS = "automatic mail back to who wrote the cause"
    NOTIFICATIONS = "notifications"

    def covers(self, request: JudgeRequest) -> bool:
        """Whether a rule of this scope is asked about the mail."""
        match self:
            case AppliesTo.EVERYTHING:
                return True
            case AppliesTo.HUMAN:
                return not is_automatic(request)
            case AppliesTo.AUTOMATIC:
                return is_automatic(request)
            case AppliesTo.AUTOMATIC_ANSWERS:
                return is_automatic(request) and answers_the_sender(request)
            case AppliesTo.NOTIFICATIONS:
                return request.kind is SendKind.NOTIFICATION


RELEASE = "an admin may release it"


def hold(reason: str, evidence: JsonObject, *, lifted_by: str = RELEASE) -> Finding:
    """Keep the mail back: listed, explained and releasable (L1), so never blocked."""
    return Finding(Decision.HOLD, reason, evidence, lifted_by)
