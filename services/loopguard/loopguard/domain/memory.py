"""What is remembered of a correspondent and of a text, and how it changes: values, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loopguard.domain.windows import DAY, HOUR, minute_of, minutes_in

MOST_SENDS = 400
"""As many as the largest limits let through in a day, because of mail and of people."""
BOUNCED_FOR = timedelta(days=60)
"""How long automatic mail to an address rests that does not exist."""
QUICK = timedelta(minutes=2)
"""People need longer for an answer that is a new mail; robots do not."""
_MOST_ECHOES = 20


@dataclass(frozen=True)
class Send:
    """One automatic mail that was allowed, `at` the last time that somebody asked.

    `by_mail` says that a mail caused it, and no person. `quick` says that the mail that caused it
    came within two minutes after the automatic mail before it. `subject`, `content` and `similar`
    are the fingerprint of that mail.
    """

    send_id: str
    at: datetime
    ticket: int = 0
    queue: str = ""
    kind: str = ""
    by_mail: bool = True
    quick: bool = False
    subject: str = ""
    content: str = ""
    similar: str = ""


@dataclass(frozen=True)
class Bounced:
    """The address was reported as one that will never take mail (a hard bounce, RFC 3464)."""

    at: datetime
    status: str = ""
    said: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether automatic mail to it rests still."""
        return now - self.at < BOUNCED_FOR


@dataclass(frozen=True)
class Correspondent:
    """What was sent to somebody by itself, when a person last wrote, whether mail arrives."""

    sends: tuple[Send, ...] = ()
    answered_at: datetime | None = None
    bounced: Bounced | None = None

    def counted(self, send_id: str) -> Send | None:
        """That mail, if it was allowed and counted before."""
        return next((send for send in self.sends if send.send_id == send_id), None)

    def without(self, send_id: str) -> "Correspondent":
        """All but that mail: a mail is judged by what else there was."""
        return replace(self, sends=tuple(one for one in self.sends if one.send_id != send_id))

    def with_send(self, send: Send) -> "Correspondent":
        """With one more, without those that no window reaches; counted before, it moves to later.

        The same with an earlier time changes nothing: somebody else asked since.
        """
        before = self.counted(send.send_id)
        if before is not None and before.at >= send.at:
            return self
        others = self.without(send.send_id).sends
        young = [known for known in others if send.at - known.at < DAY]
        in_order = (*sorted(young, key=lambda known: known.at), send)
        return replace(self, sends=in_order[-MOST_SENDS:])

    def with_answer(self, at: datetime) -> "Correspondent":
        """A person wrote to them; what comes late changes nothing."""
        if self.answered_at is not None and self.answered_at >= at:
            return self
        return replace(self, answered_at=at)

    def with_bounce(self, bounced: Bounced) -> "Correspondent":
        """Mail to them came back; the newest report counts."""
        if self.bounced is not None and self.bounced.at >= bounced.at:
            return self
        return replace(self, bounced=bounced)

    def lasts(self, now: datetime) -> timedelta:
        """How long it is worth keeping."""
        day = DAY + HOUR
        if self.bounced is None or not self.bounced.holds(now):
            return day
        return max(day, self.bounced.at + BOUNCED_FOR - now)


@dataclass(frozen=True)
class Echo:
    """One automatic mail because of a text, and whom it went to (hashed)."""

    send_id: str
    at: datetime
    who: str


@dataclass(frozen=True)
class Text:
    """Whom automatic mail went to because of one and the same text, whoever sent it."""

    echoes: tuple[Echo, ...] = ()

    def counted(self, send_id: str, *, since: datetime) -> bool:
        """Whether that mail is counted, no earlier than that."""
        return any(one.send_id == send_id and one.at >= since for one in self.echoes)

    def with_echo(self, echo: Echo) -> "Text":
        """With one more, without those older than a day; counted before, it moves to later."""
        if self.counted(echo.send_id, since=echo.at):
            return self
        others = (known for known in self.echoes if known.send_id != echo.send_id)
        young = (known for known in others if echo.at - known.at < DAY)
        return Text((*young, echo)[-_MOST_ECHOES:])


@dataclass(frozen=True)
class Arrivals:
    """How many mails came from somebody, by minute since 1970, for an hour back."""

    minutes: tuple[tuple[int, int], ...] = ()
    newest: tuple[str, ...] = ()
    """Ids of the newest mails, so that one that is delivered again is counted once."""

    def with_mail(self, mail_id: str, at: datetime) -> "Arrivals":
        """With one more; one that is known changes nothing."""
        if mail_id in self.newest:
            return self
        minute = minute_of(at)
        counts = {one: count for one, count in self.minutes if one > minute - 61}
        counts[minute] = counts.get(minute, 0) + 1
        return Arrivals(tuple(sorted(counts.items())), (*self.newest, mail_id)[-_MOST_ECHOES:])

    def count(self, length: timedelta, now: datetime) -> int:
        """How many came within that time; the minute that is only partly in it counts whole."""
        first = minute_of(now) - minutes_in(length)
        return sum(count for minute, count in self.minutes if minute >= first)
