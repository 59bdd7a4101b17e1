"""What a rule says when it has something to say, and which rules are asked about which mail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loopguard.domain.facts import answers_the_sender, is_automatic, is_by_mail
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
    MAIL_CAUSED = "automatic mail because of mail"
    PEOPLE_CAUSED = "automatic mail because of what a person did"
    RECEIPTS = "receipts"
    NOTIFICATIONS = "notifications"

    def covers(self, request: JudgeRequest) -> bool:
        """Whether a rule of this scope is asked about the mail."""
        return _COVERED[self](request)


_COVERED: Mapping[AppliesTo, Callable[[JudgeRequest], bool]] = {
    AppliesTo.EVERYTHING: lambda _: True,
    AppliesTo.HUMAN: lambda request: not is_automatic(request),
    AppliesTo.AUTOMATIC: is_automatic,
    AppliesTo.AUTOMATIC_ANSWERS: lambda request: (
        is_automatic(request) and answers_the_sender(request)
    ),
    AppliesTo.MAIL_CAUSED: lambda request: is_automatic(request) and is_by_mail(request),
    AppliesTo.PEOPLE_CAUSED: lambda request: is_automatic(request) and not is_by_mail(request),
    AppliesTo.RECEIPTS: lambda request: request.kind is SendKind.RECEIPT,
    AppliesTo.NOTIFICATIONS: lambda request: request.kind is SendKind.NOTIFICATION,
}

RELEASE = "an admin may release it"


def hold(reason: str, evidence: JsonObject, *, lifted_by: str = RELEASE) -> Finding:
    """Keep the mail back: listed, explained and releasable (L1), so never blocked."""
    return Finding(Decision.HOLD, reason, evidence, lifted_by)
