"""When a letter is made and tried again: tables of examples."""

from __future__ import annotations

import datetime as dt

import pytest

from app.post import rules


@pytest.mark.parametrize(
    ("tries", "minutes"), [(0, None), (1, 5), (2, 15), (3, 60), (4, 240), (5, 720), (6, None), (99, None)]
)
def test_pauses_grow_and_end(tries: int, minutes: int | None) -> None:
    assert rules.pause(tries) == (dt.timedelta(minutes=minutes) if minutes else None)


def test_all_pauses_together_are_less_than_a_day() -> None:
    assert sum(rules.PAUSES, dt.timedelta()) < dt.timedelta(days=1)
    assert list(rules.PAUSES) == sorted(rules.PAUSES)


@pytest.mark.parametrize(
    ("now", "hour", "is_time"),
    [("07:59", 8, False), ("08:00", 8, True), ("23:59", 8, True), ("00:00", 0, True), ("00:00", 8, False)],
)
def test_letters_of_the_day_are_made_from_that_hour(now: str, hour: int, is_time: bool) -> None:
    assert rules.is_time(dt.datetime.fromisoformat(f"2026-11-25T{now}"), hour) is is_time


@pytest.mark.parametrize(("day", "is_digest"), [("2026-11-23", True), ("2026-11-24", False), ("2026-11-29", False)])
def test_the_digest_is_of_mondays(day: str, is_digest: bool) -> None:
    assert rules.is_day_of_digest(dt.date.fromisoformat(day)) is is_digest


def test_a_key_tells_what_to_whom_and_when() -> None:
    keys = {
        rules.key(kind, user, dt.date(2026, 11, day))
        for kind in ("REMINDER", "DIGEST") for user in (1, 11) for day in (1, 11)
    }  # fmt: skip
    assert len(keys) == 8
