"""When a mail of before came, where its source says so more or less well."""

from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import mktime_tz, parsedate_tz

from postbus.mail.headers import read_date

_ON_THE_WAY = timedelta(days=5)
"""Senders give up after four or five days (RFC 5321 §4.5.4.1)."""
_FIRST_MAIL = datetime(1971, 1, 1, tzinfo=UTC)
_HEAD_BYTES = 256 * 1024


def came_at(
    stated: datetime | None, written: datetime | None, *, now: datetime, copied: bool
) -> datetime:
    """When its mailbox got the mail: as the source states it, else as the mail says, else now.

    ``copied`` says that the source is files, whose times may be those of a copy: then a mail that
    would have been on its way for longer than mails are is as old as it says.
    """
    came, wrote = (one if _is_likely(one, now) else None for one in (stated, written))
    if came is None or wrote is None:
        return came or wrote or now
    return wrote if copied and came - wrote > _ON_THE_WAY else came


def written_at(raw: bytes) -> datetime | None:
    """The Date of a mail; None where it has none that can be read."""
    ends = [at for mark in (b"\n\n", b"\n\r\n") if (at := raw.find(mark, 0, _HEAD_BYTES)) >= 0]
    head = raw[: min(ends, default=_HEAD_BYTES) + 1]
    return read_date(str(BytesHeaderParser().parsebytes(head).get("date", "")))


def separated_at(line: bytes) -> datetime | None:
    """The date of a `From ` line of an mbox, which is in UTC; None where it has none."""
    _, _, rest = line.decode("ascii", "replace").strip().removeprefix("From ").partition(" ")
    found = parsedate_tz(rest)
    try:
        return datetime.fromtimestamp(mktime_tz(found), UTC) if found else None
    except (OverflowError, ValueError, OSError):
        return None


def _is_likely(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and _FIRST_MAIL <= moment <= now
