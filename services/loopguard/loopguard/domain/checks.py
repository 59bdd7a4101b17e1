"""The checks behind the rules, one pure function each: a finding, or None to let others decide."""

from typing import Final

from loopguard.domain.facts import Facts, answers_the_sender
from loopguard.domain.findings import Finding, hold
from loopguard.domain.windows import free_at, windows_for, within
from postbus.contracts.base import JsonObject
from postbus.contracts.guard import Cause, Decision, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind

_OWN_AUTOMATIC: Final = frozenset((SendKind.RECEIPT.value, SendKind.NOTIFICATION.value))
_REPORTS: Final = frozenset((MailKind.BOUNCE, MailKind.FEEDBACK_REPORT))
_ROBOTS: Final = frozenset(
    (MailKind.AUTO_REPLY, MailKind.AUTO_GENERATED, MailKind.MACHINE, MailKind.OWN)
)
_BULK: Final = frozenset(("list", "bulk", "junk", "auto_reply", "auto-reply", "autoreply"))
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


def over_the_limit(request: JudgeRequest, facts: Facts) -> Finding | None:
    """A correspondent had as much automatic mail as is good."""
    windows = windows_for(marks_survive=request.marks_survive)
    for history in facts.histories:
        if any(send.send_id == request.send_id for send in history.sends):
            continue  # asked before, allowed and counted
        free = free_at(history.sends, windows, facts.now)
        if free is None:
            continue
        counts = {w.name: len(within(history.sends, w, facts.now)) for w in windows}
        return hold(
            "The correspondent had as much automatic mail as is allowed.",
            {
                "sent": counts,
                "limits": {window.name: window.limit for window in windows},
                "marks_survive": request.marks_survive,
                "free_at": free.isoformat(),
            },
            lifted_by=f"time: there is room again at {free.isoformat(timespec='seconds')}",
        )
    return None


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
