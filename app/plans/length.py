"""How long a plan lasts by the procedure of its case (ANG-T9). Nothing is refused for it: it is told at the field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.cases.rules import months_from
from app.kernel.declare import Hint
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
    if until is not None and until > last:
        reason = gettext("Longer than the procedure allows: %(months)s months, until %(day)s.",
                         months=rule.months_to, day=text(last))  # fmt: skip
    elif until is not None and until < first:
        reason = gettext("Shorter than the procedure asks: %(months)s months, until %(day)s.",
                         months=rule.months_from, day=text(first))  # fmt: skip
        return Hint(first.isoformat(), text(first), reason, warns=True)
    else:
        reason = gettext("by the procedure: up to %(months)s months", months=rule.months_to)
        return Hint(last.isoformat(), text(last), reason, fills=True)
    return Hint(last.isoformat(), text(last), reason, warns=True)
