"""Which mails of the archive are looked at."""

from dataclasses import dataclass
from datetime import datetime

from postbus.contracts.mail import MailHeld, MailReceived


@dataclass(frozen=True)
class Choice:
    """What the options say; `since` and `until` are moments at which mails came, until excluded."""

    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    held_only: bool = False
    mail_id: str | None = None
    limit: int | None = None

    def takes(self, fact: MailReceived | MailHeld) -> bool:
        """Whether this mail is one of them; the limit is not looked at."""
        came = fact.route.received_at
        return (
            self.channel in (None, fact.channel)
            and (self.since is None or came >= self.since)
            and (self.until is None or came < self.until)
            and (self.mail_id is None or fact.mail_id.startswith(self.mail_id))
        )


def was_never_read(held: MailHeld) -> bool:
    """Whether it is held because it could not be read; then its id is the hash of its bytes.

    Others were read, told as received, and are held by ticketing.
    """
    return held.mail_id == held.raw.sha256


@dataclass(frozen=True)
class Entry:
    """A mail of the archive: where the newest fact about it stands in its stream."""

    sequence: int
    channel: str
    mail_id: str
    is_held: bool
    is_imported: bool = False
