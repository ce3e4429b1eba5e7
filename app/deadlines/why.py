"""Why a term is due on its day: the rule, the event, and the days that did not count, in a sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import islice
from typing import Any

from flask import abort, redirect, request
from flask_babel import ngettext

from app.deadlines.engine import calendars, catch_up, known, rule_of
from app.deadlines.models import Deadline
from app.kernel.i18n import gettext
from app.kernel.query import Line
from app.kernel.show import text
from app.kernel.web import session
from app.procedures.models import Requirement
from app.terms.rules import NeverDue, Unit, due, occasions

_MOST = 12  # days named one by one; more than that are counted


def deadline(line: Line) -> dict[str, Any]:
    """The plain values of a term's page."""
    row = session().get(Deadline, line.id)
    if row is not None and catch_up(session(), [row.case_id]):
        abort(redirect(request.full_path))  # the line was read before
    return {"why": reasons(row) if row is not None else []}


def reasons(row: Deadline) -> list[str]:
    """Sentences: from what it is counted, how long it is, what was passed over, by whom it was put off."""
    connection = session().connection()
    requirement: Requirement = row.requirement
    case = known(connection, lambda column: column == row.case_id).get(row.case_id)
    rule = rule_of(requirement)
    if case is None or rule is None or requirement.event is None:
        return []
    calendar = calendars(connection)(case.country)
    told = [
        gettext("Counted from: %(event)s, %(day)s.", event=text(requirement.event), day=text(row.event_on)),
        _length(requirement, row.occasion),
    ]
    stood = case.standing.stood
    try:
        if rule.phases:
            days = [row.event_on, *islice(occasions(row.event_on, rule.phases, calendar, stood), row.occasion)]
            last, skipped, suspended = days[-1], _off(requirement, days[-2], days[-1], calendar), ()
        else:
            assert rule.term is not None
            found = due(row.event_on, rule.term, calendar, stood)
            last, skipped, suspended = found.day, found.skipped, found.suspended
    except NeverDue:
        told.append(gettext("The case stands still: the term does not run until that ends."))
        return told
    if skipped:
        told.append(_days(gettext("Days off that do not count"), skipped))
    if suspended:
        told.append(_days(gettext("Days when the case stood still"), suspended))
    if not calendar.knows(row.event_on, last) and _in_working_days(requirement):
        told.append(
            gettext(
                "The calendar of that year is not known for certain: write its days off into “Production calendar”."
            )
        )
    told.append(gettext("The last day in time: %(day)s.", day=text(last)))
    if row.due_on is not None and row.due_on != last:
        told.append(gettext("Put off until %(day)s.", day=text(row.due_on)))
    return told


def _in_working_days(requirement: Requirement) -> bool:
    units = (requirement.unit, requirement.during_unit, requirement.then_unit)
    return any(unit is not None and unit.rule is Unit.WORKING_DAY for unit in units)


def _off(requirement: Requirement, since: dt.date, until: dt.date, calendar: Any) -> tuple[dt.date, ...]:
    if not _in_working_days(requirement):
        return ()
    days = (since + dt.timedelta(days=n) for n in range(1, (until - since).days))
    return tuple(day for day in days if not calendar.works(day))


def _length(requirement: Requirement, occasion: int) -> str:
    first = length(requirement.count, requirement.unit)
    if not requirement.repeats:
        return gettext("Term: %(length)s.", length=first)
    told = gettext("Rhythm: %(length)s", length=first)
    if requirement.during:
        told += " " + gettext("(so long: %(length)s)", length=length(requirement.during, requirement.during_unit))
        if requirement.then_count:
            told += ", " + gettext("then: %(length)s", length=length(requirement.then_count, requirement.then_unit))
    return gettext("%(rhythm)s; this is time %(number)d.", rhythm=told, number=occasion)


def length(count: int | None, unit: Any) -> str:
    """«10 рабочих дней»."""
    if count is None or unit is None:
        return ""
    match unit.rule:
        case Unit.HOUR:
            return ngettext("%(num)d hour", "%(num)d hours", count)
        case Unit.DAY:
            return ngettext("%(num)d day", "%(num)d days", count)
        case Unit.WORKING_DAY:
            return ngettext("%(num)d working day", "%(num)d working days", count)
        case Unit.WEEK:
            return ngettext("%(num)d week", "%(num)d weeks", count)
        case Unit.MONTH:
            return ngettext("%(num)d month", "%(num)d months", count)
    return ngettext("%(num)d half-year", "%(num)d half-years", count)


def _days(what: str, days: Sequence[dt.date]) -> str:
    named = ", ".join(f"{day:%d.%m.%Y}" for day in days[:_MOST])
    more = f" … {len(days)}" if len(days) > _MOST else ""
    return f"{what}: {named}{more}."
