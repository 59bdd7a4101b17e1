"""The facts about a mail that is read again."""

from collections.abc import Container
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from postbus.contracts.base import derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, MailReceived, MailReleased, OwnStamp, Route
from postbus.intake import As, Taken, find_stamp, mail_received
from postbus.intake.stamps import Find
from postbus_cli.domain.choosing import Entry

_ENVELOPE_BYTES = 2048


class Rereading:
    """Makes facts with the configuration of today; `find` is None where there are no stamp keys."""

    def __init__(self, own_addresses: Container[str], find: Find | None) -> None:
        self._own_addresses = own_addresses
        self._find = find

    def again(self, old: MailReceived, taken: Taken, channel: InboundChannel) -> MailReceived:
        """The mail that was told as `old`, as it reads now.

        It keeps who it is, where it belongs, how it came, and a stamp that was verified when it
        came and would not be today, because its key was withdrawn.
        """
        same = replace(taken, mail_id=old.mail_id)
        fact = self._fact(same, channel, old.route, old.stamp)
        names = ("queue", "ticket_type", "open_as", "released")
        kept = {name: getattr(old, name) for name in names}
        return fact.model_copy(update=kept)

    def first(self, held: MailHeld, taken: Taken, channel: InboundChannel) -> MailReceived:
        """A mail that was held, as the door would tell it now."""
        return self._fact(taken, channel, held.route, None)

    def _fact(
        self, taken: Taken, channel: InboundChannel, route: Route, known: OwnStamp | None
    ) -> MailReceived:
        stamp = known
        if self._find is not None:
            to = route.envelope_to
            stamp = find_stamp(taken.parsed, to, channel=channel, find=self._find) or known
        return mail_received(
            taken, channel, route=route, stamp=stamp, own_addresses=self._own_addresses
        )


def fits(fact: MailReceived, max_event_bytes: int) -> bool:
    """Whether an event of that size can carry it."""
    size_bytes = len(fact.model_dump_json(by_alias=True).encode())
    return size_bytes + _ENVELOPE_BYTES <= max_event_bytes


def marked(fact: MailReceived, now: datetime) -> MailReceived:
    """The fact as one about a mail that is filed already."""
    return fact.model_copy(update={"reread_at": now})


def id_of_again(fact: MailReceived, entry: Entry) -> str:
    """The same for the same new reading in the place of the same old one."""
    plain = fact.model_copy(update={"reread_at": None})
    reading = sha256(plain.model_dump_json(by_alias=True).encode()).hexdigest()
    return derived_id("mail.reread", fact.channel, fact.mail_id, str(entry.sequence), reading)


def id_of_first(fact: MailReceived, told_as: As) -> str:
    """The one that the door would have given it, so that the two cannot both be told at once."""
    return derived_id(told_as.removeprefix("postbus."), fact.channel, fact.mail_id)


def released(held: MailHeld, fact: MailReceived) -> MailReleased:
    """That a held mail waits no longer."""
    return MailReleased(
        mail_id=held.mail_id, received_as=fact.mail_id, channel=held.channel, raw=held.raw
    )


def id_of_released(held: MailHeld, entry: Entry) -> str:
    """One for each time that the mail was held."""
    return derived_id("mail.released", held.channel, held.mail_id, str(entry.sequence))
