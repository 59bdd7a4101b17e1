"""Says that a mail is kept and not filed, and that it no longer is."""

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailHeld, MailReceived, MailReleased
from ticketing.domain.held import Held
from ticketing.finding import Finding
from ticketing.surroundings import Surroundings


class Holding:
    """Tells of mail that ticketing holds; it can be looked at where held mail is listed."""

    def __init__(self, around: Surroundings, finding: Finding) -> None:
        self._around = around
        self._finding = finding

    async def hold(self, mail: MailReceived, why: Held, *, imported: bool = False) -> None:
        """Tell that a mail is kept and not filed; BusUnavailable."""
        fact = MailHeld(
            mail_id=mail.mail_id,
            channel=mail.channel,
            reason=why.reason,
            detail=why.detail,
            raw=mail.raw,
            route=mail.route,
            imported=imported,
            stamp=mail.stamp,
        )
        await self._around.bus.tell(
            "postbus.mail.held",
            mail.channel,
            fact.model_dump_json(by_alias=True).encode(),
            event_id=derived_id("mail.held", mail.channel, mail.mail_id),
            about=f"mails/{mail.mail_id}",
        )

    async def release(self, mail: MailReceived) -> None:
        """Tell that a mail which was never filed, and was read again, is held no longer."""
        fact = MailReleased(
            mail_id=mail.mail_id, received_as=mail.mail_id, channel=mail.channel, raw=mail.raw
        )
        await self._tell(fact, str(mail.reread_at))

    async def filed(self, mail: MailReceived) -> None:
        """Tell of a mail that somebody released on which ticket it is; nothing of any other."""
        if mail.released is None:
            return
        fact = MailReleased(
            mail_id=mail.released.held_as,
            received_as=mail.mail_id,
            channel=mail.channel,
            raw=mail.raw,
            by=mail.released.by,
            ticket=await self._finding.number_of(mail),
        )
        await self._tell(fact, str(mail.released.at))

    async def _tell(self, fact: MailReleased, when: str) -> None:
        await self._around.bus.tell(
            "postbus.mail.released",
            fact.channel,
            fact.model_dump_json(by_alias=True).encode(),
            event_id=derived_id("mail.released", fact.channel, fact.mail_id, when),
            about=f"mails/{fact.mail_id}",
        )
