"""The catalogue of risk factors and dated assessments. Source: ISK-R, KZ-R (domain.md, section 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, Session

from app import scopes
from app.families.models import Family
from app.kernel import clock
from app.kernel.declare import N_, Admin, Choice, May, Print, children, column, links, parent, reference
from app.kernel.orm import LONG, SHORT, Record, metadata
from app.risks import rules
from app.roles import CASEWORK, DICTIONARY, SPECIALIST
from app.territory.models import Staff


class RiskLevel(Choice):
    """The three levels that all the practices share."""

    HIGH = N_("High")
    MEDIUM = N_("Medium")
    LOW = N_("Low")

    @property
    def colour(self) -> str:
        return {"HIGH": "red", "MEDIUM": "orange", "LOW": "green"}[self.name]


class FactorSet(Record):
    """A set of risk factors of one practice, printed as one table."""

    __tablename__ = "factor_set"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)
    criteria: Mapped[str | None] = column(
        N_("Criteria"), LONG, help=N_("Printed under the table. A line that ends in a colon is a heading.")
    )
    factors: Mapped[list[RiskFactor]] = children(N_("Risk factors"), order_by="RiskFactor.position", back="factor_set")

    __admin__ = Admin(
        one=N_("Set of risk factors"),
        title=N_("Sets of risk factors"),
        name=("name",),
        list=("name",),
        form={N_("Set of risk factors"): ("name", "criteria")},
        search=("name",),
        order=("name", "asc"),
        inline=("factors",),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Catalogues of risk factors, one for each practice."),
        icon="stairs",
    )


class RiskFactor(Record):
    """A factor with the level its presence means. A factor without a number of its own is its whole group."""

    __tablename__ = "risk_factor"
    __table_args__ = (UniqueConstraint("factor_set_id", "number"),)

    factor_set_id: Mapped[int] = reference("factor_set.id", owned=True)
    factor_set: Mapped[FactorSet] = parent(N_("Set of risk factors"), back_populates="factors")
    position: Mapped[int] = column(N_("Order"), default=0)
    number: Mapped[str] = column(N_("Number"), SHORT)
    group: Mapped[str] = column(N_("Group"), SHORT)
    name: Mapped[str] = column(N_("Factor"), LONG)
    level: Mapped[RiskLevel] = column(N_("Level"), default=RiskLevel.MEDIUM)

    __admin__ = Admin(
        one=N_("Risk factor"),
        title=N_("Risk factors"),
        name=("number", "name"),
        list=("number", "group", "name", "level", "factor_set"),
        form={N_("Risk factor"): ("factor_set", "position", "number", "group", "name", "level")},
        search=("name", "group"),
        filters=("factor_set", "level"),
        order=("position", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Facts about a family and the level of risk each of them means."),
        icon="alert-triangle",
    )


assessed_factor = Table(
    "assessed_factor",
    metadata,
    Column("assessment_id", ForeignKey("risk_assessment.id", ondelete="CASCADE"), primary_key=True),
    Column("factor_id", ForeignKey("risk_factor.id", ondelete="RESTRICT"), primary_key=True, index=True),
)


class RiskAssessment(Record):
    """A dated evaluation: the facts are marked, the system proposes the level, the specialist answers for it."""

    __tablename__ = "risk_assessment"

    family_id: Mapped[int] = reference("family.id", owned=True)
    family: Mapped[Family] = parent(N_("Family"), panel=True)
    assessed_on: Mapped[dt.date] = column(N_("Date"), default=clock.today, happened=True)
    factor_set_id: Mapped[int] = reference("factor_set.id")
    factor_set: Mapped[FactorSet] = parent(N_("Set of risk factors"), suggest="app.cases.hints:factor_set")
    factors: Mapped[list[RiskFactor]] = links(
        N_("Facts found"),
        assessed_factor,
        order_by=RiskFactor.position,
        checks=True,
        narrow=("factor_set", "factor_set"),
    )
    proposed: Mapped[RiskLevel | None] = column(
        N_("Proposed level"), help=N_("The highest level among the facts found.")
    )
    level: Mapped[RiskLevel | None] = column(
        N_("Level"), help=N_("Leave empty to take the proposed one. Another level needs a reason.")
    )
    reason: Mapped[str | None] = column(N_("Why another level"), LONG)
    staff_id: Mapped[int | None] = reference("staff.id")
    staff: Mapped[Staff | None] = parent(N_("Assessed by"), mine="staff_id")

    __admin__ = Admin(
        one=N_("Risk assessment"),
        title=N_("Risk assessments"),
        name=("assessed_on",),
        list=("family", "assessed_on", "level", "proposed", "staff"),
        form={
            N_("Risk assessment"): ("family", "assessed_on", "factor_set", "staff"),
            N_("Facts found"): ("factors",),
            N_("Conclusion"): ("level", "reason"),
        },
        show=("proposed",),
        search=("family",),
        filters=("family", "level", "assessed_on", "staff"),
        order=("assessed_on", "desc"),
        scope=scopes.BY_FAMILY,
        prints={"risk": Print(N_("Risk assessment"), "print/risk", "app.risks.papers:risk_paper")},
        may=CASEWORK | {SPECIALIST: May.WRITE | May.PRINT},
        help=N_("Dated evaluations of risk: the history shows whether it falls."),
        icon="alert-triangle",
    )

    def prepare(self, session: Session) -> None:
        proposed = rules.proposed_level(factor.level.name for factor in self.factors)
        self.proposed = RiskLevel[proposed] if proposed else None
        self.level = self.level or self.proposed

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.level is None:
            yield "factors", N_("Mark at least one fact, or choose the level yourself and give the reason.")
        elif self.level is not self.proposed and not self.reason:
            yield "reason", N_("The level differs from the proposed one: say why.")
