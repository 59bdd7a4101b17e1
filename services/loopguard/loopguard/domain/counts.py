"""How often: what was sent before, how much comes in, and whether it goes to and fro.

One pure function a rule, a finding or None. A mail that was allowed before is judged anew, by all
that is counted but itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from loopguard.domain.facts import Facts, is_by_mail
from loopguard.domain.findings import Finding, hold
from loopguard.domain.fuse import EVERYTHING
from loopguard.domain.keys import key_of
from loopguard.domain.memory import QUICK, Correspondent, Echo, Send
from loopguard.domain.windows import (
    DAY,
    HOUR,
    TEN_MINUTES,
    Window,
    allowed,
    correspondent_of,
    free_at,
    windows_of,
    within,
)
from postbus.contracts.base import JsonObject
from postbus.contracts.guard import Cause, Fingerprint, JudgeRequest, SendKind
from postbus.contracts.mail import MailKind
from postbus.mail.fingerprint import differing_bits

ROUNDS: Final = 2
"""To and fro so often is an answer and one more; what comes next is a loop (L15)."""
LAST_SENDS: Final = 5
SAME_AT_MOST: Final = 2
SIMILAR_BITS: Final = 8
"""Of 64; texts that differ in a few words differ in fewer, others in about half of them."""
SAME_TEXT: Final = (Window(HOUR, 5), Window(DAY, 15))
"""Of how many others the same text of many words may bring a receipt (L16)."""


def in_a_burst(_request: JudgeRequest, facts: Facts) -> Finding | None:
    """Whoever writes very often gets no automatic answers for a while; the mail is filed (L14)."""
    if facts.burst is None:
        return None
    return hold(
        "The sender writes very often at the moment.",
        dict(facts.burst.evidence),
        lifted_by=f"time: {_at(facts.burst.until)}, if no more of it comes",
    )


def fuse_is_open(_request: JudgeRequest, facts: Facts) -> Finding | None:
    """The channel, or all of them, send far more automatic answers than usual (L17)."""
    if facts.fuse is None:
        return None
    which = "all channels" if facts.fuse.about == EVERYTHING else "this channel"
    return hold(
        f"Automatic answers of {which} rest: there were far more of them than usual.",
        {"fuse": facts.fuse.about, **facts.fuse.evidence},
        lifted_by=f"time: {_at(facts.fuse.until)}, or an admin closes the fuse",
    )


def says_the_same(request: JudgeRequest, facts: Facts) -> Finding | None:
    """The same text, or nearly, brought automatic mail before (L16)."""
    print_ = request.cause.fingerprint if request.cause else None
    if print_ is None:
        return None
    for one in facts.known.values():
        last = [send for send in one.sends if send.by_mail and send.content][-LAST_SENDS:]
        alike = sum(_alike(send, print_) for send in last)
        if alike >= SAME_AT_MOST:
            return hold(
                "The sender wrote the same before, and was answered.",
                {"alike": alike, "of_the_last": len(last)},
            )
    return _the_same_from_others(request, facts)


def to_and_fro(request: JudgeRequest, facts: Facts) -> Finding | None:
    """Mail and automatic answer in turn, and nobody in between (L15)."""
    for one in facts.known.values():
        since = [send for send in one.sends if send.by_mail and _is_after(send, one.answered_at)]
        on_ticket = sum(send.ticket == request.ticket_number for send in since)
        rounds = _quick_rounds(since, request.cause)
        if max(on_ticket, rounds) < ROUNDS:
            continue
        return hold(
            "Mail and automatic answers go to and fro, and no person wrote in between.",
            {"on_this_ticket": on_ticket, "each_within_two_minutes": rounds},
            lifted_by="an agent's answer to the customer",
        )
    return None


def over_the_limit(request: JudgeRequest, facts: Facts) -> Finding | None:
    """A correspondent had as much automatic mail because of mail as is good (L12)."""
    windows = windows_of(facts.limits.correspondent, marks_survive=request.marks_survive)
    for sends in _sends(facts, by_mail=True):
        if full := _full(sends, windows, request, facts):
            return full
    return None


def over_the_limit_of_the_ticket(request: JudgeRequest, facts: Facts) -> Finding | None:
    """The same on one ticket (L13)."""
    windows = windows_of(facts.limits.ticket, marks_survive=request.marks_survive)
    for sends in _sends(facts, by_mail=True):
        if full := _full(_on_ticket(sends, request), windows, request, facts):
            return full
    return None


def over_the_limit_of_people(request: JudgeRequest, facts: Facts) -> Finding | None:
    """What people cause is bounded, too, far wider (L13b)."""
    each = windows_of(facts.limits.people_correspondent, marks_survive=request.marks_survive)
    ticket = windows_of(facts.limits.people_ticket, marks_survive=request.marks_survive)
    for sends in _sends(facts, by_mail=False):
        full = _full(_on_ticket(sends, request), ticket, request, facts)
        if full := full or _full(sends, each, request, facts):
            return full
    return None


def too_many_receipts(request: JudgeRequest, facts: Facts) -> Finding | None:
    """Receipts of one queue, and of all; a person with another question gets another (L11)."""
    limits, whole = facts.limits, request.marks_survive
    day = Window(DAY, allowed(limits.receipts_day, marks_survive=whole))
    everywhere = Window(DAY, allowed(limits.receipts_day_all_queues, marks_survive=whole))
    moment = Window(TEN_MINUTES, limits.receipts_ten_minutes)
    for sends in _sends(facts, by_mail=True):
        receipts = [send for send in sends if send.kind == SendKind.RECEIPT]
        here = [send for send in receipts if send.queue == request.queue]
        full = _full(here, (day,), request, facts) or _full(receipts, (everywhere,), request, facts)
        if full is None and not _is_another_question(request.cause, receipts):
            full = _full(here, (moment,), request, facts)
        if full is not None:
            return replace(full, reason="The customer had as many receipts as is good.")
    return None


def is_repeat(facts: Facts) -> bool:
    """Whether an allowed answer is one that loops are made of, which the fuse counts apart (L17).

    It goes to somebody who had automatic mail within a day. What many people write for the first
    time, as when something is broken, is none, even where they copy one another's words.
    """
    return any(facts.now - send.at < DAY for sends in _sends(facts, by_mail=True) for send in sends)


def send_of(request: JudgeRequest, before: Correspondent, now: datetime) -> Send:
    """The mail as it is remembered with a correspondent once it is allowed; `before` may have it.

    That it was quick stays: when it is asked about again, the mail before it may have moved.
    """
    print_ = (request.cause.fingerprint if request.cause else None) or Fingerprint()
    known = before.counted(request.send_id)
    by_mail = [send for send in before.without(request.send_id).sends if send.by_mail]
    return Send(
        send_id=request.send_id,
        at=now,
        ticket=request.ticket_number,
        queue=request.queue,
        kind=request.kind.value,
        by_mail=is_by_mail(request),
        quick=_is_quick(by_mail, request.cause) or (known is not None and known.quick),
        subject=print_.subject,
        content=print_.content,
        similar=print_.similar,
    )


def _sends(facts: Facts, *, by_mail: bool) -> Iterator[list[Send]]:
    """What each was sent, because of mail or of people."""
    for one in facts.known.values():
        yield [send for send in one.sends if send.by_mail is by_mail]


def _on_ticket(sends: list[Send], request: JudgeRequest) -> list[Send]:
    return [send for send in sends if send.ticket == request.ticket_number]


def _full(
    sends: list[Send], windows: tuple[Window, ...], request: JudgeRequest, facts: Facts
) -> Finding | None:
    """The finding where the windows have no room for one more."""
    times = [send.at for send in sends]
    free = free_at(times, windows, facts.now)
    if free is None:
        return None
    counts: JsonObject = {w.name: len(within(times, w, facts.now)) for w in windows}
    return hold(
        "The correspondent had as much automatic mail as is allowed.",
        {
            "sent": counts,
            "limits": {window.name: window.limit for window in windows},
            "marks_survive": request.marks_survive,
            "free_at": free.isoformat(),
        },
        lifted_by=f"time: there is room again at {_at(free)}",
    )


def _is_another_question(cause: Cause | None, receipts: list[Send]) -> bool:
    """Whether a mail is plainly a person's, about something that no receipt was about yet."""
    if cause is None or cause.kind is not MailKind.HUMAN:
        return False
    signals = cause.signals
    signs = (signals.suppress, signals.precedence, signals.is_list, signals.null_return_path)
    if any(signs) or (signals.auto_submitted or "no") != "no":
        return False
    subject = cause.fingerprint.subject if cause.fingerprint else None
    return all(send.subject != subject for send in receipts)


def _alike(send: Send, print_: Fingerprint) -> bool:
    same = send.content == print_.content
    return same or differing_bits(send.similar, print_.similar) <= SIMILAR_BITS


def _the_same_from_others(request: JudgeRequest, facts: Facts) -> Finding | None:
    others = {echo.who: echo.at for echo in _others(request, facts)}
    free = free_at(others.values(), SAME_TEXT, facts.now)
    if free is None:
        return None
    return hold(
        "Many others sent the same text, and were answered.",
        {"others": len(others), "within": {w.name: w.limit for w in SAME_TEXT}},
        lifted_by=f"time: there is room again at {_at(free)}",
    )


def _others(request: JudgeRequest, facts: Facts) -> list[Echo]:
    """To whom else automatic mail went because of the text."""
    mine = {correspondent_of(address) for address in request.recipients}
    hashed = {key_of(one) for one in mine}
    return [echo for echo in facts.text.echoes if echo.who not in hashed]


def _is_after(send: Send, answered_at: datetime | None) -> bool:
    return answered_at is None or send.at > answered_at


def _quick_rounds(since: list[Send], cause: Cause | None) -> int:
    """How many rounds in a row there were, each mail within two minutes of the answer before."""
    if not _is_quick(since, cause):
        return 0
    rounds = 1
    for send in reversed(since):
        if not send.quick:
            break
        rounds += 1
    return rounds


def _is_quick(sends: list[Send], cause: Cause | None) -> bool:
    """Whether a mail came so soon after the newest automatic mail that it answers that."""
    if cause is None or cause.received_at is None or not sends:
        return False
    return sends[-1].at <= cause.received_at < sends[-1].at + QUICK


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
