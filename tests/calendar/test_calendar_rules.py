"""Which days a page shows, and lines of a calendar's text."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import MONTH, VIEWS, WEEK, after, before, days, escaped, folded, span

D = dt.date.fromisoformat


@pytest.mark.parametrize(
    ("view", "day", "first", "last"),
    [
        (MONTH, "2026-11-25", "2026-10-26", "2026-12-06"),
        (MONTH, "2026-02-01", "2026-01-26", "2026-03-01"),
        (MONTH, "2021-02-10", "2021-02-01", "2021-02-28"),  # four whole weeks
        (MONTH, "2024-12-31", "2024-11-25", "2025-01-05"),
        (WEEK, "2026-11-25", "2026-11-23", "2026-11-29"),
        (WEEK, "2026-11-23", "2026-11-23", "2026-11-29"),
        (WEEK, "2025-01-01", "2024-12-30", "2025-01-05"),
    ],
)
def test_whole_weeks_are_shown(view: str, day: str, first: str, last: str) -> None:
    assert span(view, D(day)) == (D(first), D(last))


@pytest.mark.parametrize(
    ("view", "day", "earlier", "later"),
    [
        (MONTH, "2026-01-31", "2025-12-01", "2026-02-01"),
        (MONTH, "2026-12-15", "2026-11-01", "2027-01-01"),
        (WEEK, "2026-12-30", "2026-12-23", "2027-01-06"),
    ],
)
def test_pages_follow_one_another(view: str, day: str, earlier: str, later: str) -> None:
    assert (before(view, D(day)), after(view, D(day))) == (D(earlier), D(later))


@given(st.sampled_from(VIEWS), st.dates(D("1901-01-01"), D("2199-12-31")))
def test_no_day_is_lost_between_pages(view: str, day: dt.date) -> None:
    first, last = span(view, day)
    shown = days(first, last)
    assert day in shown and len(shown) % 7 == 0 and first.weekday() == 0
    assert span(view, after(view, day))[0] <= last + dt.timedelta(1)
    assert before(view, after(view, day)) <= day


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_a_folded_line_is_the_line_again(text: str) -> None:
    written = folded(text)
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))
    assert written.removesuffix("\r\n").replace("\r\n ", "") == text


@pytest.mark.parametrize(
    ("text", "written"),
    [("a, b; c", "a\\, b\\; c"), ("\\n", "\\\\n"), ("две\nстроки", "две\\nстроки"), ("две\r\nстроки", "две\\nстроки")],
)
def test_signs_of_the_format_are_escaped(text: str, written: str) -> None:
    assert escaped(text) == written
