"""What is expected of a case, against an oracle that walks through the days like a person with a wall calendar."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deadlines.rules import Rule, Standing, days_late, end_of_week, expected
from app.terms.rules import Calendar, Phase, Span, Term, Unit, due

START = dt.date(2026, 1, 1)
ONE = dt.timedelta(days=1)
CALENDAR = Calendar()
days = st.integers(0, 400).map(lambda n: START + n * ONE)
units = st.sampled_from([Unit.DAY, Unit.WORKING_DAY, Unit.WEEK, Unit.MONTH])
terms = st.builds(Term, st.integers(1, 5), units)
rhythms = st.lists(st.builds(Phase, terms, terms), max_size=2).flatmap(
    lambda first: terms.map(lambda term: (*first, Phase(term)))
)


def rounds(rule: Rule, event: dt.date, until: dt.date) -> list[dt.date]:
    """The days of a rhythm by walking: each counted from the beginning of its phase."""
    found, begins = [], event
    for phase in rule.phases:
        ends = due(begins, phase.lasts, CALENDAR).day if phase.lasts else until
        n = 1
        while (day := due(begins, phase.every * n, CALENDAR).day) <= ends:
            found.append(day)
            n += 1
        begins = ends
    return found


@given(days, rhythms, st.lists(days, max_size=8))
def test_a_rhythm_waits_for_the_round_after_the_last_contact(
    event: dt.date, phases: tuple[Phase, ...], done: list[dt.date]
) -> None:
    rule = Rule(1, "OPENED", phases=phases, proof="CONTACT")
    case = Standing({"OPENED": [event], "CONTACT": sorted(done)})
    found = list(expected(rule, case, CALENDAR))
    calendar_days = rounds(rule, event, max([event, *done]) + dt.timedelta(days=330))
    last = max((day for day in done if day > event), default=None)
    waited = next(
        day
        for before, day in zip([event, *calendar_days], calendar_days, strict=False)
        if last is None or last <= before
    )
    assert (found[-1].due_on, found[-1].done_on) == (waited, None)
    assert [one.due_on for one in found] == calendar_days[: len(found)]
    before = event
    for one in found[:-1]:
        assert one.done_on is not None and one.done_on == min(day for day in done if day > before)
        assert one.due_on is not None
        before = one.due_on


@given(days, terms, st.lists(days, max_size=4))
def test_what_is_due_once_is_kept_by_the_first_proof(event: dt.date, term: Term, done: list[dt.date]) -> None:
    rule = Rule(1, "APPLICATION", term=term, proof="CONSENT")
    (one,) = expected(rule, Standing({"APPLICATION": [event], "CONSENT": sorted(done)}), CALENDAR)
    assert (one.due_on, one.done_on) == (due(event, term, CALENDAR).day, min(done, default=None))


WEEK, MONTH = Term(1, Unit.WEEK), Term(1, Unit.MONTH)
VISITS = Rule(1, "OPENED", phases=(Phase(WEEK, MONTH), Phase(MONTH)), proof="HOME_VISIT", placement="PARENTS")
OPENED = dt.date(2026, 3, 2)
AT_HOME = {"facts": {"OPENED": [OPENED]}, "placement": "PARENTS", "placed_on": OPENED}


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({}, [("2026-03-09", None)]),
        ({"placement": "INSTITUTION"}, []),
        ({"waived": frozenset({1})}, []),
        ({"placed_on": dt.date(2026, 5, 10)}, [("2026-05-17", None)]),
        ({"delays": {(1, OPENED, 1): dt.date(2026, 3, 12)}}, [("2026-03-12", None)]),
        ({"stood": (Span(dt.date(2026, 3, 5), dt.date(2026, 3, 6)),)}, [("2026-03-11", None)]),
        ({"stood": (Span(dt.date(2026, 3, 5)),)}, [(None, None)]),
        ({"closed_on": dt.date(2026, 3, 20)}, []),
        ({"marks": {1: [dt.date(2026, 3, 10)]}}, [("2026-03-09", "2026-03-10"), ("2026-03-16", "2026-03-10"),
                                                  ("2026-03-23", None)]),
    ],
)  # fmt: skip
def test_what_a_case_says_changes_what_is_expected(case: dict, told: list) -> None:  # type: ignore[type-arg]
    found = expected(VISITS, Standing(**(AT_HOME | case)), CALENDAR)
    assert [
        (str(one.due_on) if one.due_on else None, str(one.done_on) if one.done_on else None) for one in found
    ] == told


def test_the_follow_up_lasts_as_long_as_was_chosen() -> None:
    rule = Rule(1, "CLOSED", phases=(Phase(MONTH),), proof="CONTACT", after=True)
    closed = dt.date(2026, 1, 31)
    facts = {"CLOSED": [closed], "CONTACT": [dt.date(2026, 1, 20), dt.date(2026, 2, 10), dt.date(2026, 3, 10)]}
    case = Standing(facts, closed_on=closed, follow_up=Term(3, Unit.MONTH))
    found = [(str(one.due_on), one.done_on) for one in expected(rule, case, CALENDAR)]
    assert found == [("2026-02-28", dt.date(2026, 2, 10)), ("2026-03-31", dt.date(2026, 3, 10)), ("2026-04-30", None)]
    assert list(expected(rule, Standing(facts), CALENDAR)) == []
    assert list(expected(rule, Standing(facts, closed_on=closed), CALENDAR)) == []


def test_each_change_in_the_family_is_told_of() -> None:
    rule = Rule(1, "FAMILY_CHANGED", term=Term(7, Unit.WORKING_DAY))
    changes = [dt.date(2026, 3, 2), dt.date(2026, 4, 6)]
    case = Standing({"FAMILY_CHANGED": changes}, marks={1: [dt.date(2026, 3, 5)]})
    assert [one.done_on for one in expected(rule, case, CALENDAR)] == [dt.date(2026, 3, 5), None]


@pytest.mark.parametrize(
    ("due_on", "done_on", "ended_on", "late"),
    [
        ("2026-03-10", None, None, 5),
        ("2026-03-15", None, None, None),
        ("2026-03-10", "2026-03-12", None, 2),
        ("2026-03-10", "2026-03-10", None, None),
        ("2026-03-10", None, "2026-03-11", 1),
        (None, None, None, None),
    ],
)
def test_days_late(due_on: str | None, done_on: str | None, ended_on: str | None, late: int | None) -> None:
    read = [dt.date.fromisoformat(day) if day else None for day in (due_on, done_on, ended_on)]
    assert days_late(*read, today=dt.date(2026, 3, 15)) == late


def test_a_week_ends_on_sunday() -> None:
    assert end_of_week(dt.date(2026, 3, 2)) == end_of_week(dt.date(2026, 3, 8)) == dt.date(2026, 3, 8)
