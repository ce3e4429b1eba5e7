"""When a letter is made, when it is tried again and when it is given up: plain values."""

from __future__ import annotations

import datetime as dt

# How long is waited after each try that failed for now: first it was a hiccup, then an outage. A letter of the day is
# of no use to anybody on the next one, so after the last of them (some 17 hours in all) it is given up.
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
MONDAY = 0


def pause(tries: int) -> dt.timedelta | None:
    """How long to wait after so many tries; None when there were enough of them."""
    return PAUSES[tries - 1] if 1 <= tries <= len(PAUSES) else None


def is_time(now: dt.datetime, hour: int) -> bool:
    """Whether the letters of the day are made already: nobody is woken by them."""
    return now.hour >= hour


def is_day_of_digest(day: dt.date) -> bool:
    return day.weekday() == MONDAY


def key(kind: str, user_id: int, day: dt.date) -> str:
    """What makes a letter the only one of its kind: what, to whom, on which day."""
    return f"{kind}:{user_id}:{day.isoformat()}"
