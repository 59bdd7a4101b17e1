"""What this service tells of mail that is held."""

from config_service.adapters.bus import ServiceBus
from postbus.contracts.base import derived_id
from postbus.contracts.mail import MailDecided, MailReceived


class NatsMail:
    """`config_service.ports.TellMail`; each decision is told for itself, and again as the same."""

    def __init__(self, bus: ServiceBus) -> None:
        self._bus = bus

    async def received(self, fact: MailReceived, *, imported: bool) -> None:
        """Tell `postbus.mail.received.<channel>`, or `.imported`."""
        place = fact.route.origin.place if fact.route.origin else ()
        at = fact.released.at.isoformat() if fact.released else ""
        await self._bus.tell(
            "postbus.mail.imported" if imported else "postbus.mail.received",
            fact.channel,
            fact,
            event_id=derived_id("mail.release", fact.channel, fact.mail_id, at, *place),
            about=f"mails/{fact.mail_id}",
        )

    async def decided(self, fact: MailDecided) -> None:
        """Tell `postbus.mail.decided.<channel>`."""
        when = (fact.decision, fact.at.isoformat(), fact.by)
        await self._bus.tell(
            "postbus.mail.decided",
            fact.channel,
            fact,
            event_id=derived_id("mail.decided", fact.channel, fact.mail_id, *when),
            about=f"mails/{fact.mail_id}",
        )
