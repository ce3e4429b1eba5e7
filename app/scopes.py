"""Who sees which rows, on one page.

Everything about a family is seen by whoever sees the family; what does not belong to a family names its own rule.
Tables are asked by name, because a family's visibility depends on cases and agendas that come later in its life.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select

from app.kernel import clock
from app.kernel.declare import Reach, Viewer
from app.kernel.scope import everyone, table, through, within

__all__ = ["AGENDA_ITEM", "BY_CASE", "BY_COMMISSION", "BY_FAMILY", "BY_PLAN", "CASE", "COMMISSION", "FAMILY",
           "ORGANISATION", "SIGNAL", "STAFF", "everyone", "through"]  # fmt: skip


def _same(column: Any, value: int | None) -> ColumnElement[bool]:
    """Equal to the viewer's own value; a viewer without one matches nothing, never the rows without one."""
    return false() if value is None else column == value


def _sits_on(viewer: Viewer) -> ColumnElement[bool]:
    """Membership of a commission that is in force today."""
    member, today = table("commission_member"), clock.today()
    return (
        _same(member.c.staff_id, viewer.staff_id)
        & or_(member.c.since.is_(None), member.c.since <= today)
        & or_(member.c.until.is_(None), member.c.until >= today)
    )


def _own_families(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Families whose case one leads or helps with, and those of one's organisation that one has entered oneself."""
    case, team = table("case"), table("case_specialist")
    helps = select(team.c.case_id).where(_same(team.c.staff_id, viewer.staff_id))
    led = select(case.c.family_id).where(or_(_same(case.c.curator_id, viewer.staff_id), case.c.id.in_(helps)))
    entered = _same(c.created_by_id, viewer.user_id) & _same(c.organisation_id, viewer.organisation_id)
    return or_(c.id.in_(led), entered)


def _meetings_sat_in(viewer: Viewer) -> Select[Any]:
    meeting, member = table("meeting"), table("commission_member")
    return select(meeting.c.id).join(member, member.c.commission_id == meeting.c.commission_id).where(_sits_on(viewer))


def _cases_on_the_agenda(viewer: Viewer) -> Select[Any]:
    item = table("agenda_item")
    return select(item.c.case_id).where(item.c.meeting_id.in_(_meetings_sat_in(viewer)))


def _families_on_the_agenda(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    case = table("case")
    discussed = select(case.c.family_id).where(case.c.id.in_(_cases_on_the_agenda(viewer)))
    return c.id.in_(discussed)  # type: ignore[no-any-return]


FAMILY = within(
    organisation="organisation_id",
    municipality="municipality_id",
    precinct="precinct_id",
    own=_own_families,
    agenda=_families_on_the_agenda,
)
BY_FAMILY = through("family_id", "family", FAMILY)


def CASE(c: Any, viewer: Viewer) -> ColumnElement[bool] | None:
    """A case is seen with its family, but a commission's member sees the one discussed and not the family's others."""
    agenda = Reach.AGENDA in viewer.reaches
    seen = BY_FAMILY(c, replace(viewer, reaches=viewer.reaches - {Reach.AGENDA}))
    return or_(seen, c.id.in_(_cases_on_the_agenda(viewer))) if agenda and seen is not None else seen


BY_CASE = through("case_id", "case", CASE)


def AGENDA_ITEM(c: Any, viewer: Viewer) -> ColumnElement[bool] | None:
    """A question is seen with its case, but a commission's member sees those of his own commissions alone."""
    agenda = Reach.AGENDA in viewer.reaches
    seen = BY_CASE(c, replace(viewer, reaches=viewer.reaches - {Reach.AGENDA}))
    return or_(seen, c.meeting_id.in_(_meetings_sat_in(viewer))) if agenda and seen is not None else seen


BY_PLAN = through("plan_id", "plan", BY_CASE)

# A signal that nobody has taken yet must be seen by every curator of the organisation.
SIGNAL = within(
    organisation="organisation_id",
    municipality="municipality_id",
    own=lambda c, viewer: _same(c.organisation_id, viewer.organisation_id),
)

ORGANISATION = within(
    organisation="id",
    municipality="municipality_id",
    precinct=None,
    own=lambda c, viewer: _same(c.id, viewer.organisation_id),
    agenda=lambda c, viewer: _same(c.id, viewer.organisation_id),
)


def _staff_of_the_municipality(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Those who answer for it, and those whose organisation is there unless they answer for another."""
    organisation = table("organisation")
    there = select(organisation.c.id).where(_same(organisation.c.municipality_id, viewer.municipality_id))
    here = c.municipality_id.is_(None) & c.organisation_id.in_(there)
    return or_(_same(c.municipality_id, viewer.municipality_id), here)


STAFF = within(
    organisation="organisation_id",
    municipality=_staff_of_the_municipality,
    own=lambda c, viewer: _same(c.organisation_id, viewer.organisation_id),
    agenda=lambda c, viewer: _same(c.id, viewer.staff_id),
)


def _commissions_sat_on(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    member = table("commission_member")
    return c.id.in_(select(member.c.commission_id).where(_sits_on(viewer)))  # type: ignore[no-any-return]


# Staff of an organisation see the commissions of their municipality: they bring their cases to them.
COMMISSION = within(
    organisation="organisation_id",
    municipality="municipality_id",
    own=lambda c, viewer: or_(
        _same(c.organisation_id, viewer.organisation_id), _same(c.municipality_id, viewer.municipality_id)
    ),
    agenda=_commissions_sat_on,
)
BY_COMMISSION = through("commission_id", "commission", COMMISSION)
