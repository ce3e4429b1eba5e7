"""The plan on paper. Source: ISK-P, form «План сопровождения семьи»; other kinds differ by their title."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypedDict

from app.families import papers as families
from app.kernel.printing import Paper, Signature, by_lines, day

if TYPE_CHECKING:
    from app.plans.models import Activity, Plan

TITLES = {
    "FAMILY": "План сопровождения семьи",
    "INDIVIDUAL": "Индивидуальный план сопровождения семьи",
    "SERVICES": "Индивидуальная программа предоставления социальных услуг",
    "COMPLEX": "Межведомственный комплексный план",
    "ADAPTATION": "Программа социальной адаптации",
}


class PlanRow(TypedDict):
    parents: str
    specialists: str
    term: str


class PlanSection(TypedDict):
    """A goal and the rows that lead to it."""

    heading: str
    rows: list[PlanRow]


class PlanPaper(Paper):
    made_on: dt.date | None
    child: str
    born_on: dt.date | None
    members: list[str]
    nature: str
    main_goal: str
    goals: list[str]
    sections: list[PlanSection]
    until: dt.date | None
    protocol: str
    approved_on: dt.date | None
    signatures: list[Signature]


def plan_paper(plan: Plan) -> PlanPaper:
    family = plan.case.family
    child, parents = families.child(family), families.parents(family)
    signatories = [("Родители", parent.name, plan.agreed_on) for parent in parents] or [
        ("Родители", "", plan.agreed_on)
    ]
    signatories.append(("Куратор", plan.case.curator.name if plan.case.curator else "", None))
    if plan.approver or plan.approved_on:
        signatories.append(("Утвердил", plan.approver.name if plan.approver else "", plan.approved_on))
    return {
        "title": TITLES[plan.kind.name],
        "number": f"№ {plan.number}",
        "made_on": plan.made_on,
        "organisation": families.issuer(family),
        "child": child.name if child else "",
        "born_on": child.born_on if child else None,
        "members": [
            member.name
            + (f", {member.born_on.year}" if member.born_on else "")
            + (f" ({member.kinship})" if member.kinship else "")
            for member in family.members
            if member is not child
        ],
        "nature": plan.nature or "",
        "main_goal": plan.main_goal or "",
        "goals": [f"{goal.number}. {goal.text}" for goal in plan.goals],
        "sections": [
            {"heading": goal.heading or goal.text, "rows": [_row(activity) for activity in goal.activities]}
            for goal in plan.goals
        ],
        "until": plan.until,
        "protocol": plan.protocol or "",
        "approved_on": plan.approved_on,
        "signatures": [{"role": role, "name": name, "signed_on": signed_on} for role, name, signed_on in signatories],
    }


def _row(activity: Activity) -> PlanRow:
    return {
        "parents": activity.parents_action or "",
        "specialists": activity.specialists_action or "",
        # As in the form: those who answer for it, each on a line, then the term in its own words.
        "term": f"{by_lines(activity.responsible)}\n{activity.term or day(activity.due_on)}".strip(),
    }
