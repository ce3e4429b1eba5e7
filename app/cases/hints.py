"""What the procedure of a case suggests in forms that come before the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus
from app.kernel.declare import Hint
from app.kernel.i18n import gettext
from app.procedures.models import ProcedureVersion
from app.risks.models import FactorSet


def factor_set(session: Session, values: Mapping[str, Any]) -> Hint | None:
    """By which set the risk of a family is assessed: the one that the procedure of its newest open case names."""
    if not values.get("family"):
        return None
    found = session.execute(
        select(Case.number, FactorSet.id, FactorSet.name)
        .join(ProcedureVersion, ProcedureVersion.id == Case.edition_id)
        .join(FactorSet, FactorSet.id == ProcedureVersion.factor_set_id)
        .where(Case.family_id == values["family"], Case.status != CaseStatus.CLOSED)
        .order_by(Case.opened_on.desc(), Case.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    return Hint(
        str(found.id), found.name, gettext("by the procedure of case %(number)s", number=found.number), fills=True
    )
