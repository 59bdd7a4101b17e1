"""What the handlers of the loop guard have around them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from loopguard.domain.facts import (
    Facts,
    is_automatic,
    is_by_mail,
    others,
    own_address,
    recipients_of,
)
from loopguard.domain.fuse import EVERYTHING
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Correspondent, Text
from loopguard.domain.windows import correspondent_of
from loopguard.ports import Alarms, Memories
from postbus.configuration import Configuration
from postbus.contracts.configuration import LoopLimits
from postbus.contracts.guard import Alarm, JudgeRequest


@dataclass(frozen=True)
class Surroundings:
    """Memories, alarms, the configuration and the clock."""

    memories: Memories
    alarms: Alarms
    configuration: Callable[[], Configuration]
    now: Callable[[], datetime]

    def facts(
        self,
        request: JudgeRequest,
        known: Mapping[str, Correspondent],
        text: Text,
        *,
        now: datetime,
        limits: LoopLimits | None = None,
    ) -> Facts:
        """All that the rules look at; BusUnavailable without configuration or alarms."""
        configuration = self.configuration()
        own, cause = configuration.own_addresses(), request.cause
        by_mail = is_automatic(request) and is_by_mail(request)
        return Facts(
            now=now,
            recipients=recipients_of(request, configuration.filter, own),
            sender_own_address=own_address(cause.sender, own) if cause else None,
            known=others(known, request.send_id),
            text=text,
            limits=limits or configuration.loop_limits,
            burst=self._alarm(burst_of(cause.sender), now) if by_mail and cause else None,
            ticket=self._alarm(ticket_of(request.ticket_number), now) if by_mail else None,
            fuse=self._fuse(request, now) if by_mail else None,
        )

    def _fuse(self, request: JudgeRequest, now: datetime) -> Alarm | None:
        one = self._alarm(fuse_of(request.outbound_channel), now)
        return one or self._alarm(fuse_of(EVERYTHING), now)

    def _alarm(self, name: str, now: datetime) -> Alarm | None:
        return self.alarms.standing(name, now)


def burst_of(address: str) -> str:
    """The name of the alarm about somebody who writes very often."""
    return f"burst.{key_of(correspondent_of(address))}"


def ticket_of(number: int) -> str:
    """The name of the alarm about a ticket on which mail went round."""
    return f"ticket.{number}"


def fuse_of(channel: str) -> str:
    """The name of the alarm about a channel, or about all of them (`EVERYTHING`)."""
    return f"fuse.{'all' if channel == EVERYTHING else f'channel.{channel}'}"
