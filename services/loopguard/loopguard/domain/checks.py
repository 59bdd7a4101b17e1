"""What the mail is, and what caused it: one pure function a rule, a finding or None.

How often is in `counts`.
"""

from typing import Final

from loopguard.domain.facts import Facts, answers_the_sender, is_automatic
from loopguard.domain.findings import Finding, hold
from loopguard.domain.windows import correspondent_of
from postbus.contracts.base import JsonObject
from postbus.contracts.guard import Cause, Decision, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind

_OWN_AUTOMATIC: Final = frozenset((SendKind.RECEIPT.value, SendKind.NOTIFICATION.value))
_REPORTS: Final = frozenset((MailKind.BOUNCE, MailKind.FEEDBACK_REPORT))
_ROBOTS: Final = frozenset(
    (MailKind.AUTO_REPLY, MailKind.AUTO_GENERATED, MailKind.MACHINE, MailKind.OWN)
)
_BULK: Final = frozenset(("list", "bulk", "junk", "auto_reply", "auto-reply", "autoreply"))
HOPS_OF_A_MAIL: Final = 1
HOPS_OF_A_TICKET: Final = 3
_NO_AUTOMATIC_ANSWER: Final = frozenset(("all", "autoreply", "oof"))
"""MS-OXCMAIL §2.1.3.2.20: `OOF` wants no absence notes, `AutoReply` no other automatic replies,
`All` none of either. A receipt is such a reply. `DR`, `NDR`, `RN` and `NRN` are about delivery and
read reports and say nothing about it, and so does `None`."""


def on_the_filter(_request: JudgeRequest, facts: Facts) -> Finding | None:
    """A recipient that never gets mail from us."""
    listed = [(one, one.filter_entry) for one in facts.recipients if one.filter_entry is not None]
    if not listed:
        return None
    recipient, first = listed[0]
    evidence: JsonObject = {
        "recipient": recipient.address,
        "entry": first.id,
        "pattern": first.pattern,
        "reason": first.reason,
        "automatic": first.automatic,
        "channel": first.channel,
        "recipients_listed": len(listed),
    }
    entries = {entry.id: entry for _, entry in listed}.values()
    removed = " and ".join(f"`{entry.pattern}` ({entry.id})" for entry in entries)
    return hold(
        "A recipient is on the outgoing mail filter.",
        evidence,
        lifted_by=f"remove {removed} from the outgoing mail filter",
    )


def stopped(request: JudgeRequest, facts: Facts) -> Finding | None:
    """The kill switch."""
    if not facts.limits.stops(automatic=is_automatic(request)):
        return None
    return hold(
        "Sending is stopped by an admin.",
        {"stop": facts.limits.stop.value},
        lifted_by="an admin sets `stop` of the loop limits back to `nothing`",
    )


def never_arrives(request: JudgeRequest, facts: Facts) -> Finding | None:
    """A recipient whose mail comes back for good."""
    for address, one in facts.known.items():
        if one.bounced is None or not one.bounced.holds(facts.now):
            continue
        return hold(
            "Mail to a recipient came back: the address does not exist or takes no mail.",
            {
                "recipient": _written(address, request),
                "bounced_at": one.bounced.at.isoformat(timespec="seconds"),
                "status": one.bounced.status,
                "said": one.bounced.said,
            },
            lifted_by="release it to send it all the same, or an admin forgets what is counted of "
            "the address",
        )
    return None


def to_ourselves(_request: JudgeRequest, facts: Facts) -> Finding | None:
    """Mail to, or because of, an address of our own."""
    own = next((one for one in facts.recipients if one.own_address is not None), None)
    if own is not None:
        return hold(
            "A recipient is an address of our own.", _own_evidence("recipient", own.own_address)
        )
    if facts.sender_own_address is not None:
        return hold(
            "The mail that caused it is from an address of our own.",
            _own_evidence("cause", facts.sender_own_address),
        )
    return None


def a_person_wrote_it(_request: JudgeRequest, _facts: Facts) -> Finding:
    """What a person asked for goes out."""
    return Finding(Decision.ALLOW, "A person asked for it.")


def own_stamp(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """Mail of ours, or what answers an automatic mail of ours."""
    stamp = request.cause.stamp if request.cause else None
    if stamp is None:
        return None
    evidence: JsonObject = {
        "stamp_kind": stamp.kind,
        "ticket": stamp.ticket_number,
        "hop": stamp.hop,
        "found_in": stamp.found_in,
    }
    if stamp.found_in == "header":
        return hold("The mail that caused it is one of our own, come back.", evidence)
    if stamp.kind == SendKind.RECEIPT and not answers_the_sender(request):
        # A customer answers the receipt by adding something: the desk may hear of that.
        return None
    if stamp.kind in _OWN_AUTOMATIC:
        return hold("The mail that caused it answers an automatic mail of ours.", evidence)
    return None


def came_back_too_often(request: JudgeRequest, facts: Facts) -> Finding | None:
    """Our automatic mail made rounds: the hop number in its stamp says how many."""
    stamp = request.cause.stamp if request.cause else None
    if facts.ticket is not None:
        return hold(
            "Automatic mail on this ticket went round before.",
            {"ticket": request.ticket_number, **facts.ticket.evidence},
            lifted_by="an agent answers the customer by hand; automatic mail of the ticket rests",
        )
    if stamp is None:
        return None
    ours = stamp.kind in _OWN_AUTOMATIC
    if stamp.hop >= HOPS_OF_A_TICKET or (
        stamp.hop >= HOPS_OF_A_MAIL and ours and answers_the_sender(request)
    ):
        return hold(
            "Automatic mail of ours went round and came back.",
            {
                "stamp_kind": stamp.kind,
                "ticket": stamp.ticket_number,
                "hop": stamp.hop,
                "found_in": stamp.found_in,
            },
        )
    return None


def another_installation(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """Automatic mail of another Postbus, by the mark that every Postbus puts on its own."""
    stamp = request.cause.other_stamp if request.cause else None
    if stamp is None:
        return None
    return hold(
        "The mail that caused it is automatic mail of another Postbus.",
        {"stamp_kind": stamp.kind, "hop": stamp.hop, "found_in": stamp.found_in},
    )


def came_a_long_way(request: JudgeRequest, facts: Facts) -> Finding | None:
    """So many Received fields that it seems to go round."""
    count = request.cause.signals.received_count if request.cause else 0
    most = facts.limits.received_fields
    if count < most:
        return None
    return hold(
        "The mail that caused it went through too many servers.",
        {"received": count, "most": most},
    )


def notified_of_a_report(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """A notification about a delivery report."""
    evidence = _report_evidence(request.cause)
    if evidence is None:
        return None
    return hold("Nobody is notified of a delivery report.", evidence)


def caused_by_a_report(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """A bounce, a report, a null return path, a mail system."""
    evidence = _report_evidence(request.cause)
    if evidence is None:
        return None
    return hold("The mail that caused it is a report of a mail system.", evidence)


def caused_by_a_robot(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """Auto-Submitted says so, or the kind of the mail does."""
    cause = request.cause
    if cause is None:
        return None
    keyword = (cause.signals.auto_submitted or "").strip().lower()
    declared = keyword not in ("", "no")
    if not declared and cause.kind not in _ROBOTS:
        return None
    return hold(
        "The mail that caused it was written by a program.",
        {
            "auto_submitted": keyword or None,
            "kind": cause.kind.value,
            "kind_reasons": list(cause.kind_reasons),
        },
    )


def suppressed(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """The sender wants no automatic answers."""
    if request.cause is None:
        return None
    given = {word.strip().lower() for word in request.cause.signals.suppress}
    forbidding = sorted(given & _NO_AUTOMATIC_ANSWER)
    if not forbidding:
        return None
    return hold(
        "The sender asked for no automatic answers.", {"x_auto_response_suppress": forbidding}
    )


def caused_by_a_list(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """List or bulk mail."""
    cause = request.cause
    if cause is None:
        return None
    precedence = (cause.signals.precedence or "").strip().lower()
    if not cause.signals.is_list and precedence not in _BULK and cause.kind is not MailKind.LIST:
        return None
    return hold(
        "The mail that caused it went to many.",
        {
            "is_list": cause.signals.is_list,
            "precedence": precedence or None,
            "kind": cause.kind.value,
        },
    )


def without_a_cause(request: JudgeRequest, _facts: Facts) -> Finding | None:
    """A receipt that names no mail it answers."""
    if request.cause is not None or request.kind is not SendKind.RECEIPT:
        return None
    return hold("A receipt answers a mail, and none is named.", {"cause": None})


def _own_evidence(which: str, address: str | None) -> JsonObject:
    return {"which": which, "own_address": address}


def _report_evidence(cause: Cause | None) -> JsonObject | None:
    if cause is None:
        return None
    signals = cause.signals
    marks = {
        "null_return_path": signals.null_return_path,
        "from_mail_system": signals.from_mail_system,
        "is_report": signals.is_report,
    }
    if cause.kind not in _REPORTS and not any(marks.values()):
        return None
    return {"kind": cause.kind.value, "kind_reasons": list(cause.kind_reasons), **marks}


def _written(correspondent: str, request: JudgeRequest) -> str:
    """The recipient as the mail has it."""
    as_written = (one for one in request.recipients if correspondent_of(one) == correspondent)
    return next(as_written, correspondent)
