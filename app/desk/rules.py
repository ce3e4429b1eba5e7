"""Which desk somebody finds in the morning: plain values of what he may do and how far he sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

WEEK = 7  # days ahead that the desk looks
CASEWORK, STAFF, SECRETARY, AGENDA, ADMINISTRATION, FIGURES = (
    "casework", "staff", "secretary", "agenda", "administration", "figures",
)  # fmt: skip
NEAR = frozenset({"OWN", "PRECINCT", "ORGANISATION", "MUNICIPALITY"})
OVER_STAFF = frozenset({"PRECINCT", "ORGANISATION", "MUNICIPALITY"})


def parts(
    reaches: Collection[str], *, leads_cases: bool, keeps_meetings: bool, manages: bool, counts: bool
) -> list[str]:
    """The parts of a desk, in order. Roles add up: a head of a small organisation may find several.

    Who sees everything is not shown everybody's work as his own: the curator that he may be beside has a reach too.
    """
    near, found = NEAR.intersection(reaches), []
    if manages:
        found.append(ADMINISTRATION)
    if leads_cases and near:
        found.append(CASEWORK)
        if OVER_STAFF.intersection(reaches):
            found.append(STAFF)
    if keeps_meetings and near:
        found.append(SECRETARY)
    if "AGENDA" in reaches:
        found.append(AGENDA)
    if counts:
        found.append(FIGURES)
    return found


def quarter(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of the quarter of a year that the day is in."""
    first = (day.month - 1) // 3 * 3 + 1
    after = dt.date(day.year + first // 10, (first + 3) % 12, 1)
    return dt.date(day.year, first, 1), after - dt.timedelta(days=1)


def quarter_name(day: dt.date) -> str:
    """«IV 2026»: as reports call it, in every language."""
    return f"{('I', 'II', 'III', 'IV')[(day.month - 1) // 3]} {day.year}"
