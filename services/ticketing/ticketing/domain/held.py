"""Which mail is kept and not filed, and why; until somebody releases it."""

from dataclasses import dataclass
from typing import Final

from postbus.contracts.configuration import LoopLimits
from postbus.contracts.mail import MailKind, MailReceived

OWN_MAIL_CAME_BACK: Final = "own-mail-came-back"
BOUNCE_OF_UNKNOWN_MAIL: Final = "bounce-of-unknown-mail"
CAME_A_LONG_WAY: Final = "came-a-long-way"


@dataclass(frozen=True)
class Held:
    """Why a mail is held: a stable word, and what it was seen by."""

    reason: str
    detail: str = ""


def why_held(mail: MailReceived, limits: LoopLimits) -> Held | None:
    """Why a mail is held whatever ticket it may belong to; None: it is filed.

    A mail that went through very many servers is one that a loop of forwarders passes on; RFC 5321
    §6.3 has a server refuse it at a hundred, and we keep it.
    """
    if mail.released is not None:
        return None
    if mail.kind is MailKind.OWN:
        return own_mail(mail)
    count, most = mail.signals.received_count, limits.received_fields_held
    if count >= most:
        return Held(CAME_A_LONG_WAY, f"{count} Received fields; held from {most} on")
    return None


def own_mail(mail: MailReceived) -> Held:
    """Our own mail, come back."""
    return Held(OWN_MAIL_CAME_BACK, ", ".join(mail.kind_reasons))


def of_unknown_bounce(mail: MailReceived) -> Held:
    """A bounce of a mail that is not ours."""
    return Held(BOUNCE_OF_UNKNOWN_MAIL, ", ".join(mail.kind_reasons))
