"""Takes a mail in at any door: keep, read, tell; whatever is wrong with it, it is not lost."""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from postbus.contracts.base import Contract, derived_id
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mail import MailHeld, OpenAs, Route
from postbus.errors import MailUnreadable, PermanentError, TemporaryError
from postbus.intake.keeping import Blobs, keep
from postbus.intake.received import Taken, mail_received
from postbus.intake.stamps import Find, find_stamp
from postbus.mail.parsed import ParsedMail

log = structlog.get_logger("postbus.intake")

RECEIVED, IMPORTED, HELD = "postbus.mail.received", "postbus.mail.imported", "postbus.mail.held"


class Telling(Protocol):
    """Where facts are told."""

    async def tell(
        self,
        event_type: str,
        last_token: str,
        data: Contract,
        *,
        event_id: str,
        about: str | None = None,
    ) -> None:
        """Tell a fact; its stream has it when this returns.

        BusUnavailable when it has not said so; PermanentError when it can never take the fact.
        """


class As(StrEnum):
    """What a mail is told as: one of today, or one from before, which nothing automatic follows."""

    RECEIVED = RECEIVED
    IMPORTED = IMPORTED


@dataclass(frozen=True)
class TakenIn:
    """What became of a mail, by channel: its kind, or `held`; `mail_id` is its identity."""

    mail_id: str
    outcomes: dict[str, str]
    message_id: str | None = None


@dataclass(frozen=True)
class Intake:
    """What every door does with a mail.

    ``read`` takes a mail apart, and raises MailUnreadable for one that takes too much;
    ``find_stamps`` gives the verified stamps of a text; ``own_addresses`` are all of ours,
    normalised.
    """

    blobs: Blobs
    telling: Telling
    read: Callable[[bytes], Awaitable[ParsedMail]]
    find_stamps: Find
    own_addresses: Callable[[], Container[str]]

    async def take(
        self,
        raw: bytes,
        routes: Sequence[tuple[InboundChannel, Route]],
        *,
        told_as: As = As.RECEIVED,
        open_as: OpenAs | None = None,
    ) -> TakenIn:
        """Take a mail for its channels; it is told when this returns, and safe to repeat.

        ``open_as`` is the status of a ticket that an imported mail opens.

        Raises:
            TemporaryError: bus or blob store is away; nothing of it may be acknowledged.
        """
        raw_ref = await self.blobs.put(raw)
        try:
            parsed = await self.read(raw)
            taken = await keep(parsed, raw, raw_ref, blobs=self.blobs)
            kinds = {
                channel.id: await self._tell(taken, channel, route, told_as, open_as)
                for channel, route in routes
            }
        except TemporaryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, no mail is lost
            log.warning("mail_not_read", error=type(error).__name__, sha256=raw_ref.sha256)
            for channel, route in routes:
                detail = str(error) if isinstance(error, PermanentError) else type(error).__name__
                held = MailHeld(
                    mail_id=raw_ref.sha256,
                    channel=channel.id,
                    reason=_reason_of(error),
                    detail=detail,
                    raw=raw_ref,
                    route=route,
                    imported=told_as is As.IMPORTED,
                )
                await self.hold(held)
            return TakenIn(raw_ref.sha256, {channel.id: "held" for channel, _ in routes})
        return TakenIn(taken.mail_id, kinds, parsed.message_id)

    async def hold(self, fact: MailHeld) -> None:
        """Tell that a mail is kept and not read; a later release can read it again."""
        await self.telling.tell(
            HELD,
            fact.channel,
            fact,
            event_id=derived_id("mail.held", fact.channel, fact.mail_id, *_layers(fact.route)),
            about=f"mails/{fact.mail_id}",
        )

    async def _tell(
        self,
        taken: Taken,
        channel: InboundChannel,
        route: Route,
        told_as: As,
        open_as: OpenAs | None,
    ) -> str:
        stamp = find_stamp(taken.parsed, route.envelope_to, channel=channel, find=self.find_stamps)
        fact = mail_received(
            taken, channel, route=route, stamp=stamp, own_addresses=self.own_addresses()
        ).model_copy(update={"open_as": open_as})
        name = told_as.value.removeprefix("postbus.")
        await self.telling.tell(
            told_as.value,
            channel.id,
            fact,
            event_id=derived_id(name, channel.id, taken.mail_id, *_layers(route)),
            about=f"mails/{taken.mail_id}",
        )
        return str(fact.kind)


def _layers(route: Route) -> tuple[str, ...]:
    """Where a fetched mail lay: each place is told, so that each can be accounted for.

    A mail that lies there twice, or lies elsewhere after the folder was made anew, is still one
    mail by its `mail_id`, and is filed once.
    """
    origin = route.origin
    return () if origin is None else origin.place


def _reason_of(error: Exception) -> str:
    if isinstance(error, MailUnreadable):
        return "takes-too-much-to-read"
    return "too-large-to-tell" if isinstance(error, PermanentError) else "not-readable"
