"""Says which mails of a mailbox are on tickets, for the proof that none was lost."""

from postbus.contracts.base import Contract
from postbus.contracts.mailboxes import AskFiled, Filed, NotLooked
from postbus.mail.uid_sets import UidSet
from ticketing.surroundings import Surroundings


class Accounting:
    """Answers from what was noted of every mail that was filed or held."""

    def __init__(self, around: Surroundings) -> None:
        self._store = around.store

    async def which_are_missing(self, asked: AskFiled) -> Filed:
        """Those of the UIDs, or of the ids, that are on no ticket.

        A mail that ticketing itself holds, such as our own that came back, is accounted for and so
        not missing; it is listed with the held mails. ValueError for UIDs that are none,
        StoreUnavailable.
        """
        if asked.uidvalidity is None:
            found = await self._store.ids_known(asked.channel, asked.ids)
            return Filed(
                missing="", missing_ids=tuple(id_ for id_ in asked.ids if id_ not in found)
            )
        uids = UidSet.parse(asked.uids)
        known = await self._store.uids_known(asked.channel, asked.folder, asked.uidvalidity, uids)
        return Filed(missing=str(uids - known))


def could_not_look(error: Exception) -> Contract:
    """The answer when it failed; whoever asked takes it for none, and asks again later."""
    return NotLooked(error=type(error).__name__)
