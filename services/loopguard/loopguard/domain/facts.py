"""What the rules are told besides the question: looked up before, so that they only decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loopguard.domain.memory import Correspondent, Text
from loopguard.domain.windows import correspondent_of
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry, LoopLimits
from postbus.contracts.guard import Alarm, JudgeRequest, SendKind
from postbus.mail.addresses import normalise, with_fewer_tags


@dataclass(frozen=True)
class Recipient:
    """One recipient: the filter entry it is on, and the address of ours that it is."""

    address: str
    filter_entry: FilterEntry | None = None
    own_address: str | None = None


@dataclass(frozen=True)
class Facts:
    """All that rules may look at besides the question.

    `sender_own_address` is the address of ours that the causing mail says it is from. `known` has
    everybody who is counted, without the mail itself (`others`), `text` whom the same words brought
    automatic mail before. Of the alarms, `burst` is of whoever sent the cause, `ticket` of the
    ticket, `fuse` of the channel.
    """

    now: datetime
    recipients: tuple[Recipient, ...] = ()
    sender_own_address: str | None = None
    known: Mapping[str, Correspondent] = field(default_factory=dict)
    text: Text = field(default_factory=Text)
    limits: LoopLimits = field(default_factory=LoopLimits)
    burst: Alarm | None = None
    ticket: Alarm | None = None
    fuse: Alarm | None = None


def is_automatic(request: JudgeRequest) -> bool:
    """Whether no person asked for this mail.

    Receipts and notifications are automatic whatever the flag says; an agent's reply is where the
    flag says so, e.g. one that a rule sends in an agent's name.
    """
    return request.automatic or request.kind is not SendKind.AGENT_REPLY


def is_by_mail(request: JudgeRequest) -> bool:
    """Whether a mail caused it; otherwise a person did something, e.g. assigned a ticket."""
    return request.cause is not None or request.kind is SendKind.RECEIPT


def answers_the_sender(request: JudgeRequest) -> bool:
    """Whether the mail goes back to whoever wrote the mail that caused it."""
    if request.kind is SendKind.RECEIPT:
        return True
    if request.cause is None:
        return False
    sender = correspondent_of(request.cause.sender)
    return any(correspondent_of(address) == sender for address in request.recipients)


def correspondents(request: JudgeRequest) -> tuple[str, ...]:
    """Everybody it goes to, once."""
    return tuple(dict.fromkeys(correspondent_of(address) for address in request.recipients))


def text_of(request: JudgeRequest) -> str | None:
    """The content of a cause that is long enough to be known again whoever sends it."""
    cause = request.cause
    if cause is None or cause.fingerprint is None or not cause.fingerprint.similar:
        return None
    return cause.fingerprint.content if answers_the_sender(request) else None


def others(known: Mapping[str, Correspondent], send_id: str) -> dict[str, Correspondent]:
    """What is known of them but for that mail, which may be counted since it was asked before.

    What was allowed may wait for days before it leaves, and is asked about anew then: it has to fit
    in with what else leaves now, and its own count must not stand in its way.
    """
    return {address: one.without(send_id) for address, one in known.items()}


def recipients_of(
    request: JudgeRequest, outbound_filter: OutboundFilter, own_addresses: frozenset[str]
) -> tuple[Recipient, ...]:
    """The recipients with what they are to us; `own_addresses` are normalised."""
    return tuple(
        Recipient(address, outbound_filter.match(address), own_address(address, own_addresses))
        for address in request.recipients
    )


def own_address(address: str, own_addresses: frozenset[str]) -> str | None:
    """The address of ours that this one is, itself or as its plus-address (RFC 5233 §1)."""
    return next((a for a in with_fewer_tags(normalise(address)) if a in own_addresses), None)
