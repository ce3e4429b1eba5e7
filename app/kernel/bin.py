"""The bin: what was deleted lies here, out of its tables, until it is put back or erased for good.

Nothing deleted stays in the tables, so no query, count, unique value or row visibility has to know of it. A listener
gathers what a flush is about to delete, whichever door the deletion came through: the record, the rows that the
database deletes with it, its links. Putting back inserts the same rows under the same numbers; no number is ever
given to another record meanwhile.
"""

from __future__ import annotations

import base64
import datetime as dt
import enum
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

from flask_appbuilder import Model
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Enum,
    ForeignKey,
    Index,
    Select,
    Table,
    TypeDecorator,
    and_,
    delete,
    event,
    false,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.orm import MANYTOONE, Mapped, Session, mapped_column

from app.kernel.declare import Viewer
from app.kernel.orm import LONG, SHORT, Record, Row, label, now, viewer_of
from app.kernel.scans import Scan
from app.kernel.schema import Schema, schema_of

UNDO_DAYS = 30  # how long somebody finds in the bin what he has deleted himself

# A row by the names of its columns.
Values: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, int]  # a table and the number of a record


class BinEntry(Model):
    """One thing deleted, with everything that went with it."""

    __tablename__ = "bin_entry"
    # An old page's button must never put back something else.
    __table_args__ = {"extend_existing": False, "sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(default=now, index=True)
    user_id: Mapped[int | None] = mapped_column(index=True)
    user: Mapped[str] = mapped_column(SHORT)
    organisation_id: Mapped[int | None]  # where the user worked then
    entity: Mapped[str] = mapped_column(SHORT)
    record_id: Mapped[int]
    title: Mapped[str] = mapped_column(LONG)
    kept: Mapped[str] = mapped_column(LONG)  # JSON, see `Kept`


class BinPlace(Model):
    """A record on whose page a deleted one was listed: its history offers to put that back."""

    __tablename__ = "bin_place"
    __table_args__ = (Index("ix_bin_place_record", "entity", "record_id"), {"extend_existing": False})

    entry_id: Mapped[int] = mapped_column(ForeignKey("bin_entry.id", ondelete="CASCADE"), primary_key=True)
    entity: Mapped[str] = mapped_column(SHORT, primary_key=True)
    record_id: Mapped[int] = mapped_column(primary_key=True)


_entry, _place = cast(Table, BinEntry.__table__), cast(Table, BinPlace.__table__)
_scan = cast(Table, Scan.__table__)


@dataclass
class Kept:
    """What lies in an entry: the rows by table, what the deletion emptied, and what a merge has changed."""

    rows: dict[str, list[Values]]
    emptied: list[tuple[str, str, int, Any]]  # table, column, number of the row, what stood there
    merge: dict[str, Any] | None = None  # see app/kernel/merging.py

    def dump(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> Kept:
        return cls(**json.loads(text))


# --- Values in JSON ---------------------------------------------------------------------------------------


def to_json(value: Any) -> Any:
    """A stored value in a form that JSON has."""
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def from_json(column: Column[Any], value: Any) -> Any:
    """The same value again, by the type of its column."""
    if value is None:
        return None
    type_: Any = column.type
    if isinstance(type_, Enum) and type_.enum_class is not None:
        return type_.enum_class[value]
    kind = (type_.impl_instance if isinstance(type_, TypeDecorator) else type_).python_type
    if kind in (dt.date, dt.datetime, dt.time):
        return kind.fromisoformat(value)
    if kind is Decimal:
        return Decimal(value)
    if kind is bytes:
        return base64.b64decode(value)
    return value


# --- What goes with a record ------------------------------------------------------------------------------


def _pointing_at(table: Table) -> Iterator[tuple[Column[Any], str]]:
    """Columns that point to the table, and what the database does with them when a row of it goes."""
    for other in table.metadata.tables.values():
        for key in sorted(other.foreign_keys, key=lambda key: str(key.parent.name)):
            if key.column.table is table:
                yield key.parent, (key.ondelete or "").upper()


def _identity(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.key] for column in table.primary_key)


class _Gathering:
    """The rows that the database will delete, and the values that it will empty, when a record goes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows: dict[Table, dict[tuple[Any, ...], Values]] = {}
        self.emptied: list[tuple[str, str, int, Any]] = []

    def take(self, table: Table, where: ColumnElement[bool]) -> None:
        # Locked, so that nobody points a new row at one of these before they are gone.
        found = self.connection.execute(select(table).where(where).with_for_update())
        rows = (dict(row) for row in found.mappings())
        known = self.rows.setdefault(table, {})
        new = {key: row for row in rows if (key := _identity(table, row)) not in known}
        known.update(new)
        if not new or "id" not in table.c:
            return
        ids = [row["id"] for row in new.values()]
        for column, ondelete in _pointing_at(table):
            other = column.table
            if ondelete == "CASCADE":
                self.take(other, column.in_(ids))
            elif ondelete == "SET NULL" and "id" in other.c:
                statement = select(other.c.id, column).where(column.in_(ids))
                self.emptied += [(other.name, str(column.key), *row) for row in self.connection.execute(statement)]
        if table is not _scan:  # no key ties them to their record, and they go with it all the same
            self.take(_scan, and_(_scan.c.entity == table.name, _scan.c.record_id.in_(ids)))

    def kept(self) -> Kept:
        rows = {
            table.name: [{key: to_json(value) for key, value in row.items()} for row in found.values()]
            for table, found in self.rows.items()
            if found
        }
        return Kept(rows, self.emptied)


def _owners(schema: Schema, row: Mapping[str, Any]) -> Iterator[tuple[Schema, int]]:
    """The records on whose pages this row is listed."""
    for relation in inspect(schema.entity).relationships:
        target = relation.mapper.class_
        if relation.direction is not MANYTOONE or not hasattr(target, "__admin__"):
            continue
        parent = schema_of(target)
        (column,) = relation.local_columns
        if (schema, relation.key) in (*parent.panels, *parent.owned) and row[str(column.key)] is not None:
            yield parent, row[str(column.key)]


def _places(connection: Connection, schema: Schema, row: Mapping[str, Any], found: set[Place]) -> set[Place]:
    """All of these, as far up as they go: a row of a plan stands on the page of its goal, its plan and its case."""
    for parent, id_ in _owners(schema, row):
        if (parent.table.name, id_) not in found:
            found.add((parent.table.name, id_))
            above = connection.execute(select(parent.table).where(parent.table.c.id == id_)).mappings().first()
            if above is not None:
                _places(connection, parent, dict(above), found)
    return found


def _collect(session: Session, context: Any, instances: Any) -> None:
    doomed = [record for record in session.deleted if isinstance(record, Record)]
    if not doomed:
        return
    # SQLite locks at the first write and not at the first reading: nobody adds to what is being gathered.
    session.execute(delete(_entry).where(_entry.c.id < 0))
    order = [table.name for table in Record.metadata.sorted_tables]
    # Owners before what they own.
    doomed.sort(key=lambda record: (isinstance(record, Scan), order.index(record.__tablename__), record.id))
    connection, gathered = session.connection(), dict[Record, _Gathering]()
    for record in doomed:
        table = cast(Table, record.__table__)
        if any((record.id,) in other.rows.get(table, ()) for other in gathered.values()):
            continue
        gathering = gathered[record] = _Gathering(connection)
        gathering.take(table, table.c.id == record.id)
    for record, gathering in gathered.items():
        if gathering.kept().rows:  # else somebody else has just deleted it
            _throw(session, record, gathering)


def _throw(session: Session, record: Record, gathering: _Gathering) -> None:
    viewer, schema = viewer_of(session), schema_of(type(record))
    row = gathering.rows[cast(Table, schema.table)][record.id,]
    connection = session.connection()
    entry = connection.execute(
        insert(_entry)
        .values(
            user_id=viewer.user_id,
            user=session.info.get("user_name") or "система",
            organisation_id=viewer.organisation_id,
            entity=schema.table.name,
            record_id=record.id,
            title=label(row[name] for name in schema.admin.name) or f"№ {record.id}",
            kept=gathering.kept().dump(),
        )
        .returning(_entry.c.id)
    ).scalar_one()
    places = _places(connection, schema, row, set())
    if places:
        connection.execute(
            insert(_place), [{"entry_id": entry, "entity": entity, "record_id": id_} for entity, id_ in places]
        )
    session.info.setdefault("thrown", []).append(entry)


def thrown(session: Session) -> list[int]:
    """What has gone into the bin in this transaction since this was last asked."""
    return cast("list[int]", session.info.pop("thrown", []))


def note_merge(session: Session, record: Record, done: dict[str, Any]) -> None:
    """Keep with the record that has just gone what its merge with another has changed."""
    newest = select(_entry).where(_entry.c.entity == record.__tablename__, _entry.c.record_id == record.id)
    entry = session.execute(newest.order_by(_entry.c.id.desc())).first()
    assert entry is not None
    kept = Kept.load(entry.kept)
    kept.merge = done
    session.execute(update(_entry).where(_entry.c.id == entry.id).values(kept=kept.dump()))


def keep_bin(session: Any) -> None:
    """Put what goes through this session (or factory) into the bin."""
    event.listen(session, "before_flush", _collect)
    event.listen(session, "after_soft_rollback", lambda session, previous: session.info.pop("thrown", None))


# --- Who sees what lies there -----------------------------------------------------------------------------


def within_sight(viewer: Viewer, deletes: Collection[type[Row]]) -> ColumnElement[bool]:
    """Entries of what the viewer may delete: all of them when he sees everything, else his own of the last weeks."""
    theirs = _entry.c.entity.in_([entity.__tablename__ for entity in deletes])
    if viewer.sees_everything:
        return theirs
    if viewer.user_id is None:
        return false()
    return and_(
        theirs,
        _entry.c.user_id == viewer.user_id,
        _entry.c.organisation_id == viewer.organisation_id,
        _entry.c.at >= now() - dt.timedelta(days=UNDO_DAYS),
    )


def shown(*where: ColumnElement[bool]) -> Select[Any]:
    """What a list of entries shows, the newest first."""
    columns = (column for column in _entry.c if column.key != "kept")
    return select(*columns).where(*where).order_by(_entry.c.id.desc())


def listed_at(entity: str, record_id: int) -> ColumnElement[bool]:
    """Entries of what was listed on the page of a record."""
    at = select(_place.c.entry_id).where(_place.c.entity == entity, _place.c.record_id == record_id)
    return _entry.c.id.in_(at)


def erase(session: Session, *where: ColumnElement[bool]) -> tuple[int, list[str]]:
    """Erase entries for good: how many, and the digests of files that nothing refers to any more.

    The files are the caller's to delete once this is committed. The history keeps its lines.
    """
    with_scans = select(_entry.c.kept).where(*where, _entry.c.kept.contains(f'"{_scan.name}"'))
    kept = [Kept.load(text) for text in session.scalars(with_scans)]
    digests = {row["digest"] for one in kept for row in one.rows.get(_scan.name, ())}
    erased = cast(int, session.execute(delete(_entry).where(*where)).rowcount)  # type: ignore[attr-defined]
    return erased, [digest for digest in sorted(digests) if not _is_kept(session, digest)]


def _is_kept(session: Session, digest: str) -> bool:
    """Whether a signed paper, or one that lies in the bin, is this file."""
    attached = select(_scan.c.id).where(_scan.c.digest == digest).exists()
    thrown_away = select(_entry.c.id).where(_entry.c.kept.contains(digest)).exists()
    return bool(session.scalar(select(or_(attached, thrown_away))))
