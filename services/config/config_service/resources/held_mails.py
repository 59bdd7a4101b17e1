"""Mails that are kept and not filed: what there is, and their bytes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from config_service.bodies import HeldMailView
from config_service.domain.held_mails import HeldMail, HeldQuery, held_mails, page_of
from config_service.ports import Archive, Blobs, TellAudit
from config_service.resources.refusing import not_found
from postbus.contracts.channels import AuditRecord

KIND = "held-mails"
log = structlog.get_logger("config.held_mails")


@dataclass(frozen=True)
class HeldPage:
    """Mails, newest first, and where the next page begins."""

    items: list[HeldMailView]
    next_cursor: str | None


@dataclass(frozen=True)
class RawMail:
    """The bytes of a mail as it came, piece by piece."""

    pieces: AsyncIterator[bytes]
    size_bytes: int
    file_name: str


class HeldMails:
    """What can be done with held mails."""

    def __init__(
        self, archive: Archive, blobs: Blobs, tell: TellAudit, now: Callable[[], datetime]
    ) -> None:
        self._archive = archive
        self._blobs = blobs
        self._tell = tell
        self._now = now

    async def page(self, query: HeldQuery) -> HeldPage:
        """The newest that the query asks for; BusUnavailable."""
        mails, next_sequence = page_of(held_mails(await self._archive.held()), query)
        cursor = str(next_sequence) if next_sequence is not None else None
        return HeldPage([view_of(mail) for mail in mails], cursor)

    async def get(self, id_: str) -> HeldMailView:
        """One of them; 404."""
        return view_of(await self.find(id_))

    async def raw(self, id_: str, *, by: str) -> RawMail:
        """Its bytes, after the audit knows who asked for them; 404.

        Raises:
            TemporaryError: the audit cannot be told, or the blob store is away.
        """
        mail = await self.find(id_)
        raw = mail.fact.raw
        pieces = await self._blobs.open(raw.sha256)
        await self._tell(
            AuditRecord(
                who=by, at=self._now(), action="read", kind=KIND, id=id_, revision=mail.sequence
            )
        )
        log.info("held_mail_read", id=id_, by=by, bytes=raw.size_bytes)
        return RawMail(pieces, raw.size_bytes, f"{mail.fact.mail_id[:16]}.eml")

    async def find(self, id_: str) -> HeldMail:
        """One of them, as the stream tells of it; 404."""
        for mail in held_mails(await self._archive.held()):
            if mail.id == id_:
                return mail
        raise not_found(KIND, id_)


def view_of(mail: HeldMail) -> HeldMailView:
    """The mail as it is shown."""
    fact, decided, released = mail.fact, mail.decided, mail.released
    by = decided.by if decided else released.by if released else ""
    return HeldMailView(
        id=mail.id,
        mail_id=fact.mail_id,
        channel=fact.channel,
        state=mail.state,
        reason=fact.reason,
        detail=fact.detail,
        held_at=mail.held_at,
        received_at=fact.route.received_at,
        received_as=mail.received_as,
        ticket=released.ticket if released else None,
        decided_by=by or None,
        decided_at=decided.at if decided else None,
        door=fact.route.door,
        envelope_from=fact.route.envelope_from,
        envelope_to=fact.route.envelope_to,
        size_bytes=fact.raw.size_bytes,
        sha256=fact.raw.sha256,
    )
