"""Writing: one way in for every record, from a form, the API or an import, with plain words for what goes wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, Table, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.kernel import clock
from app.kernel.declare import N_
from app.kernel.orm import Record, Row
from app.kernel.scans import scans_of
from app.kernel.schema import Kind, schema_of

TAKEN = N_("This value is taken by another record.")
TAKEN_TOGETHER = N_("There is such a record already.")
AHEAD = N_("The date lies in the future, and this has happened already. Check it.")
NOT_OFFERED = N_("This is not offered here: choose one of those in the list.")
ASTRAY = N_("What is chosen here belongs to another record: choose again from what is offered.")
IN_USE = N_("Other records point to this one: delete or change them first.")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a field (or with the record, when the field is empty), as a message to translate."""

    field: str
    message: str
    record: Record | None = dataclasses.field(
        default=None, compare=False, repr=False
    )  # when several were saved at once


class Refused(Exception):
    """The record was not written. Everything that is wrong with it is told at once."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__("; ".join(f"{item.field}: {item.message}" for item in wrong))
        self.wrong = wrong


class Conflict(Exception):
    """Somebody else has written the record since it was read."""


def save(session: Session, *records: Record) -> None:
    """Prepare, check and flush records in the session's transaction; committing is the caller's.

    :raises Refused: with every fault of every record; the transaction is rolled back when the database said no.
    :raises Conflict: when a record was changed by another since it was loaded.
    """
    wrong: list[Wrong] = []
    with session.no_autoflush:
        for record in records:
            session.add(record)
            record.prepare(session)
            wrong.extend(_misread(record))
            wrong.extend(Wrong(name, message, record) for name, message in (*faults(record), *_astray(session, record)))
    if wrong:
        raise Refused(*wrong)
    _flush(session, records)


def faults(record: Record) -> Iterator[tuple[str, str]]:
    """What a record objects to by itself, and days of what has happened that are still to come."""
    yield from record.faults()
    for field in schema_of(type(record)).happened:
        day = getattr(record, field.name)
        if day and day > clock.today() and inspect(record).attrs[field.name].history.has_changes():
            yield field.name, AHEAD


def _astray(session: Session, record: Record) -> Iterator[tuple[str, str]]:
    """Fields that a declaration narrows, and that point past it: what a form would not have offered."""
    schema = schema_of(type(record))
    for field in schema.fields(schema.form_names):
        if field.among and field.name in record.chosen:
            value, those = getattr(record, field.name), offered(session, [record], field.among)
            if those and value is not None and value not in those:
                yield field.name, NOT_OFFERED
        if field.narrow is None:
            continue
        ours = _end(session, record, field.narrow[0])
        chosen = getattr(record, field.name) if field.kind is Kind.REFERENCES else [_end(session, record, field.name)]
        for one in chosen:
            if ours is not None and one is not None and _end(session, one, field.narrow[1]) is not ours:
                yield field.name, ASTRAY
                break


def _end(session: Session, record: Any, path: str) -> Any:
    """The record that a path of references («plan.case») ends at; None where one of them is empty or out of sight."""
    return next(iter(offered(session, [record], path)), None)


def offered(session: Session, values: Sequence[Any], path: str) -> list[Any]:
    """What a path from these records ends in, each once: records or values. A step may lead to several of them."""
    for name in filter(None, path.split(".")):
        values = [value for record in values for value in _step(session, record, name)]
    return list(dict.fromkeys(values))


def _step(session: Session, record: Any, name: str) -> Sequence[Any]:
    field, value = schema_of(type(record)).field(name), getattr(record, name)
    if value is None and field.kind is Kind.REFERENCE and (id_ := getattr(record, field.key)) is not None:
        value = session.get(field.target, id_)  # type: ignore[arg-type]
    return value if isinstance(value, list) else () if value is None else (value,)


def _misread(record: Record) -> Iterator[Wrong]:
    """Give checked numbers their one form. What was kept before the check was declared stays until it is changed."""
    for field in schema_of(type(record)).checked:
        value = getattr(record, field.key)
        if value and field.check is not None and inspect(record).attrs[field.key].history.has_changes():
            try:
                setattr(record, field.key, field.check.read(value))
            except ValueError as error:
                yield Wrong(field.name, str(error), record)


def remove(session: Session, record: Record) -> None:
    """Delete a record with the rows that belong to it. :class:`Refused` while others point to it, or it objects."""
    if reason := record.undeletable():
        raise Refused(Wrong("", reason, record))
    for owned in (*belongings(session, record), record):
        session.delete(owned)
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        raise Refused(Wrong("", IN_USE)) from None
    except StaleDataError:
        session.rollback()
        raise Conflict from None


def belongings(session: Session, record: Row) -> Iterator[Row]:
    """The rows that go with a record, each of them told in the history. :class:`Refused` when one is out of reach."""
    yield from scans_of(session, record)
    for child, back in schema_of(type(record)).owned:
        key = child.field(back).key
        rows = session.scalars(select(child.entity).where(getattr(child.entity, key) == record.id)).all()
        every = session.execute(select(func.count()).where(child.table.c[key] == record.id)).scalar_one()
        if len(rows) != every:
            raise Refused(Wrong("", IN_USE))
        for row in rows:
            yield from belongings(session, row)
            yield row


def _flush(session: Session, records: tuple[Record, ...]) -> None:
    try:
        session.flush()
    except StaleDataError:
        session.rollback()
        raise Conflict from None
    except IntegrityError as error:
        session.rollback()
        raise Refused(_taken(records, str(error.orig))) from None


def _taken(records: tuple[Record, ...], text: str) -> Wrong:
    """Which value the database refused. Both databases name the column or the constraint in their message."""
    if "foreign key" in text.lower():
        return Wrong("", IN_USE)
    for record in records:
        if (column := taken_column(cast(Table, record.__table__), text)) is not None:
            return Wrong(_field_of(record, str(column.key)), TAKEN)
    return Wrong("", TAKEN_TOGETHER)


def taken_column(table: Table, text: str) -> Column[Any] | None:
    """The column whose value has to be the only one of its kind and is not, by the words of the database."""
    for column in table.columns:
        if column.unique and (f"{table.name}.{column.name}" in text or f"({column.name})" in text):
            return column
    return None


def _field_of(record: Row, key: str) -> str:
    schema = schema_of(type(record))
    return next((name for name in schema.form_names if schema.field(name).key == key), key)
