"""Two records that are one and the same become one. The other goes into the bin, and with it what the merge changed.

Everything that points to the record that goes is pointed to the one that stays; of each field one of the two values is
chosen. A deletion knows how to be undone, and so does this: the entry in the bin holds the record itself, which rows
were moved, and what the fields held before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask_babel import ngettext
from sqlalchemy import Table, and_, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.kernel import bin
from app.kernel.declare import N_
from app.kernel.i18n import gettext
from app.kernel.orm import Record, fold
from app.kernel.scans import Scan
from app.kernel.schema import Field, Kind, Schema, schema_of
from app.kernel.writing import Conflict, Refused, Wrong, remove, save

HIDDEN = N_("More belongs to this record than you may see: ask the administrator to merge them.")
CLASH = N_("Both have something that there may be only once: look through what belongs to them and correct that first.")

THIS, OTHER, BOTH = "this", "other", "both"


@dataclass(frozen=True)
class Pointer:
    """A way in which records of another entity point to the merged ones: a foreign key, or links."""

    schema: Schema
    name: str  # the reference, or the links
    key: str = ""  # the foreign key; empty for links
    entity: str = ""  # signed papers have no foreign key: they name the entity and the record

    def here(self, id_: int) -> Any:
        """The criterion of rows that point to this record."""
        attribute: Any = getattr(self.schema.entity, self.key or self.name)
        if not self.key:
            return attribute.any(id=id_)
        return and_(attribute == id_, Scan.entity == self.entity) if self.entity else attribute == id_

    def number(self, session: Session, id_: int) -> int:
        """How many there are, also out of the viewer's sight."""
        if self.key:
            c = self.schema.table.c
            counted = select(func.count()).where(c[self.key] == id_)
            if self.entity:
                counted = counted.where(c.entity == self.entity)
        else:
            relation = inspect(self.schema.entity).relationships[self.name]
            ((_target, there),) = relation.secondary_synchronize_pairs
            counted = select(func.count()).where(there == id_)
        return session.execute(counted).scalar_one()

    def rows(self, session: Session, id_: int) -> Sequence[Any]:
        """Those within the viewer's reach."""
        entity = self.schema.entity
        return session.scalars(select(entity).where(self.here(id_)).order_by(entity.id)).all()


def pointers(schema: Schema) -> Iterator[Pointer]:
    """Every way to point to a record of the entity."""
    for other, name in schema.pointing_here:
        yield Pointer(other, name, other.field(name).key)
    if schema.keeps_scans:
        yield Pointer(schema_of(Scan), "record_id", "record_id", schema.table.name)
    mappers = (mapper for mapper in inspect(schema.entity).registry.mappers if hasattr(mapper.class_, "__admin__"))
    for mapper in mappers:
        for relation in mapper.relationships:
            if relation.secondary is not None and relation.mapper.class_ is schema.entity and not relation.viewonly:
                yield Pointer(schema_of(mapper.class_), relation.key)


# --- Looking at it first ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One field of both records: which values there are, and which of them is proposed."""

    field: Field
    this: Any
    other: Any

    @property
    def differs(self) -> bool:
        return bool(self.this != self.other)

    @property
    def choices(self) -> tuple[str, ...]:
        return (THIS, OTHER, BOTH) if self.field.kind in (Kind.LONG, Kind.REFERENCES) else (THIS, OTHER)

    @property
    def proposed(self) -> str:
        """What says more."""
        if self.field.kind is Kind.REFERENCES:
            return BOTH
        return OTHER if _weight(self.other) > _weight(self.this) else THIS


def _weight(value: Any) -> int:
    if value is None or value == "":
        return 0
    return len(value) if isinstance(value, str) else 1


@dataclass
class Preview:
    """What a merge would do."""

    sides: list[Side]
    moves: list[tuple[Schema, Field, int]] = field(default_factory=list)
    alike: list[tuple[Schema, str]] = field(default_factory=list)  # rows that both have under one name


def preview(session: Session, this: Record, other: Record) -> Preview:
    """Both records side by side, and what goes over from the other one.

    :raises Refused: when something points to the other one that the viewer does not see.
    """
    schema = schema_of(type(this))
    fields = schema.fields(schema.form_names)
    found = Preview([Side(one, getattr(this, one.name), getattr(other, one.name)) for one in fields])
    for pointer in pointers(schema):
        rows = _whole(session, pointer, other.id)
        if not rows:
            continue
        found.moves.append((pointer.schema, pointer.schema.field(pointer.name), len(rows)))
        if (pointer.schema, pointer.name) in schema.owned:
            ours = {fold(str(row)) for row in pointer.rows(session, this.id)}
            found.alike += [(pointer.schema, str(row)) for row in rows if fold(str(row)) in ours]
    return found


def _whole(session: Session, pointer: Pointer, id_: int) -> Sequence[Any]:
    rows = pointer.rows(session, id_)
    if len(rows) != pointer.number(session, id_):
        raise Refused(Wrong("", HIDDEN))
    return rows


# --- Merging ----------------------------------------------------------------------------------------------


def merge(session: Session, this: Record, other: Record, chosen: Mapping[str, str]) -> None:
    """Put the other record into this one, in the session's transaction; committing is the caller's.

    :raises Refused: with what is wrong; nothing is merged then.
    :raises Conflict: when somebody has changed one of them meanwhile.
    """
    schema = schema_of(type(this))
    done: dict[str, Any] = {"into": this.id, "values": {}, "links": {}, "moved": [], "linked": []}
    for name in schema.form_names:
        _choose(schema.field(name), this, other, chosen.get(name, THIS), done)
    with session.no_autoflush:
        for pointer in pointers(schema):
            rows = _whole(session, pointer, other.id)
            ids = [row.id for row in rows]
            if pointer.key and ids:
                for row in rows:
                    setattr(row, pointer.key, this.id)
                done["moved"].append([pointer.schema.table.name, pointer.key, ids])
            elif ids:
                had = [row.id for row in rows if this in getattr(row, pointer.name)]
                for row in rows:
                    _exchange(getattr(row, pointer.name), other, this)
                done["linked"].append([pointer.schema.table.name, pointer.name, ids, had])
    _flush(session)
    session.expire(other)
    remove(session, other)
    session.expire(this)
    # Last, for a value may be one that only one record can have.
    with session.no_autoflush:
        for name, (_before, after) in (*done["values"].items(), *done["links"].items()):
            _put(session, this, name, after)
    save(session, this)
    for name, pair in done["values"].items():
        pair[1] = bin.to_json(getattr(this, name))  # a number may have been put into its usual form
    bin.note_merge(session, other, done)
    session.expire(this)


def _choose(declared: Field, this: Record, other: Record, choice: str, done: dict[str, Any]) -> None:
    """Note what stands in the record that stays, and what shall stand there."""
    if declared.kind is Kind.REFERENCES:
        ours, theirs = ([one.id for one in getattr(record, declared.name)] for record in (this, other))
        wanted = {THIS: ours, OTHER: theirs, BOTH: [*ours, *(id_ for id_ in theirs if id_ not in ours)]}[choice]
        if set(wanted) != set(ours):
            done["links"][declared.name] = [ours, wanted]
        return
    before, after = getattr(this, declared.key), getattr(other, declared.key)
    if choice == BOTH and before and after and before != after:
        after = f"{before}\n{after}"
    if choice != THIS and before != after:
        done["values"][declared.key] = [bin.to_json(before), bin.to_json(after)]


def _put(session: Session, this: Record, name: str, value: Any) -> None:
    """Let a noted value stand in the record: of a column, or the numbers of the records it is linked with."""
    schema = schema_of(type(this))
    if name in schema.table.c:
        setattr(this, name, bin.from_json(cast(Table, schema.table).c[name], value))
    else:
        target: Any = schema.field(name).target
        found = (session.get(target, id_) for id_ in value)
        setattr(this, name, [one for one in found if one is not None])


def _exchange(linked: Any, old: Record, new: Record) -> None:
    if old in linked:
        linked.remove(old)
    if new not in linked:
        linked.append(new)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        raise Refused(Wrong("", CLASH)) from None
    except StaleDataError:
        session.rollback()
        raise Conflict from None


# --- Undoing ----------------------------------------------------------------------------------------------


def give_back_values(session: Session, schema: Schema, done: Mapping[str, Any]) -> list[str]:
    """Let stand in the record that stayed what it held before, unless somebody has written there since.

    This comes first, for a value may be one that only one record can have. The list tells in plain words what stays.
    """
    this: Any = session.get(schema.entity, done["into"])
    if this is None:
        return [gettext("The record it was merged into is not there any more, so nothing was moved back.")]
    labels = {field.key: field.label for field in schema.fields(schema.form_names)}
    kept = []
    for name, (before, after) in done["values"].items():
        if bin.to_json(getattr(this, name)) == after:
            _put(session, this, name, before)
        else:
            kept.append(gettext(labels.get(name, name)))
    for name, (before, after) in done["links"].items():
        if {one.id for one in getattr(this, name)} == set(after):
            _put(session, this, name, before)
        else:
            kept.append(gettext(labels.get(name, name)))
    _flush(session)
    return [gettext("Changed since the merge and left as it is: %(what)s.", what=", ".join(kept))] if kept else []


def move_back(session: Session, other: Record, done: Mapping[str, Any]) -> list[str]:
    """The other record is there again: what was moved from it and still is where it was moved to goes back."""
    schema, stayed = schema_of(type(other)), 0
    this: Any = session.get(schema.entity, done["into"])
    if this is None:
        return []
    known = {(pointer.schema.table.name, pointer.key or pointer.name): pointer for pointer in pointers(schema)}
    with session.no_autoflush:
        for table, name, ids, *had in (*done["moved"], *done["linked"]):
            pointer = known.get((table, name))
            rows = [row for row in pointer.rows(session, this.id) if row.id in set(ids)] if pointer else []
            stayed += len(ids) - len(rows)
            for row in rows:
                if not had:
                    setattr(row, name, other.id)
                    continue
                linked = getattr(row, name)
                if row.id not in had[0]:
                    linked.remove(this)
                linked.append(other)
    _flush(session)
    session.expire_all()
    if not stayed:
        return []
    return [
        ngettext(
            "%(num)d record was deleted or moved since and is left as it is.",
            "%(num)d records were deleted or moved since and are left as they are.",
            stayed,
        )
    ]
