"""Who leads how much, read for whoever is asking; and from it, whom to appoint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus
from app.families.models import Family
from app.handover import rules
from app.handover.models import Absence
from app.handover.rules import Candidate, Place, Suggestion
from app.kernel import clock
from app.kernel.declare import N_, Hint, May, Reach
from app.kernel.grants import Grant, holders
from app.kernel.i18n import gettext
from app.kernel.orm import acting_as, viewer_of
from app.kernel.scope import table, visible
from app.territory.models import Organisation, Staff

HAND_OVER: Grant = ("can_hand_over", "Workload")
OPEN = {"status": "OPEN"}
WHY = {
    "PRECINCT": N_("the least work (%(load)s) of those who work in the family's precinct and are not away"),
    "MUNICIPALITY": N_("the least work (%(load)s) of those who work in the family's municipality and are not away"),
    "ORGANISATION": N_("the least work (%(load)s) of the curators of the organisation who are not away"),
}


def address(filters: Mapping[str, str]) -> str:
    return f"/case/?{urlencode(filters)}"


@dataclass(frozen=True)
class Loads:
    """Open cases of each curator by their risk."""

    by_level: Mapping[str | None, Mapping[int | None, int]]

    @classmethod
    def of(cls, session: Session, curators: Collection[int] | None = None) -> Loads:
        """As far as whoever is asking sees cases; of these curators, or of all."""
        c, viewer = Case.__table__.c, viewer_of(session)
        cases = select(c.curator_id, Case.risk.sql(c, viewer).label("risk")).where(c.status == CaseStatus.OPEN)
        if curators is not None:
            cases = cases.where(c.curator_id.in_(curators))
        if (scope := visible(Case, viewer)) is not None:
            cases = cases.where(scope)
        found: dict[str | None, dict[int | None, int]] = {level: {} for level in (*rules.LEVELS, None)}
        one = cases.subquery()
        counted = select(one.c.curator_id, one.c.risk, func.count()).group_by(one.c.curator_id, one.c.risk)
        for curator, risk, count in session.connection().execute(counted):
            found[risk.name if risk else None][curator] = count
        return cls(found)

    def cases(self, curator: int | None) -> dict[str | None, int]:
        return {level: counts.get(curator, 0) for level, counts in self.by_level.items()}

    def load(self, curator: int | None) -> int:
        return rules.load(self.cases(curator))

    @cached_property
    def curators(self) -> set[int | None]:
        return {curator for counts in self.by_level.values() for curator in counts}


@dataclass(frozen=True)
class Share:
    """A curator's line of «Нагрузка». Without a number: cases that nobody leads."""

    id: int | None
    name: str
    works: bool
    away: Absence | None
    cases: int
    high: int
    load: int

    @property
    def _filter(self) -> dict[str, str]:
        return {**OPEN, **({"curator": str(self.id)} if self.id else {"curator.empty": "1"})}

    @property
    def path(self) -> str:
        return address(self._filter)

    @property
    def high_path(self) -> str:
        return address(self._filter | {"risk": "HIGH"})

    @property
    def load_path(self) -> str:
        """What the load is made of: the same cases by risk."""
        return address(self._filter | {"sort": "risk"})


def absences(session: Session, today: dt.date) -> dict[int, Absence]:
    """Who is away today."""
    lasts = or_(Absence.until.is_(None), Absence.until >= today)
    found = session.scalars(select(Absence).where(Absence.since <= today, lasts).order_by(Absence.since))
    return {one.staff_id: one for one in found}


def shares(session: Session, today: dt.date) -> list[Share]:
    """All who lead cases or may be appointed to, the most loaded first; last what nobody leads."""
    loads, away = Loads.of(session), absences(session, today)
    wanted = or_(Staff.id.in_(loads.curators - {None}), Staff.works & _leads(session))
    found = []
    for one in session.scalars(select(Staff).where(wanted).order_by(Staff.name)):
        cases = loads.cases(one.id)
        load = rules.load(cases)
        total = sum(cases.values())
        found.append(Share(one.id, one.name, one.works, away.get(one.id), total, cases["HIGH"], load))
    found.sort(key=lambda share: (-share.load, share.name))
    if None in loads.curators:
        cases = loads.cases(None)
        found.append(Share(None, "", True, None, sum(cases.values()), cases["HIGH"], rules.load(cases)))
    return found


def _leads(session: Session) -> ColumnElement[bool]:
    """Whether it is somebody's work to lead cases: by the role of his account, he opens cases and sees his own; whoever
    has no account yet leads one already.
    """
    users = holders(session, (May.ADD.permission, Case.__name__), Reach.OWN)
    case = table("case")
    led = select(case.c.curator_id).where(case.c.status == "OPEN", case.c.curator_id.is_not(None))
    return or_(Staff.user_id.in_(users), Staff.user_id.is_(None) & Staff.id.in_(led))


def candidates(
    session: Session, organisation_id: int, today: dt.date, *, but: Collection[int | None] = ()
) -> list[Candidate]:
    """The curators of an organisation, as far as whoever is asking may choose them, with all that each has to do."""
    place = func.coalesce(Staff.municipality_id, Organisation.municipality_id)
    wanted = (
        select(Staff.id, Staff.name, place, Staff.precinct_id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Staff.organisation_id == organisation_id, Staff.works, _leads(session))
        .order_by(Staff.name, Staff.id)
    )
    with session.no_autoflush:
        people = session.execute(wanted).all()
        with acting_as(session):
            loads = Loads.of(session, [one.id for one in people])
            away = absences(session, today)
    return [
        Candidate(id_, name, Place(municipality, precinct), loads.load(id_), id_ in away)
        for id_, name, municipality, precinct in people
        if id_ not in but
    ]


def reason(suggestion: Suggestion) -> str:
    """Why he is suggested, in a sentence."""
    return gettext(WHY[suggestion.nearness], load=suggestion.candidate.load)


def place_of(family: Family) -> Place:
    return Place(family.municipality_id, family.precinct_id)


def appointed(
    session: Session, organisation_id: int, place: Place, today: dt.date, *, but: Collection[int | None] = ()
) -> Hint | None:
    """Whom to appoint for a family that lives there, and why."""
    found = rules.suggest(place, candidates(session, organisation_id, today, but=but))
    return Hint(str(found.candidate.id), found.candidate.name, reason(found)) if found else None


def for_case(session: Session, values: Mapping[str, Any]) -> Hint | None:
    """Whom the form of a case suggests, as soon as its family is known."""
    family = session.get(Family, values["family"]) if values.get("family") else None
    if family is None:
        return None
    return appointed(session, family.organisation_id, place_of(family), clock.today(), but={values.get("curator")})


def successors(
    session: Session, cases: Sequence[tuple[Case, str | None]], curator: int | None, today: dt.date
) -> dict[int, Suggestion]:
    """A successor for each of a curator's cases; what one is to get already counts for the next."""
    found: dict[int, Suggestion] = {}
    by_organisation: dict[int, list[tuple[int, Place, str | None]]] = {}
    for case, level in cases:
        family = case.family
        by_organisation.setdefault(family.organisation_id, []).append((case.id, place_of(family), level))
    for organisation_id, some in by_organisation.items():
        found |= rules.distribute(some, candidates(session, organisation_id, today, but={curator}))
    return found
