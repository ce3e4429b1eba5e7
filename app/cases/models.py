"""The case: one accompaniment of one family under one procedure, and its problems. Source: ISK, domain.md, 1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Table,
    UniqueConstraint,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, object_session

from app import scopes
from app.cases import rules
from app.families.models import Family
from app.kernel import clock
from app.kernel.declare import (
    N_,
    Admin,
    Choice,
    May,
    Page,
    Print,
    Reach,
    Screen,
    Viewer,
    children,
    column,
    computed,
    counted,
    derived,
    links,
    parent,
    reference,
)
from app.kernel.measure import latest
from app.kernel.orm import LONG, SHORT, Record, changed, metadata, next_number, viewer_of
from app.kernel.scope import table
from app.procedures.kinds import Fact, Placement
from app.procedures.models import ClosingGround, Procedure, ProcedureVersion, Stage, VersionStatus
from app.risks.models import RiskAssessment, RiskLevel
from app.roles import ADMINISTRATOR, CASEWORK, COMMISSIONER, CURATOR, SECRETARY, SPECIALIST, SUPERVISOR
from app.territory.models import Staff


class CaseStatus(Choice):
    """Where a case stands."""

    OPEN = N_("Open")
    SUSPENDED = N_("Suspended")
    CLOSED = N_("Closed")

    @property
    def colour(self) -> str:
        return {"OPEN": "blue", "SUSPENDED": "orange", "CLOSED": "secondary"}[self.name]


case_specialist = Table(
    "case_specialist",
    metadata,
    Column("case_id", ForeignKey("case.id", ondelete="CASCADE"), primary_key=True),
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True, index=True),
)


_risk = latest("risk_assessment.family_id", "assessed_on", "level", here="family_id")
_last_contact = latest("contact.case_id", "held_on")
_last_monitoring = latest("monitoring.case_id", "held_on")


def is_quiet(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether nobody has been in touch with the family for longer than its risk allows."""
    today, level = clock.today(), _risk(c, viewer)
    bounds = (
        (literal(RiskLevel[name], level.type), _before(today, days)) for name, days in rules.CONTACT_WITHIN.items()
    )
    since = func.coalesce(_last_contact(c, viewer), c.opened_on)
    return since < case(*bounds, value=level, else_=_before(today, rules.UNASSESSED))  # type: ignore[no-any-return]


def _before(today: dt.date, days: int) -> ColumnElement[dt.date]:
    return literal(today - dt.timedelta(days=days), Date)


def is_curator_away(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether whoever leads the case is absent today, or does not work here any more."""
    today, staff, absence = clock.today(), table("staff").alias(), table("absence").alias()
    left = select(staff.c.id).where(staff.c.id == c.curator_id, staff.c.works.is_(False))
    absent = select(absence.c.id).where(
        absence.c.staff_id == c.curator_id,
        absence.c.since <= today,
        or_(absence.c.until.is_(None), absence.c.until >= today),
    )
    return or_(left.correlate_except(staff).exists(), absent.correlate_except(absence).exists())


def watched_from(c: Any, viewer: Viewer) -> ColumnElement[dt.date]:
    """The day from which the time to the next monitoring is counted. A plan is seen with its case."""
    plan = table("plan").alias()
    return (
        select(func.coalesce(_last_monitoring(c, viewer), plan.c.approved_on, plan.c.made_on))
        .where(plan.c.case_id == c.id, plan.c.status == "IN_FORCE")
        .order_by(plan.c.edition.desc())
        .limit(1)
        .correlate_except(plan)
        .scalar_subquery()
    )


class Case(Record):
    """One accompaniment of one family under one procedure. A family may have several over time."""

    __tablename__ = "case"

    number: Mapped[str] = column(
        N_("Case number"),
        SHORT,
        unique=True,
        auto=True,
        help=N_("Left empty, the next free number is given."),
    )
    family_id: Mapped[int] = reference("family.id")
    family: Mapped[Family] = parent(N_("Family"), panel=True)
    procedure_id: Mapped[int] = reference("procedure.id")
    procedure: Mapped[Procedure] = parent(N_("Procedure"))
    edition_id: Mapped[int | None] = reference("procedure_version.id")
    edition: Mapped[ProcedureVersion | None] = parent(N_("Version of the procedure"))
    stage_id: Mapped[int | None] = reference("stage.id")
    stage: Mapped[Stage | None] = parent(N_("Stage"))
    placement: Mapped[Placement | None] = column(
        N_("With whom the child lives"), help=N_("How often the family is visited may follow from it.")
    )
    placed_on: Mapped[dt.date | None] = column(
        N_("Lives there since"), auto=True, help=N_("Left empty: since today, or since the case was opened.")
    )
    applied_on: Mapped[dt.date | None] = column(
        N_("Application of the family"), help=N_("Its date: terms of many procedures are counted from it.")
    )
    # The one before is always known: a change of curator is a hand-over (app/handover).
    curator_id: Mapped[int | None] = reference("staff.id", active_history=True)
    curator: Mapped[Staff | None] = parent(
        N_("Curator"), mine="staff_id", suggest="app.handover.workload:for_case", active_history=True
    )
    specialists: Mapped[list[Staff]] = links(N_("Specialists"), case_specialist, order_by=Staff.name)
    status: Mapped[CaseStatus] = column(N_("Status"), default=CaseStatus.OPEN)
    reason: Mapped[str | None] = column(N_("Why the case was opened"), LONG)
    opened_on: Mapped[dt.date] = column(N_("Opened"), default=clock.today, happened=True)
    consent_on: Mapped[dt.date | None] = column(
        N_("Consent to data processing signed"),
        help=N_("Date on the signed paper that is kept on file."),
        happened=True,
    )
    closed_on: Mapped[dt.date | None] = column(N_("Closed"), happened=True)
    closing_ground_id: Mapped[int | None] = reference("closing_ground.id")
    closing_ground: Mapped[ClosingGround | None] = parent(N_("Closing ground"), among="edition.grounds")
    outcome_note: Mapped[str | None] = column(N_("What was achieved"), LONG)
    follow_up_months: Mapped[int | None] = column(
        N_("Followed up after closing (months)"), help=N_("As the procedure allows: KZ from 3 to 6.")
    )
    previous_id: Mapped[int | None] = reference("case.id")
    previous: Mapped[Case | None] = parent(
        N_("Opened again after"),
        remote_side="Case.id",
        narrow=("family", "family"),
        panel=True,
        help=N_("The closed case of the same family, when the trouble has come back."),
    )
    passed: Mapped[list[StageEntry]] = children(N_("Stages passed"), order_by="StageEntry.id", back="case")
    suspensions: Mapped[list[Suspension]] = children(
        N_("Suspensions"), order_by="Suspension.since, Suspension.id", back="case"
    )
    problems: Mapped[list[Problem]] = children(N_("Problems"), order_by="Problem.number", back="case")
    problem_count = counted(N_("Problems"), "problems")
    days = derived(N_("Days in work"), lambda *days: rules.days_open(*days, clock.today()), ("opened_on", "closed_on"))
    risk = computed(N_("Risk"), _risk)
    last_contact = computed(N_("Last contact"), _last_contact)
    quiet = computed(
        N_("Long without contact"),
        is_quiet,
        N_("Longer than the risk allows: 7 days at high, 30 at medium, 90 at low."),
    )
    curator_away = computed(N_("The curator is away"), is_curator_away, N_("Absent today, or works here no more."))
    watched_from = computed(N_("Monitored, or plan in force since"), watched_from)

    __admin__ = Admin(
        one=N_("Case"),
        title=N_("Cases"),
        name=("number",),
        list=("number", "family", "status", "risk", "curator", "opened_on", "last_contact", "consent_on"),
        form={
            N_("Case"): (
                "number",
                "family",
                "procedure",
                "opened_on",
                "applied_on",
                "placement",
                "placed_on",
                "reason",
                "previous",
            ),
            N_("Who leads it"): ("curator", "specialists"),
            N_("Consent"): ("consent_on",),
            N_("Closing"): ("status", "closed_on", "closing_ground", "outcome_note", "follow_up_months"),
        },
        show=("edition", "stage", "days", "risk", "last_contact", "watched_from"),
        search=("number", "family"),
        found=("family", "status", "curator"),
        filters=(
            "status",
            "risk",
            "curator",
            "curator_away",
            "procedure",
            "edition",
            "stage",
            "placement",
            "family",
            "last_contact",
            "quiet",
            "watched_from",
            "opened_on",
            "consent_on",
            "closed_on",
            "closing_ground",
        ),
        bulk=("curator", "status"),
        order=("opened_on", "desc"),
        inline=("problems",),
        beside=(("family", RiskAssessment),),
        page=Page(
            "story/case.html",
            "app.story.pages:case",
            tells=(
                "Problem",
                "RiskAssessment",
                "Signal",
                "Plan",
                "Contact",
                "Monitoring",
                "AgendaItem",
                "Deadline",
                "Mark",
                "Handover",
            ),
        ),
        screens=(
            Screen(N_("Open again"), "Reopening.form", May.ADD, when=lambda line: line["status"] is CaseStatus.CLOSED),
        ),
        scope=scopes.CASE,
        prints={
            "social-card": Print(N_("Social card"), "print/social_card", "app.cases.papers:social_card_paper"),
            "consent": Print(N_("Consent to data processing"), "print/consent", "app.cases.papers:consent_paper"),
            "farewell": Print(N_("If help is needed again"), "print/farewell", "app.cases.papers:farewell_paper"),
            "journal": Print(N_("Work journal"), "print/work_journal", "app.journal.papers:work_journal_paper"),
        },
        may=CASEWORK,
        help=N_("Accompaniments of families, open and closed."),
        icon="folder-open",
    )

    def prepare(self, session: Session) -> None:
        if not self.number:
            year = (self.opened_on or clock.today()).year
            self.number = next_number(session, Case.number, lambda n: rules.case_number(year, n))
        if self.placement is None:
            self.placed_on = None
        elif self.placed_on is None:
            self.placed_on = self.opened_on if self.id is None else clock.today()
        self._follow(session)
        self._stand_still()

    def _follow(self, session: Session) -> None:
        """Take the published version of the procedure, and its first stage, when the case is opened or changes it."""
        procedure = self.procedure or session.get(Procedure, self.procedure_id)
        if procedure is None or (self.edition is not None and self.edition.procedure_id == procedure.id):
            return
        stays = self.id is not None and self.procedure_id == procedure.id and not changed(self, "procedure_id")
        if stays and self.edition is None:
            return  # it was open before there was a version: somebody moves it knowingly (deadlines/flow.py)
        published = select(ProcedureVersion).where(
            ProcedureVersion.procedure_id == procedure.id, ProcedureVersion.status == VersionStatus.PUBLISHED
        )
        self.edition = session.scalar(published.order_by(ProcedureVersion.number.desc()).limit(1))
        self.enter(self.edition.stages[0] if self.edition and self.edition.stages else None, self.opened_on)

    def enter(self, stage: Stage | None, day: dt.date | None = None, reason: str | None = None) -> None:
        """Go on to a stage of the procedure; the one before ends on that day."""
        day = day or clock.today()
        for entry in self.passed:
            entry.until = entry.until or day
        self.stage = stage
        if stage is not None:
            self.passed.append(StageEntry(stage=stage, since=day, reason=reason))

    def _stand_still(self) -> None:
        """A suspended case has a suspension that is not over; any other has none."""
        standing = [one for one in self.suspensions if one.until is None]
        if self.status is CaseStatus.SUSPENDED and not standing:
            self.suspensions.append(Suspension(since=clock.today()))
        elif self.status is not CaseStatus.SUSPENDED:
            for one in standing:
                one.until = max(one.since, clock.today() - dt.timedelta(days=1))

    def faults(self) -> Iterator[tuple[str, str]]:
        closed = self.status is CaseStatus.CLOSED
        if closed and not self.closed_on:
            yield "closed_on", N_("A closed case needs the date of closing.")
        if closed and not (self.closing_ground or self.closing_ground_id):
            yield "closing_ground", N_("A closed case needs a ground.")
        if self.closed_on and not closed:
            yield "status", N_("A closing date is given: set the status to “Closed”, or clear the date.")
        if self.closed_on and self.opened_on and self.closed_on < self.opened_on:
            yield "closed_on", N_("The case cannot be closed before it was opened.")
        if viewer_of(object_session(self)).reaches == {Reach.OWN} and self._changes_hands():
            yield "curator", N_("A case is handed over by the supervisor: ask for it.")
        if self.previous is not None and self.previous.status is not CaseStatus.CLOSED:
            yield "previous", N_("Only a closed case is opened again. This one goes on: work in it.")
        version, months = self.edition, self.follow_up_months
        named = version is not None and version.follow_up_from and version.follow_up_to
        if months and version and named and not version.follow_up_from <= months <= version.follow_up_to:  # type: ignore[operator]
            yield "follow_up_months", N_("The procedure names another length of time for it.")

    def _changes_hands(self) -> bool:
        """Whether another one is to lead the case than who has led it so far."""
        moved = changed(self, "curator_id") or changed(self, "curator")
        return moved is not None and moved[0] is not None


class Problem(Record):
    """A numbered problem to be solved. Source: ISK social card, «Проблемы, требующие решения»."""

    __tablename__ = "problem"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), back_populates="problems")
    number: Mapped[int] = column(N_("No."))
    text: Mapped[str] = column(N_("Problem"), LONG)
    solved_on: Mapped[dt.date | None] = column(N_("Solved"), happened=True)

    __admin__ = Admin(
        one=N_("Problem"),
        title=N_("Problems"),
        name=("number", "text"),
        list=("case", "number", "text", "solved_on"),
        form={N_("Problem"): ("case", "number", "text", "solved_on")},
        search=("text", "case"),
        filters=("case", "solved_on"),
        order=("number", "asc"),
        scope=scopes.BY_CASE,
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Problems that the plan is to solve."),
        icon="list-details",
    )


class StageEntry(Record):
    """When a case stood at a stage, and why it went on although something was lacking."""

    __tablename__ = "stage_entry"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), back_populates="passed")
    stage_id: Mapped[int] = reference("stage.id")
    stage: Mapped[Stage] = parent(N_("Stage"))
    since: Mapped[dt.date] = column(N_("From"), default=clock.today)
    until: Mapped[dt.date | None] = column(N_("To"))
    reason: Mapped[str | None] = column(N_("Why it went on"), LONG)

    __admin__ = Admin(
        one=N_("Stage of a case"),
        title=N_("Stages of cases"),
        name=("since",),
        list=("case", "stage", "since", "until", "reason"),
        form={N_("Stage of a case"): ("case", "stage", "since", "until", "reason")},
        search=("reason", "case"),
        filters=("case", "stage", "since", "until"),
        order=("since", "desc"),
        scope=scopes.BY_CASE,
        may={ADMINISTRATOR: May.ALL, SUPERVISOR: May.READ | May.EXPORT, CURATOR: May.READ, SPECIALIST: May.READ,
             SECRETARY: May.READ, COMMISSIONER: May.READ},
        help=N_("Through which stages cases have gone, and when."),
        icon="stairs",
    )  # fmt: skip


class Suspension(Record):
    """A time during which a case stands still: its terms do not run."""

    __tablename__ = "suspension"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True, back_populates="suspensions")
    since: Mapped[dt.date] = column(N_("From"), default=clock.today)
    until: Mapped[dt.date | None] = column(N_("To"), help=N_("The last day of it. Empty: it still stands."))
    reason: Mapped[str | None] = column(N_("Reason"), LONG)

    __admin__ = Admin(
        one=N_("Suspension"),
        title=N_("Suspensions"),
        name=("since",),
        list=("case", "since", "until", "reason"),
        form={N_("Suspension"): ("case", "since", "until", "reason")},
        search=("reason", "case"),
        filters=("case", "since", "until"),
        order=("since", "desc"),
        scope=scopes.BY_CASE,
        may=CASEWORK,
        help=N_("When cases stood still: the family was away, in hospital. Their terms do not run then."),
        icon="circle-dashed",
    )

    def prepare(self, session: Session) -> None:
        case = self.case or session.get(Case, self.case_id)
        if case is not None and case.status is not CaseStatus.CLOSED:
            case.status = CaseStatus.OPEN if self.until else CaseStatus.SUSPENDED

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.until and self.since and self.until < self.since:
            yield "until", N_("It cannot end before it began.")
        if not self.until and self.case is not None and self.case.status is CaseStatus.CLOSED:
            yield "until", N_("The case is closed: say when it stopped standing still.")


class EventKind(Choice):
    """What happens to a case that no other record tells of, and terms are counted from."""

    ORDER = N_("Order of the commission")
    FAMILY_CHANGED = N_("Change in the family")
    OTHER = N_("Other event")

    @property
    def fact(self) -> Fact | None:
        return Fact.__members__.get(self.name)


class CaseEvent(Record):
    """Something dated that terms are counted from: an order of the commission, a change in the family (ANG-T3, T8)."""

    __tablename__ = "case_event"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    kind: Mapped[EventKind] = column(N_("Event"), default=EventKind.FAMILY_CHANGED)
    happened_on: Mapped[dt.date] = column(N_("Date"), default=clock.today)
    note: Mapped[str | None] = column(N_("What happened"), LONG)

    __admin__ = Admin(
        one=N_("Event of a case"),
        title=N_("Events of cases"),
        name=("kind", "happened_on"),
        list=("case", "kind", "happened_on", "note"),
        form={N_("Event of a case"): ("case", "kind", "happened_on", "note")},
        search=("note", "case"),
        filters=("case", "kind", "happened_on"),
        order=("happened_on", "desc"),
        scope=scopes.BY_CASE,
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Orders, changes in the family: what terms are counted from."),
        icon="bookmark",
    )
