"""The completeness proof: what a folder has against what is known, every mail in one class."""

from datetime import datetime

from ingest_imap.domain.cursor import Cursor
from postbus.contracts.configuration import History
from postbus.contracts.mailboxes import CompletenessProof, FolderProof
from postbus.mail.uid_sets import UidSet
from postbus.mailboxes.proofs import folder_of_old

_SHOWN_RANGES = 500


def folder_proof(
    cursor: Cursor, there: UidSet, missing: UidSet, history: History, *, waited: UidSet
) -> FolderProof:
    """The proof of one folder.

    `there` are the mails in it, `missing` those of the told and held ones that ticketing has on no
    ticket. `waited` are those that were not on a ticket a good while ago already: if they still
    are not, nothing explains it.
    """
    told = there & UidSet.parse(cursor.taken)
    kept = (there & UidSet.of(cursor.held)) - told
    before = (there & UidSet.parse(cursor.before)) - told - kept
    held = kept & missing
    filed = (told | kept) - missing
    to_import = before if history is History.ALL else UidSet()
    not_yet = there - filed - held - before
    unexplained = not_yet & waited
    waiting = (not_yet - unexplained) | to_import
    known = UidSet.parse(cursor.taken) | UidSet.of(cursor.held) | UidSet.parse(cursor.before)
    return FolderProof(
        folder=cursor.folder,
        uidvalidity=cursor.uidvalidity,
        seen=len(there),
        before=len(before - to_import),
        filed=len(filed),
        held=len(held),
        waiting=len(waiting),
        unexplained=len(unexplained),
        gone=len(UidSet.span(1, cursor.known_to) - known - there),
        held_uids=_shown(held),
        waiting_uids=_shown(waiting),
        unexplained_uids=_shown(unexplained),
    )


def waited_for(
    proof: CompletenessProof | None, folder: str, uidvalidity: int, *, now: datetime
) -> UidSet:
    """The mails of a folder that a proof from a good while ago found on no ticket."""
    old = folder_of_old(proof, folder, uidvalidity, now=now)
    if old is None:
        return UidSet()
    return UidSet.parse(old.waiting_uids) | UidSet.parse(old.unexplained_uids)


def _shown(uids: UidSet) -> str:
    return str(UidSet(uids.ranges[:_SHOWN_RANGES]))
