"""The family, its members and incomes. Source: ISK «Социальная карта», NOV categories (domain.md, section 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKey, Numeric, String, Table, case, cast
from sqlalchemy.orm import Mapped

from app import scopes
from app.families import rules
from app.kernel import clock, numbers
from app.kernel.declare import (
    N_,
    Admin,
    Alike,
    Choice,
    May,
    Page,
    Viewer,
    children,
    column,
    computed,
    counted,
    derived,
    links,
    parent,
    reference,
    summed,
)
from app.kernel.measure import latest
from app.kernel.orm import LONG, SHORT, Record, metadata
from app.roles import CASEWORK, CURATOR, DICTIONARY
from app.territory.models import Municipality, Organisation, Precinct


class Category(Record):
    """A category of families: large, with a disabled child, substitute … (NOV, PRM)."""

    __tablename__ = "category"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)

    __admin__ = Admin(
        one=N_("Category of families"),
        title=N_("Categories of families"),
        name=("name",),
        list=("name",),
        form={N_("Category of families"): ("name",)},
        search=("name",),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Categories by which families are counted and filtered."),
        icon="list-details",
    )


family_category = Table(
    "family_category",
    metadata,
    Column("family_id", ForeignKey("family.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", ForeignKey("category.id", ondelete="RESTRICT"), primary_key=True, index=True),
)


_risk = latest("risk_assessment.family_id", "assessed_on", "level")
_first_risk = latest("risk_assessment.family_id", "assessed_on", "level", first=True)
_HEIGHT = {
    "LOW": 1,
    "MEDIUM": 2,
    "HIGH": 3,
}  # levels of risk are asked by name: assessments come later in a case's life


def has_fallen(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether the risk is lower now than when it was first assessed."""
    first, now = (case(_HEIGHT, value=cast(risk(c, viewer), String)) for risk in (_first_risk, _risk))
    return now < first  # type: ignore[no-any-return]


class Family(Record):
    """A family, found by the surname of the child."""

    __tablename__ = "family"

    name: Mapped[str] = column(N_("Family"), SHORT, help=N_("Surname in the plural: the Obraztsovs."))
    organisation_id: Mapped[int] = reference("organisation.id")
    organisation: Mapped[Organisation] = parent(N_("Organisation"), mine="organisation_id")
    municipality_id: Mapped[int | None] = reference("municipality.id")
    municipality: Mapped[Municipality | None] = parent(N_("Municipality"), mine="municipality_id")
    precinct_id: Mapped[int | None] = reference("precinct.id")
    precinct: Mapped[Precinct | None] = parent(N_("Precinct"), narrow=("municipality", "municipality"))
    registered_address: Mapped[str | None] = column(N_("Registered address"), LONG)
    address: Mapped[str | None] = column(N_("Actual address"), LONG)
    phone: Mapped[str | None] = column(N_("Phone"), SHORT, check=numbers.phone)
    living_conditions: Mapped[str | None] = column(N_("Living conditions"), LONG)
    clinic: Mapped[str | None] = column(
        N_("Local clinic"), LONG, help=N_("Address, reception, district doctor, head of the clinic.")
    )
    education: Mapped[str | None] = column(
        N_("Kindergarten or school"), LONG, help=N_("Number, group or class, teacher.")
    )
    extra_education: Mapped[str | None] = column(N_("Additional education"), LONG)
    notes: Mapped[str | None] = column(N_("Additional information"), LONG)
    categories: Mapped[list[Category]] = links(N_("Categories"), family_category, order_by=Category.name)
    members: Mapped[list[Member]] = children(N_("Family members"), order_by="Member.position, Member.id", back="family")
    incomes: Mapped[list[Income]] = children(N_("Incomes"), order_by="Income.id", back="family")
    member_count = counted(N_("Members"), "members")
    income = summed(N_("Income a month"), "incomes", "amount")
    risk = computed(N_("Risk"), _risk)
    risk_fell = computed(N_("Risk has fallen"), has_fallen, N_("Since the first assessment."))

    __admin__ = Admin(
        one=N_("Family"),
        title=N_("Families"),
        name=("name",),
        list=("name", "risk", "municipality", "categories", "address", "phone", "member_count", "organisation"),
        form={
            N_("Family"): ("name", "organisation", "categories", "phone"),
            N_("Where they live"): (
                "municipality",
                "precinct",
                "registered_address",
                "address",
                "living_conditions",
            ),
            N_("Health and education"): ("clinic", "education", "extra_education"),
            N_("Other"): ("notes",),
        },
        show=("income", "risk"),
        search=("name", "address", "registered_address", "phone", "members"),
        found=("address", "phone", "organisation"),
        alike=Alike(
            name="name", phone="phone", address="address", place="organisation", contact="phone", told="told_of"
        ),
        filters=("municipality", "precinct", "categories", "risk", "risk_fell", "organisation", "created_at"),
        order=("name", "asc"),
        inline=("members", "incomes"),
        page=Page(
            "story/family.html",
            "app.story.pages:family",
            tells=("Member", "Income", "RiskAssessment", "Case", "Signal"),
        ),
        merges=True,
        scope=scopes.FAMILY,
        may=CASEWORK,
        help=N_("Families the organisation walks beside."),
        icon="users-group",
    )


class MemberRole(Choice):
    """What a person is in the family, for counting; the kinship in words stands beside it."""

    CHILD = N_("Child")
    PARENT = N_("Parent")
    RELATIVE = N_("Relative")
    OTHER = N_("Other person")


class Member(Record):
    """A person of the family, with his kinship to the child. Source: ISK social card."""

    __tablename__ = "member"

    family_id: Mapped[int] = reference("family.id", owned=True)
    family: Mapped[Family] = parent(N_("Family"), back_populates="members")
    position: Mapped[int] = column(N_("Order"), default=0)
    name: Mapped[str] = column(N_("Full name"), SHORT)
    name_genitive: Mapped[str | None] = column(
        N_("Full name in the genitive"),
        SHORT,
        help=N_("Fill in when the system inflects the name wrongly."),
        alone=True,
    )
    name_dative: Mapped[str | None] = column(
        N_("Full name in the dative"), SHORT, help=N_("Fill in when the system inflects the name wrongly."), alone=True
    )
    role: Mapped[MemberRole] = column(N_("Role"), default=MemberRole.CHILD)
    kinship: Mapped[str | None] = column(N_("Kinship to the child"), SHORT)
    born_on: Mapped[dt.date | None] = column(N_("Date of birth"))
    diagnosis: Mapped[str | None] = column(N_("Diagnosis, disability"), LONG)
    occupation: Mapped[str | None] = column(N_("Place of work or study"), SHORT)
    phone: Mapped[str | None] = column(N_("Phone"), SHORT, check=numbers.phone)
    snils: Mapped[str | None] = column(
        N_("SNILS"), String(14), index=True, check=numbers.snils, help=N_("Insurance number of Russia: 11 digits.")
    )
    iin: Mapped[str | None] = column(
        N_("IIN"), String(12), index=True, check=numbers.iin, help=N_("Individual number of Kazakhstan: 12 digits.")
    )
    age = derived(N_("Age"), lambda day: rules.age(day, clock.today()), ("born_on",))

    __admin__ = Admin(
        one=N_("Family member"),
        title=N_("Family members"),
        name=("name",),
        list=("name", "family", "role", "kinship", "born_on", "age", "occupation"),
        form={
            N_("Family member"): ("family", "name", "role", "kinship", "born_on"),
            N_("Details"): ("diagnosis", "occupation", "phone", "snils", "iin"),
            N_("Name in documents"): ("name_genitive", "name_dative"),
        },
        show=("age",),
        search=("name", "born_on", "phone", "family"),
        found=("born_on", "family", "phone"),
        alike=Alike(
            name="name", born="born_on", phone="phone", place="family.organisation", contact="phone", told="told_of"
        ),
        filters=("family", "role", "born_on", "snils", "iin"),
        order=("name", "asc"),
        merges=True,
        scope=scopes.BY_FAMILY,
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Children, parents and relatives of the families."),
        icon="user",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.born_on and self.born_on > clock.today():
            yield "born_on", N_("The date of birth lies in the future. Check the year.")


class Income(Record):
    """A monthly income of the family, as told by the parents. Source: ISK social card."""

    __tablename__ = "income"

    family_id: Mapped[int] = reference("family.id", owned=True)
    family: Mapped[Family] = parent(N_("Family"), back_populates="incomes")
    source: Mapped[str] = column(N_("Source"), SHORT)
    amount: Mapped[Decimal] = column(N_("Amount a month"), Numeric(12, 2))

    __admin__ = Admin(
        one=N_("Income"),
        title=N_("Incomes"),
        name=("source", "amount"),
        list=("family", "source", "amount"),
        form={N_("Income"): ("family", "source", "amount")},
        search=("source", "family"),
        filters=("family", "amount"),
        scope=scopes.BY_FAMILY,
        may=CASEWORK | {CURATOR: May.ALL},
        help=N_("Monthly incomes of the families, as told by them."),
        icon="coin",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.amount is not None and self.amount < 0:
            yield "amount", N_("An income cannot be negative.")
