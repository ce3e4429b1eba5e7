"""The life of a plan as tables that can be read beside the rule. Source: domain.md, section 6."""

from __future__ import annotations

import pytest

from app.plans import rules
from app.plans.models import PlanStatus

STATUSES = [status.name for status in PlanStatus]
# From the row to the column: what a person may decide.
TABLE = """
           DRAFT AGREED ON_AGENDA APPROVED IN_FORCE FULFILLED REVISED CANCELLED
DRAFT      .     x      .         .        .        .         .       x
AGREED     x     .      x         x        .        .         .       x
ON_AGENDA  .     x      .         x        .        .         .       x
APPROVED   .     .      .         .        x        .         .       x
IN_FORCE   .     .      .         .        .        x         .       x
FULFILLED  .     .      .         .        .        .         .       .
REVISED    .     .      .         .        .        .         .       .
CANCELLED  .     .      .         .        .        .         .       .
"""
# status: words frozen, marks of completion frozen too, the next version may be made
LOCKS = {
    "DRAFT": (False, False, False),
    "AGREED": (False, False, False),
    "ON_AGENDA": (False, False, False),
    "APPROVED": (True, False, True),
    "IN_FORCE": (True, False, True),
    "FULFILLED": (True, True, False),
    "REVISED": (True, True, False),
    "CANCELLED": (True, True, False),
}


def moves() -> list[tuple[str, str, bool]]:
    columns, *lines = (line.split() for line in TABLE.strip().splitlines())
    return [(old, new, mark == "x") for old, *marks in lines for new, mark in zip(columns, marks, strict=True)]


@pytest.mark.parametrize(("old", "new", "allowed"), moves())
def test_which_step_follows_which(old: str, new: str, allowed: bool) -> None:
    assert rules.may_move(old, new) is allowed


def test_the_tables_know_every_status() -> None:
    assert {old for old, _, _ in moves()} == set(STATUSES) == set(LOCKS) == set(rules.MOVES)


@pytest.mark.parametrize("status", STATUSES)
def test_what_a_status_locks(status: str) -> None:
    assert (rules.frozen(status), rules.closed(status), rules.revisable(status)) == LOCKS[status]


def test_the_versions_of_a_plan_are_numbered_under_the_case() -> None:
    assert rules.plan_number("И-2018/01", 2) == "И-2018/01-П2"
