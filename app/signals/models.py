"""The journal of signals. Source: ISK technology step 2, KZ Appendix 1 and the journal of unconfirmed requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Table, inspect, select, text
from sqlalchemy.orm import Mapped, Session

from app import scopes
from app.cases.models import Case
from app.families.models import Family
from app.kernel import numbers
from app.kernel.declare import N_, Admin, Choice, May, Page, Print, Screen, Tab, column, links, parent, reference
from app.kernel.orm import LONG, SHORT, Record, metadata, next_number, now
from app.procedures.kinds import Fact, Unit
from app.procedures.models import Procedure, ProcedureVersion, Requirement, VersionStatus
from app.risks.models import FactorSet, RiskFactor, RiskLevel
from app.risks.rules import proposed_level
from app.roles import CASEWORK, COMMISSIONER, SPECIALIST
from app.signals import rules
from app.terms.rules import Calendar, Term, due_at
from app.territory.models import Municipality, Organisation, Staff


class SignalSource(Choice):
    """Where signals come from (domain.md, section 2, «find»)."""

    HEALTH = N_("Health care")
    SOCIAL = N_("Social protection")
    EXPERTISE = N_("Medical and social expertise")
    EDUCATION = N_("Education")
    POLICE = N_("Police, juvenile affairs")
    CITIZEN = N_("Citizens")
    NGO = N_("Non-governmental organisation")
    FAMILY = N_("The family itself")
    OTHER = N_("Other")


class SignalStatus(Choice):
    """What became of a signal."""

    NEW = N_("New")
    CHECKING = N_("Being checked")
    CONFIRMED = N_("Confirmed")
    ONE_OFF = N_("One-off help given")
    UNCONFIRMED = N_("Not confirmed")

    @property
    def colour(self) -> str:
        return {"NEW": "red", "CHECKING": "orange", "CONFIRMED": "green"}.get(self.name, "secondary")


_WAITING = text("urgent_due_at IS NOT NULL AND agreed_at IS NULL")


def _next(step: str) -> Callable[[Any], bool]:
    """Whether a step is a sensible next one for a signal's line."""

    def sensible(line: Any) -> bool:
        risk = line["risk"].name if line["risk"] else ""
        return step in rules.next_steps(
            line["status"].name, risk, agreed=line["agreed_at"] is not None, opened=line["case"] is not None
        )

    return sensible


signal_factor = Table(
    "signal_factor",
    metadata,
    Column("signal_id", ForeignKey("signal.id", ondelete="CASCADE"), primary_key=True),
    Column("factor_id", ForeignKey("risk_factor.id", ondelete="RESTRICT"), primary_key=True, index=True),
)


class Signal(Record):
    """A report that a family may need help; it may stay unconfirmed.

    Whoever finds its risk high has so many hours to agree urgent measures with the supervisor (KZ-T1): the moment
    after which that is late is worked out when the level is chosen, from the procedure in force on that day.
    """

    __tablename__ = "signal"

    number: Mapped[str] = column(
        N_("Number"), SHORT, unique=True, auto=True, help=N_("Left empty, the next number is given.")
    )
    received_at: Mapped[dt.datetime] = column(N_("Received"), default=now)
    source: Mapped[SignalSource] = column(N_("Source"), default=SignalSource.FAMILY)
    reporter: Mapped[str | None] = column(N_("From whom"), SHORT, help=N_("Name, position, phone."))
    phone: Mapped[str | None] = column(N_("Phone of the family"), SHORT, check=numbers.phone)
    content: Mapped[str] = column(N_("Content"), LONG)
    address: Mapped[str | None] = column(N_("Address"), LONG)
    organisation_id: Mapped[int] = reference("organisation.id")
    organisation: Mapped[Organisation] = parent(N_("Organisation"), mine="organisation_id")
    municipality_id: Mapped[int | None] = reference("municipality.id")
    municipality: Mapped[Municipality | None] = parent(N_("Municipality"), mine="municipality_id")
    procedure_id: Mapped[int | None] = reference("procedure.id")
    procedure: Mapped[Procedure | None] = parent(N_("Procedure"), help=N_("By its terms the signal is answered."))
    factor_set_id: Mapped[int | None] = reference("factor_set.id")
    factor_set: Mapped[FactorSet | None] = parent(N_("Set of risk factors"))
    factors: Mapped[list[RiskFactor]] = links(
        N_("Facts found"), signal_factor, order_by=RiskFactor.position, narrow=("factor_set", "factor_set")
    )
    risk: Mapped[RiskLevel | None] = column(N_("Risk"), help=N_("High: help is needed today."))
    risk_reason: Mapped[str | None] = column(N_("Why another level"), LONG)
    triaged_at: Mapped[dt.datetime | None] = column(N_("Level found"))
    urgent_due_at: Mapped[dt.datetime | None] = column(N_("Urgent measures are agreed by"))
    urgent_measures: Mapped[str | None] = column(N_("Urgent measures"), LONG)
    agreed_at: Mapped[dt.datetime | None] = column(N_("Urgent measures agreed"))
    agreed_with_id: Mapped[int | None] = reference("staff.id")
    agreed_with: Mapped[Staff | None] = parent(N_("Agreed with"), foreign_keys="Signal.agreed_with_id")
    late_reason: Mapped[str | None] = column(N_("Why later than the term"), LONG)
    assessed_on: Mapped[dt.date | None] = column(N_("Primary assessment"), happened=True)
    assessment: Mapped[str | None] = column(N_("What the primary assessment found"), LONG)
    status: Mapped[SignalStatus] = column(N_("Status"), default=SignalStatus.NEW, index=True)
    staff_id: Mapped[int | None] = reference("staff.id")
    staff: Mapped[Staff | None] = parent(N_("Who handles it"), mine="staff_id", foreign_keys="Signal.staff_id")
    family_id: Mapped[int | None] = reference("family.id")
    family: Mapped[Family | None] = parent(N_("Family"), panel=True)
    case_id: Mapped[int | None] = reference("case.id")
    case: Mapped[Case | None] = parent(N_("Case"), panel=True, narrow=("family", "family"))
    decision: Mapped[str | None] = column(N_("What was done"), LONG)
    __table_args__ = (
        # Those whose urgent measures wait to be agreed: every page asks for them, and they are few.
        Index(
            "ix_signal_waiting", "urgent_due_at", sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
    )  # fmt: skip

    __admin__ = Admin(
        one=N_("Signal"),
        title=N_("Signals"),
        name=("number",),
        list=("number", "received_at", "reporter", "content", "risk", "status", "decision", "family"),
        form={
            N_("Receipt"): ("number", "received_at", "source", "reporter", "organisation"),
            N_("Content"): ("content", "municipality", "address", "phone"),
            N_("Triage"): ("procedure", "risk", "risk_reason", "staff", "urgent_measures"),
            N_("Primary assessment"): ("assessed_on", "assessment"),
            N_("Where it led"): ("status", "decision", "family", "case"),
        },
        show=("factor_set", "factors", "triaged_at", "urgent_due_at", "agreed_at", "agreed_with", "late_reason"),
        search=("number", "reporter", "content", "address", "phone", "family"),
        found=("received_at", "reporter", "address", "status"),
        filters=(
            "status",
            "risk",
            "source",
            "received_at",
            "procedure",
            "urgent_due_at",
            "agreed_at",
            "municipality",
            "staff",
            "family",
            "organisation",
        ),
        bulk=("status", "staff"),
        order=("received_at", "desc"),
        tabs=(
            Tab("journal", N_("Journal"), {"status.ne": "UNCONFIRMED"}),
            Tab("visitors", N_("Visitors given one-off help"), {"status": "ONE_OFF"}),
            Tab("unconfirmed", N_("Unconfirmed requests"), {"status": "UNCONFIRMED"}),
        ),
        scope=scopes.SIGNAL,
        screens=(
            Screen(N_("Agree urgent measures"), "Triage.agree", May.EDIT, when=_next("agree")),
            Screen(N_("One-off help"), "Triage.one_off", May.EDIT, when=_next("one_off")),
            Screen(N_("Open a case"), "OpenCase.form", May.EDIT, adds=Case, when=_next("case")),
            Screen(N_("Find the level of risk"), "Triage.form", May.EDIT, when=_next("triage")),
            Screen(N_("Not confirmed"), "Triage.unconfirmed", May.EDIT, when=_next("unconfirmed")),
        ),
        page=Page("signals/signal.html", "app.signals.urgent:told"),
        scans=True,
        lists={
            "journal": Print(N_("Signal journal"), "print/signal_journal", "app.signals.papers:journal_paper"),
            "visitors": Print(N_("Journal of visitors"), "print/signal_journal", "app.signals.papers:visitors_paper"),
            "unconfirmed": Print(
                N_("Journal of unconfirmed requests"), "print/signal_journal", "app.signals.papers:unconfirmed_paper"
            ),
        },
        may=CASEWORK | {SPECIALIST: May.WRITE | May.PRINT, COMMISSIONER: May.NOTHING},
        help=N_("Every report about a family in trouble is written down here first."),
        icon="bell",
    )

    def prepare(self, session: Session) -> None:
        if not self.number:
            year = (self.received_at or now()).year
            self.number = next_number(session, Signal.number, lambda n: f"С-{year}/{n:03}")
        if self.case is not None and self.family is None:
            self.family = self.case.family
        if self._changes("risk"):
            self._triaged(session)
        elif self._changes("procedure", "procedure_id"):
            self.urgent_due_at = self._due(session)

    def _changes(self, *names: str) -> bool:
        return any(inspect(self).attrs[name].history.has_changes() for name in names)

    def _triaged(self, session: Session) -> None:
        """The level was found now. What was agreed about another level does not answer this one."""
        self.triaged_at = now() if self.risk is not None else None
        if self.risk is not None and self.procedure is None and self.procedure_id is None:
            self.procedure = usual_procedure(session, self)
        self.urgent_due_at = self._due(session)
        if self.urgent_due_at is not None:
            self.agreed_at = self.agreed_with = self.late_reason = None

    def _due(self, session: Session) -> dt.datetime | None:
        """After which moment it is late to agree urgent measures (KZ-T1); none when the procedure names no hours."""
        id_ = self.procedure.id if self.procedure is not None else self.procedure_id
        if self.risk is not RiskLevel.HIGH or self.triaged_at is None or id_ is None:
            return None
        hours = session.scalar(
            select(Requirement.count)
            .join(ProcedureVersion, ProcedureVersion.id == Requirement.edition_id)
            .where(ProcedureVersion.procedure_id == id_, ProcedureVersion.status == VersionStatus.PUBLISHED)
            .where(Requirement.event == Fact.SIGNAL_HIGH, Requirement.unit == Unit.HOUR)
            .order_by(ProcedureVersion.number.desc(), Requirement.count)
            .limit(1)
        )
        # Hours need neither a calendar nor a zone: they pass by themselves.
        return due_at(self.triaged_at, Term(hours, Unit.HOUR.rule), Calendar(), dt.UTC) if hours else None

    @property
    def proposed(self) -> RiskLevel | None:
        """The level that follows from the facts found."""
        level = proposed_level(factor.level.name for factor in self.factors)
        return RiskLevel[level] if level else None

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.received_at and self.received_at > now() + dt.timedelta(days=1):
            yield "received_at", N_("The signal is dated in the future. Check the date.")
        if self.factors and self.risk is not self.proposed and not self.risk_reason:
            yield "risk_reason", N_("The level differs from the proposed one: say why.")
        if self.status is SignalStatus.UNCONFIRMED and not self.decision:
            yield "decision", N_("Say how it was found that the signal is not confirmed.")
        if self.status is SignalStatus.ONE_OFF and not self.decision:
            yield "decision", N_("Say what help was given.")


def usual_procedure(session: Session, signal: Signal) -> Procedure | None:
    """What a signal is answered under unless somebody says otherwise: the only one, or the one used here last."""
    active = session.scalars(select(Procedure).where(Procedure.active).limit(2)).all()
    if len(active) == 1:
        return active[0]
    organisation = signal.organisation.id if signal.organisation is not None else signal.organisation_id
    return session.scalar(
        select(Procedure)
        .join(Signal, Signal.procedure_id == Procedure.id)
        .where(Procedure.active, Signal.organisation_id == organisation)
        .order_by(Signal.id.desc())
        .limit(1)
    )
