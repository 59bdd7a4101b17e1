"""Who changed what, read from the revisions of a document."""

from collections.abc import Sequence

from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.channels import AuditRecord


def record_of(before: Kept | None, after: Kept) -> AuditRecord:
    """The change that made `after` of `before`."""
    old = before.document if before else None
    return AuditRecord(
        who=after.change.by,
        at=after.change.at,
        action=_action(old, after.document),
        kind=after.kind,
        id=after.id,
        revision=after.revision,
        before=old,
        after=after.document,
    )


def _action(before: JsonObject | None, after: JsonObject | None) -> str:
    if after is None:
        return "deleted"
    return "created" if before is None else "changed"


def records_of(revisions: Sequence[Kept], *, from_the_first: bool) -> list[AuditRecord]:
    """The changes behind the revisions of one document, oldest first.

    Where the bucket has forgotten the first revisions, what the oldest one changed is not known,
    so it only serves as the `before` of the next.
    """
    earlier: list[Kept | None] = [None, *revisions]
    records = [record_of(before, after) for before, after in zip(earlier, revisions, strict=False)]
    return records if from_the_first else records[1:]
