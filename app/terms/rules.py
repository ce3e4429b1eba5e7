"""When something is due: days, working days, months, repeated controls. Source: domain.md, section 3.

A term is counted from the day after its event, as the law of both countries counts: a term of one day from the 5th
is due on the 6th, and it is kept while the 6th lasts. Hours are counted from the moment itself.
"""

from __future__ import annotations

import calendar as months
import datetime as dt
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache


class Unit(enum.Enum):
    """What a term is counted in."""

    HOUR = "hour"
    DAY = "day"
    WORKING_DAY = "working day"
    WEEK = "week"
    MONTH = "month"
    HALF_YEAR = "half-year"


@dataclass(frozen=True)
class Term:
    """A length of time as a rule states it: six weeks, ten working days."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("a term is at least one unit long")

    def __mul__(self, times: int) -> Term:
        return Term(self.count * times, self.unit)


@dataclass(frozen=True)
class Span:
    """Days from the first to the last, both among them; without a last one it still goes on."""

    first: dt.date
    last: dt.date | None = None

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Calendar:
    """The production calendar of a country: which days are worked.

    ``off`` are days without work that the week alone does not tell, holidays and days moved onto others; ``worked``
    are days of a weekend that are worked in exchange. ``years`` are those for which both are known for certain.
    """

    off: frozenset[dt.date] = frozenset()
    worked: frozenset[dt.date] = frozenset()
    years: frozenset[int] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})

    def works(self, day: dt.date) -> bool:
        if day in self.worked:
            return True
        return day not in self.off and day.weekday() not in self.weekend

    def knows(self, first: dt.date, last: dt.date) -> bool:
        """Whether every year that the days fall into is known; else a date in it is an estimate."""
        return self.years.issuperset(range(first.year, last.year + 1))


class NeverDue(ValueError):
    """The term does not run out: it is suspended, and nobody has said until when."""


@dataclass(frozen=True)
class Due:
    """The answer: the last day on which the thing is in time, and what was passed over on the way there."""

    day: dt.date
    skipped: tuple[dt.date, ...] = ()  # days off among working days
    suspended: tuple[dt.date, ...] = ()  # days that did not count, because the term stood still


def add_months(day: dt.date, count: int) -> dt.date:
    """The same day so many months later; the last day of the month when it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return dt.date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _counted(event: dt.date, term: Term) -> dt.date:
    """The end of a term in calendar units when nothing stands in its way."""
    match term.unit:
        case Unit.DAY:
            return event + dt.timedelta(days=term.count)
        case Unit.WEEK:
            return event + dt.timedelta(weeks=term.count)
        case Unit.MONTH:
            return add_months(event, term.count)
        case Unit.HALF_YEAR:
            return add_months(event, 6 * term.count)
    raise ValueError(f"{term.unit.value} is not a unit of calendar days")


def due(event: dt.date, term: Term, calendar: Calendar, stood: Sequence[Span] = ()) -> Due:
    """The last day in time, for a term counted in days or longer units.

    ``stood``: when the term stood still; such days do not count, and the term is longer by them.

    :raises NeverDue: when it still stands still.
    :raises ValueError: for a term in hours, which has a moment and no day (:func:`due_at`).
    """
    if not stood:
        return _plain(event, term, calendar)
    if term.unit is Unit.WORKING_DAY:
        return _working_due(event, term.count, calendar, stood)
    last, day = _counted(event, term), event
    suspended: list[dt.date] = []
    while day < last:
        day += dt.timedelta(days=1)
        if _stands(day, stood):
            suspended.append(day)
            last += dt.timedelta(days=1)
    return Due(last, suspended=tuple(suspended))


@lru_cache(maxsize=8192)
def _plain(event: dt.date, term: Term, calendar: Calendar) -> Due:
    """A term that never stood still: a region has few such pairs of a day and a length, and very many cases."""
    if term.unit is Unit.WORKING_DAY:
        return _working_due(event, term.count, calendar, ())
    return Due(_counted(event, term))


def _working_due(event: dt.date, count: int, calendar: Calendar, stood: Sequence[Span]) -> Due:
    skipped: list[dt.date] = []
    suspended: list[dt.date] = []
    day = event
    while count:
        day += dt.timedelta(days=1)
        if not calendar.works(day):
            skipped.append(day)
        elif _stands(day, stood):
            suspended.append(day)
        else:
            count -= 1
    return Due(day, tuple(skipped), tuple(suspended))


def _stands(day: dt.date, stood: Sequence[Span]) -> bool:
    for span in stood:
        if day in span:
            if span.last is None:
                raise NeverDue
            return True
    return False


def due_at(
    event: dt.datetime, term: Term, calendar: Calendar, zone: dt.tzinfo, stood: Sequence[Span] = ()
) -> dt.datetime:
    """The moment after which the thing is late: so many hours on, or the end of the last day in the given zone.

    Hours pass by themselves, at night and on days off too: a child does not wait for office hours (KZ-T1).
    """
    if term.unit is Unit.HOUR:
        return event.astimezone(dt.UTC) + dt.timedelta(hours=term.count)
    return end_of(due(event.astimezone(zone).date(), term, calendar, stood).day, zone)


def end_of(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """The first moment of the next day in a zone, as a moment of UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, zone).astimezone(dt.UTC)


@dataclass(frozen=True)
class Phase:
    """A part of a schedule: something every so often, for so long; without an end it goes on while the case does."""

    every: Term
    lasts: Term | None = None


def occasions(
    event: dt.date, phases: Sequence[Phase], calendar: Calendar, stood: Sequence[Span] = ()
) -> Iterator[dt.date]:
    """The days on which a repeated thing is due, in order, without end when the last phase has none.

    Each is counted from the beginning of its phase and not from the one before: «monthly» from the 31st means the
    last day of each month. An occasion that would fall past the end of its phase is not one.

    :raises NeverDue: when the next one is after a day since which everything stands still.
    """
    begins = event
    for phase in phases:
        ends = due(begins, phase.lasts, calendar, stood).day if phase.lasts else None
        number = 1
        while True:
            day = due(begins, phase.every * number, calendar, stood).day
            if ends is not None and day > ends:
                break
            yield day
            number += 1
        assert ends is not None
        begins = ends
