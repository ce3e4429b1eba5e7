"""The procedure a case runs under, as data: stages, requirements with their terms, commissions, plans, grounds.

Source: domain.md, 2 and 3. A version is a draft until it is published; then it does not change, and the next one is
made of it. Cases keep the version they were opened under until somebody moves them knowingly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint, inspect
from sqlalchemy.orm import Mapped, Session, object_session

from app import scopes
from app.kernel.declare import N_, Admin, Choice, May, Screen, children, column, counted, links, parent, reference
from app.kernel.orm import LONG, SHORT, Record, metadata
from app.procedures.kinds import (
    CommissionKind,
    CommissionLevel,
    Country,
    Fact,
    Outcome,
    Placement,
    PlanKind,
    RequirementKind,
    Time,
    Unit,
)
from app.risks.models import FactorSet, RiskLevel
from app.roles import DICTIONARY

FROZEN = N_("This version is published and does not change any more: make a new version of it.")
# Units in a term. Nothing lasts longer, and a slip of the pen must not carry a date past the end of the calendar.
LONGEST = 1_000
KEPT = N_("A published version is kept: cases run under it.")


class Procedure(Record):
    """A practice of accompaniment: whose it is and what it is called. What it demands stands in its versions."""

    __tablename__ = "procedure"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)
    code: Mapped[str] = column(N_("Code"), SHORT, unique=True, help=N_("Latin letters, as in files of presets."))
    country: Mapped[Country] = column(
        N_("Production calendar"), default=Country.RU, help=N_("Working days are counted by it.")
    )
    note: Mapped[str | None] = column(N_("For whom and by what document"), LONG)
    active: Mapped[bool] = column(N_("Cases may be opened under it"), default=True)

    __admin__ = Admin(
        one=N_("Procedure"),
        title=N_("Procedures"),
        name=("name",),
        list=("name", "code", "country", "note", "active"),
        form={N_("Procedure"): ("name", "code", "country", "note", "active")},
        search=("name", "code"),
        filters=("active", "country"),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Procedures under which cases run."),
        icon="stairs",
    )

    def prepare(self, session: Session) -> None:
        if self.id is not None and inspect(self).attrs.name.history.has_changes():
            for version in session.query(ProcedureVersion).filter_by(procedure_id=self.id):
                version.title = version_title(self.name, version.number)


class ClosingGround(Record):
    """Why a case is closed."""

    __tablename__ = "closing_ground"

    name: Mapped[str] = column(N_("Ground"), SHORT, unique=True)
    outcome: Mapped[Outcome] = column(N_("Outcome"), default=Outcome.BETTER)

    __admin__ = Admin(
        one=N_("Closing ground"),
        title=N_("Closing grounds"),
        name=("name",),
        list=("name", "outcome"),
        form={N_("Closing ground"): ("name", "outcome")},
        search=("name",),
        filters=("outcome",),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Grounds on which cases are closed, with the outcome each means."),
        icon="folder",
    )


class VersionStatus(Choice):
    """The life of a version of a procedure."""

    DRAFT = N_("Draft")
    PUBLISHED = N_("Published")
    RETIRED = N_("Replaced by the next version")

    @property
    def colour(self) -> str:
        return {"DRAFT": "orange", "PUBLISHED": "green"}.get(self.name, "secondary")


def _is(status: VersionStatus) -> Callable[[Any], bool]:
    """Whether a version's line stands so."""
    return lambda line: line["status"] is status


version_ground = Table(
    "version_ground",
    metadata,
    Column("version_id", ForeignKey("procedure_version.id", ondelete="CASCADE"), primary_key=True),
    Column("ground_id", ForeignKey("closing_ground.id", ondelete="CASCADE"), primary_key=True, index=True),
)


def version_title(name: str, number: int) -> str:
    return f"{name[:190]}, № {number}"


class ProcedureVersion(Record):
    """What a procedure demands from a day on."""

    __tablename__ = "procedure_version"
    __table_args__ = (UniqueConstraint("procedure_id", "number"),)

    procedure_id: Mapped[int] = reference("procedure.id", owned=True)
    procedure: Mapped[Procedure] = parent(N_("Procedure"), panel=True)
    number: Mapped[int] = column(N_("Version"), default=1)
    title: Mapped[str] = column(N_("Version of a procedure"), SHORT, default="", auto=True)
    status: Mapped[VersionStatus] = column(N_("Status"), default=VersionStatus.DRAFT, index=True)
    published_on: Mapped[dt.date | None] = column(N_("Published"))
    note: Mapped[str | None] = column(N_("What is new in it"), LONG)
    source: Mapped[str | None] = column(N_("By what document"), LONG)
    follow_up_from: Mapped[int | None] = column(
        N_("Followed up after closing, at least (months)"), help=N_("Empty: the family is not followed up.")
    )
    follow_up_to: Mapped[int | None] = column(N_("Followed up after closing, at most (months)"))
    factor_set_id: Mapped[int | None] = reference("factor_set.id")
    factor_set: Mapped[FactorSet | None] = parent(
        N_("Set of risk factors"), help=N_("The risk of its cases is assessed by it.")
    )
    grounds: Mapped[list[ClosingGround]] = links(
        N_("Closing grounds"), version_ground, order_by=ClosingGround.name, checks=True
    )
    stages: Mapped[list[Stage]] = children(N_("Stages"), order_by="Stage.number", back="edition")
    plan_rules: Mapped[list[PlanRule]] = children(N_("Plans"), order_by="PlanRule.id", back="edition")
    commission_steps: Mapped[list[CommissionStep]] = children(
        N_("Commissions"), order_by="CommissionStep.number", back="edition"
    )
    requirements: Mapped[list[Requirement]] = children(
        N_("Requirements"), order_by="Requirement.position, Requirement.id", back="edition"
    )
    stage_count = counted(N_("Stages"), "stages")
    requirement_count = counted(N_("Requirements"), "requirements")

    __admin__ = Admin(
        one=N_("Version of a procedure"),
        title=N_("Versions of procedures"),
        name=("title",),
        list=("procedure", "number", "status", "published_on", "stage_count", "requirement_count"),
        form={
            N_("Version"): ("procedure", "source", "factor_set", "note"),
            N_("Closing"): ("grounds", "follow_up_from", "follow_up_to"),
        },
        show=("number", "status", "published_on"),
        search=("title", "note"),
        filters=("procedure", "status", "published_on"),
        order=("number", "desc"),
        inline=("stages", "plan_rules", "commission_steps"),
        screens=(
            Screen(N_("Publish"), "Versions.publish", May.EDIT, when=_is(VersionStatus.DRAFT)),
            Screen(N_("New version"), "Versions.next", May.EDIT),
            Screen(N_("Move cases here"), "MoveCases.form", May.EDIT, when=_is(VersionStatus.PUBLISHED)),
            Screen(N_("File (YAML)"), "Versions.file"),
        ),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("What each procedure demands, version by version."),
        icon="stairs",
    )

    @property
    def frozen(self) -> bool:
        return self.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)

    def prepare(self, session: Session) -> None:
        if self.id is None and self.procedure is not None:
            same = session.query(ProcedureVersion.number).filter_by(procedure_id=self.procedure.id)
            self.number = max((number for (number,) in same), default=0) + 1
        if self.procedure is not None:
            self.title = version_title(self.procedure.name, self.number)

    def faults(self) -> Iterator[tuple[str, str]]:
        before = inspect(self).attrs.status.history
        if self.id is not None and not before.has_changes() and self.frozen:
            names = ("procedure_id", "source", "factor_set_id", "note", "grounds", "follow_up_from", "follow_up_to")
            yield from ((name, FROZEN) for name in names if inspect(self).attrs[name].history.has_changes())
        low, high = self.follow_up_from, self.follow_up_to
        if (low is None) != (high is None):
            yield "follow_up_to", N_("Give both: from how many months, and to how many.")
        elif low is not None and high is not None and not 0 < low <= high:
            yield "follow_up_to", N_("The longest time is not shorter than the shortest.")

    def undeletable(self) -> str | None:
        return KEPT if self.frozen else None


class _OfVersion(Record):
    """A row of a version: it changes only while the version is a draft."""

    __abstract__ = True

    edition_id: Mapped[int]
    edition: Mapped[ProcedureVersion]

    def faults(self) -> Iterator[tuple[str, str]]:
        session = object_session(self)
        version = self.edition or (session and session.get(ProcedureVersion, self.edition_id))
        names = [one.key for one in inspect(self).mapper.column_attrs]
        written = self.id is None or any(inspect(self).attrs[name].history.has_changes() for name in names)
        if (
            version is not None
            and version.frozen
            and written
            and not inspect(version).attrs.status.history.has_changes()
        ):
            yield "edition", FROZEN

    def undeletable(self) -> str | None:
        return FROZEN if self.edition.frozen else None


def _lengths(row: Record, *pairs: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with lengths of time, each a number and a unit."""
    for count, unit in pairs:
        number = getattr(row, count)
        if (number is None) != (getattr(row, unit) is None):
            yield unit, N_("A length of time is a number and a unit: give both or neither.")
        elif number is not None and not 1 <= number <= LONGEST:
            yield count, N_("A term is from 1 to 1,000 units long.")


class Stage(_OfVersion):
    """A stage of a case: what it is for, when it begins and when it is over."""

    __tablename__ = "stage"
    __table_args__ = (UniqueConstraint("edition_id", "number"),)

    edition_id: Mapped[int] = reference("procedure_version.id", owned=True)
    edition: Mapped[ProcedureVersion] = parent(N_("Version"), back_populates="stages")
    number: Mapped[int] = column(N_("No."))
    name: Mapped[str] = column(N_("Stage"), SHORT)
    entry: Mapped[str | None] = column(N_("Begins when"), LONG)
    leave: Mapped[str | None] = column(N_("Is over when"), LONG)
    source: Mapped[str | None] = column(N_("Source"), SHORT, help=N_("The row of the rule it comes from."))

    __admin__ = Admin(
        one=N_("Stage"),
        title=N_("Stages"),
        name=("number", "name"),
        list=("edition", "number", "name", "entry", "leave", "source"),
        form={N_("Stage"): ("edition", "number", "name", "entry", "leave", "source")},
        search=("name", "edition"),
        filters=("edition",),
        order=("number", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Stages through which a case goes."),
        icon="stairs",
    )


class PlanRule(_OfVersion):
    """A kind of plan that a procedure makes: for how long, who signs, who approves (ANG-T9)."""

    __tablename__ = "plan_rule"

    edition_id: Mapped[int] = reference("procedure_version.id", owned=True)
    edition: Mapped[ProcedureVersion] = parent(N_("Version"), back_populates="plan_rules")
    kind: Mapped[PlanKind] = column(N_("Kind"), default=PlanKind.FAMILY)
    title: Mapped[str | None] = column(N_("As it is called there"), SHORT)
    months_from: Mapped[int | None] = column(N_("Lasts at least (months)"))
    months_to: Mapped[int | None] = column(N_("Lasts at most (months)"))
    signed_by: Mapped[str | None] = column(N_("Who signs it"), LONG)
    source: Mapped[str | None] = column(N_("Source"), SHORT)

    __admin__ = Admin(
        one=N_("Kind of plan"),
        title=N_("Kinds of plans"),
        name=("kind", "title"),
        list=("edition", "kind", "title", "months_from", "months_to", "signed_by", "source"),
        form={N_("Kind of plan"): ("edition", "kind", "title", "months_from", "months_to", "signed_by", "source")},
        search=("title", "edition"),
        filters=("edition", "kind"),
        order=("id", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Kinds of plans that a procedure makes."),
        icon="target",
    )


# How long a unit is at most, in days: what is said to be late by it surely is. In others no sittings are counted.
SITS_IN = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31, Unit.HALF_YEAR: 184}


class CommissionStep(_OfVersion):
    """A commission that a case passes, and what it decides (NOV: two levels). How often it sits is PRM-T2."""

    __tablename__ = "commission_step"

    edition_id: Mapped[int] = reference("procedure_version.id", owned=True)
    edition: Mapped[ProcedureVersion] = parent(N_("Version"), back_populates="commission_steps")
    number: Mapped[int] = column(N_("No."))
    kind: Mapped[CommissionKind] = column(N_("Kind"), default=CommissionKind.COUNCIL)
    level: Mapped[CommissionLevel] = column(N_("Level"), default=CommissionLevel.MUNICIPAL)
    decides: Mapped[str | None] = column(N_("What it decides"), LONG)
    sits_every: Mapped[int | None] = column(N_("Sits every"))
    sits_unit: Mapped[Unit | None] = column(N_("Unit"))
    source: Mapped[str | None] = column(N_("Source"), SHORT)

    __admin__ = Admin(
        one=N_("Commission of a procedure"),
        title=N_("Commissions of procedures"),
        name=("number", "kind"),
        list=("edition", "number", "kind", "level", "decides", "sits_every", "sits_unit", "source"),
        form={
            N_("Commission"): (
                "edition", "number", "kind", "level", "decides", "sits_every", "sits_unit", "source",
            )
        },
        search=("decides", "edition"),
        filters=("edition", "kind", "level"),
        order=("number", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Levels of commissions that a case passes."),
        icon="gavel",
    )  # fmt: skip

    def faults(self) -> Iterator[tuple[str, str]]:
        yield from super().faults()
        yield from _lengths(self, ("sits_every", "sits_unit"))
        if self.sits_unit is not None and self.sits_unit not in SITS_IN:
            yield "sits_unit", N_("Sittings are counted in days, weeks, months or half-years.")


class Requirement(_OfVersion):
    """What is to be done, by when, and what proves that it was done. One that repeats is a control.

    The term is counted from ``event``; without one, or without a length, the thing is asked for and not timed. What
    ``proof`` names is found in the records by itself; without a proof it is marked by hand. A control goes on every
    ``count`` ``unit`` for ``during``, and then every ``then`` (KZ-T3); without ``then`` it ends there (KZ-T4).
    """

    __tablename__ = "requirement"

    edition_id: Mapped[int] = reference("procedure_version.id", owned=True)
    edition: Mapped[ProcedureVersion] = parent(N_("Version"), panel=True, back_populates="requirements")
    stage_id: Mapped[int | None] = reference("stage.id", owned=True)
    stage: Mapped[Stage | None] = parent(
        N_("Stage"), narrow=("edition", "edition"), help=N_("Empty: it holds at every stage.")
    )
    position: Mapped[int] = column(N_("Order"), default=0)
    kind: Mapped[RequirementKind] = column(N_("Kind"), default=RequirementKind.ACTION)
    name: Mapped[str] = column(N_("What is required"), SHORT)
    who: Mapped[str | None] = column(N_("Who answers for it"), SHORT)
    optional: Mapped[bool] = column(N_("May be left out"), default=False, help=N_("“Where it applies”."))
    proof: Mapped[Fact | None] = column(N_("What proves it"), help=N_("Empty: it is marked by hand."))
    event: Mapped[Fact | None] = column(N_("Counted from"), help=N_("Empty: there is no term."))
    count: Mapped[int | None] = column(N_("Term"))
    unit: Mapped[Unit | None] = column(N_("Unit"))
    repeats: Mapped[bool] = column(N_("Again and again"), default=False)
    during: Mapped[int | None] = column(N_("For so long"), help=N_("Empty: without end."))
    during_unit: Mapped[Unit | None] = column(N_("Unit of that time"))
    then_count: Mapped[int | None] = column(N_("Then every"), help=N_("Empty: then as needed."))
    then_unit: Mapped[Unit | None] = column(N_("Unit after that"))
    time: Mapped[Time] = column(N_("When it holds"), default=Time.AT_WORK)
    placement: Mapped[Placement | None] = column(N_("Only when the child lives"))
    risk: Mapped[RiskLevel | None] = column(N_("Only at the risk"))
    source: Mapped[str | None] = column(N_("Source"), SHORT, help=N_("The row of the rule it comes from."))

    __admin__ = Admin(
        one=N_("Requirement"),
        title=N_("Requirements"),
        name=("name",),
        list=("name", "stage", "kind", "event", "count", "unit", "repeats", "proof", "source", "edition"),
        form={
            N_("Requirement"): ("edition", "stage", "position", "kind", "name", "who", "optional", "source"),
            N_("Term"): ("event", "count", "unit", "proof"),
            N_("Repetition"): ("repeats", "during", "during_unit", "then_count", "then_unit"),
            N_("When it applies"): ("time", "placement", "risk"),
        },
        search=("name", "edition"),
        filters=("edition", "stage", "kind", "event", "repeats", "placement", "risk"),
        order=("position", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("What is to be done at a stage, by when, and what proves it."),
        icon="clipboard-check",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        yield from super().faults()
        yield from _lengths(self, ("count", "unit"), ("during", "during_unit"), ("then_count", "then_unit"))
        if self.count is not None and self.event is None:
            yield "event", N_("Say what the term is counted from.")
        if self.repeats and (self.count is None or self.event is None):
            yield "count", N_("What repeats needs an event and how often.")
        if self.then_count and not self.during:
            yield "during", N_("Say for how long the first rhythm goes on.")
        hours = Unit.HOUR in (self.unit, self.during_unit, self.then_unit)
        if hours and (self.repeats or self.event is not Fact.SIGNAL_HIGH):
            yield "unit", N_("Hours are counted only from a signal found to be of high risk.")
