"""The closed lists in which a procedure is written, and what it speaks of is kept. Source: domain.md, 2, 3, 6, 7."""

from __future__ import annotations

from app.kernel.declare import N_, Choice
from app.terms.rules import Unit as RuleUnit


class Country(Choice):
    """Whose production calendar counts."""

    RU = N_("Russia")
    KZ = N_("Kazakhstan")


class Unit(Choice):
    """What a term is counted in."""

    HOUR = N_("hours")
    DAY = N_("days")
    WORKING_DAY = N_("working days")
    WEEK = N_("weeks")
    MONTH = N_("months")
    HALF_YEAR = N_("half-years")

    @property
    def rule(self) -> RuleUnit:
        return RuleUnit[self.name]


class Fact(Choice):
    """What happens in a case and stands in its records with a date: a term begins with one and is kept by another."""

    SIGNAL = N_("Signal received")
    SIGNAL_HIGH = N_("Signal found to be of high risk")
    URGENT_AGREED = N_("Urgent measures agreed")
    APPLICATION = N_("Application")
    ORDER = N_("Order of the commission")
    OPENED = N_("Case opened")
    STAGE = N_("Stage begun")
    CURATOR = N_("Curator appointed")
    CONSENT = N_("Consent on file")
    RISK = N_("Risk assessed")
    RISK_RAISED = N_("Risk raised")
    CONTACT = N_("Any contact with the family")
    HOME_VISIT = N_("Visit at home")
    PHONE_CALL = N_("Telephone call")
    INTERAGENCY = N_("Interagency meeting")
    PROBLEMS = N_("Problems written down")
    PLAN = N_("Plan made")
    PLAN_AGREED = N_("Plan agreed with the family")
    PLAN_APPROVED = N_("Plan approved")
    PLAN_IN_FORCE = N_("Plan in force")
    MONITORING = N_("Monitoring")
    DECISION = N_("Decision of the commission")
    FAMILY_CHANGED = N_("Change in the family")
    CLOSED = N_("Case closed")


class RequirementKind(Choice):
    """What a requirement asks for."""

    ENTRY = N_("Condition to begin the stage")
    ACTION = N_("Action")
    PAPER = N_("Paper")
    QUESTIONNAIRE = N_("Questionnaire")
    CONTACT = N_("Contact with the family")
    CONTROL = N_("Control")


class Placement(Choice):
    """With whom the child lives (KZ-T3, KZ-T4, KZ-T5)."""

    PARENTS = N_("With parents")
    GUARDIANS = N_("With guardians")
    RELATIVES = N_("With the extended family")
    PATRONAGE = N_("In a patronage family")
    INSTITUTION = N_("In an institution")


class Time(Choice):
    """In which time of a case a requirement holds."""

    AT_WORK = N_("While the case is open")
    AFTER = N_("After the case is closed")


class PlanKind(Choice):
    """Kinds of one plan: the structure is the same, the title and the signatories differ (PRM, ANG, NOV, KZ-P)."""

    FAMILY = N_("Plan of accompaniment of the family")
    INDIVIDUAL = N_("Individual plan")
    SERVICES = N_("Individual programme of social services")
    COMPLEX = N_("Interagency complex plan")
    ADAPTATION = N_("Programme of social adaptation")


class CommissionKind(Choice):
    """Kinds of commissions in the five practices."""

    PRECINCT = N_("Precinct social commission")
    INTERAGENCY = N_("Interagency working group")
    COUNCIL = N_("Council of specialists")
    FAMILY = N_("Commission “Childhood. Family”")
    JUVENILE = N_("Commission on juvenile affairs")
    SERVICES = N_("Commission on special social services")
    SUPERVISION = N_("Supervision")
    INTERVISION = N_("Intervision")


class CommissionLevel(Choice):
    """How high a commission stands (NOV: the precinct makes the plan, the group approves it)."""

    PRECINCT = N_("Precinct")
    ORGANISATION = N_("Organisation")
    MUNICIPAL = N_("Municipal")
    REGIONAL = N_("Regional")


class Outcome(Choice):
    """How a case ended for the family (ANG-1: taken off by cause)."""

    BETTER = N_("Better")
    WORSE = N_("Worse")
    OTHER = N_("Other outcome")
