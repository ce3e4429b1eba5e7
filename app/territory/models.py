"""Where the work is done and by whom. Source: domain.md, sections 1 and 7 (NOV: regions, groups, precincts)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, object_session

from app import scopes
from app.kernel import numbers
from app.kernel.declare import N_, Admin, Choice, May, children, column, counted, parent, reference
from app.kernel.orm import LONG, SHORT, Record, changed, viewer_of
from app.roles import ADMINISTRATOR, CURATOR, DICTIONARY, SECRETARY, SPECIALIST, SUPERVISOR
from app.territory.kinds import Zone

VIEW_FOLLOWS = N_("From this follows what people who sign in may see: ask the administrator to change it.")


def _changes_a_view(record: Record, *places: str) -> Iterator[tuple[str, str]]:
    """The places that somebody's view follows from are changed by whoever sees everything, and by nobody else."""
    if viewer_of(object_session(record)).sees_everything:
        return
    for place in places:
        if changed(record, place) or changed(record, f"{place}_id"):
            yield place, VIEW_FOLLOWS


class Region(Record):
    """A subject of the federation or an oblast of Kazakhstan."""

    __tablename__ = "region"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)
    municipalities: Mapped[list[Municipality]] = children(
        N_("Municipalities"), order_by="Municipality.name", back="region"
    )
    municipality_count = counted(N_("Municipalities"), "municipalities")

    __admin__ = Admin(
        one=N_("Region"),
        title=N_("Regions"),
        name=("name",),
        list=("name", "municipality_count"),
        form={N_("Region"): ("name",)},
        search=("name",),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Regions in which the work is done."),
        icon="map",
    )


class Municipality(Record):
    """A municipality: the territory of an interagency group or a district commission."""

    __tablename__ = "municipality"
    __table_args__ = (UniqueConstraint("region_id", "name"),)

    region_id: Mapped[int] = reference("region.id", owned=True)
    region: Mapped[Region] = parent(N_("Region"), panel=True, back_populates="municipalities")
    name: Mapped[str] = column(N_("Name"), SHORT)
    precincts: Mapped[list[Precinct]] = children(N_("Precincts"), order_by="Precinct.name", back="municipality")

    __admin__ = Admin(
        one=N_("Municipality"),
        title=N_("Municipalities"),
        name=("name",),
        list=("name", "region"),
        form={N_("Municipality"): ("region", "name")},
        search=("name", "region"),
        filters=("region",),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Municipalities by which families and commissions are filtered."),
        icon="map-pin",
    )


class Precinct(Record):
    """A social precinct: a village or several streets with a precinct worker."""

    __tablename__ = "precinct"
    __table_args__ = (UniqueConstraint("municipality_id", "name"),)

    municipality_id: Mapped[int] = reference("municipality.id", owned=True)
    municipality: Mapped[Municipality] = parent(N_("Municipality"), panel=True, back_populates="precincts")
    name: Mapped[str] = column(N_("Name"), SHORT)
    borders: Mapped[str | None] = column(N_("Streets and settlements"), LONG)

    __admin__ = Admin(
        one=N_("Precinct"),
        title=N_("Precincts"),
        name=("name",),
        list=("name", "municipality"),
        form={N_("Precinct"): ("municipality", "name", "borders")},
        search=("name", "municipality"),
        filters=("municipality",),
        order=("name", "asc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Precincts into which a municipality is divided."),
        icon="map-pin",
    )


# What the first organisation is called until the administrator gives it its name.
OWN_ORGANISATION = "Наша организация"


class OrganisationKind(Choice):
    """What an organisation is."""

    NGO = N_("Non-governmental organisation")
    CENTRE = N_("Centre of social service")
    HEALTH = N_("Health organisation")
    EDUCATION = N_("Educational organisation")
    AUTHORITY = N_("Authority")
    OTHER = N_("Other")


class Organisation(Record):
    """An organisation that keeps cases or sits in commissions."""

    __tablename__ = "organisation"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)
    full_name: Mapped[str | None] = column(N_("Official name"), LONG, help=N_("As it stands in printed papers."))
    kind: Mapped[OrganisationKind] = column(N_("Kind"), default=OrganisationKind.NGO)
    municipality_id: Mapped[int | None] = reference("municipality.id")
    municipality: Mapped[Municipality | None] = parent(N_("Municipality"))
    zone: Mapped[Zone | None] = column(
        N_("Time zone"),
        help=N_("By it days begin and end here, and with them terms. Empty: as for the whole installation."),
    )
    address: Mapped[str | None] = column(N_("Address"), LONG)
    phone: Mapped[str | None] = column(N_("Phone"), SHORT, check=numbers.phone)
    email: Mapped[str | None] = column(N_("E-mail"), SHORT, check=numbers.email)
    told_of: Mapped[bool] = column(
        N_("Named to other organisations"),
        default=True,
        help=N_(
            "When somebody elsewhere types a family that you have already, he is told to ask you. Nothing else is told."
        ),
    )
    staff: Mapped[list[Staff]] = children(N_("Staff"), order_by="Staff.name", back="organisation")
    staff_count = counted(N_("Staff"), "staff")

    __admin__ = Admin(
        one=N_("Organisation"),
        title=N_("Organisations"),
        name=("name",),
        list=("name", "kind", "municipality", "phone", "staff_count"),
        form={
            N_("Organisation"): ("name", "full_name", "kind"),
            N_("Where it is"): ("municipality", "zone", "address", "phone", "email"),
            N_("Other organisations"): ("told_of",),
        },
        search=("name", "full_name", "address", "phone"),
        found=("municipality", "address", "phone"),
        filters=("kind", "municipality", "zone"),
        order=("name", "asc"),
        scope=scopes.ORGANISATION,
        may=DICTIONARY | {SUPERVISOR: May.READ | May.EDIT | May.API},
        help=N_("Organisations that keep cases or sit in commissions."),
        icon="building",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if any(person.user_id for person in self.staff):
            yield from _changes_a_view(self, "municipality")


class Staff(Record):
    """A member of staff; with a user account, he signs in."""

    __tablename__ = "staff"

    name: Mapped[str] = column(N_("Full name"), SHORT, help=N_("Surname, name, patronymic."))
    name_genitive: Mapped[str | None] = column(
        N_("Full name in the genitive"),
        SHORT,
        help=N_("Fill in when the system inflects the name wrongly."),
        alone=True,
    )
    name_dative: Mapped[str | None] = column(
        N_("Full name in the dative"), SHORT, help=N_("Fill in when the system inflects the name wrongly."), alone=True
    )
    position: Mapped[str | None] = column(N_("Position"), SHORT)
    organisation_id: Mapped[int] = reference("organisation.id", owned=True)
    organisation: Mapped[Organisation] = parent(N_("Organisation"), panel=True, back_populates="staff")
    municipality_id: Mapped[int | None] = reference("municipality.id")
    municipality: Mapped[Municipality | None] = parent(
        N_("Municipality"),
        help=N_("The territory this person answers for, when it is not the organisation's."),
    )
    precinct_id: Mapped[int | None] = reference("precinct.id")
    precinct: Mapped[Precinct | None] = parent(N_("Precinct"), narrow=("municipality", "municipality"))
    phone: Mapped[str | None] = column(N_("Phone"), SHORT, check=numbers.phone)
    email: Mapped[str | None] = column(N_("E-mail"), SHORT, check=numbers.email)
    works: Mapped[bool] = column(N_("Works here now"), default=True)
    user_id: Mapped[int | None] = reference("ab_user.id", unique=True, info={"label": N_("Account")})

    __admin__ = Admin(
        one=N_("Member of staff"),
        title=N_("Staff"),
        name=("name",),
        list=("name", "position", "organisation", "municipality", "precinct", "phone", "works"),
        form={
            N_("Member of staff"): ("name", "position", "organisation", "works"),
            N_("Territory"): ("municipality", "precinct"),
            N_("Contacts"): ("phone", "email"),
            N_("Name in documents"): ("name_genitive", "name_dative"),
        },
        search=("name", "position", "phone"),
        found=("position", "organisation", "phone"),
        filters=("organisation", "municipality", "precinct", "works"),
        order=("name", "asc"),
        scope=scopes.STAFF,
        may={
            ADMINISTRATOR: May.ALL,
            SUPERVISOR: May.WRITE | May.EXPORT | May.API,
            CURATOR: May.READ | May.API,
            SPECIALIST: May.READ,
            SECRETARY: May.READ,
        },
        help=N_("People who lead cases, help with them, or sit in commissions."),
        icon="user",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.user_id:
            yield from _changes_a_view(self, "organisation", "municipality", "precinct")
