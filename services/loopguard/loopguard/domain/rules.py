"""The rules of the loop guard, in order: the first that has something to say decides.

The ids are those of the rule set in the service's README, which says of every rule whether it is
here, elsewhere, or still to come. Nothing is ever blocked: what is held is listed, explained and
can be released (L1).
"""

from collections.abc import Callable
from dataclasses import dataclass

from loopguard.domain import checks, counts
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
    Rule("stop", "an admin stopped all mail, or all automatic mail",
         "loop limits", AppliesTo.EVERYTHING, checks.stopped),
    Rule("L2", "no automatic mail to our own addresses, nor because of mail from them",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.to_ourselves),
    Rule("bounced", "no mail to an address whose mail comes back for good; a person's after a"
         " second decision",
         "RFC 5321 §6.1, RFC 3463 §2", AppliesTo.EVERYTHING, checks.never_arrives),
    Rule("L19", "what a person asked for passes",
         "", AppliesTo.HUMAN, checks.a_person_wrote_it),
    Rule("cause", "a receipt without the mail it answers cannot be judged",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.without_a_cause),
    Rule("L9", "no automatic mail where ours came back once, none on a ticket where it did thrice",
         "RFC 3834 §2, RFC 5321 §6.3", AppliesTo.AUTOMATIC, checks.came_back_too_often),
    Rule("L8", "our own mail, and what answers our automatic mail, gets no automatic mail",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.own_stamp),
    Rule("L24", "no automatic mail because of automatic mail of another Postbus",
         "RFC 3834 §2", AppliesTo.AUTOMATIC, checks.another_installation),
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
    Rule("L10", "no automatic mail because of a mail that went through 15 servers",
         "RFC 5321 §6.3", AppliesTo.AUTOMATIC, checks.came_a_long_way),
    Rule("L14", "no automatic answers to whoever sent 10 mails in 10 minutes or 25 in an hour",
         "RFC 3834 §2", AppliesTo.AUTOMATIC_ANSWERS, counts.in_a_burst),
    Rule("L17", "no automatic answers of a channel, or of all, that sent over 50 in 10 minutes and"
         " five times as many as usual",
         "RFC 3834 §2", AppliesTo.AUTOMATIC_ANSWERS, counts.fuse_is_open),
    Rule("L16", "no automatic answer to what the sender wrote twice before, or many others did",
         "RFC 3834 §2", AppliesTo.AUTOMATIC_ANSWERS, counts.says_the_same),
    Rule("L15", "no third automatic answer to and fro without a person in between",
         "RFC 3834 §2", AppliesTo.AUTOMATIC_ANSWERS, counts.to_and_fro),
    Rule("L13", "because of mail, 2 automatic mails in 10 minutes, 4 in 60, 8 in 24 hours to a"
         " correspondent on one ticket",
         "RFC 3834 §2", AppliesTo.MAIL_CAUSED, counts.over_the_limit_of_the_ticket),
    Rule("L12", "because of mail, 3 automatic mails in 10 minutes, 6 in 60, 10 in 24 hours to a"
         " correspondent; half of that where the transport loses our marks (L21)",
         "RFC 3834 §2", AppliesTo.MAIL_CAUSED, counts.over_the_limit),
    Rule("L13b", "because of what people did, 15 in 10 minutes, 40 in 60, 120 in 24 hours to one;"
         " 5, 12 and 40 on one ticket",
         "RFC 3834 §2", AppliesTo.PEOPLE_CAUSED, counts.over_the_limit_of_people),
    Rule("L11", "receipts: 1 in 10 minutes unless it is plainly another question, 3 in 24 hours of"
         " a queue, 5 of all queues",
         "RFC 3834 §2", AppliesTo.RECEIPTS, counts.too_many_receipts),
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
