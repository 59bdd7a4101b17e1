"""Invitations and the answers to them: text/calendar parts (RFC 5545, RFC 5546)."""

from datetime import date, datetime
from typing import Any, Final

from icalendar import Calendar
from icalendar.cal.component import Component

from postbus.contracts.mail import CalendarItem
from postbus.mail.charsets import Note

CONTENT_TYPES: Final = frozenset(("text/calendar", "application/ics"))
_MAX_BYTES: Final = 256 * 1024
_MAX_ITEMS: Final = 10
_MAX_CHARACTERS: Final = 300


def read_invitations(data: bytes, method: str, note: Note) -> tuple[CalendarItem, ...]:
    """The events of a calendar part; ``method`` is its Content-Type's, where the part has none.

    A calendar without a method is somebody's file and gives nothing.
    """
    if len(data) > _MAX_BYTES:
        note("calendar-too-large")
        return ()
    try:
        calendar = Calendar.from_ical(data)
        said = str(calendar.get("METHOD", "") or method).strip().upper()
        if not said:
            return ()
        events = [one for one in calendar.walk() if one.name in ("VEVENT", "VTODO")]
        return tuple(_item(one, said[:20]) for one in events[:_MAX_ITEMS])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        note(f"calendar-unreadable:{type(error).__name__}")
        return ()


def _item(event: Component, method: str) -> CalendarItem:
    answers = [] if method != "REPLY" else _list(event.get("ATTENDEE"))
    return CalendarItem(
        method=method,
        uid=_text(event.get("UID")),
        summary=_text(event.get("SUMMARY")),
        organizer=_text(event.get("ORGANIZER")).removeprefix("mailto:").removeprefix("MAILTO:"),
        starts=_moment(event.get("DTSTART")),
        ends=_moment(event.get("DTEND")),
        location=_text(event.get("LOCATION")),
        answer=str(answers[0].params.get("PARTSTAT", "")).upper() if answers else "",
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())[:_MAX_CHARACTERS]


def _moment(value: object) -> str:
    moment = getattr(value, "dt", None)
    return moment.isoformat() if isinstance(moment, (datetime, date)) else ""
