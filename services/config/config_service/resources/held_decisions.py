"""Somebody decides about a held mail: it is filed all the same, or nothing is made of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from config_service.bodies import HeldMailView
from config_service.domain.held_mails import HeldMail
from config_service.ports import Blobs, TellAudit, TellMail
from config_service.resources.documents import Documents
from config_service.resources.held_mails import KIND, HeldMails, view_of
from config_service.resources.held_reading import HeldReading
from config_service.resources.loop_verdicts import Reading
from postbus.contracts.channels import AuditRecord
from postbus.contracts.mail import HeldDecision, MailDecided, MailReceived, Release
from postbus.errors import PermanentError
from postbus.runtime.problems import Problem

log = structlog.get_logger("config.held_mails")

_UNDER_WAY: Final = timedelta(minutes=1)
"""After this a release that nobody carried out is told once more when it is asked for."""


class HeldDecisions:
    """Decisions about held mails; to decide the same again changes nothing."""

    def __init__(
        self,
        mails: HeldMails,
        documents: Documents,
        blobs: Blobs,
        tell: TellMail,
        audit: TellAudit,
        reading: Reading,
    ) -> None:
        self._mails = mails
        self._documents = documents
        self._blobs = blobs
        self._tell = tell
        self._audit = audit
        self._reading = reading

    async def release(self, id_: str, *, by: str) -> HeldMailView:
        """Have it filed, one that was discarded too; 404, 409 `channel-gone`, `no-stamp-keys`.

        The audit is told first, then the mail as received, then the decision: a crash in between
        leaves a mail that is held, or one that is filed, and never one that only says so.

        Raises:
            TemporaryError: bus or blob store is away.
        """
        mail = await self._mails.find(id_)
        if mail.state == "filed" or self._is_under_way(mail):
            return view_of(mail)
        reading = await self._reading_for(mail)
        raw = await self._blobs.get(mail.fact.raw.sha256)
        whole = await reading.whole(mail.fact, raw)
        decided = self._decision(mail, HeldDecision.RELEASE, by)
        await self._tell_audit(mail, "released", decided)
        if whole is None or not await self._received(mail, whole, decided):
            await self._received(mail, await reading.head(mail.fact, raw), decided)
        await self._tell.decided(decided)
        return view_of(replace(mail, decided=decided))

    async def discard(self, id_: str, *, by: str) -> HeldMailView:
        """Make nothing of it; it is kept. 404, 409 `already-filed`, `being-released`.

        Raises:
            TemporaryError: the bus is away.
        """
        mail = await self._mails.find(id_)
        if mail.state == "discarded":
            return view_of(mail)
        if mail.state == "filed":
            raise Problem(409, "already-filed", detail="It is on a ticket, as an agent sees it.")
        if mail.state == "releasing":
            raise Problem(409, "being-released", detail="Somebody released it a moment ago.")
        decided = self._decision(mail, HeldDecision.DISCARD, by)
        await self._tell_audit(mail, "discarded", decided)
        await self._tell.decided(decided)
        return view_of(replace(mail, decided=decided))

    def _is_under_way(self, mail: HeldMail) -> bool:
        if mail.state != "releasing" or mail.decided is None:
            return False
        return self._documents.now() - mail.decided.at < _UNDER_WAY

    async def _reading_for(self, mail: HeldMail) -> HeldReading:
        configuration = (await self._documents.state()).configuration
        channel = configuration.inbound(mail.fact.channel)
        if channel is None:
            detail = f"The channel {mail.fact.channel} that it came by is no more."
            raise Problem(409, "channel-gone", detail=detail)
        find = self._reading.find_stamps
        if find is None:
            detail = "Without STAMP_KEYS_FILE an answer to our own mail would not be known as one."
            raise Problem(409, "no-stamp-keys", detail=detail)
        own = configuration.own_addresses()
        return HeldReading(self._blobs, self._reading.read, find, channel, own)

    async def _received(self, mail: HeldMail, fact: MailReceived, decided: MailDecided) -> bool:
        """Tell it for each place where it lay; False where no event can carry it."""
        release = Release(by=decided.by, at=decided.at, held_as=mail.fact.mail_id)
        try:
            for route in mail.routes:
                told = fact.model_copy(update={"route": route, "released": release})
                await self._tell.received(told, imported=mail.fact.imported)
        except PermanentError as error:
            log.warning("held_mail_not_told", error=str(error), id=mail.id)
            return False
        return True

    def _decision(self, mail: HeldMail, decision: HeldDecision, by: str) -> MailDecided:
        return MailDecided(
            mail_id=mail.fact.mail_id,
            channel=mail.fact.channel,
            decision=decision,
            by=by,
            at=self._documents.now(),
        )

    async def _tell_audit(self, mail: HeldMail, action: str, decided: MailDecided) -> None:
        await self._audit(
            AuditRecord(
                who=decided.by,
                at=decided.at,
                action=action,
                kind=KIND,
                id=mail.id,
                revision=mail.sequence,
            )
        )
        log.info("held_mail_decided", id=mail.id, decision=decided.decision, by=decided.by)
