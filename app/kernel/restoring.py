"""Putting back what lies in the bin: the same rows under the same numbers, or a plain word why that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, Table, and_, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.kernel import merging
from app.kernel.bin import BinEntry, Kept, Values, erase, from_json
from app.kernel.declare import N_, Reach
from app.kernel.history import Change, ChangeKind, as_text, kept_fields
from app.kernel.i18n import gettext
from app.kernel.likeness import known_words
from app.kernel.orm import Record, Row, acting_as, now, viewer_of
from app.kernel.schema import Schema, schema_of
from app.kernel.scope import can_see
from app.kernel.scope import table as table_of
from app.kernel.trigrams import is_found, learn
from app.kernel.writing import TAKEN, TAKEN_TOGETHER, Refused, Wrong, taken_column

NOT_THERE = N_("This is not in the bin any more: it was put back already, or erased for good.")

_entry = cast(Table, BinEntry.__table__)


@dataclass(frozen=True)
class Restored:
    """What is back in its place, and in plain words what could not be made as it was."""

    schema: Schema
    id: int
    title: str
    told: list[str]


def restore(session: Session, entry_id: int, sight: ColumnElement[bool]) -> Restored:
    """Put back what lies in an entry, in the session's transaction; committing is the caller's.

    :raises Refused: when it is not there (or out of sight), when something it points to is gone, when a value of it
        is taken meanwhile, when the record it belongs to takes no change any more. Nothing is put back then.
    """
    found = session.execute(select(_entry).where(_entry.c.id == entry_id, sight)).first()
    # Whoever deletes the entry has it: the other of two people is told.
    if found is None or not erase(session, _entry.c.id == entry_id):
        raise Refused(Wrong("", NOT_THERE))
    kept, viewer = Kept.load(found.kept), viewer_of(session)
    putting, schema = _PuttingBack(session, found.title, kept), schema_of(_entity_of(table_of(found.entity)))
    # While it is on its way some of it may be out of the viewer's reach: it is asked when all is in its place.
    with acting_as(session, replace(viewer, reaches=frozenset({Reach.EVERYTHING}))):
        told = merging.give_back_values(session, schema, kept.merge) if kept.merge else []
        putting.run()
        record: Any = session.get(schema.entity, found.record_id)
        told += merging.move_back(session, record, kept.merge) if kept.merge else []
        if reason := record.undeletable():  # what it could not be taken from now, it cannot be put back to either
            raise putting.refuse(gettext(reason))
        # What it objects to now was not so when it was deleted: nothing is lost for that, but it is to be looked at.
        told += (gettext(message) for _field, message in record.faults())
    if not can_see(session, schema.entity, [record.id]):
        raise putting.refuse(gettext("It belongs to what you do not see any more: ask the administrator."))
    return Restored(schema, record.id, found.title, told)


class _PuttingBack:
    """The rows of one entry on their way back."""

    def __init__(self, session: Session, title: str, kept: Kept) -> None:
        self.session, self.title, self.kept = session, title, kept
        self.rows: dict[Table, list[Values]] = {}
        for table in Record.metadata.sorted_tables:
            if table.name in kept.rows:
                self.rows[table] = _in_order(table, [_read(table, row) for row in kept.rows[table.name]])

    def refuse(self, reason: str) -> Refused:
        return Refused(
            Wrong("", gettext("“%(title)s” cannot be put back. %(reason)s", title=self.title, reason=reason))
        )

    def run(self) -> None:
        self._check_pointing()
        for table, rows in self.rows.items():
            for row in rows:
                self._insert(table, row)
        for name, key, id_, value in self.kept.emptied:
            column = table_of(name).c[key]
            here = and_(table_of(name).c.id == id_, column.is_(None))
            self.session.execute(update(table_of(name)).where(here).values({key: value}))
        self.session.expire_all()
        _tell_history(self.session, self.rows)
        found = (table for table in self.rows if _is_entity(table) and is_found(schema_of(_entity_of(table))))
        words = {word for table in found for row in self.rows[table] for word in known_words(row.get("folded") or "")}
        learn(self.session.connection(), words)

    def _check_pointing(self) -> None:
        """Everything that the rows point to must be there, or come back with them."""
        for table, rows in self.rows.items():
            for key in table.foreign_keys:
                name, target = str(key.parent.key), key.column.table
                coming = {row.get("id") for row in self.rows.get(target, ())}
                wanted = {row[name] for row in rows if row.get(name) is not None} - coming
                there = set(self.session.scalars(select(target.c.id).where(target.c.id.in_(wanted)))) if wanted else {}
                for id_ in sorted(wanted.difference(there)):
                    if (key.ondelete or "").upper() == "SET NULL":
                        for row in rows:
                            row[name] = None if row[name] == id_ else row[name]
                    else:
                        raise self.refuse(self._gone(target, id_))

    def _gone(self, target: Table, id_: int) -> str:
        here = and_(_entry.c.entity == target.name, _entry.c.record_id == id_)
        title = self.session.scalars(select(_entry.c.title).where(here)).first()
        what = gettext(_entity_of(target).__admin__.one) if _is_entity(target) else gettext("Account")
        words = {"what": what, "title": title or f"№ {id_}"}
        if title is not None:
            return gettext("It needs “%(title)s” (%(what)s), which is in the bin too: put that back first.", **words)
        return gettext("It needs “%(title)s” (%(what)s), which is not there any more.", **words)

    def _insert(self, table: Table, row: Values) -> None:
        try:
            self.session.execute(insert(table).values(row))
        except IntegrityError as error:
            self.session.rollback()
            schema = schema_of(_entity_of(table)) if _is_entity(table) else None
            reason = gettext(TAKEN_TOGETHER)
            column = taken_column(table, str(error.orig))
            if schema is not None and column is not None and not column.info.get("secret"):
                what = gettext(column.info.get("label") or schema.admin.one)
                reason = f"{what} “{as_text(row.get(str(column.key)))}”: {gettext(TAKEN)}"
            elif schema is not None:
                reason = f"{gettext(schema.admin.one)}: {reason}"
            raise self.refuse(reason) from None


def _read(table: Table, row: Mapping[str, Any]) -> Values:
    """A kept row as values of its table; a column that is no more is left out, a new one takes its default."""
    return {key: from_json(table.c[key], value) for key, value in row.items() if key in table.c}


def _in_order(table: Table, rows: list[Values]) -> list[Values]:
    """Rows that point to others of their own table come after those."""
    own = [str(key.parent.key) for key in table.foreign_keys if key.column.table is table]
    if not own:
        return rows
    left, done, ordered = {row["id"]: row for row in rows}, set[int](), list[Values]()
    while left:
        ready = [row for row in left.values() if not any(row[name] in left for name in own)] or list(left.values())
        for row in ready:
            done.add(row["id"])
            ordered.append(left.pop(row["id"]))
    return ordered


def _entities() -> Mapping[str, type[Row]]:
    classes = (mapper.class_ for mapper in Model.registry.mappers)
    return {entity.__tablename__: entity for entity in classes if hasattr(entity, "__admin__")}


def _is_entity(table: Table) -> bool:
    return table.name in _entities()


def _entity_of(table: Table) -> type[Row]:
    return _entities()[table.name]


def _tell_history(session: Session, rows: Mapping[Table, Iterable[Values]]) -> None:
    moment, viewer = now(), viewer_of(session)
    lines = [
        {
            "at": moment,
            "user_id": viewer.user_id,
            "user": session.info.get("user_name") or "система",
            "entity": table.name,
            "record_id": row["id"],
            "kind": ChangeKind.RESTORED,
            "field": name,
            "old": None,
            "new": as_text(row.get(name)),
        }
        for table, some in rows.items()
        if _is_entity(table)
        for row in some
        for name in kept_fields(_entity_of(table))
        if row.get(name) is not None
    ]
    if lines:
        session.execute(insert(cast(Table, Change.__table__)), lines)
