"""Which mails are to be fetched: those that ticketing does not have."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from ingest_graph.domain.cursor import Cursor
from ingest_graph.ports import Brief
from postbus.contracts.mailboxes import AskFiled
from postbus.mailboxes.ports import AskTicketing

_ASKED_AT_ONCE: Final = 1000
_REMEMBERED: Final = 20_000


async def missing_ids(
    ask: AskTicketing, channel: str, folder: str, ids: Sequence[str]
) -> frozenset[str]:
    """Those of the ids whose mail is on no ticket. BusUnavailable when ticketing is away."""
    missing = frozenset[str]()
    for at in range(0, len(ids), _ASKED_AT_ONCE):
        some = tuple(ids[at : at + _ASKED_AT_ONCE])
        answer = await ask(AskFiled(channel=channel, folder=folder, ids=some))
        missing |= frozenset(answer.missing_ids)
    return missing


class Missing:
    """For one folder of one channel; remembers what was told here, which ticketing may not yet."""

    def __init__(self, ask: AskTicketing, channel: str, folder: str) -> None:
        self._ask = ask
        self._channel = channel
        self._folder = folder
        self._told: OrderedDict[str, None] = OrderedDict()

    def remember(self, briefs: Iterable[Brief]) -> None:
        """These are told, held or gone."""
        for brief in briefs:
            self._told[brief.id] = None
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    def forget(self) -> None:
        """Believe ticketing alone from now on."""
        self._told.clear()

    def unknown(self, cursor: Cursor, briefs: Iterable[Brief]) -> list[Brief]:
        """Those that were neither told here nor are held, oldest first."""
        found = [one for one in briefs if one.id not in self._told and one.id not in cursor.held]
        return sorted(found, key=lambda one: one.arrived_at)

    async def of(self, cursor: Cursor, briefs: Iterable[Brief]) -> list[Brief]:
        """Of those the ones that are on no ticket, oldest first. BusUnavailable."""
        unknown = self.unknown(cursor, briefs)
        ids = [one.id for one in unknown]
        missing = await missing_ids(self._ask, self._channel, self._folder, ids)
        return [one for one in unknown if one.id in missing]
