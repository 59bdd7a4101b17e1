"""The rules of the loop guard, in order: the first that has something to say decides.

The ids are those of the rule set in the service's README, which says of every rule whether it is
here, elsewhere, or still to come. Nothing is ever blocked: what is held is listed, explained and
can be released (L1).
"""

from collections.abc import Callable
from dataclasses import dataclass

from loopguard.domain import checks
from loopguard.domain.facts import Facts
from loopguard.domain.findings import AppliesTo, Finding
from postbus.contracts.guard import Decision, JudgeRequest, Verdict

NO_RULE = "none"


@dataclass(frozen=True)
class Rule:
    """One rule: what it says, by what standard, about which mail, and the pure check."""

    id: str
    says: str
    source: str
    applies_to: AppliesTo
    check: Callable[[JudgeRequest, Facts], Finding | None]


RULES: tuple[Rule, ...] = (
    Rule("filter", "addresses on the outgoing mail filter never get mail",
         "outgoing mail filter", AppliesTo.EVERYTHING, checks.on_the_filter),
    Rule("L2", "no automatic mail to our own addresses, nor because of mail from them",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.to_ourselves),
    Rule("L19", "what a person asked for passes",
         "", AppliesTo.HUMAN, checks.a_person_wrote_it),
    Rule("cause", "a receipt without the mail it answers cannot be judged",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.without_a_cause),
    Rule("L8", "our own mail, and what answers our automatic mail, gets no automatic mail",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.own_stamp),
    Rule("L18", "nobody is notified of a delivery report",
         "RFC 3834 §2, RFC 5321 §4.5.5", AppliesTo.NOTIFICATIONS, checks.notified_of_a_report),
    Rule("L4", "no automatic mail because of a report, a null return path or a mail system",
         "RFC 3834 §2, RFC 5321 §4.5.5", AppliesTo.AUTOMATIC, checks.caused_by_a_report),
    Rule("L3", "no automatic mail because of automatic mail",
         "RFC 3834 §2, §5", AppliesTo.AUTOMATIC, checks.caused_by_a_robot),
    Rule("L6", "no automatic answer where the sender wants none",
         "MS-OXCMAIL §2.1.3.2.20", AppliesTo.AUTOMATIC_ANSWERS, checks.suppressed),
    Rule("L5", "no automatic mail because of list or bulk mail",
         "RFC 3834 §2, RFC 2369, RFC 2919", AppliesTo.AUTOMATIC, checks.caused_by_a_list),
    Rule("L12", "3 automatic mails in 10 minutes, 6 in 60, 10 in 24 hours to a correspondent; half"
         " of that where the transport loses our marks (L21)",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.over_the_limit),
)  # fmt: skip


def judge(request: JudgeRequest, facts: Facts) -> Verdict:
    """The verdict of the first rule that has something to say; allowed when none has."""
    for rule in RULES:
        if not rule.applies_to.covers(request):
            continue
        finding = rule.check(request, facts)
        if finding is not None:
            return Verdict(
                decision=finding.decision,
                rule=rule.id,
                reason=finding.reason,
                evidence=finding.evidence,
                lifted_by=finding.lifted_by,
                source=rule.source,
            )
    return Verdict(decision=Decision.ALLOW, rule=NO_RULE, reason="No rule objects.")
