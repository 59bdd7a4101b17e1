"""Reads what is remembered about a question, and counts the mail once it is allowed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from loopguard.domain.counts import send_of
from loopguard.domain.facts import correspondents, is_automatic, text_of
from loopguard.domain.keys import key_of
from loopguard.domain.memory import Correspondent, Echo, Text
from loopguard.domain.windows import DAY, HOUR, correspondent_of
from loopguard.ports import Kept, Memories
from postbus.contracts.guard import JudgeRequest
from postbus.errors import PermanentError, Unavailable


@dataclass(frozen=True)
class Read:
    """What was remembered when the question came."""

    correspondents: dict[str, Kept[Correspondent]]
    kept_text: Kept[Text] | None = None

    @property
    def known(self) -> dict[str, Correspondent]:
        """By address, as `windows.correspondent_of` gives it."""
        return {address: kept.value for address, kept in self.correspondents.items()}

    @property
    def text(self) -> Text:
        """Whom automatic mail went to because of the same words."""
        return self.kept_text.value if self.kept_text else Text()


@dataclass(frozen=True)
class Counted:
    """Whether a mail is counted now wherever it must be, and whether it was not known before."""

    everywhere: bool
    anew: bool


class Remembering:
    """What all replicas share about correspondents and texts."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories

    async def read(self, request: JudgeRequest) -> Read:
        """All that the rules want to know; nothing for a person's mail while it cannot be read.

        Raises BusUnavailable, and PermanentError where it cannot be understood.
        """
        who, content = correspondents(request), text_of(request)
        people = self._memories.correspondents
        reading = asyncio.gather(*(people.read(key_of(one)) for one in who))
        if not is_automatic(request):
            try:
                return Read(dict(zip(who, await reading, strict=True)))
            except (Unavailable, PermanentError):
                # A person's mail needs no counters; that an address bounced may be missed (L22).
                return Read({})
        if content is None:
            return Read(dict(zip(who, await reading, strict=True)))
        known, text = await asyncio.gather(reading, self._memories.texts.read(content))
        return Read(dict(zip(who, known, strict=True)), text)

    async def count(
        self, request: JudgeRequest, read: Read, now: datetime, *, fresh: datetime
    ) -> Counted:
        """Count the mail with every correspondent, or move its count to now. BusUnavailable.

        A count that is as new as `fresh` stays: after a lost race it may be that of a question
        about the same mail at the same moment, and both would race for the last millisecond.
        It is not counted everywhere where another replica was faster. With several correspondents
        some may have it then; the next look leaves that out, and counts it there no second time.
        Should it hold the mail, they have one too many: the safe side.
        """
        known = list(read.correspondents.values())
        kept = await asyncio.gather(
            *(self._count(request, one, now, fresh) for one in known),
            self._count_text(request, read.kept_text, now, fresh),
        )
        # Of several questions at once about one mail, one adds it to the first correspondent.
        anew = bool(known) and kept[0] and known[0].value.counted(request.send_id) is None
        return Counted(all(kept), anew)

    async def _count(
        self, request: JudgeRequest, kept: Kept[Correspondent], now: datetime, fresh: datetime
    ) -> bool:
        counted = kept.value.counted(request.send_id)
        if counted is not None and counted.at >= fresh:
            return True
        value = kept.value.with_send(send_of(request, kept.value, now))
        people = self._memories.correspondents
        return await people.keep(kept, value, lasts=value.lasts(now))

    async def _count_text(
        self, request: JudgeRequest, kept: Kept[Text] | None, now: datetime, fresh: datetime
    ) -> bool:
        if kept is None or kept.value.counted(request.send_id, since=fresh):
            return True
        who = key_of(correspondent_of(request.recipients[0]))
        value = kept.value.with_echo(Echo(request.send_id, now, who))
        return await self._memories.texts.keep(kept, value, lasts=DAY + HOUR)
