"""The risk assessment on paper. Source: ISK-R, form «Оценка группы риска»."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import TYPE_CHECKING, TypedDict

from app.families import papers as families
from app.kernel.printing import Paper, Signature, day

if TYPE_CHECKING:
    from app.risks.models import RiskAssessment, RiskFactor

# Papers speak the words of the form, whatever language the screen is in.
LEVELS = {"HIGH": "Высокий", "MEDIUM": "Средний", "LOW": "Низкий"}


class RiskRow(TypedDict):
    """A line of the matrix; the mark «+» stands under one level, or under none."""

    number: str
    text: str
    high: str
    medium: str
    low: str


class Criteria(TypedDict):
    """What puts a family into one group of risk, as the form says under its table."""

    heading: str
    lines: list[str]


class RiskPaper(Paper):
    child: str
    family: str
    assessed_on: dt.date
    rows: list[RiskRow]
    criteria: list[Criteria]
    proposed: str
    level: str
    reason: str
    signatures: list[Signature]


def risk_paper(assessment: RiskAssessment) -> RiskPaper:
    family, staff, child = assessment.family, assessment.staff, families.child(assessment.family)
    found = {factor.id for factor in assessment.factors}
    return {
        "title": "Оценка группы риска",
        "number": f"№ {assessment.id} от {day(assessment.assessed_on)}",
        "organisation": families.issuer(family),
        "child": child.name if child else "",
        "family": family.name,
        "assessed_on": assessment.assessed_on,
        "rows": _rows(assessment.factor_set.factors, found),
        "criteria": _criteria(assessment.factor_set.criteria or ""),
        "proposed": LEVELS[assessment.proposed.name] if assessment.proposed else "",
        "level": LEVELS[assessment.level.name] if assessment.level else "",
        "reason": assessment.reason or "",
        "signatures": [{"role": "Специалист", "name": staff.name if staff else "", "signed_on": None}],
    }


def _rows(factors: list[RiskFactor], found: set[int]) -> list[RiskRow]:
    """Factors by group. A factor that is its whole group is one line; others stand under the group's own."""
    rows: list[RiskRow] = []
    for whole, members in groupby(factors, lambda factor: factor.number.partition(".")[0]):
        group = list(members)
        parts = group[0].number != whole
        if parts:
            rows.append(_row(f"{whole}.", group[0].group))
        for factor in group:
            mark = factor.level.name if factor.id in found else ""
            number, text = f"{factor.number}.", factor.name
            rows.append(_row("", f"{number} {text}", mark) if parts else _row(number, text, mark))
    return rows


def _criteria(text: str) -> list[Criteria]:
    """Lines under the headings that end in a colon; lines before the first heading stand without one."""
    groups: list[Criteria] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.endswith(":"):
            groups.append({"heading": line, "lines": []})
        else:
            if not groups:
                groups.append({"heading": "", "lines": []})
            groups[-1]["lines"].append(line)
    return groups


def _row(number: str, text: str, mark: str = "") -> RiskRow:
    high, medium, low = ("+" if mark == level else "" for level in LEVELS)
    return {"number": number, "text": text, "high": high, "medium": medium, "low": low}
