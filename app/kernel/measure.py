"""Values that the database works out for a row from the rows that belong to it, for ``computed`` in a declaration."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, func, select

from app.kernel.declare import Measure, Scope, Viewer
from app.kernel.scope import table


def latest(key: str, by: str, what: str = "", *, here: str = "id", first: bool = False) -> Measure:
    """What the latest (or the first) of the rows that belong to a record says; nothing when there are none.

    ``latest("contact.case_id", "held_on")`` is the greatest ``held_on`` of the contacts of a case;
    ``latest("risk_assessment.family_id", "assessed_on", "level", here="family_id")`` the ``level`` of the assessment
    with the greatest ``assessed_on`` among those of its family. The table is asked by name: its domain may come later
    in a case's life. Only rows that the viewer may meet count.
    """
    name, _, back = key.partition(".")

    def measure(c: Any, viewer: Viewer) -> ColumnElement[Any]:
        rows = table(name).alias()
        value = rows.c[what] if what else (func.min if first else func.max)(rows.c[by])
        statement = select(value).where(rows.c[back] == c[here])
        criterion = _scope_of(name)(rows.c, viewer)
        if criterion is not None:
            statement = statement.where(criterion)
        if what:
            order = (rows.c[by], rows.c.id)
            statement = statement.order_by(*(order if first else (key.desc() for key in order))).limit(1)
        return statement.correlate_except(rows).scalar_subquery()

    return measure


def _scope_of(name: str) -> Scope:
    rows = table(name)
    found: Scope = next(one.class_.__admin__.scope for one in Model.registry.mappers if one.local_table is rows)
    return found
