"""Which parts a desk has, as a table; and how long a family may be without a contact."""

from __future__ import annotations

import datetime as dt

import pytest

from app.cases.models import Case
from app.cases.rules import CONTACT_WITHIN, UNASSESSED, monitoring_due, months_from
from app.desk.rules import parts, quarter, quarter_name

NOTHING = {"leads_cases": False, "keeps_meetings": False, "manages": False, "counts": False}
CURATOR = {**NOTHING, "leads_cases": True}
SECRETARY = {**NOTHING, "keeps_meetings": True}
MEMBER = NOTHING
ANALYST = {**NOTHING, "counts": True}
ALL = dict.fromkeys(NOTHING, True)


@pytest.mark.parametrize(
    ("reaches", "may", "found"),
    [
        ({"OWN"}, CURATOR, ["casework"]),
        ({"ORGANISATION"}, CURATOR, ["casework", "staff"]),
        ({"MUNICIPALITY"}, SECRETARY, ["secretary"]),
        ({"AGENDA"}, MEMBER, ["agenda"]),
        ({"EVERYTHING"}, ALL, ["administration", "figures"]),
        ({"EVERYTHING", "OWN"}, ALL, ["administration", "casework", "secretary", "figures"]),
        ({"NOTHING"}, NOTHING, []),
        ({"NOTHING"}, ANALYST, ["figures"]),
        ({"MUNICIPALITY"}, ANALYST, ["figures"]),
    ],
)
def test_the_parts_of_a_desk(reaches: set[str], may: dict[str, bool], found: list[str]) -> None:
    assert parts(reaches, **may) == found


def test_the_higher_the_risk_the_oftener_the_contact() -> None:
    assert CONTACT_WITHIN["HIGH"] < CONTACT_WITHIN["MEDIUM"] == UNASSESSED < CONTACT_WITHIN["LOW"]
    told = Case.quiet.help
    assert [int(word) for word in told.split() if word.isdecimal()] == list(CONTACT_WITHIN.values())


@pytest.mark.parametrize(
    ("day", "months", "other"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -3, "2025-10-15"),
        ("2026-05-05", 12, "2027-05-05"),
    ],
)
def test_so_many_months_later(day: str, months: int, other: str) -> None:
    assert months_from(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(other)


def test_a_monitoring_every_three_months_while_a_plan_is_in_force() -> None:
    assert monitoring_due(dt.date(2026, 8, 31)) == dt.date(2026, 11, 30)
    assert monitoring_due(None) is None


@pytest.mark.parametrize(
    ("day", "first", "last", "name"),
    [
        ("2026-01-01", "2026-01-01", "2026-03-31", "I 2026"),
        ("2026-05-31", "2026-04-01", "2026-06-30", "II 2026"),
        ("2026-09-30", "2026-07-01", "2026-09-30", "III 2026"),
        ("2026-12-31", "2026-10-01", "2026-12-31", "IV 2026"),
    ],
)
def test_the_quarter_of_a_day(day: str, first: str, last: str, name: str) -> None:
    found = quarter(dt.date.fromisoformat(day))
    assert found == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert quarter_name(found[0]) == name
