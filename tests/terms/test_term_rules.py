"""Terms against a slow oracle that walks day by day, on calendars that nobody would make by hand."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.terms.rules import (
    Calendar,
    NeverDue,
    Phase,
    Span,
    Term,
    Unit,
    add_months,
    due,
    due_at,
    end_of,
    occasions,
)

START = dt.date(2024, 1, 1)
days = st.dates(START, dt.date(2029, 12, 31))
some_days = st.frozensets(days, max_size=40)
calendars = st.builds(
    Calendar,
    off=some_days,
    worked=some_days,
    weekend=st.frozensets(st.integers(0, 6), max_size=5),
)
day_units = st.sampled_from([unit for unit in Unit if unit is not Unit.HOUR])
terms = st.builds(Term, st.integers(1, 60), day_units)
WEEK = dt.timedelta(days=7)
ONE = dt.timedelta(days=1)


@st.composite
def stretches(draw: st.DrawFn) -> list[Span]:
    first = draw(st.lists(days, max_size=3))
    return [Span(day, day + dt.timedelta(days=draw(st.integers(0, 40)))) for day in first]


def oracle(event: dt.date, term: Term, calendar: Calendar, stood: list[Span]) -> dt.date:
    """Crosses days off one by one, like a person at a wall calendar."""
    stands = {span.first + n * ONE for span in stood for n in range((span.last - span.first).days + 1)}  # type: ignore[operator]
    if term.unit is Unit.WORKING_DAY:
        crossed, day = 0, event
        while crossed < term.count:
            day += ONE
            weekend = day.weekday() in calendar.weekend or day in calendar.off
            if (day in calendar.worked or not weekend) and day not in stands:
                crossed += 1
        return day
    whole = {Unit.DAY: 1, Unit.WEEK: 7}.get(term.unit)
    if whole:
        left = whole * term.count
    else:
        left = (add_months(event, term.count * (6 if term.unit is Unit.HALF_YEAR else 1)) - event).days
    day = event
    while left:
        day += ONE
        left -= day not in stands
    return day


@given(days, terms, calendars, stretches())
def test_the_oracle_agrees(event: dt.date, term: Term, calendar: Calendar, stood: list[Span]) -> None:
    assert due(event, term, calendar, stood).day == oracle(event, term, calendar, stood)


@given(days, days, terms, calendars, stretches())
def test_a_later_event_is_never_due_earlier(
    one: dt.date, other: dt.date, term: Term, calendar: Calendar, stood: list[Span]
) -> None:
    first, second = sorted((one, other))
    if term.unit is Unit.WORKING_DAY or not stood:
        assert due(first, term, calendar, stood).day <= due(second, term, calendar, stood).day


@given(days, st.integers(1, 40), st.integers(1, 20), day_units, calendars, stretches())
def test_a_longer_term_is_never_due_earlier(
    event: dt.date, count: int, more: int, unit: Unit, calendar: Calendar, stood: list[Span]
) -> None:
    short, long = (due(event, Term(n, unit), calendar, stood).day for n in (count, count + more))
    assert event < short < long


@given(days, st.integers(1, 60), calendars, stretches())
def test_working_days_end_on_a_working_day(event: dt.date, count: int, calendar: Calendar, stood: list[Span]) -> None:
    found = due(event, Term(count, Unit.WORKING_DAY), calendar, stood)
    assert calendar.works(found.day)
    assert not any(map(calendar.works, found.skipped))
    passed = (found.day - event).days
    assert passed == count + len(found.skipped) + len(found.suspended)


@given(days, terms, calendars, stretches())
def test_to_stand_still_never_makes_a_term_shorter(
    event: dt.date, term: Term, calendar: Calendar, stood: list[Span]
) -> None:
    assert due(event, term, calendar, stood).day >= due(event, term, calendar).day


def test_what_stands_still_without_end_is_never_due() -> None:
    with pytest.raises(NeverDue):
        due(dt.date(2026, 3, 2), Term(5, Unit.DAY), Calendar(), [Span(dt.date(2026, 3, 4))])
    with pytest.raises(NeverDue):
        due(dt.date(2026, 3, 2), Term(5, Unit.WORKING_DAY), Calendar(), [Span(dt.date(2026, 3, 4))])


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-30", 3, "2027-02-28"),
    ],
)
def test_months_end_where_the_month_ends(day: str, count: int, expected: str) -> None:
    assert add_months(dt.date.fromisoformat(day), count) == dt.date.fromisoformat(expected)


MONTHLY = Phase(Term(1, Unit.MONTH))
FIRST_WEEKLY = (Phase(Term(1, Unit.WEEK), Term(1, Unit.MONTH)), MONTHLY)  # KZ-T3
THREE_MONTHLY = (Phase(Term(1, Unit.MONTH), Term(3, Unit.MONTH)),)  # KZ-T4


def first(event: str, phases: tuple[Phase, ...], count: int) -> list[str]:
    return [f"{day}" for day in islice(occasions(dt.date.fromisoformat(event), phases, Calendar()), count)]


def test_weekly_in_the_first_month_then_monthly() -> None:
    weekly = ["2026-01-22", "2026-01-29", "2026-02-05", "2026-02-12"]
    assert first("2026-01-15", FIRST_WEEKLY, 6) == [*weekly, "2026-03-15", "2026-04-15"]


def test_monthly_from_the_last_day_keeps_to_the_last_day() -> None:
    assert first("2026-01-31", (MONTHLY,), 4) == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_a_schedule_with_an_end_ends() -> None:
    assert first("2026-01-31", THREE_MONTHLY, 10) == ["2026-02-28", "2026-03-31", "2026-04-30"]


@given(days, st.lists(st.builds(Phase, terms, terms), max_size=2), calendars)
def test_occasions_come_one_after_another(event: dt.date, phases: list[Phase], calendar: Calendar) -> None:
    found = [event, *islice(occasions(event, [*phases, MONTHLY], calendar), 30)]
    assert all(before < after for before, after in pairwise(found))


# --- Moments ----------------------------------------------------------------------------------------------

MOSCOW, ALMATY, BERLIN = dt.timezone(dt.timedelta(hours=3)), dt.timezone(dt.timedelta(hours=5)), "Europe/Berlin"


def test_an_hour_is_an_hour_at_night_and_on_a_day_off() -> None:
    event = dt.datetime(2026, 1, 1, 23, 40, tzinfo=MOSCOW)
    assert due_at(event, Term(1, Unit.HOUR), Calendar(), MOSCOW) == dt.datetime(2026, 1, 1, 21, 40, tzinfo=dt.UTC)


def test_an_hour_is_an_hour_when_the_clocks_go_back() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo(BERLIN)
    event = dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    later = due_at(event, Term(1, Unit.HOUR), Calendar(), berlin)
    assert later - event.astimezone(dt.UTC) == dt.timedelta(hours=1)


def test_a_day_ends_where_the_organisation_is() -> None:
    event = dt.datetime(2026, 3, 2, 22, 0, tzinfo=MOSCOW)  # in Almaty the third has begun
    term = Term(1, Unit.DAY)
    assert due_at(event, term, Calendar(), MOSCOW) == dt.datetime(2026, 3, 4, 0, 0, tzinfo=MOSCOW)
    assert due_at(event, term, Calendar(), ALMATY) == dt.datetime(2026, 3, 5, 0, 0, tzinfo=ALMATY)
    assert end_of(dt.date(2026, 3, 3), MOSCOW) == dt.datetime(2026, 3, 3, 21, 0, tzinfo=dt.UTC)


def test_a_term_in_hours_has_no_day() -> None:
    with pytest.raises(ValueError, match="hour"):
        due(dt.date(2026, 3, 2), Term(1, Unit.HOUR), Calendar())


def test_a_term_of_nothing_is_no_term() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Term(0, Unit.DAY)
