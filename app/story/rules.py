"""What a story tells of dates and levels, as plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORKING = ("IN_FORCE", "APPROVED")
AHEAD = ("ON_AGENDA", "AGREED", "DRAFT")


@dataclass(frozen=True)
class Trend:
    """How the level changed from the first assessment to the last, and in how many days."""

    old: str
    new: str
    days: int


def trend(history: Sequence[tuple[dt.date, str]]) -> Trend | None:
    """What a history of (date, level), the earliest first, comes to; None while there is one assessment or none."""
    if len(history) < 2:
        return None
    (since, old), (until, new) = history[0], history[-1]
    return Trend(old, new, (until - since).days)


def months(days: int) -> int:
    """Whole months that a number of days makes, roughly."""
    return round(days / 30.44)


@dataclass(frozen=True)
class Progress:
    """How many rows of a goal are done, of how many, and how many are late."""

    done: int
    total: int
    overdue: int


def days_late(due_on: dt.date | None, done_on: dt.date | None, today: dt.date) -> int:
    """Days past the due date of what is not done; zero when there is nothing to reproach."""
    return (today - due_on).days if due_on and not done_on and due_on < today else 0


def progress(rows: Iterable[tuple[bool, bool]]) -> Progress:
    """The progress of rows, of each of which is known whether it is done and whether it is late."""
    known = list(rows)
    return Progress(sum(done for done, _late in known), len(known), sum(late for _done, late in known))


def leading(plans: Iterable[tuple[int, str, int]]) -> int | None:
    """Which of the plans (number, status, version) tells where a case stands: the newest at work, or that to come."""
    known = list(plans)
    for statuses in (WORKING, AHEAD):
        if found := [(version, id_) for id_, status, version in known if status in statuses]:
            return max(found)[1]
    return None


def dialled(phone: str) -> str:
    """A phone as a telephone dials it: digits and the plus before them."""
    return "".join(mark for n, mark in enumerate(phone.strip()) if mark in "0123456789" or (mark == "+" and not n))
