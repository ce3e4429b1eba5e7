"""The work journal and the monitoring. Source: ISK-J, ISK-M (domain.md, section 6)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint
from sqlalchemy.orm import Mapped

from app import scopes
from app.cases.models import Case, Problem
from app.kernel import clock
from app.kernel.declare import N_, Admin, Choice, May, Print, children, column, links, parent, reached, reference
from app.kernel.orm import LONG, Record, metadata
from app.plans.models import Goal
from app.roles import CASEWORK, CURATOR, SPECIALIST


class ContactKind(Choice):
    """How the work was done."""

    PHONE = N_("Telephone call")
    HOME = N_("Visit at home")
    OFFICE = N_("Meeting in the office")
    MEETING = N_("Personal meeting")
    INTERAGENCY = N_("Interagency meeting")
    CONSULTATION = N_("Consultation")
    APPEAL = N_("Application")
    SERVICE = N_("Service")
    LETTER = N_("Letter")
    OTHER = N_("Other")


contact_goal = Table(
    "contact_goal",
    metadata,
    Column("contact_id", ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True),
    Column("goal_id", ForeignKey("goal.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Contact(Record):
    """A dated piece of work, under one goal or several: entered once, shown under each of them."""

    __tablename__ = "contact"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    held_on: Mapped[dt.date] = column(N_("Date"), default=clock.today, happened=True)
    kind: Mapped[ContactKind] = column(N_("Kind of contact"), default=ContactKind.PHONE)
    event: Mapped[str] = column(N_("Event"), LONG)
    goals: Mapped[list[Goal]] = links(N_("Goals"), contact_goal, order_by=Goal.number, narrow=("case", "plan.case"))
    responsible: Mapped[str | None] = column(
        N_("Responsible"), LONG, help=N_("Several names are divided by a semicolon.")
    )
    result: Mapped[str | None] = column(N_("Mark of completion"), LONG)
    family = reached(N_("Family"), "case.family")

    __admin__ = Admin(
        one=N_("Contact"),
        title=N_("Work journal"),
        name=("event",),
        list=("held_on", "kind", "case", "family", "event", "responsible", "result"),
        form={
            N_("Contact"): ("case", "held_on", "kind", "event", "goals"),
            N_("What came of it"): ("responsible", "result"),
        },
        search=("event", "result", "responsible", "case"),
        filters=("case", "kind", "held_on", "goals"),
        order=("held_on", "desc"),
        scans=True,
        scope=scopes.BY_CASE,
        may=CASEWORK | {CURATOR: May.ALL, SPECIALIST: May.WRITE | May.PRINT},
        help=N_("Calls, visits, meetings and services, each under the goals it serves."),
        icon="notebook",
    )


class MonitoringDecision(Choice):
    """What follows from a monitoring (ISK technology, step 12)."""

    CONTINUE = N_("Go on with the plan")
    ADJUST = N_("Adjust the plan and go on")
    CLOSE = N_("Close the case")
    HAND_OVER = N_("Hand over to the competent bodies")


class Monitoring(Record):
    """A look at what was achieved, problem by problem; every three months (ISK-T1)."""

    __tablename__ = "monitoring"
    __table_args__ = (UniqueConstraint("case_id", "held_on"),)

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    held_on: Mapped[dt.date] = column(N_("Date"), default=clock.today, happened=True)
    decision: Mapped[MonitoringDecision | None] = column(N_("Decision"))
    conclusion: Mapped[str | None] = column(N_("Conclusion"), LONG)
    results: Mapped[list[MonitoringResult]] = children(N_("Results"), order_by="MonitoringResult.id", back="monitoring")

    __admin__ = Admin(
        one=N_("Monitoring"),
        title=N_("Monitorings"),
        name=("held_on",),
        list=("held_on", "case", "decision", "conclusion"),
        form={N_("Monitoring"): ("case", "held_on"), N_("Decision"): ("decision", "conclusion")},
        search=("conclusion", "case"),
        filters=("case", "held_on", "decision"),
        order=("held_on", "desc"),
        inline=("results",),
        scope=scopes.BY_CASE,
        prints={"monitoring": Print(N_("Monitoring"), "print/monitoring", "app.journal.papers:monitoring_paper")},
        may=CASEWORK,
        help=N_("What was achieved for each problem, and the decision taken."),
        icon="clipboard-check",
    )


class MonitoringResult(Record):
    """What was achieved for one problem."""

    __tablename__ = "monitoring_result"
    __table_args__ = (UniqueConstraint("monitoring_id", "problem_id"),)

    monitoring_id: Mapped[int] = reference("monitoring.id", owned=True)
    monitoring: Mapped[Monitoring] = parent(N_("Monitoring"), back_populates="results")
    problem_id: Mapped[int] = reference("problem.id")
    problem: Mapped[Problem] = parent(N_("Problem"), narrow=("monitoring.case", "case"))
    result: Mapped[str] = column(N_("Result"), LONG)

    __admin__ = Admin(
        one=N_("Result of monitoring"),
        title=N_("Results of monitoring"),
        name=("result",),
        list=("monitoring", "problem", "result"),
        form={N_("Result of monitoring"): ("monitoring", "problem", "result")},
        search=("result",),
        filters=("monitoring", "problem"),
        scope=scopes.through("monitoring_id", "monitoring", scopes.BY_CASE),
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Results by problem."),
        icon="clipboard-check",
    )
