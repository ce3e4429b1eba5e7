"""The days of a calendar's page, and a calendar in the form that other programs read (RFC 5545). Plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MONTH, WEEK = "month", "week"
VIEWS = (MONTH, WEEK)
BEFORE, AHEAD = dt.timedelta(days=30), dt.timedelta(days=180)  # what of a person's days other calendars are told
_DAY = dt.timedelta(days=1)
_OCTETS = 75  # RFC 5545, 3.1: a line is no longer, its break not counted


def span(view: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day shown: whole weeks, from Monday."""
    first, last = (day, day) if view == WEEK else (day.replace(day=1), _next_month(day) - _DAY)
    return first - first.weekday() * _DAY, last + (6 - last.weekday()) * _DAY


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + 31 * _DAY).replace(day=1)


def before(view: str, day: dt.date) -> dt.date:
    """A day of the page before this one."""
    return day - 7 * _DAY if view == WEEK else (day.replace(day=1) - _DAY).replace(day=1)


def after(view: str, day: dt.date) -> dt.date:
    """A day of the page after this one."""
    return day + 7 * _DAY if view == WEEK else _next_month(day)


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + n * _DAY for n in range((last - first).days + 1)]


# --- For other programs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """Something of one whole day. ``uid`` is the same each time, so that a calendar knows it again."""

    uid: str
    day: dt.date
    summary: str


def icalendar(name: str, events: Iterable[Event], moment: dt.datetime) -> str:
    """The calendar as a text: lines as RFC 5545 wants them. ``moment`` is in UTC."""
    return "".join(folded(line) for line in _lines(name, events, moment))


def _lines(name: str, events: Iterable[Event], moment: dt.datetime) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Ryadom//Calendar//RU", "METHOD:PUBLISH")
    yield f"X-WR-CALNAME:{escaped(name)}"
    yield "REFRESH-INTERVAL;VALUE=DURATION:PT4H"
    for event in events:
        yield "BEGIN:VEVENT"
        yield f"UID:{escaped(event.uid)}"
        yield f"DTSTAMP:{moment:%Y%m%dT%H%M%SZ}"
        yield f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{event.day + _DAY:%Y%m%d}"
        yield f"SUMMARY:{escaped(event.summary)}"
        yield "TRANSP:TRANSPARENT"
        yield "END:VEVENT"
    yield "END:VCALENDAR"


def escaped(text: str) -> str:
    """A text as the value of a property."""
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n"), ("\r", "\\n")):
        text = text.replace(sign, written)
    return text


def folded(line: str) -> str:
    """A line with its break; a longer one goes on after a space, and no letter is cut in two."""
    written, octets = [], 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > _OCTETS:
            written.append("\r\n ")
            octets = 1
        written.append(letter)
        octets += size
    return "".join(written) + "\r\n"
