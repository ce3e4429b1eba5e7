"""How long a plan lasts by the procedure of its case (ANG-T9). Nothing is refused for it: it is told at the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.cases.rules import months_from
from app.kernel.declare import N_, Hint
from app.kernel.i18n import gettext
from app.kernel.show import text
from app.procedures.models import PlanRule


def end(session: Session, values: Mapping[str, Any]) -> Hint | None:
    """The last day of a plan that lasts as long as the procedure allows, and what is unusual about the one typed."""
    case = session.get(Case, values["case"]) if values.get("case") else None
    made_on: dt.date | None = values.get("made_on")
    if case is None or case.edition_id is None or made_on is None or values.get("kind") is None:
        return None
    same = select(PlanRule).where(PlanRule.edition_id == case.edition_id, PlanRule.kind == values["kind"])
    rule = session.scalars(same.order_by(PlanRule.id).limit(1)).first()
    if rule is None or rule.months_to is None:
        return None
    first, last = months_from(made_on, rule.months_from or 0), months_from(made_on, rule.months_to)
    until: dt.date | None = values.get("until")
    if until is None or first <= until <= last:
        usual = gettext("by the procedure: up to %(months)s months", months=rule.months_to)
        return Hint(last.isoformat(), text(last), usual, fills=True)
    long = N_("Longer than the procedure allows: %(months)s months, until %(day)s.")
    short = N_("Shorter than the procedure asks: %(months)s months, until %(day)s.")
    told, months, day = (long, rule.months_to, last) if until > last else (short, rule.months_from, first)
    return Hint(day.isoformat(), text(day), gettext(told, months=months, day=text(day)), warns=True)
