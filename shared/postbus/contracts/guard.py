"""The question "may this mail be sent?" and its answer (request `postbus.loopguard.judge`)."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from postbus.contracts.base import Contract, JsonObject, Slug
from postbus.contracts.mail import MailKind, OwnStamp, Signals


class SendKind(StrEnum):
    """What is to be sent, and so who caused it."""

    AGENT_REPLY = "agent-reply"
    RECEIPT = "receipt"
    NOTIFICATION = "notification"


class Cause(Contract):
    """The incoming mail that made us want to send something."""

    mail_id: str
    sender: str
    kind: MailKind
    kind_reasons: tuple[str, ...] = ()
    signals: Signals = Signals()
    stamp: OwnStamp | None = None


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
