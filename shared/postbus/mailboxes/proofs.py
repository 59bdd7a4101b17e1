"""The completeness proof of a mailbox: the sums over its folders."""

from datetime import datetime
from typing import Final

from postbus.contracts.mailboxes import CompletenessProof, FolderProof

WAITS_AT_LEAST_SECONDS: Final = 600
"""A mail that was waiting so long ago, and waits still, is unexplained."""
_SUMS: Final = ("seen", "before", "filed", "held", "waiting", "unexplained", "gone")


def whole_proof(
    channel: str, folders: tuple[FolderProof, ...], *, at: datetime, error: str | None = None
) -> CompletenessProof:
    """The sums; a mailbox that could not be read is not proved."""
    sums = {name: sum(getattr(folder, name) for folder in folders) for name in _SUMS}
    ok = error is None and not sums["unexplained"]
    return CompletenessProof(
        channel=channel, proved_at=at, ok=ok, folders=folders, error=error, **sums
    )


def folder_of_old(
    proof: CompletenessProof | None, folder: str, uidvalidity: int | None, *, now: datetime
) -> FolderProof | None:
    """What a proof from a good while ago says of a folder, if there is one."""
    if proof is None or (now - proof.proved_at).total_seconds() < WAITS_AT_LEAST_SECONDS:
        return None
    found = (one for one in proof.folders if (one.folder, one.uidvalidity) == (folder, uidvalidity))
    return next(found, None)
