"""Which papers a record has: its own, and those of what belongs to it, as far as the reader may print them.

Nothing is declared anew: what belongs to a record are the rows listed on its page, and a row that is a part of
another record (a question of a meeting) brings that record's papers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.declare import May, Print
from app.kernel.orm import Row
from app.kernel.query import Ref, ref
from app.kernel.schema import Schema, schema_of

MOST = 100  # papers of one kind: the first in the order of their list


@dataclass(frozen=True)
class Sheet:
    """A paper that may be printed: of which record, and by which of its declared prints."""

    schema: Schema
    record: Ref
    key: str
    paper: Print

    @property
    def name(self) -> str:
        """By it a paper is ticked: «plan/3/plan»."""
        return f"{self.schema.slug}/{self.record.id}/{self.key}"

    @property
    def address(self) -> str:
        return f"/{self.schema.slug}/{self.record.id}/print/{self.key}"


@dataclass(frozen=True)
class Step:
    """From records to those that belong to them; ``leads`` turns numbers into the criterion of the next ones."""

    schema: Schema
    leads: Callable[[Sequence[int]], Any]


def sheets(
    session: Session, schema: Schema, records: Sequence[Ref], may: Callable[[May, type[Row]], bool]
) -> list[Sheet]:
    """The papers of these records and of what belongs to them, each once."""
    found = _sheets(session, schema, records, may, ())
    return list({sheet.name: sheet for sheet in found}.values())


def _sheets(
    session: Session, schema: Schema, records: Sequence[Ref], may: Callable[[May, type[Row]], bool], above: Any
) -> Iterator[Sheet]:
    if may(May.PRINT, schema.entity):
        yield from (Sheet(schema, one, key, paper) for one in records for key, paper in schema.admin.prints.items())
    for step in steps(schema, bool(above)):
        if step.schema in above or not may(May.LIST, step.schema.entity):
            continue
        if below := _records(session, step, [one.id for one in records]):
            yield from _sheets(session, step.schema, below, may, (*above, schema))


def _records(session: Session, step: Step, ids: Sequence[int]) -> list[Ref]:
    """Read by the session, so only what its viewer sees."""
    entity, (sort, direction) = step.schema.entity, step.schema.admin.order
    key = getattr(entity, step.schema.field(sort).key if sort != "id" else "id")
    names = [getattr(entity, name) for name in step.schema.admin.name]
    statement = select(entity.id, *names).where(step.leads(ids))
    statement = statement.order_by(key.desc() if direction == "desc" else key, entity.id).limit(MOST)
    return [ref(*row) for row in session.execute(statement)]


def printable(schema: Schema) -> bool:
    """Whether records of this entity have papers, their own or of what belongs to them."""
    return bool(schema.admin.prints or steps(schema))


@cache
def steps(schema: Schema, below: bool = False) -> tuple[Step, ...]:
    """The steps at the end of which something prints. A part brings its whole only ``below`` another record."""
    return tuple(step for step in _every_step(schema, below) if _prints(step.schema, frozenset({schema})))


def _prints(schema: Schema, above: frozenset[Schema]) -> bool:
    further = (step.schema for step in _every_step(schema, True) if step.schema not in above)
    return bool(schema.admin.prints) or any(_prints(one, above | {schema}) for one in further)


def _every_step(schema: Schema, below: bool) -> Iterator[Step]:
    yield from (_beside(schema, name, schema_of(entity)) for name, entity in schema.admin.beside)
    yield from (_pointing(child, back) for child, back in schema.panels)
    if below:
        yield from _wholes(schema)


def _pointing(child: Schema, back: str) -> Step:
    column = child.table.c[child.field(back).key]
    return Step(child, column.in_)


def _beside(schema: Schema, name: str, other: Schema) -> Step:
    mine, theirs = schema.table.c[schema.field(name).key], other.table.c[other.field(name).key]
    return Step(other, lambda ids: theirs.in_(select(mine).where(schema.table.c.id.in_(ids))))


def _wholes(schema: Schema) -> Iterator[Step]:
    """Records that rows of this entity are a part of: deleted with them, and edited in their form."""
    for name in schema.form_names:
        field = schema.field(name)
        if field.target is None or field.column is None:
            continue
        whole = schema_of(field.target)
        if any(whole.field(relation).target is schema.entity for relation in whole.admin.inline):
            yield _whole(schema, field.column, whole)


def _whole(schema: Schema, column: Any, whole: Schema) -> Step:
    return Step(whole, lambda ids: whole.table.c.id.in_(select(column).where(schema.table.c.id.in_(ids))))
