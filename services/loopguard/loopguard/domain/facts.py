"""What the rules are told besides the question: looked up before, so that they only decide."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from loopguard.domain.windows import Send, correspondent_of
from postbus.configuration import OutboundFilter
from postbus.contracts.configuration import FilterEntry
from postbus.contracts.guard import JudgeRequest, SendKind
from postbus.mail.addresses import normalise, with_fewer_tags


@dataclass(frozen=True)
class Recipient:
    """One recipient: the filter entry it is on, and the address of ours that it is."""

    address: str
    filter_entry: FilterEntry | None = None
    own_address: str | None = None


@dataclass(frozen=True)
class History:
    """The automatic mails that one correspondent was sent, as the counters have them."""

    correspondent: str
    sends: tuple[Send, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that rules may look at besides the question.

    `sender_own_address` is the address of ours that the causing mail says it is from.
    """

    now: datetime
    recipients: tuple[Recipient, ...] = ()
    sender_own_address: str | None = None
    histories: tuple[History, ...] = field(default=())


def is_automatic(request: JudgeRequest) -> bool:
    """Whether no person asked for this mail.

    Receipts and notifications are automatic whatever the flag says; an agent's reply is where the
    flag says so, e.g. one that a rule sends in an agent's name.
    """
    return request.automatic or request.kind is not SendKind.AGENT_REPLY


def answers_the_sender(request: JudgeRequest) -> bool:
    """Whether the mail goes back to whoever wrote the mail that caused it."""
    if request.kind is SendKind.RECEIPT:
        return True
    if request.cause is None:
        return False
    sender = correspondent_of(request.cause.sender)
    return any(correspondent_of(address) == sender for address in request.recipients)


def correspondents(request: JudgeRequest) -> tuple[str, ...]:
    """Everybody whose automatic mail is counted, once; nobody for a person's mail."""
    if not is_automatic(request):
        return ()
    return tuple(dict.fromkeys(correspondent_of(address) for address in request.recipients))


def facts_of(
    request: JudgeRequest,
    *,
    outbound_filter: OutboundFilter,
    own_addresses: frozenset[str],
    histories: Iterable[History],
    now: datetime,
) -> Facts:
    """The facts about a question; `own_addresses` are normalised."""
    return Facts(
        now=now,
        recipients=tuple(
            Recipient(address, outbound_filter.match(address), _own(address, own_addresses))
            for address in request.recipients
        ),
        sender_own_address=_own(request.cause.sender, own_addresses) if request.cause else None,
        histories=tuple(histories),
    )


def _own(address: str, own_addresses: frozenset[str]) -> str | None:
    """The address of ours that this one is, itself or as its plus-address (RFC 5233 §1)."""
    return next((a for a in with_fewer_tags(normalise(address)) if a in own_addresses), None)
