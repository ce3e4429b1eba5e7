"""The plan: what is behind the trouble, the main goal, numbered goals, and who does what. Source: ISK-P, KZ-P."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, String, UniqueConstraint, exists, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from app import scopes
from app.cases.models import Case, CaseStatus
from app.kernel import clock
from app.kernel.declare import (
    N_,
    Admin,
    Choice,
    May,
    Page,
    Print,
    Screen,
    Viewer,
    children,
    column,
    computed,
    counted,
    parent,
    reached,
    reference,
)
from app.kernel.orm import LONG, SHORT, Record, changed
from app.kernel.scope import table
from app.plans import rules
from app.procedures.kinds import PlanKind
from app.roles import CASEWORK, CURATOR, SPECIALIST
from app.territory.models import Staff

FROZEN_FAULT = N_("The plan is approved and is not edited any more: make a new version of it.")
CLOSED_FAULT = N_("The plan is not in work any more: nothing changes in it.")
KEPT_FAULT = N_("An approved plan is kept. It can be cancelled, or revised by a new version.")
IN_JOURNAL_FAULT = N_("Work is recorded under this goal. Change its wording, or move that work to another goal first.")


def new_uid() -> str:
    return uuid4().hex


def _uid() -> Mapped[str]:
    """The name of a goal or a row on the plan's table. The page gives it, so a lost answer adds nothing twice."""
    return mapped_column(String(32), default=new_uid, unique=True, info={"secret": True}, sort_order=80)


def _touched(record: Record, *attributes: str) -> list[str]:
    """Those of the attributes, relations among them, that are about to be written with another value."""
    return [name for name in attributes if inspect(record).attrs[name].history.has_changes()]


def _before_and_now(record: Record, relation: str, entity: type[Record]) -> Iterator[Any]:
    """The record that a reference points to, and the one that it pointed to when it was read."""
    session, now = object_session(record), getattr(record, relation)
    if now is not None:
        yield now
    key = f"{relation}_id"
    for id_ in {*(changed(record, key) or (getattr(record, key),))}:
        found = session.get(entity, id_) if session and id_ else None
        if found is not None and found is not now:
            yield found


# What may not change any more when the plan is approved; marks of completion are not among it.
_PLAN_WORDS = (
    "case", "case_id", "edition", "number", "kind", "made_on", "nature", "main_goal", "agreed_on", "approved_on",
    "protocol", "approver", "approver_id", "until", "revision_reason",
)  # fmt: skip
_ROW_WORDS = (
    "goal", "goal_id", "position", "parents_action", "specialists_action", "term", "due_on", "responsible",
)  # fmt: skip


class PlanStatus(Choice):
    """The life of a plan; which step follows which is in ``rules.MOVES``."""

    DRAFT = N_("Draft")
    AGREED = N_("Agreed with the family")
    ON_AGENDA = N_("On the agenda")
    APPROVED = N_("Approved")
    IN_FORCE = N_("In force")
    FULFILLED = N_("Fulfilled")
    REVISED = N_("Revised by the next version")
    CANCELLED = N_("Cancelled")

    @property
    def colour(self) -> str:
        colours = {
            "DRAFT": "orange",
            "AGREED": "yellow",
            "ON_AGENDA": "yellow",
            "APPROVED": "green",
            "IN_FORCE": "blue",
        }
        return colours.get(self.name, "secondary")


class Plan(Record):
    """A version of the plan of one case. Revision makes the next version; nothing is overwritten, both print."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("case_id", "edition"),)

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    edition: Mapped[int] = column(N_("Version"), default=1)
    number: Mapped[str] = column(N_("Plan number"), SHORT, unique=True, auto=True)
    kind: Mapped[PlanKind] = column(N_("Kind"), default=PlanKind.FAMILY, among="case.edition.plan_rules.kind")
    status: Mapped[PlanStatus] = column(N_("Status"), default=PlanStatus.DRAFT, index=True)
    made_on: Mapped[dt.date] = column(N_("Made"), default=clock.today)
    nature: Mapped[str | None] = column(N_("Nature of the problem"), LONG, help=N_("What stands behind the trouble."))
    main_goal: Mapped[str | None] = column(N_("Main goal"), LONG)
    agreed_on: Mapped[dt.date | None] = column(N_("Agreed with the family"), happened=True)
    approved_on: Mapped[dt.date | None] = column(N_("Approved"), happened=True)
    protocol: Mapped[str | None] = column(N_("Protocol"), SHORT, help=N_("Number of the protocol that approved it."))
    approver_id: Mapped[int | None] = reference("staff.id")
    approver: Mapped[Staff | None] = parent(N_("Approved by"))
    until: Mapped[dt.date | None] = column(N_("Lasts until"), suggest="app.plans.length:end")
    cancelled_on: Mapped[dt.date | None] = column(N_("Cancelled on"), happened=True)
    revision_reason: Mapped[str | None] = column(N_("Why it was revised"), LONG)
    goals: Mapped[list[Goal]] = children(N_("Intermediate goals"), order_by="Goal.number", back="plan")
    goal_count = counted(N_("Goals"), "goals")
    family = reached(N_("Family"), "case.family")
    curator = reached(N_("Curator"), "case.curator")

    __admin__ = Admin(
        one=N_("Plan"),
        title=N_("Plans"),
        name=("number",),
        list=("number", "case", "kind", "status", "made_on", "goal_count", "approved_on", "until"),
        form={
            N_("Plan"): ("case", "kind", "made_on", "until"),
            N_("Content"): ("nature", "main_goal"),
        },
        # Status and approval change by the steps of the plan's life alone (plans/life.py): no form asks for them.
        show=(
            "number",
            "status",
            "agreed_on",
            "approved_on",
            "protocol",
            "approver",
            "edition",
            "cancelled_on",
            "revision_reason",
            "family",
        ),
        search=("number", "case"),
        found=("case", "status", "made_on"),
        filters=("status", "case", "curator", "kind", "made_on", "until"),
        order=("made_on", "desc"),
        scope=scopes.BY_CASE,
        prints={"plan": Print(N_("Plan"), "print/plan", "app.plans.papers:plan_paper")},
        screens=(Screen(N_("Plan table"), "PlanTable.table"),),
        page=Page("story/plan.html", "app.story.pages:plan", tells=("Goal",)),
        may=CASEWORK,
        help=N_("Plans made with the families, with every version kept."),
        icon="clipboard-list",
    )

    @property
    def frozen(self) -> bool:
        return rules.frozen(self.status.name)

    @property
    def closed(self) -> bool:
        return rules.closed(self.status.name)

    def prepare(self, session: Session) -> None:
        if not self.number or (self.id is not None and _touched(self, "case", "case_id")):
            case = self.case or session.get_one(Case, self.case_id)
            taken = {plan.edition for plan in session.query(Plan).filter_by(case_id=case.id) if plan is not self}
            self.edition = max(taken, default=0) + 1
            self.number = rules.plan_number(case.number, self.edition)
            self.status = self.status or PlanStatus.DRAFT
        if self.status is PlanStatus.CANCELLED:
            self.cancelled_on = self.cancelled_on or clock.today()

    def faults(self) -> Iterator[tuple[str, str]]:
        status = changed(self, "status")
        if self.id is None:
            return
        was = status[0] if status and status[0] else self.status
        if rules.frozen(was.name):
            yield from ((name, FROZEN_FAULT) for name in _touched(self, *_PLAN_WORDS))
        if self.status is PlanStatus.APPROVED and not self.approved_on:
            yield "approved_on", N_("An approved plan needs the date of approval.")

    def undeletable(self) -> str | None:
        return KEPT_FAULT if self.frozen else None


class Goal(Record):
    """A numbered intermediate goal; it follows from the nature of the problem."""

    __tablename__ = "goal"

    uid: Mapped[str] = _uid()
    plan_id: Mapped[int] = reference("plan.id", owned=True)
    plan: Mapped[Plan] = parent(N_("Plan"), panel=True, back_populates="goals")
    number: Mapped[int] = column(N_("No."))
    text: Mapped[str] = column(N_("Intermediate goal"), LONG)
    heading: Mapped[str | None] = column(
        N_("Heading in the table"),
        SHORT,
        help=N_("A shorter wording above the rows; empty: the goal itself."),
    )
    activities: Mapped[list[Activity]] = children(
        N_("Activities"), order_by="Activity.position, Activity.id", back="goal"
    )

    __admin__ = Admin(
        one=N_("Intermediate goal"),
        title=N_("Intermediate goals"),
        name=("number", "text"),
        list=("plan", "number", "text"),
        form={N_("Intermediate goal"): ("plan", "number", "text", "heading")},
        search=("text", "plan"),
        filters=("plan",),
        order=("number", "asc"),
        scope=scopes.BY_PLAN,
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Numbered goals of the plans."),
        icon="target",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        words = ("plan", "plan_id", "number", "text", "heading")
        plans = _before_and_now(self, "plan", Plan)
        if (self.id is None or _touched(self, *words)) and any(plan.frozen for plan in plans):
            yield "plan", FROZEN_FAULT

    def undeletable(self) -> str | None:
        if self.plan.frozen:
            return FROZEN_FAULT
        # The journal comes later in a case's life than the plan: its table is asked by name.
        session, link = object_session(self), table("contact_goal").c
        recorded = session and session.execute(select(link.goal_id).where(link.goal_id == self.id).limit(1)).first()
        return IN_JOURNAL_FAULT if recorded else None


def _of_plan(c: Any, statuses: Iterable[str]) -> ColumnElement[bool]:
    """Whether the row is of a plan in one of these states, in an open case."""
    goal, plan, case = (table(name).alias() for name in ("goal", "plan", "case"))
    led = exists().where(goal.c.id == c.goal_id, plan.c.id == goal.c.plan_id, case.c.id == plan.c.case_id)
    found = [PlanStatus[name] for name in sorted(statuses)]
    return led.where(plan.c.status.in_(found), case.c.status == CaseStatus.OPEN).correlate_except(goal, plan, case)


def is_at_work(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether the row is of a plan by which an open case is led: an old one, or one not approved yet, binds nobody."""
    return _of_plan(c, rules.REVISABLE)


def is_being_made(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether the row is of a plan of an open case that is not approved yet: it may still change."""
    return _of_plan(c, rules.MOVES.keys() - rules.FROZEN)


class Activity(Record):
    """A row of the plan table: what the parents do, what the specialists do, by when, and who answers for it.

    The term is kept in the words of the plan («по мере необходимости», «март»); a due date stands beside it when
    there is one. Responsible persons are names divided by semicolons: often they are of other bodies.
    """

    __tablename__ = "activity"

    uid: Mapped[str] = _uid()
    goal_id: Mapped[int] = reference("goal.id", owned=True)
    goal: Mapped[Goal] = parent(N_("Intermediate goal"), back_populates="activities")
    position: Mapped[int] = column(N_("Order"), default=0)
    parents_action: Mapped[str | None] = column(N_("Actions of the parents"), LONG)
    specialists_action: Mapped[str | None] = column(N_("Actions of the specialists"), LONG)
    term: Mapped[str | None] = column(N_("Term"), SHORT, help=N_("In words: March, as needed, after the meeting."))
    due_on: Mapped[dt.date | None] = column(N_("Due date"))
    responsible: Mapped[str | None] = column(
        N_("Responsible"), LONG, help=N_("Several names are divided by a semicolon.")
    )
    done_on: Mapped[dt.date | None] = column(N_("Done"), happened=True)
    result: Mapped[str | None] = column(N_("Mark of completion"), LONG)
    title: Mapped[str] = column(N_("Activity"), LONG, default="", auto=True)
    plan = reached(N_("Plan"), "goal.plan")
    case = reached(N_("Case"), "goal.plan.case")
    family = reached(N_("Family"), "goal.plan.case.family")
    curator = reached(N_("Curator"), "goal.plan.case.curator")
    at_work = computed(N_("Of a plan at work"), is_at_work)
    being_made = computed(N_("Of a plan that is being made"), is_being_made)

    __admin__ = Admin(
        one=N_("Activity"),
        title=N_("Activities"),
        name=("title",),
        list=("family", "goal", "parents_action", "specialists_action", "term", "due_on", "responsible", "done_on"),
        form={
            N_("Activity"): ("goal", "parents_action", "specialists_action"),
            N_("Term and responsible"): ("term", "due_on", "responsible"),
            N_("Completion"): ("done_on", "result"),
        },
        search=("parents_action", "specialists_action", "responsible"),
        filters=("family", "goal", "curator", "due_on", "done_on", "at_work"),
        bulk=("responsible", "due_on", "done_on"),
        order=("due_on", "asc"),
        scope=scopes.through("goal_id", "goal", scopes.BY_PLAN),
        may=CASEWORK | {CURATOR: May.ALL, SPECIALIST: May.READ | May.EDIT},
        help=N_("Rows of the plans: who does what and by when."),
        icon="activity",
    )

    def prepare(self, session: Session) -> None:
        self.title = self.specialists_action or self.parents_action or ""
        goal = self.goal or (session.get(Goal, self.goal_id) if self.goal_id else None)
        if self.position is None and goal is not None:
            self.position = max((row.position or 0 for row in goal.activities if row is not self), default=0) + 1

    def faults(self) -> Iterator[tuple[str, str]]:
        if not (self.parents_action or self.specialists_action):
            yield "specialists_action", N_("Say what the parents or the specialists do.")
        plans = [goal.plan for goal in _before_and_now(self, "goal", Goal) if goal.plan is not None]
        if (self.id is None or _touched(self, *_ROW_WORDS)) and any(plan.frozen for plan in plans):
            yield "goal", FROZEN_FAULT
        elif (marks := _touched(self, "done_on", "result")) and any(plan.closed for plan in plans):
            yield marks[0], CLOSED_FAULT

    def undeletable(self) -> str | None:
        return FROZEN_FAULT if self.goal.plan.frozen else None
