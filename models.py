"""The catalogue of what is kept: every entity by name. Alembic reads the metadata from here."""

from app.calendar.models import CalendarLink  # noqa: F401  its table belongs to the metadata
from app.cases.models import Case, CaseEvent, Problem, StageEntry, Suspension
from app.deadlines.models import DayOff, Deadline, Delay, Mark
from app.families.models import Category, Family, Income, Member
from app.handover.models import Absence, Handover
from app.journal.models import Contact, Monitoring, MonitoringResult
from app.kernel import bin  # noqa: F401  its tables belong to the metadata
from app.kernel.history import Change
from app.kernel.orm import Row, metadata
from app.kernel.scans import Scan
from app.meetings.models import AgendaItem, Commission, CommissionMember, Meeting
from app.plans.models import Activity, Goal, Plan
from app.post.models import Letter
from app.procedures.models import (
    ClosingGround,
    CommissionStep,
    PlanRule,
    Procedure,
    ProcedureVersion,
    Requirement,
    Stage,
)
from app.risks.models import FactorSet, RiskAssessment, RiskFactor
from app.signals.models import Signal
from app.territory.models import Municipality, Organisation, Precinct, Region, Staff

ENTITIES: tuple[type[Row], ...] = (
    Region, Municipality, Precinct, Organisation, Staff,
    Category, Family, Member, Income,
    FactorSet, RiskFactor, RiskAssessment,
    Procedure, ClosingGround, ProcedureVersion, Stage, PlanRule, CommissionStep, Requirement,
    Case, Problem, StageEntry, Suspension, CaseEvent,
    Absence, Handover,
    Signal,
    Plan, Goal, Activity,
    Contact, Monitoring, MonitoringResult,
    Commission, CommissionMember, Meeting, AgendaItem,
    Deadline, Mark, Delay, DayOff,
    Letter,
    Scan, Change,
)  # fmt: skip

__all__ = ["ENTITIES", "metadata"]
