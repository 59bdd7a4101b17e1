"""Ticketing's handlers around a real store."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from doubles.bus import KeptBus
from doubles.mails import NOW
from postbus.configuration import Configuration
from postbus.contracts.base import Contract
from postbus.contracts.configuration import Agent, ForwardSettings, InboundChannel, LoopLimits
from postbus.contracts.mail import MailImportedEvent, MailReceived, MailReceivedEvent
from postbus.tokens import Stamper
from ticketing.adapters.langid_languages import LangidLanguages
from ticketing.adapters.prometheus_fallbacks import PrometheusFallbacks
from ticketing.crossing_off import CrossingOff
from ticketing.surroundings import Surroundings
from ticketing.telling import Telling

LANGUAGES = LangidLanguages()
STAMPER = Stamper("test", [b"k" * 32])


def channel(id_: str, **fields: Any) -> InboundChannel:
    """A forward channel with one address."""
    forward = ForwardSettings(creation_addresses=(f"{id_}@postbus.localhost",))
    return InboundChannel(id=id_, name=id_.title(), kind="forward", forward=forward, **fields)


def agent(id_: str, **fields: Any) -> Agent:
    """An agent of all queues."""
    return Agent.model_validate(
        {"id": id_, "name": id_.title(), "address": f"{id_}@abc.com", **fields}
    )


NO_BURSTS = LoopLimits(incoming_ten_minutes=10_000, incoming_hour=10_000, tickets_hour=100_000)
"""Mail of tests comes all at once, and most of them are not about that."""


def surroundings(
    store: Any, bus: Any = None, *, also: Sequence[Contract] = (NO_BURSTS,), **fields: Any
) -> Surroundings:
    """With the queues `support` and `sales`, and what else is configured."""
    configuration = Configuration.of([channel("support", **fields), channel("sales"), *also])
    return Surroundings(
        store=store,
        telling=Telling(store, bus or KeptBus(), CrossingOff(store)),
        configuration=lambda: configuration,
        stamper=STAMPER,
        now=lambda: datetime.now(UTC),
        language_of=LANGUAGES,
        receipt_failed=PrometheusFallbacks(CollectorRegistry()),
    )


def received(mail: MailReceived) -> MailReceivedEvent:
    """The mail as an event."""
    return MailReceivedEvent(
        id=f"e-{mail.mail_id}-{mail.channel}",
        source="/test",
        type="postbus.mail.received",
        time=NOW,
        data=mail,
    )


def imported(mail: MailReceived) -> MailImportedEvent:
    """A mail from before, as an event."""
    return MailImportedEvent(
        id=f"i-{mail.mail_id}-{mail.channel}",
        source="/test",
        type="postbus.mail.imported",
        time=NOW,
        data=mail,
    )
