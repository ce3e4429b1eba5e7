"""What stands on the days of a calendar: terms that are waited for, meetings, rows of plans. Within reach alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from flask_babel import ngettext
from sqlalchemy import ColumnElement, exists, or_, select
from werkzeug.datastructures import MultiDict

from app.cases.models import Case, CaseStatus
from app.deadlines.engine import calendars
from app.deadlines.models import Deadline
from app.kernel import clock
from app.kernel.declare import N_, May
from app.kernel.orm import Row, viewer_of
from app.kernel.query import Line, ListQuery
from app.kernel.schema import schema_of
from app.kernel.scope import table, visible
from app.kernel.screens.base import reader
from app.kernel.web import session
from app.meetings.models import Meeting
from app.plans.models import Activity, is_at_work, is_being_made
from app.procedures.models import Procedure
from app.terms.rules import Calendar

MOST = 1_000  # of each kind, on one page or in one file

Allowed: TypeAlias = Callable[[May, type[Row]], bool]


@dataclass(frozen=True)
class Entry:
    """Something of a day. ``name`` and ``what`` may tell of a family; ``kind`` and ``case``, a number, do not."""

    kind: Kind
    id: int
    day: dt.date
    name: str
    what: str
    case: str = ""
    case_id: int | None = None
    late: bool = False
    movable: bool = False


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of entries: the entity, the day that it stands on, and how a line of it reads."""

    key: str
    title: str
    icon: str
    entity: type[Row]
    day: str
    filters: Mapping[str, str]
    names: tuple[str, ...]
    tell: Callable[[Kind, Line, dt.date], Entry]
    of: Callable[[Any, int], ColumnElement[bool]] | None = None  # those of a member of staff, who is no curator there
    only: Callable[[Any], ColumnElement[bool]] | None = None

    def read(self, first: dt.date, last: dt.date, staff_id: int | None) -> list[Entry]:
        """The entries of these days; with a member of staff, his own."""
        schema = schema_of(self.entity)
        filters = {f"{self.day}.from": f"{first}", f"{self.day}.to": f"{last}", **self.filters}
        criteria = [self.only(schema.table.c)] if self.only else []
        if staff_id is not None and self.of is None:
            filters["curator"] = str(staff_id)
        elif staff_id is not None and self.of is not None:
            criteria.append(self.of(schema.table.c, staff_id))
        query = replace(ListQuery.parse(schema, MultiDict(filters)), tab="")  # of the whole list, not of its first tab
        today = clock.today()
        return [self.tell(self, line, today) for line in reader(schema).first(query, self.names, MOST, *criteria)]


def _deadline(kind: Kind, line: Line, today: dt.date) -> Entry:
    name, what = (line[part].label if line[part] else "" for part in ("family", "requirement"))
    case = line["case"]
    return Entry(
        kind, line.id, line["due_on"], name, what, case.label if case else "", case.id if case else None,
        late=bool(line["late"]),
    )  # fmt: skip


def _meeting(kind: Kind, line: Line, today: dt.date) -> Entry:
    name = line["commission"].label if line["commission"] else ""
    count = line["item_count"]
    questions = ngettext("%(num)d question", "%(num)d questions", count) if count else ""
    return Entry(kind, line.id, line["held_on"], name, questions, movable=line["held_on"] >= today)


def _activity(kind: Kind, line: Line, today: dt.date) -> Entry:
    name, case = (line[part].label if line[part] else "" for part in ("family", "case"))
    day = line["due_on"]
    return Entry(kind, line.id, day, name, line["title"], case, late=day < today, movable=bool(line["being_made"]))


def _attended(c: Any, staff_id: int) -> ColumnElement[bool]:
    """Meetings of commissions that somebody sits on that day, and those that hear his cases."""
    member, item, case = table("commission_member"), table("agenda_item"), table("case")
    sits = exists().where(
        member.c.commission_id == c.commission_id,
        member.c.staff_id == staff_id,
        or_(member.c.since.is_(None), member.c.since <= c.held_on),
        or_(member.c.until.is_(None), member.c.until >= c.held_on),
    )
    heard = select(item.c.meeting_id).join(case, case.c.id == item.c.case_id).where(case.c.curator_id == staff_id)
    return or_(sits, c.id.in_(heard))


def _binding(c: Any) -> ColumnElement[bool]:
    """Rows of plans by which a case is led, and of those that are being made: these may still be moved."""
    viewer = viewer_of(session())
    return or_(is_at_work(c, viewer), is_being_made(c, viewer))


KINDS = (
    Kind("deadline", N_("Term of a case"), "history", Deadline, "due_on", {"done_on.empty": "1", "ended_on.empty": "1"},
         ("due_on", "late", "requirement", "case", "family"), _deadline),
    Kind("meeting", N_("Meeting of a commission"), "gavel", Meeting, "held_on", {},
         ("held_on", "commission", "item_count"), _meeting, of=_attended),
    Kind("activity", N_("Row of a plan"), "clipboard-check", Activity, "due_on", {"done_on.empty": "1"},
         ("due_on", "title", "case", "family", "being_made"), _activity, only=_binding),
)  # fmt: skip


def entries(first: dt.date, last: dt.date, allowed: Allowed, staff_id: int | None = None) -> dict[Kind, list[Entry]]:
    """What the session's viewer may see of these days, kind by kind: one statement for each."""
    return {kind: kind.read(first, last, staff_id) for kind in KINDS if allowed(May.LIST, kind.entity)}


def production() -> list[Calendar]:
    """The production calendars of the countries by whose procedures the viewer's open cases are led."""
    case, procedure, scope = Case.__table__.c, Procedure.__table__.c, visible(Case, viewer_of(session()))
    led = select(case.procedure_id).where(case.status == CaseStatus.OPEN)
    if scope is not None:
        led = led.where(scope)
    connection = session().connection()
    countries = connection.execute(select(procedure.country).where(procedure.id.in_(led)).distinct()).scalars().all()
    calendar_of = calendars(connection)
    return [calendar_of(country.name) for country in countries]
