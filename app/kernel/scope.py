"""Row visibility: what a viewer may meet at all.

The criterion of an entity is written once, in its declaration. It is added to every ORM statement of a session
(:func:`guard`), and the generated screens take the same criterion for their own selects (:func:`visible`).
A record out of reach does not exist for the viewer; pointing a foreign key at it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, Table, event, false, inspect, or_, select
from sqlalchemy.orm import MANYTOONE, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors

from app.kernel.declare import Reach, Scope, Viewer
from app.kernel.orm import Row, viewer_of


class OutOfReach(Exception):
    """A record that the viewer may not meet was asked for or pointed at. Answered like a record that is not there."""


# Where a row belongs: the column that names the place, or a rule over the columns and the viewer.
Place: TypeAlias = str | Callable[[Any, Viewer], ColumnElement[bool]] | None


def table(name: str) -> Table:
    """A table by name: scopes may ask about tables of domains that come later in a case's life."""
    return cast(Table, Model.metadata.tables[name])


def everyone(columns: Any, viewer: Viewer) -> None:
    """Reference data: whoever has the permission sees every row."""
    return None


def within(
    *,
    organisation: Place = None,
    municipality: Place = None,
    precinct: Place = None,
    own: Place = None,
    agenda: Place = None,
) -> Scope:
    """Rows that carry the place they belong to, ``within(organisation="organisation_id", …)``, or a rule of their own.

    A reach without a column or a rule sees nothing of the entity.
    """
    places = {
        Reach.ORGANISATION: organisation,
        Reach.MUNICIPALITY: municipality,
        Reach.PRECINCT: precinct,
        Reach.OWN: own,
        Reach.AGENDA: agenda,
    }

    def scope(c: Any, viewer: Viewer) -> ColumnElement[bool] | None:
        if viewer.sees_everything:
            return None
        reached: list[ColumnElement[bool]] = []
        for reach in sorted(viewer.reaches, key=lambda reach: reach.name):
            place = places.get(reach)
            if callable(place):
                reached.append(place(c, viewer))
            elif place and (mine := getattr(viewer, f"{reach.name.lower()}_id")) is not None:
                reached.append(getattr(c, place) == mine)
        return or_(false(), *reached)

    return scope


def through(foreign_key: str, target: str, scope: Scope) -> Scope:
    """Rows that are seen when the record they belong to is seen."""

    def via(c: Any, viewer: Viewer) -> ColumnElement[bool] | None:
        criterion = scope(table(target).c, viewer)
        if criterion is None:
            return None
        return getattr(c, foreign_key).in_(select(table(target).c.id).where(criterion))  # type: ignore[no-any-return]

    return via


def visible(entity: type[Row], viewer: Viewer, columns: Any = None) -> ColumnElement[bool] | None:
    """The criterion of an entity for a viewer, over its table or the given alias; None for every row."""
    scope = entity.__admin__.scope
    return scope(entity.__table__.c if columns is None else columns, viewer)


def can_see(session: Session, entity: type[Row], ids: Iterable[int]) -> bool:
    """Whether all these records exist within the session's viewer's reach."""
    wanted = set(ids)
    if not wanted:
        return True
    c = entity.__table__.c
    statement = select(c.id).where(c.id.in_(wanted))
    criterion = visible(entity, viewer_of(session))
    if criterion is not None:
        statement = statement.where(criterion)
    with session.no_autoflush:
        return set(session.execute(statement).scalars()) == wanted


def _entities(statement: Any) -> set[type[Row]]:
    found = set()
    for element in visitors.iterate(statement):
        insp = getattr(element, "_annotations", {}).get("parententity")
        if insp is not None and issubclass(insp.mapper.class_, Row) and hasattr(insp.mapper.class_, "__admin__"):
            found.add(insp.mapper.class_)
    return found


def _restrict(state: ORMExecuteState) -> None:
    # A column load refreshes a record the session has already been allowed to load.
    if state.is_column_load or not (state.is_select or state.is_update or state.is_delete):
        return
    viewer = viewer_of(state.session)
    if viewer.sees_everything:
        return
    for entity in sorted(_entities(state.statement), key=lambda entity: entity.__name__):
        criterion = visible(entity, viewer, entity)
        if criterion is not None:
            state.statement = state.statement.options(
                with_loader_criteria(entity, criterion, include_aliases=True, propagate_to_loaders=False)
            )


def _pointed_at(record: Row) -> dict[type[Row], set[int]]:
    """Records of other entities that this flush newly points the record at."""
    targets: dict[type[Row], set[int]] = {}
    state: Any = inspect(record)
    for relation in state.mapper.relationships:
        entity = relation.mapper.class_
        if not hasattr(entity, "__admin__") or relation.viewonly:
            continue
        ids = targets.setdefault(entity, set())
        if relation.direction is MANYTOONE:
            for column in relation.local_columns:
                history = state.attrs[state.mapper.get_property_by_column(column).key].history
                ids.update(value for value in history.added or () if value is not None)
        elif relation.secondary is None:
            continue  # children carry their own foreign key and are checked by it
        if relation.key in state.dict:
            for other in state.attrs[relation.key].history.added or ():
                if other is not None and inspect(other).persistent:
                    ids.add(other.id)
    return targets


def _refuse_out_of_reach(session: Session, context: Any, instances: Any) -> None:
    if viewer_of(session).sees_everything:
        return
    for record in [*session.new, *session.dirty]:
        if isinstance(record, Row):
            for entity, ids in _pointed_at(record).items():
                if not can_see(session, entity, ids):
                    raise OutOfReach(f"{type(record).__name__} -> {entity.__name__} {sorted(ids)}")


def guard(session: Any) -> None:
    """Make a session (or a scoped session, or a factory) keep to its viewer's reach."""
    event.listen(session, "do_orm_execute", _restrict)
    event.listen(session, "before_flush", _refuse_out_of_reach)
