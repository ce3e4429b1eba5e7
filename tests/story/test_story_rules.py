"""What a story tells of dates and levels, as tables of examples."""

from __future__ import annotations

import datetime as dt

import pytest

from app.story.rules import Progress, Trend, days_late, dialled, leading, months, progress, trend

TODAY = dt.date(2026, 11, 25)
MAY, NOVEMBER = dt.date(2026, 5, 25), dt.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ([], None),
        ([(MAY, "HIGH")], None),
        ([(MAY, "HIGH"), (NOVEMBER, "MEDIUM")], Trend("HIGH", "MEDIUM", 160)),
        ([(MAY, "HIGH"), (MAY, "LOW"), (NOVEMBER, "HIGH")], Trend("HIGH", "HIGH", 160)),
    ],
)
def test_the_trend_of_a_risk(history: list[tuple[dt.date, str]], found: Trend | None) -> None:
    assert trend(history) == found


@pytest.mark.parametrize(("days", "found"), [(3, 0), (20, 1), (160, 5), (365, 12)])
def test_months(days: int, found: int) -> None:
    assert months(days) == found


@pytest.mark.parametrize(
    ("due", "done", "late"),
    [
        (None, None, 0),
        (TODAY, None, 0),
        (TODAY - dt.timedelta(3), None, 3),
        (TODAY - dt.timedelta(3), TODAY, 0),
        (TODAY + dt.timedelta(3), None, 0),
    ],
)
def test_days_late(due: dt.date | None, done: dt.date | None, late: int) -> None:
    assert days_late(due, done, TODAY) == late


def test_progress() -> None:
    assert progress([]) == Progress(0, 0, 0)
    assert progress([(True, False), (False, True), (False, False)]) == Progress(1, 3, 1)


@pytest.mark.parametrize(
    ("plans", "found"),
    [
        ([], None),
        ([(1, "CANCELLED", 1)], None),
        ([(1, "DRAFT", 1)], 1),
        ([(1, "IN_FORCE", 1), (2, "DRAFT", 2)], 1),
        ([(1, "REVISED", 1), (2, "IN_FORCE", 2)], 2),
        ([(1, "CANCELLED", 1), (2, "AGREED", 2), (3, "DRAFT", 3)], 3),
    ],
)
def test_the_plan_that_tells_where_a_case_stands(plans: list[tuple[int, str, int]], found: int | None) -> None:
    assert leading(plans) == found


@pytest.mark.parametrize(
    ("phone", "number"),
    [("+7 900 000-01-08", "+79000000108"), ("8 (351) 200-10-10, мама", "83512001010"), ("нет", "")],
)
def test_how_a_telephone_dials(phone: str, number: str) -> None:
    assert dialled(phone) == number
