"""Judges recorded questions once more, with counters in memory: pure but for what it remembers.

Both sides of a comparison are judged so, because what stood in the counters then is gone. Alarms
are raised by what is replayed: a fuse and a ticket's rounds. Bursts count the mails that asked for
automatic mail, since the others were not recorded as questions. A fuse opens here with the mail
that is one too many, and not up to a second later.
"""

from collections import defaultdict
from datetime import datetime

from loopguard.domain.bursts import burst
from loopguard.domain.counts import is_repeat, send_of
from loopguard.domain.facts import (
    Facts,
    answers_the_sender,
    correspondents,
    is_automatic,
    is_by_mail,
    others,
    own_address,
    recipients_of,
    text_of,
)
from loopguard.domain.flow import Flow
from loopguard.domain.fuse import EVERYTHING, opened
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Arrivals, Correspondent, Echo, Text
from loopguard.domain.rules import judge
from loopguard.domain.windows import correspondent_of
from postbus.configuration import Configuration
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import Alarm, Decision, Judged, JudgeRequest, Verdict


class Replay:
    """One set of limits, going through the questions in their order."""

    def __init__(self, configuration: Configuration, limits: LoopLimits) -> None:
        self._configuration = configuration
        self._own = configuration.own_addresses()
        self._limits = limits
        self._known: dict[str, Correspondent] = defaultdict(Correspondent)
        self._texts: dict[str, Text] = defaultdict(Text)
        self._arrivals: dict[str, Arrivals] = defaultdict(Arrivals)
        self._flows: dict[str, Flow] = defaultdict(Flow)
        self._fuses: dict[str, Alarm] = {}
        self._held: dict[str, Verdict] = {}

    def judge(self, judged: Judged) -> Verdict:
        """The verdict under these limits; what it allows is counted, as of the last question.

        About a mail that they held before nobody would have asked again.
        """
        request, now = judged.question, judged.at
        if request.send_id in self._held:
            return self._held[request.send_id]
        facts = self._facts(request, now)
        verdict = judge(request, facts)
        if verdict.decision is not Decision.ALLOW:
            self._held[request.send_id] = verdict
            return verdict
        if not is_automatic(request):
            for who in correspondents(request):
                self._known[who] = self._known[who].with_answer(now)
        else:
            self._count(request, facts)
        return verdict

    def _facts(self, request: JudgeRequest, now: datetime) -> Facts:
        cause, content = request.cause, text_of(request)
        by_mail = is_automatic(request) and is_by_mail(request)
        return Facts(
            now=now,
            recipients=recipients_of(request, self._configuration.filter, self._own),
            sender_own_address=own_address(cause.sender, self._own) if cause else None,
            known=others(
                {who: self._known[who] for who in correspondents(request)}, request.send_id
            ),
            text=self._texts[content] if content else Text(),
            limits=self._limits,
            burst=self._burst(request, now) if by_mail else None,
            fuse=self._fuse(request, now) if by_mail else None,
        )

    def _burst(self, request: JudgeRequest, now: datetime) -> Alarm | None:
        if request.cause is None:
            return None
        who = correspondent_of(request.cause.sender)
        self._arrivals[who] = self._arrivals[who].with_mail(request.cause.mail_id, now)
        return burst(self._arrivals[who], self._limits, now)

    def _fuse(self, request: JudgeRequest, now: datetime) -> Alarm | None:
        known = (self._fuses.get(about) for about in (request.outbound_channel, EVERYTHING))
        return next((fuse for fuse in known if fuse is not None and fuse.until > now), None)

    def _count_for_fuses(self, request: JudgeRequest, facts: Facts) -> None:
        repeats = int(is_repeat(facts))
        for about in (request.outbound_channel, EVERYTHING):
            flow = self._flows[about].with_more(1, facts.now, repeats=repeats)
            self._flows[about] = flow
            alarm = opened(about, flow, self._limits, facts.now)
            if alarm is not None:
                self._fuses[about] = alarm

    def _count(self, request: JudgeRequest, facts: Facts) -> None:
        who = correspondents(request)
        is_new = all(self._known[one].counted(request.send_id) is None for one in who)
        if is_new and answers_the_sender(request):
            self._count_for_fuses(request, facts)
        for one in who:
            known = self._known[one]
            self._known[one] = known.with_send(send_of(request, known, facts.now))
        content = text_of(request)
        if content is not None:
            first = key_of(correspondent_of(request.recipients[0]))
            echo = Echo(request.send_id, facts.now, first)
            self._texts[content] = self._texts[content].with_echo(echo)
