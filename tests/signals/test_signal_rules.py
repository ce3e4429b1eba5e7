"""The next steps of a signal and how a countdown reads, by tables of examples."""

from __future__ import annotations

import datetime as dt

import pytest

from app.signals.rules import next_steps, remaining

NOON = dt.datetime(2026, 3, 8, 12, tzinfo=dt.UTC)  # hours pass on a day off too


@pytest.mark.parametrize(
    ("status", "risk", "agreed", "opened", "steps"),
    [
        ("NEW", "", False, False, "triage case"),
        ("NEW", "HIGH", False, False, "agree case unconfirmed triage"),
        ("CHECKING", "HIGH", True, False, "case unconfirmed triage"),
        ("CHECKING", "MEDIUM", False, False, "case unconfirmed triage"),
        ("CHECKING", "LOW", False, False, "one_off case unconfirmed triage"),
        ("CONFIRMED", "HIGH", False, True, "agree"),
        ("CONFIRMED", "HIGH", True, True, ""),
        ("CONFIRMED", "LOW", False, False, "case"),
        ("ONE_OFF", "LOW", False, False, ""),
        ("UNCONFIRMED", "HIGH", False, False, ""),
    ],
)
def test_only_sensible_steps_are_offered(status: str, risk: str, agreed: bool, opened: bool, steps: str) -> None:
    assert next_steps(status, risk, agreed=agreed, opened=opened) == tuple(steps.split())


@pytest.mark.parametrize(
    ("seconds", "late", "parts"),
    [
        (3600, False, (0, 1, 0)),
        (3599, False, (0, 1, 0)),
        (2490, False, (0, 0, 42)),
        (1, False, (0, 0, 1)),
        (0, False, (0, 0, 0)),
        (-1, True, (0, 0, 1)),
        (-3900, True, (0, 1, 5)),
        (-180_000, True, (2, 2, 0)),
    ],
)
def test_what_is_left_and_how_late_it_is(seconds: int, late: bool, parts: tuple[int, int, int]) -> None:
    assert remaining(NOON + dt.timedelta(seconds=seconds), NOON) == (late, parts)
