"""The completeness proof of a folder: what lies in it, every mail in one class."""

from collections.abc import Collection, Sequence
from typing import Final

from ingest_graph.domain.cursor import Cursor
from postbus.contracts.mailboxes import FolderProof

_SHOWN: Final = 500


def folder_proof(
    folder: str,
    cursor: Cursor | None,
    ids: Sequence[str],
    missing: Collection[str],
    *,
    mails: int,
    old: FolderProof | None,
) -> FolderProof:
    """The proof of one folder.

    `ids` are the mails that ought to be on tickets, or all of them where mail from before is
    imported; `mails` counts all that lie there. `missing` are those that ticketing has on none.
    What a proof from a good while ago (`old`) found on no ticket, and still is not, nothing
    explains.
    """
    kept = cursor.held if cursor else {}
    not_filed = [id_ for id_ in ids if id_ in missing]
    held = [id_ for id_ in not_filed if id_ in kept]
    waited = {*old.waiting_ids, *old.unexplained_ids} if old else set()
    not_yet = [id_ for id_ in not_filed if id_ not in kept]
    unexplained = [id_ for id_ in not_yet if id_ in waited]
    waiting = [id_ for id_ in not_yet if id_ not in waited]
    seen = max(mails, len(ids))
    return FolderProof(
        folder=folder,
        seen=seen,
        before=seen - len(ids),
        filed=len(ids) - len(not_filed),
        held=len(held),
        waiting=len(waiting),
        unexplained=len(unexplained),
        held_ids=tuple(held[:_SHOWN]),
        waiting_ids=tuple(waiting[:_SHOWN]),
        unexplained_ids=tuple(unexplained[:_SHOWN]),
    )
