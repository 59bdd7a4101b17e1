"""Which mails of a folder are from before it was connected, when only their dates can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from postbus.mail.uid_sets import UidSet

_RESTORED: Final = 10
"""So many mails that arrived after they were written make one ask whether a folder was restored."""


@dataclass(frozen=True)
class Brief:
    """What is known of a mail before it is fetched; `written_at` is its own Date."""

    uid: int
    size_bytes: int
    arrived_at: datetime
    written_at: datetime | None = None
    provider_id: str | None = None


def from_before(briefs: Sequence[Brief], since: datetime) -> UidSet:
    """The mails from before that moment.

    Their arrival (INTERNALDATE, RFC 9051 §2.3.3) tells. But a folder that was restored from a
    backup may have the day of that as the arrival of all its mails: where most of what arrived
    since was written before, the mails' own Date tells as well. One mail alone may have a wrong
    Date, and is not to be lost for that.
    """
    old = [one for one in briefs if one.arrived_at < since]
    young = [one for one in briefs if one.arrived_at >= since]
    late = [one for one in young if one.written_at is not None and one.written_at < since]
    if len(late) > _RESTORED and len(late) > len(young) / 2:
        old += late
    return UidSet.of(one.uid for one in old)
