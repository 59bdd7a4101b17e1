"""Who changed what: told as facts, and read from the revisions in the bucket.

The bucket is the truth: a revision says who wrote it and when, so a change cannot be without its
audit. The facts are derived from it, and told again after a crash from where a mark stands.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from config_service.domain.audit_records import record_of, records_of
from config_service.ports import Store, TellAudit
from postbus.configuration import Kept
from postbus.contracts.channels import AuditRecord
from postbus.errors import TemporaryError

MARK = "audit-told"
log = structlog.get_logger("config.audit")


@dataclass(frozen=True)
class AuditPage:
    """Records, newest first, and where the next page begins."""

    items: tuple[AuditRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class AuditQuery:
    """Which records; `before_revision` is where the page before ended."""

    kind: str | None = None
    id: str | None = None
    before_revision: int | None = None
    limit: int = 50


class AuditTrail:
    """Tells every change once the bucket has it, and finds them again."""

    def __init__(self, store: Store, tell: TellAudit) -> None:
        self._store = store
        self._tell = tell
        self._untold: deque[AuditRecord] = deque()
        self._told_to = 0
        self._marked = 0
        self._telling = asyncio.Lock()

    async def changed(self, before: Kept | None, after: Kept) -> None:
        """Tell a change that was made; when that fails it is told later."""
        self._untold.append(record_of(before, after))
        try:
            await self._tell_untold()
        except TemporaryError as error:
            log.warning("audit_told_later", error=type(error).__name__)

    async def start(self) -> None:
        """Tell what a crash left untold; BusUnavailable, after which it may be called again."""
        self._marked = self._told_to = await self._store.mark(MARK) or 0
        heads = [kept for kept in await self._store.all() if kept.revision > self._told_to]
        found = [record for head in heads for record in await self._records(head)]
        untold = [record for record in found if record.revision > self._told_to]
        self._untold = deque(sorted(untold, key=lambda record: record.revision))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Tell what is untold and remember how far it came; called now and then. BusUnavailable."""
        await self._tell_untold()
        if self._told_to > self._marked:
            await self._store.set_mark(MARK, self._told_to)
            self._marked = self._told_to

    async def page(self, query: AuditQuery) -> AuditPage:
        """The newest records that the query asks for.

        Documents are looked at from the one that changed last; when those still to come changed
        earlier than the last record of a full page, they cannot be on it.
        """
        heads = [
            head
            for head in await self._store.all()
            if query.kind in (None, head.kind) and query.id in (None, head.id)
        ]
        found: list[AuditRecord] = []
        for head in sorted(heads, key=lambda kept: kept.revision, reverse=True):
            if len(found) > query.limit and found[query.limit].revision > head.revision:
                break
            found += [
                record
                for record in await self._records(head)
                if query.before_revision is None or record.revision < query.before_revision
            ]
            found.sort(key=lambda record: record.revision, reverse=True)
        items = tuple(found[: query.limit])
        more = len(found) > query.limit
        return AuditPage(items, str(items[-1].revision) if more else None)

    async def _tell_untold(self) -> None:
        async with self._telling:
            while self._untold:
                record = self._untold[0]
                await self._tell(record)
                self._untold.popleft()
                self._told_to = max(self._told_to, record.revision)

    async def _records(self, head: Kept) -> Sequence[AuditRecord]:
        revisions, whole = await self._store.history(head.kind, head.id)
        return records_of(revisions, from_the_first=whole)
