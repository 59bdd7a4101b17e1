"""The question "may this mail be sent?" and its answer (request `postbus.loopguard.judge`)."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract, Event, JsonObject, Slug
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import MailKind, OtherStamp, OwnStamp, Signals


class SendKind(StrEnum):
    """What is to be sent, and so who caused it."""

    AGENT_REPLY = "agent-reply"
    RECEIPT = "receipt"
    NOTIFICATION = "notification"


class Fingerprint(Contract):
    """What a mail says, as hashes that are compared and tell nobody a word of it.

    Equal hashes: the same words, whatever their numbers, dates and addresses.
    """

    subject: str = Field(default="", description="of the subject's words, 16 hexadecimal digits")
    content: str = Field(
        default="",
        description="of the writer's own words; of a text of a few words also of the subject's",
    )
    similar: str = Field(
        default="",
        description="64 bits of which few differ where a few words do (simhash), hexadecimal; "
        "empty for a text of a few words",
    )


class Cause(Contract):
    """The incoming mail that made us want to send something."""

    mail_id: str
    sender: str
    kind: MailKind
    kind_reasons: tuple[str, ...] = ()
    signals: Signals = Signals()
    stamp: OwnStamp | None = None
    other_stamp: OtherStamp | None = None
    fingerprint: Fingerprint | None = None
    received_at: datetime | None = None


class JudgeRequest(Contract):
    """May this mail be sent? Asking twice about one `send_id` counts once."""

    send_id: str
    ticket_number: int
    queue: Slug
    kind: SendKind
    automatic: bool
    recipients: tuple[str, ...] = Field(min_length=1)
    outbound_channel: Slug
    outbound_kind: str = Field(description="`relay`, `smtp`, `gmail` or `graph`")
    marks_survive: bool = Field(
        default=True, description="this transport keeps Auto-Submitted and the like"
    )
    cause: Cause | None = None
    asked_at: datetime


GUARD_ERROR_RULE = "guard-error"
"""The rule of a verdict that is none: the guard could not judge, so the asker waits (L22)."""


WITHOUT_GUARD_RULE = "L22"
"""The rule of a verdict that the asker gave itself: a person's mail that went out unjudged."""


class Decision(StrEnum):
    """Held mail is listed and can be released; blocked mail cannot."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class Verdict(Contract):
    """What the guard decided, and all that is needed to explain it."""

    decision: Decision
    rule: str = Field(description="id of the rule that decided, e.g. `L2`; `none` when all passed")
    reason: str = Field(description="one sentence for people")
    evidence: JsonObject = Field(default_factory=dict)
    lifted_by: str = Field(default="", description="what would change the verdict")
    source: str = Field(default="", description="the standard behind the rule, e.g. `RFC 3834 §2`")


class Judged(Contract):
    """A verdict with the question it answers, from which it can be judged again."""

    question: JudgeRequest
    verdict: Verdict
    at: datetime


class JudgedEvent(Event[Judged]):
    """`postbus.send.judged.<queue>`"""


class DryRunRequest(Contract):
    """What would other limits have decided about the mail of the last days?"""

    limits: LoopLimits
    days: int = Field(default=7, ge=1, le=30)


class Difference(Contract):
    """One mail that other limits would have decided about otherwise."""

    send_id: str
    ticket_number: int
    queue: Slug
    kind: SendKind
    recipients: tuple[str, ...]
    at: datetime
    before: Verdict
    after: Verdict


class DryRun(Contract):
    """What other limits would have changed; `differences` are the newest of them."""

    judged: int = Field(default=0, description="questions of that time that were judged again")
    allowed_before: int = 0
    allowed_after: int = 0
    newly_held: int = 0
    newly_allowed: int = 0
    by_rule: dict[str, int] = Field(
        default_factory=dict, description="how many mails each rule would have held"
    )
    differences: tuple[Difference, ...] = ()
    problem: str = Field(default="", description="why there is no answer; empty: there is one")


class LiftRequest(Contract):
    """Forget what was counted about an address, or close a fuse that opened."""

    address: str | None = None
    fuse: str | None = Field(default=None, description="an outbound channel, or `*`: all of them")
    by: str


class Lifted(Contract):
    """What was forgotten, in words; nothing where there was nothing."""

    lifted: tuple[str, ...] = ()
    problem: str = ""


class Alarm(Contract):
    """What holds more than one mail at the moment, and until when."""

    what: str = Field(description="`burst`, `ticket` or `fuse`")
    about: str = Field(description="a ticket's number, an outbound channel, or nobody by name")
    until: datetime
    evidence: JsonObject = Field(default_factory=dict)


class StateRequest(Contract):
    """What does the guard hold more than one mail for?"""


class GuardState(Contract):
    """What holds more than one mail at the moment."""

    alarms: tuple[Alarm, ...] = ()
    problem: str = ""
