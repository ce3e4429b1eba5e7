"""The pages that tell the story of a family, a case or a plan: a few statements, each for what the reader may list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import current_app
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from app.cases.models import Case, CaseStatus, Problem
from app.cases.rules import monitoring_due
from app.deadlines import flow
from app.deadlines.engine import catch_up
from app.deadlines.models import Deadline
from app.families.models import Family, Income, Member, MemberRole
from app.handover.models import Handover
from app.journal.models import Contact, Monitoring
from app.kernel import clock, forms
from app.kernel.access import may, require_identity
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.orm import Row
from app.kernel.query import Line, ListQuery, Ref
from app.kernel.schema import schema_of
from app.kernel.screens.base import reader
from app.kernel.web import session
from app.meetings.models import AgendaItem
from app.plans.length import end
from app.plans.models import Activity, Goal, Plan
from app.procedures.models import ProcedureVersion
from app.risks.models import RiskAssessment
from app.signals.models import Signal
from app.story import rules

SHOWN = 8  # entries of a timeline, terms ahead, papers: the rest is one click away
MANY = 200  # rows of a plan, problems, members: as many as a family ever has

TRENDS = {
    ("HIGH", "MEDIUM"): N_("Risk fell from high to medium"),
    ("HIGH", "LOW"): N_("Risk fell from high to low"),
    ("MEDIUM", "LOW"): N_("Risk fell from medium to low"),
    ("LOW", "MEDIUM"): N_("Risk rose from low to medium"),
    ("LOW", "HIGH"): N_("Risk rose from low to high"),
    ("MEDIUM", "HIGH"): N_("Risk rose from medium to high"),
    ("HIGH", "HIGH"): N_("Risk stays high"),
    ("MEDIUM", "MEDIUM"): N_("Risk stays medium"),
    ("LOW", "LOW"): N_("Risk stays low"),
}
CASE = (
    "number", "status", "curator", "procedure", "stage", "opened_on", "closed_on", "days", "consent_on", "watched_from",
    "closing_ground", "outcome_note",
)  # fmt: skip
HANDOVER = ("day", "giver", "receiver", "reason", "temporary", "until", "state", "read_on")


@dataclass(frozen=True)
class GoalStory:
    """A goal of a plan and how far its rows have got. Only a plan at work binds: in another nothing is late."""

    line: Line
    rows: Sequence[Line]
    binding: bool

    def late(self, row: Line) -> int:
        return rules.days_late(row["due_on"], row["done_on"], clock.today()) if self.binding else 0

    @property
    def progress(self) -> rules.Progress:
        return rules.progress((bool(row["done_on"]), bool(self.late(row))) for row in self.rows)


@dataclass(frozen=True)
class CaseStory:
    """A case, the plan that tells where it stands, and what is ahead of it."""

    line: Line
    plan: Line | None
    goals: Sequence[GoalStory]
    problems: Sequence[Line]
    monitoring_due: dt.date | None

    @property
    def is_open(self) -> bool:
        return self.line["status"] is not CaseStatus.CLOSED

    @property
    def ref(self) -> Ref:
        return Ref(self.line.id, self.line["number"])

    @property
    def terms(self) -> list[tuple[Line, int]]:
        """Rows with a date that wait to be done, and how many days they are late."""
        return [
            (row, goal.late(row))
            for goal in self.goals
            for row in goal.rows
            if goal.binding and row["due_on"] and not row["done_on"]
        ]


def family(line: Line) -> dict[str, Any]:
    """A family: children first, then what is happening with it."""
    found = _read(Case, "family", [line.id], CASE) or []
    catch_up(session(), [one.id for one in found])
    cases = _cases(sorted(found, key=lambda case: case["status"] is CaseStatus.CLOSED))
    return {
        **_people(line.id),
        **_risk(line.id),
        **_working(cases),
        "cases": cases if may(May.LIST, Case) else None,
        "incomes": _read(Income, "family", [line.id], ("source", "amount")),
        "signals": _read(Signal, "family", [line.id], ("number", "received_at", "content", "status"), SHOWN + 1),
        "family_id": line.id,
        "due": _due("family", line.id),
        "family_filter": urlencode([("case", case.line.id) for case in cases]),
    }


def case(line: Line) -> dict[str, Any]:
    """A case: the same story, with monitorings and decisions."""
    catch_up(session(), [line.id])
    family_id = line["family"].id if line["family"] else None
    told = _cases([line])
    steps, anywhere = flow.whole(session().connection(), line.id)
    return {
        **_people(family_id),
        **_risk(family_id),
        **_working(told),
        "cases": told,
        "due": _due("case", line.id),
        "flow": steps,
        "undecided": flow.undecided(steps, anywhere),
        "factor_set": _factor_set(line["edition"]),
        "household": _household(family_id),
        "monitorings": _read(Monitoring, "case", [line.id], ("held_on", "decision", "conclusion")),
        "items": _read(AgendaItem, "case", [line.id], ("meeting", "held_on", "kind", "question", "decision")),
        "handovers": _read(Handover, "case", [line.id], HANDOVER, SHOWN + 1),
        "signals": _read(Signal, "case", [line.id], ("number", "received_at", "content", "status"), SHOWN + 1),
        "family_id": family_id,
    }


def plan(line: Line) -> dict[str, Any]:
    """A plan: its goals and how far each has got; whether it lasts as long as the procedure says."""
    values = {"case": line["case"].id if line["case"] else None, "kind": line["kind"], "made_on": line["made_on"]}
    length = end(session(), values | {"until": line["until"]}) if line["until"] else None
    return {**_common(), "goals": _goals([line]).get(line.id, []), "length": length}


def _common() -> dict[str, Any]:
    """What every part of a page asks for."""
    return {
        "entities": current_app.extensions["ryadom.entities"],
        "today": clock.today(),
        "dialled": rules.dialled,
        "shown": SHOWN,
    }


def _read(
    entity: type[Row], back: str, ids: Sequence[int | None], names: Sequence[str], most: int = MANY
) -> list[Line] | None:
    """Lines that belong to these records; None when the reader may not list them."""
    wanted = [id_ for id_ in ids if id_]
    return reader(schema_of(entity)).belonging(back, wanted, names, most) if may(May.LIST, entity) else None


def _people(family_id: int | None) -> dict[str, Any]:
    names = ("position", "name", "role", "kinship", "born_on", "age", "diagnosis", "occupation", "phone")
    found = _read(Member, "family", [family_id], names)
    people = sorted(found or (), key=lambda one: (one["position"], one.id))
    return {
        "may_see_people": found is not None,
        "children": [one for one in people if one["role"] is MemberRole.CHILD],
        "adults": [one for one in people if one["role"] is not MemberRole.CHILD],
    }


def _household(family_id: int | None) -> Line | None:
    """Where the family lives and how to reach it, for whoever may open it."""
    if family_id is None or not may(May.SHOW, Family):
        return None
    return reader(schema_of(Family)).one(family_id, ("name", "address", "phone"))


def _risk(family_id: int | None) -> dict[str, Any]:
    found = _read(RiskAssessment, "family", [family_id], ("assessed_on", "level"), 12)
    history = [(one["assessed_on"], one["level"].name) for one in reversed(found or ()) if one["level"]]
    return {"risks": found, "trend": _trend_words(rules.trend(history))}


def _factor_set(edition: Ref | None) -> int | None:
    """The set of risk factors that the procedure of a case names."""
    version = session().get(ProcedureVersion, edition.id) if edition is not None else None
    return version.factor_set_id if version is not None else None


def _trend_words(trend: rules.Trend | None) -> str:
    """«Риск снизился с высокого до среднего за 5 месяцев»."""
    if trend is None:
        return ""
    count = rules.months(trend.days)
    time = ngettext("%(num)d month", "%(num)d months", count) if count else gettext("less than a month")
    what = gettext(TRENDS[trend.old, trend.new])
    if trend.old == trend.new:
        return gettext("%(what)s for %(time)s", what=what, time=time)
    return gettext("%(what)s in %(time)s", what=what, time=time)


def _cases(lines: Sequence[Line]) -> list[CaseStory]:
    ids = [line.id for line in lines]
    plans = _leading_plans([line.id for line in lines if line["status"] is not CaseStatus.CLOSED])
    goals = _goals(list(plans.values()))
    problems: dict[int, list[Line]] = {}
    for problem in _read(Problem, "case", ids, ("case", "number", "text", "solved_on")) or ():
        problems.setdefault(problem["case"].id, []).append(problem)
    return [
        CaseStory(
            line,
            plan := plans.get(line.id),
            goals.get(plan.id, []) if plan else [],
            problems.get(line.id, []),
            monitoring_due(line["watched_from"]) if line["status"] is CaseStatus.OPEN else None,
        )
        for line in lines
    ]


def _leading_plans(case_ids: Sequence[int]) -> dict[int, Line]:
    """Of each case the plan that tells where it stands."""
    by_case: dict[int, list[Line]] = {}
    names = ("case", "number", "status", "edition", "main_goal", "until")
    for line in _read(Plan, "case", case_ids, names) or ():
        by_case.setdefault(line["case"].id, []).append(line)
    found: dict[int, Line] = {}
    for case_id, lines in by_case.items():
        best = rules.leading((line.id, line["status"].name, line["edition"]) for line in lines)
        if best is not None:
            found[case_id] = next(line for line in lines if line.id == best)
    return found


def _goals(plans: Sequence[Line]) -> dict[int, list[GoalStory]]:
    """Goals of plans, each with its rows."""
    binding = {plan.id: plan["status"].name in rules.WORKING for plan in plans}
    rows: dict[int, list[Line]] = {}
    lines = _read(Goal, "plan", list(binding), ("plan", "number", "text")) or []
    names = ("goal", "position", "title", "term", "due_on", "done_on", "responsible")
    for row in _read(Activity, "goal", [line.id for line in lines], names) or ():
        rows.setdefault(row["goal"].id, []).append(row)
    told: dict[int, list[GoalStory]] = {}
    for line in lines:
        own = sorted(rows.get(line.id, []), key=lambda row: (row["position"], row.id))
        told.setdefault(line["plan"].id, []).append(GoalStory(line, own, binding[line["plan"].id]))
    return told


def _working(cases: Sequence[CaseStory]) -> dict[str, Any]:
    """The work itself: the last contacts, what is due next, and the form for a new contact."""
    open_cases = [case for case in cases if case.is_open]
    names = ("case", "held_on", "kind", "event", "goals", "responsible", "result")
    contacts = _read(Contact, "case", [case.line.id for case in cases], names, SHOWN + 1)
    terms = sorted((term for case in open_cases for term in case.terms), key=lambda term: term[0]["due_on"])
    return {
        **_common(),
        "open_cases": open_cases,
        "contacts": contacts,
        "terms": terms,
        "contact": _contact_form(open_cases) if open_cases and may(May.ADD, Contact) else None,
    }


def _due(of: str, id_: int) -> list[Line] | None:
    """What the procedures wait for, the most urgent first; None when the reader may not list terms."""
    if not may(May.LIST, Deadline):
        return None
    asked = MultiDict([("done_on.empty", "1"), ("ended_on.empty", "1"), (of, str(id_))])
    names = ("requirement", "due_on", "done_on", "late", "state", "event_on")
    schema = schema_of(Deadline)
    return reader(schema).first(ListQuery.parse(schema, asked), names, SHOWN + 1)


def _contact_form(cases: Sequence[CaseStory]) -> dict[str, Any]:
    """The entity's own form, of which the page shows the fields of every day; it is posted where all are."""
    schema = schema_of(Contact)
    prefill = {"case": str(cases[0].line.id), "responsible": require_identity().name}
    goals = {case.ref: [Ref(goal.line.id, f"{goal.line['number']}. {goal.line['text']}") for goal in case.goals]
             for case in cases if case.goals}  # fmt: skip
    draft = forms.open_draft(session(), schema, prefill=prefill)
    return {"schema": schema, "draft": draft, "form": draft.form, "goals": goals}
