"""Says that a mail is kept and not filed, and that it no longer is."""

from typing import Final

from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailHeld, MailReceived, MailReleased
from ticketing.surroundings import Surroundings

OWN_MAIL_CAME_BACK: Final = "own-mail-came-back"
BOUNCE_OF_UNKNOWN_MAIL: Final = "bounce-of-unknown-mail"


class Holding:
    """Tells of mail that ticketing holds; it can be looked at where held mail is listed."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def hold(self, mail: MailReceived, reason: str, *, imported: bool = False) -> None:
        """Tell that a mail is kept and not filed; BusUnavailable."""
        fact = MailHeld(
            mail_id=mail.mail_id,
            channel=mail.channel,
            reason=reason,
            detail=", ".join(mail.kind_reasons),
            raw=mail.raw,
            route=mail.route,
            imported=imported,
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
        await self._around.bus.tell(
            "postbus.mail.released",
            mail.channel,
            fact.model_dump_json(by_alias=True).encode(),
            event_id=derived_id("mail.released", mail.channel, mail.mail_id, str(mail.reread_at)),
            about=f"mails/{mail.mail_id}",
        )
