"""Reading: a list's address becomes one select, within the viewer's reach, and its rows become plain lines.

Every generated screen, export and API answer reads through :class:`Reader`. It selects columns, not objects: the page's
ids first and then what is shown of them, so that a list costs the same few statements whatever its length.

To make a statement takes SQLAlchemy several times longer than to run it. What does not depend on the single request is
made once (:func:`_made`) and run with the request's values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import itemgetter
from time import monotonic, time
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Integer,
    Pool,
    Result,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.kernel.declare import SYSTEM, Aggregate, Computed, Derived, Viewer
from app.kernel.functions import Among, Folded, Numbers
from app.kernel.history import newest_change, newest_line
from app.kernel.likeness import asked
from app.kernel.orm import Row, connection_of, fold, label, viewer_of
from app.kernel.schema import RESERVED, Field, Kind, Schema, schema_of
from app.kernel.scope import visible
from app.kernel.trigrams import escape_like, holds


class BadQuery(ValueError):
    """An address that says nothing sensible: an unknown field, an operator it does not have, a broken value."""


class Ref(NamedTuple):
    """Another record as it stands in a cell."""

    id: int
    label: str


def ref(id_: int, *parts: Any) -> Ref:
    if len(parts) == 1 and isinstance(parts[0], str) and parts[0]:  # as most records are called
        return Ref(id_, parts[0])
    return Ref(id_, label(parts) or f"№ {id_}")


@dataclass(frozen=True)
class Condition:
    """One filter: a field, an operator, and one value or several that are alternatives."""

    field: Field
    op: str
    values: tuple[Any, ...]
    raw: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.field.name if self.op == "eq" else f"{self.field.name}.{self.op}"

    def compared(self, zone: ZoneInfo) -> tuple[Any, ...]:
        """What the database compares with: parts of texts as patterns, days as moments."""
        if self.op == "has":
            return tuple(f"%{escape_like(fold(value))}%" for value in self.values)
        if self.field.kind is Kind.MOMENT and self.op != "empty":
            return tuple(moment for day in self.values for moment in self._moments(day, zone))
        return self.values

    def _moments(self, day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, ...]:
        """A day of the viewer's time zone as a half-open span of time, or the end of it that is asked for."""
        start = dt.datetime.combine(day, dt.time.min, zone)
        end = start + dt.timedelta(days=1)
        return {"from": (start,), "to": (end,)}.get(self.op, (start, end))


RANGE = ("eq", "from", "to")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("has", "eq", "ne"),
    Kind.INTEGER: RANGE,
    Kind.NUMBER: RANGE,
    Kind.DATE: RANGE,
    Kind.MOMENT: RANGE,
    Kind.BOOL: ("eq",),
    Kind.CHOICE: ("eq", "ne"),
    Kind.REFERENCE: ("eq", "ne"),
    Kind.REFERENCES: ("eq", "ne"),
}


def _choice(field: Field, raw: str) -> Any:
    assert field.choices is not None
    return field.choices[raw]


_TRUTH = {"1": True, "0": False, "true": True, "false": False}
_MAX_ID = 2**31 - 1


def record_number(raw: str) -> int:
    """The number of a record; ``ValueError`` when no record can have it."""
    value = int(raw)
    if not 0 < value <= _MAX_ID:
        raise ValueError(raw)
    return value


def _integer(raw: str) -> int:
    value = int(raw)
    if abs(value) > _MAX_ID:
        raise ValueError(raw)
    return value


def _number(raw: str) -> Decimal:
    value = Decimal(raw.replace(",", ".").replace(" ", ""))
    if not value.is_finite() or abs(value) > 10**12:  # an exponent may ask for more digits than there is memory
        raise ValueError(raw)
    return round(value, 6)


def _day(raw: str) -> dt.date:
    value = dt.date.fromisoformat(raw)
    if not 1000 < value.year < 9000:  # the ends of the calendar have no time zones
        raise ValueError(raw)
    return value


def _one_form(field: Field, raw: str) -> str:
    """A number in the form in which it is kept; a mistyped one as it is, which finds nothing."""
    with suppress(ValueError):
        return field.check.read(raw) if field.check else raw
    return raw


def parse_value(field: Field, raw: str) -> Any:
    """The value that the text of an address stands for. :class:`BadQuery` when it stands for none."""
    parsers: Mapping[Kind, Callable[[str], Any]] = {
        Kind.TEXT: lambda text: _one_form(field, text),
        Kind.INTEGER: _integer,
        Kind.NUMBER: _number,
        Kind.DATE: _day,
        Kind.MOMENT: _day,
        Kind.BOOL: _TRUTH.__getitem__,
        Kind.CHOICE: lambda text: _choice(field, text),
        Kind.REFERENCE: record_number,
        Kind.REFERENCES: record_number,
    }
    if "\x00" in raw:
        raise BadQuery(f"{field.name}: a zero byte")
    try:
        return parsers[field.kind](raw)
    except (ValueError, KeyError, InvalidOperation):
        raise BadQuery(f"{field.name}: {raw!r}") from None


def parse_condition(schema: Schema, key: str, raws: Sequence[str]) -> Condition:
    name, _, op = key.partition(".")
    if name not in schema.admin.filters:
        raise BadQuery(key)
    field, op = schema.field(name), op or "eq"
    raws = [raw for raw in raws if raw != ""]
    if op == "empty" and field.nullable:
        if raws not in (["1"], ["0"]):
            raise BadQuery(key)
        return Condition(field, op, (raws == ["1"],), tuple(raws))
    if op not in OPERATORS[field.kind] or len(raws) > 50 or (len(raws) > 1 and op in ("from", "to")):
        raise BadQuery(key)
    return Condition(field, op, tuple(parse_value(field, raw) for raw in raws), tuple(raws))


def is_typed(schema: Schema, key: str) -> bool:
    """Whether this word of an address has a value that people type: it may be a name, and stays out of addresses."""
    name, _, op = key.partition(".")
    return key == "q" or (name in schema.admin.filters and schema.field(name).kind is Kind.TEXT and op != "empty")


def readable(schema: Schema, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of an entity's address may stand in another address: nothing that people type, nothing that is not known."""

    def is_kept(key: str) -> bool:
        name = key.partition(".")[0]
        known = name in schema.admin.filters or key in RESERVED
        return known and not is_typed(schema, key)

    return [pair for pair in pairs if is_kept(pair[0])]


@dataclass(frozen=True)
class ListQuery:
    """What a list's address asks for."""

    schema: Schema
    conditions: tuple[Condition, ...] = ()
    q: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    size: int = 25
    tab: str = ""
    ids: tuple[int, ...] = ()  # of all these only some, ticked by hand; empty: all

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The list as words of an address, whatever they were when it came; its page is left out."""
        admin = self.schema.admin
        pairs = [(condition.key, raw) for condition in self.conditions for raw in condition.raw]
        if self.q:
            pairs.append(("q", self.q))
        if admin.tabs and self.tab != admin.tabs[0].key:
            pairs.append(("tab", self.tab))
        if (self.sort, self.descending) != (admin.order[0], admin.order[1] == "desc"):
            pairs.append(("sort", f"-{self.sort}" if self.descending else self.sort))
        return pairs

    @classmethod
    def parse(cls, schema: Schema, args: Any, *, size: int = 25, max_size: int = 200) -> ListQuery:
        """Read an address strictly: what is not understood is refused, never dropped (a dropped filter shows all)."""
        admin = schema.admin
        values: dict[str, list[str]] = {key: list(args.getlist(key)) for key in args}
        single = {key: values.pop(key, [""]) for key in ("q", "sort", "page", "size", "tab")}
        if any(len(raws) != 1 for raws in single.values()):
            raise BadQuery("repeated")
        q, sort, page, size_, tab = (single[key][0] for key in ("q", "sort", "page", "size", "tab"))
        if (q and not admin.search) or len(q) > 200 or "\x00" in q:
            raise BadQuery("q")
        name = sort.removeprefix("-") or admin.order[0]
        if sort and (name not in schema.read_names or schema.field(name).kind not in SORTABLE):
            raise BadQuery("sort")
        descending = sort.startswith("-") if sort else admin.order[1] == "desc"
        tab = tab or (admin.tabs[0].key if admin.tabs else "")
        if tab and tab not in {tab.key for tab in admin.tabs}:
            raise BadQuery("tab")
        conditions = (parse_condition(schema, key, raws) for key, raws in values.items() if any(raws))
        return cls(
            schema,
            tuple(conditions),
            q.strip(),
            name,
            descending,
            _bounded(page, "page", 1, 10**6),
            _bounded(size_, "size", size, max_size),
            tab,
        )

    @property
    def tab_conditions(self) -> list[Condition]:
        return [
            parse_condition(self.schema, key, [raw])
            for tab in self.schema.admin.tabs
            if tab.key == self.tab
            for key, raw in tab.filters.items()
        ]


SORTABLE = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.MOMENT, Kind.BOOL, Kind.CHOICE, Kind.REFERENCE}
)


def _bounded(raw: str, name: str, default: int, most: int) -> int:
    if not raw:
        return default
    if not raw.isdecimal() or len(raw) > 9 or not int(raw) >= 1:
        raise BadQuery(name)
    return min(int(raw), most)


@dataclass(slots=True)
class Line:
    """A row as plain values by field name. References are :class:`Ref`; several of them a list."""

    id: int
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def _given_ids(column: Any) -> ColumnElement[bool]:
    return Among(column, bindparam("ids", type_=Numbers()))


_DEEPEST = 3  # a plan is found by its case's family's members
_aliases: dict[tuple[type[Row], str, str], Any] = {}


def _alias(schema: Schema, name: str, use: str) -> Any:
    """The table that a relation leads to, under a name of its own for each use: two may stand in one statement."""
    key = (schema.entity, name, use)
    if key not in _aliases:
        target = schema.field(name).target if name else schema.entity
        assert target is not None
        _aliases.setdefault(key, target.__table__.alias())
    return _aliases[key]


def _reference(at: int, parts: int) -> Callable[[Any], Ref | None]:
    return lambda row: None if row[at] is None else ref(row[at], *row[at + 1 : at + 1 + parts])


def _derived(rule: Callable[..., Any], needs: Sequence[int]) -> Callable[[Any], Any]:
    return lambda row: rule(*(row[at] for at in needs))


class Shape(NamedTuple):
    """A filter without its values: all filters of one shape are asked by one statement."""

    name: str
    op: str
    many: int | bool  # how many values it has; or whether it is to be empty

    @classmethod
    def of(cls, condition: Condition, compared: Sequence[Any]) -> Shape:
        op = condition.op
        return cls(condition.field.name, op, condition.values[0] if op == "empty" else len(compared))

    def values(self, n: int, kind: Any) -> Sequence[Any]:
        """What stands for the values of the ``n``-th filter, which are of this type."""
        if self.op == "empty":
            return (self.many,)
        return [bindparam(f"asked_{n}_{i}", type_=kind) for i in range(self.many)]


@dataclass(frozen=True)
class Asked:
    """What a list asks for, taken apart: the shape of its filters, and their values by name."""

    shape: tuple[Shape, ...]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, query: ListQuery, zone: ZoneInfo) -> Asked:
        conditions = (*query.tab_conditions, *query.conditions)
        compared = [one.compared(zone) for one in conditions]
        shape = tuple(map(Shape.of, conditions, compared))
        values = {f"asked_{n}_{i}": value for n, of_one in enumerate(compared) if shape[n].op != "empty"
                  for i, value in enumerate(of_one)}  # fmt: skip
        return cls(shape, values)


@dataclass(frozen=True)
class Reading:
    """How fields are read: a select, what a row of it says of each field, and for lists of others a select each."""

    statement: Select[Any]
    values: Mapping[str, Callable[[Any], Any]]
    links: Mapping[str, Select[Any]]

    def where(self, *criteria: ColumnElement[bool]) -> Reading:
        return replace(self, statement=self.statement.where(*criteria)) if criteria else self


_zone = lru_cache(maxsize=8)(ZoneInfo)


class Statements:
    """The selects of one entity within a viewer's reach. Nothing is read here."""

    def __init__(self, schema: Schema, viewer: Viewer, zone: str = "UTC") -> None:
        self.schema, self.viewer, self.zone = schema, viewer, _zone(zone)
        self.t = schema.table

    # -- which rows

    def where(self, query: ListQuery) -> list[ColumnElement[bool]]:
        filters = (
            self.criterion(one.field, one.op, one.compared(self.zone))
            for one in (*query.tab_conditions, *query.conditions)
        )
        return self.scoped([*filters, *self._sought(query)])

    def _sought(self, query: ListQuery) -> list[ColumnElement[bool]]:
        """What of a list's criteria is made anew each time: what is searched for, and the ticked records."""
        criteria: list[ColumnElement[bool]] = []
        if query.q:
            criteria.extend(self.search(self.schema, self.t.c, (word,)) for word in asked(query.q))
        if query.ids:
            criteria.append(self.t.c.id.in_(query.ids))
        return criteria

    def scoped(self, criteria: Iterable[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
        scope = visible(self.schema.entity, self.viewer)
        return [*criteria] if scope is None else [scope, *criteria]

    def search(
        self, schema: Schema, columns: Any, parts: Sequence[str], *, path: tuple[Schema, ...] = (), most: int = 0
    ) -> ColumnElement[bool]:
        """Rows whose folded text holds one of the parts, or whose declared relations do.

        With ``most``, only so many of each are looked for: enough to choose from, when nothing else is asked.
        """
        found: list[Select[Any]] = []
        path = (*path, schema)
        for name in schema.admin.search if len(path) <= _DEEPEST else ():
            field = schema.field(name)
            if field.target is None or (target := schema_of(field.target)) in path:
                continue
            other = _alias(schema, name, "search")
            criteria = [self.search(target, other.c, parts, path=path, most=most)]
            scope = visible(field.target, self.viewer, other.c)
            if scope is not None:
                criteria.append(scope)
            if field.kind is Kind.REFERENCE:
                mine = _alias(schema, "", name)
                leading = mine.c[field.key].in_(select(other.c.id).where(*criteria))
                found.append(select(mine.c.id).where(leading, *self._bounded(schema, mine.c, most)))
            elif field.kind is Kind.CHILDREN:
                found.append(select(other.c[target.field(schema.back_name(name)).key]).where(*criteria))
            elif field.relation is not None and field.relation.secondary is not None:
                here, there = self.link_columns(field)
                found.append(select(here).where(there.in_(select(other.c.id).where(*criteria))))
        if not found:
            return holds(schema, columns, parts)
        # A union and no alternative: PostgreSQL would read the whole table for «this or in that list».
        mine = _alias(schema, "", "search")
        found.append(select(mine.c.id).where(holds(schema, mine.c, parts), *self._bounded(schema, mine.c, most)))
        if most:
            found = [select(bounded.c[0]) for one in found if (bounded := one.limit(most).subquery()) is not None]
        return columns.id.in_(union_all(*found))  # type: ignore[no-any-return]

    def _bounded(self, schema: Schema, columns: Any, most: int) -> list[ColumnElement[bool]]:
        """The viewer's criterion, where only so many rows are taken: those out of reach must not take their places."""
        scope = visible(schema.entity, self.viewer, columns) if most else None
        return [] if scope is None else [scope]

    def link_columns(self, field: Field) -> tuple[Any, Any]:
        """Columns of a link table: the one that points to this entity and the one that points to the other."""
        assert field.relation is not None
        ((_, here),) = field.relation.synchronize_pairs
        ((_, there),) = field.relation.secondary_synchronize_pairs or ()
        return here, there

    def criterion(self, field: Field, op: str, values: Sequence[Any]) -> ColumnElement[bool]:
        """One filter. The values are those compared with, or the names under which they come (:class:`Shape`)."""
        if field.path:
            leading = self._leading(field, op, values, self.t.c, field.path)
            return or_(self.t.c[field.path[0].key].is_(None), ~leading) if op == "ne" else leading
        if field.kind is Kind.REFERENCES:
            here, there = self.link_columns(field)
            linked = exists().where(here == self.t.c.id)
            if op == "empty":
                return ~linked if values[0] else linked
            among = linked.where(there.in_(self._reached(field, values)))
            return ~among if op == "ne" else among
        column = self._value(field)
        if op == "empty":
            return column.is_(None) if values[0] else column.is_not(None)  # type: ignore[no-any-return]
        if op == "has":
            return or_(*(Folded(column).like(word, escape="\\") for word in values))
        if op == "from":
            return column >= values[0]  # type: ignore[no-any-return]
        if op == "to":
            return column < values[0] if field.kind is Kind.MOMENT else column <= values[0]  # type: ignore[no-any-return]
        if field.kind is Kind.MOMENT:
            spans = zip(values[::2], values[1::2], strict=True)
            return or_(*(and_(column >= start, column < end) for start, end in spans))
        if op == "ne":
            others = self._reached(field, values) if field.kind is Kind.REFERENCE else values
            return or_(column.is_(None), column.not_in(others)) if field.nullable else column.not_in(others)
        if field.kind is Kind.REFERENCE:
            return column.in_(self._reached(field, values))  # type: ignore[no-any-return]
        return column.in_(values) if len(values) > 1 else column == values[0]  # type: ignore[no-any-return]

    def _value(self, field: Field) -> Any:
        """What a field holds, as an expression over the table."""
        if isinstance(field.source, Computed):
            value = field.source.sql(self.t.c, self.viewer)
            # A value over rows of others says what they say: whoever may not list them does not see it, by any door.
            return value if self.viewer.blind.isdisjoint(field.reads) else cast(null(), value.type)
        return self.t.c[field.key]

    def _leading(
        self, field: Field, op: str, values: Sequence[Any], columns: Any, path: Sequence[Field]
    ) -> ColumnElement[bool]:
        """Rows from which a path leads to one of the records, or, for «is empty», to none."""
        step, column, empty = path[0], columns[path[0].key], op == "empty"
        if len(path) > 1:
            assert step.target is not None
            other = step.target.__table__.alias()
            found = column.in_(select(other.c.id).where(self._leading(field, op, values, other.c, path[1:])))
            nowhere = empty and values[0] and step.nullable
            return or_(column.is_(None), found) if nowhere else found
        if empty:
            return column.is_(None) if values[0] else column.is_not(None)  # type: ignore[no-any-return]
        return column.in_(self._reached(field, values))  # type: ignore[no-any-return]

    def _reached(self, field: Field, ids: Sequence[int]) -> Any:
        """Of these records, those within reach: a filter by another one finds nothing, as by one that is not there."""
        assert field.target is not None
        other = _alias(self.schema, field.name, "filter")
        scope = visible(field.target, self.viewer, other.c)
        return ids if scope is None else select(other.c.id).where(other.c.id.in_(ids), scope)

    def leads_to(self, schema: Schema, columns: Any, path: str, id_: int) -> ColumnElement[bool]:
        """Rows from which the path of references («plan.case») leads to that record."""
        name, _, rest = path.partition(".")
        field = schema.field(name)
        column = columns[field.key]
        if not rest:
            return column == id_  # type: ignore[no-any-return]
        assert field.target is not None
        target, other = schema_of(field.target), _alias(schema, name, "path")
        return column.in_(select(other.c.id).where(self.leads_to(target, other.c, rest, id_)))  # type: ignore[no-any-return]

    # -- which columns

    def filtered(self, shape: Sequence[Shape]) -> list[ColumnElement[bool]]:
        """What filters of this shape ask for, within reach; their values come when a statement is run."""
        return self.scoped(self._filter(n, one) for n, one in enumerate(shape))

    def _filter(self, n: int, shape: Shape) -> ColumnElement[bool]:
        field = self.schema.field(shape.name)
        kind = Integer() if field.target else Text() if shape.op == "has" else self._value(field).type
        return self.criterion(field, shape.op, shape.values(n, kind))

    def ids(self, shape: Sequence[Shape], sort: str, descending: bool) -> Select[Any]:
        """The numbers of ``size`` records of a list in order, behind the first ``skip``.

        With each comes the newest line of the history: it tells whether a known count still holds.
        """
        statement = select(self.t.c.id, *newest_line()).select_from(self.t).where(*self.filtered(shape))
        skip, size = bindparam("skip", type_=Integer), bindparam("size", type_=Integer)
        return self._ordered(statement, sort, descending).limit(size).offset(skip)

    def heading(self, shape: Sequence[Shape], sort: str, descending: bool, *names: str) -> Reading:
        """The first ``most`` lines of a list."""
        found = self.reading(names).where(*self.filtered(shape))
        statement = self._ordered(found.statement, sort, descending)
        return replace(found, statement=statement.limit(bindparam("most", type_=Integer)))

    def number(self, shape: Sequence[Shape], *sought: ColumnElement[bool]) -> Select[Any]:
        """How many records a list has, with the line of the history that the count holds for: both at once."""
        count = select(func.count()).select_from(self.t).where(*self.filtered(shape), *sought).scalar_subquery()
        return select(*newest_line(), count)

    def _ordered(self, statement: Select[Any], sort: str, descending: bool) -> Select[Any]:
        field = self.schema.field(sort) if sort != "id" else None
        if field is None:
            key: Any = self.t.c.id
        elif field.kind is Kind.REFERENCE and field.target is not None:
            alias = _alias(self.schema, field.name, "order")
            statement, reference = self._way(statement, field, "order", set())
            statement = statement.outerjoin(alias, self._join(field, reference, alias))
            key = alias.c[field.target.__admin__.name[0]]
        else:
            key = self._value(field)
        order = key.desc() if descending else key.asc()
        # No index keeps empty values last by itself: that is asked for only where there may be any.
        if field is not None and (field.nullable or field.kind is Kind.REFERENCE):
            order = order.nulls_last()
        return statement.order_by(order, self.t.c.id.desc() if descending else self.t.c.id)

    def _way(self, joins: Any, field: Field, use: str, joined: set[str]) -> tuple[Any, Any]:
        """A select or a join led along a field's path, and the reference at its end. ``joined``: ways taken before."""
        schema, columns, way = self.schema, self.t.c, ""
        for step in field.path[:-1]:
            way += f".{step.name}"
            other = _alias(schema, step.name, f"{use}{way}")
            if way not in joined:
                joined.add(way)
                joins = joins.outerjoin(other, columns[step.key] == other.c.id)
            assert step.target is not None
            schema, columns = schema_of(step.target), other.c
        return joins, columns[(field.path or (field,))[-1].key]

    def _join(self, field: Field, reference: Any, alias: Any) -> ColumnElement[bool]:
        assert field.target is not None
        on = reference == alias.c.id
        scope = visible(field.target, self.viewer, alias.c)
        return on if scope is None else and_(on, scope)

    def reading(self, names: Iterable[str]) -> Reading:
        """How these fields of any records are read."""
        selected: list[ColumnElement[Any]] = [self.t.c.id]
        joins: Any = self.t
        values: dict[str, Callable[[Any], Any]] = {}
        links: dict[str, Select[Any]] = {}
        ways: set[str] = set()

        def take(*columns: Any) -> int:
            selected.extend(columns)
            return len(selected) - len(columns)

        for one in self.schema.fields(names):
            if isinstance(one.source, Derived):
                needs = [take(self.t.c[self.schema.field(name).key]) for name in one.source.needs]
                values[one.name] = _derived(one.source.rule, needs)
            elif isinstance(one.source, Aggregate):
                values[one.name] = itemgetter(take(self._aggregate(one.source).label(one.name)))
            elif one.kind is Kind.REFERENCE and one.target is not None:
                alias = _alias(self.schema, one.name, "shown")
                joins, reference = self._way(joins, one, "shown", ways)
                joins = joins.outerjoin(alias, self._join(one, reference, alias))
                parts = schema_of(one.target).label_columns(alias.c)
                values[one.name] = _reference(take(alias.c.id, *parts), len(parts))
            elif one.kind is Kind.REFERENCES:
                links[one.name] = self._links(one)
            else:
                values[one.name] = itemgetter(take(self._value(one)))
        return Reading(select(*selected).select_from(joins), values, links)

    def those(self, *names: str) -> Reading:
        """Records ``ids``, which the caller has already found within reach. Order is the database's."""
        return self.reading(names).where(_given_ids(self.t.c.id))

    def this(self, *names: str) -> Reading:
        """The record ``id``."""
        return self.reading(names).where(*self.scoped([self.t.c.id == bindparam("id")]))

    def pointing(self, back: str, *names: str) -> Reading:
        """The first ``most`` of the records whose reference leads to one of ``ids``, in the order of their list."""
        sort, direction = self.schema.admin.order
        key = self.t.c[self.schema.field(back).key]
        found = self.reading(names).where(*self.scoped([_given_ids(key)]))
        statement = self._ordered(found.statement, sort, direction == "desc")
        return replace(found, statement=statement.limit(bindparam("most", type_=Integer)))

    def naming(self) -> Select[Any]:
        """What those of the records ``ids`` that are within reach are called."""
        criteria = self.scoped([_given_ids(self.t.c.id)])
        return select(self.t.c.id, *self.schema.label_columns(self.t.c)).where(*criteria)

    def _aggregate(self, source: Aggregate) -> Any:
        children = self.schema.field(source.relation)
        assert children.target is not None
        target, other = schema_of(children.target), _alias(self.schema, source.relation, "measure")
        if target.table.name in self.viewer.blind:
            return null()
        measure = func.coalesce(func.sum(other.c[source.column]), 0) if source.column else func.count()
        statement = select(measure).select_from(other)
        back = target.field(self.schema.back_name(source.relation)).key
        criteria = [other.c[back] == self.t.c.id]
        # Rows that come along with their parent are seen with it; a scope of their own is asked for all the same.
        scope = visible(children.target, self.viewer, other.c)
        if scope is not None:
            criteria.append(scope)
        return statement.where(*criteria).correlate(self.t).scalar_subquery()

    def _links(self, field: Field) -> Select[Any]:
        """The records linked to each of ``ids``: its number, theirs, and what they are called."""
        assert field.target is not None
        target = schema_of(field.target)
        here, there = self.link_columns(field)
        names = target.label_columns(target.table.c)
        statement = select(here, target.table.c.id, *names).join(target.table, there == target.table.c.id)
        scope = visible(field.target, self.viewer)
        if scope is not None:
            statement = statement.where(scope)
        order = target.table.c[target.admin.order[0]]
        return statement.where(_given_ids(here)).order_by(order, target.table.c.id)


@lru_cache(maxsize=256)
def _as_seen(viewer: Viewer) -> Viewer:
    """All who see everything see it by the same statements, where it is the same day."""
    return replace(SYSTEM, blind=viewer.blind, zone=viewer.zone) if viewer.sees_everything else viewer


def _quarter() -> int:
    return int(time()) // 900


@lru_cache(maxsize=256)
def _made(schema: Schema, viewer: Viewer, quarter: int, what: str, *args: Any) -> Any:
    """A statement of :class:`Statements`, made once and kept while it is among the last that were asked for.

    A scope depends on who is looking and may depend on what day it is. In any time zone a day begins with a quarter
    of an hour, so a statement is kept no longer than that.
    """
    return getattr(Statements(schema, viewer), what)(*args)


# Counts of lists, for each pool of connections: a pool leads to one database.
_totals: WeakKeyDictionary[Pool, dict[Any, tuple[Any, float, int]]] = WeakKeyDictionary()
_MOST_TOTALS = 2_000
_TRUSTED = 15.0  # seconds


class Reader(Statements):
    """Reads lines of one entity for one session's viewer."""

    def __init__(self, session: Session, schema: Schema, *, zone: str = "UTC") -> None:
        super().__init__(schema, viewer_of(session), zone)
        self.session = session

    def _made(self, what: str, *args: Any) -> Any:
        return _made(self.schema, _as_seen(self.viewer), _quarter(), what, *args)

    def _execute(self, statement: Select[Any], **values: Any) -> Result[*tuple[Any, ...]]:
        # Not by the session: it would look through the statement for entities to restrict, and here are none.
        return connection_of(self.session).execute(statement, values)

    def total(self, query: ListQuery, newest: Any = None) -> int:
        """How many records a list has.

        Every write leaves a line in the history, so what was counted holds while the newest line is the same. Not
        for long, though: of two writers at once, the one with the older number may be the later to commit.
        ``newest`` is that line, where it has been read already.
        """
        connection = connection_of(self.session)
        known = _totals.setdefault(connection.engine.pool, {})
        asked = Asked.of(query, self.zone)
        key = (query.schema, asked.shape, *asked.values.values(), query.q, self.viewer, _quarter())
        found, moment = known.get(key), monotonic()
        if found and moment - found[1] < _TRUSTED and found[0] == (newest or tuple(newest_change(connection))):
            return found[2]
        sought = self._sought(query)
        statement = self.number(asked.shape, *sought) if sought else self._made("number", asked.shape)
        row = self._execute(statement, **asked.values).one()
        newest, total = tuple(row[:-1]), int(row[-1])
        if len(known) >= _MOST_TOTALS:
            known.clear()
        known[key] = (newest, moment, total)
        return total

    def listed(self, query: ListQuery, names: Sequence[str]) -> tuple[list[Line], int]:
        """The lines of a page, and how many the list has in all. A first page that is not full is the whole list."""
        ids, newest = self._ids(query, (query.page - 1) * query.size, query.size)
        lines = self._in_order(ids, names)
        whole = query.page == 1 and len(lines) < query.size
        return lines, len(lines) if whole else self.total(query, newest)

    def page(self, query: ListQuery, names: Sequence[str], *, limit: int | None = None) -> list[Line]:
        """The lines of one page; ``limit`` overrides it for exports, which take all up to a bound."""
        skip, size = ((query.page - 1) * query.size, query.size) if limit is None else (0, limit)
        return self._in_order(self._ids(query, skip, size)[0], names)

    def _ids(self, query: ListQuery, skip: int, size: int) -> tuple[list[int], Any]:
        """The numbers of a page, and the newest line of the history, unless the page is empty."""
        asked, sought = Asked.of(query, self.zone), self._sought(query)
        statement = self._made("ids", asked.shape, query.sort, query.descending)
        if sought:
            statement = statement.where(*sought)
        rows = self._execute(statement, **asked.values, skip=skip, size=size).all()
        return [row[0] for row in rows], tuple(rows[0][1:]) if rows else None

    def _in_order(self, ids: Sequence[int], names: Sequence[str]) -> list[Line]:
        lines = {line.id: line for line in self.lines(ids, names)}
        return [lines[id_] for id_ in ids if id_ in lines]

    def one(self, id_: int, names: Sequence[str]) -> Line | None:
        """A line by its number, or None when there is none within reach."""
        lines = self._lines(self._made("this", *names), id=id_) if 0 < id_ <= _MAX_ID else []
        return lines[0] if lines else None

    def belonging(self, back: str, ids: Sequence[int], names: Sequence[str], most: int) -> list[Line]:
        """The first lines that point to one of these records by this reference, in the order of their list."""
        return self._lines(self._made("pointing", back, *names), ids=ids, most=most) if ids else []

    def first(self, query: ListQuery, names: Sequence[str], most: int, *criteria: ColumnElement[bool]) -> list[Line]:
        """The first few lines of a list in one statement, for where nobody turns its pages.

        ``criteria`` narrow it further, over the entity's table.
        """
        asked, more = Asked.of(query, self.zone), (*self._sought(query), *criteria)
        reading = self._made("heading", asked.shape, query.sort, query.descending, *names).where(*more)
        return self._lines(reading, **asked.values, most=most)

    def counted(self, query: ListQuery) -> ColumnElement[int]:
        """How many records the list has, as an expression: several may be asked for by one statement (`totals`)."""
        return select(func.count()).select_from(self.t).where(*self.where(query)).scalar_subquery()

    def grouped(self, query: ListQuery, by: str) -> dict[int | None, int]:
        """How many records of the list each record has that the reference ``by`` leads to."""
        field = self.schema.field(by)
        joins, key = self._way(self.t, field, "group", set())
        statement = select(key, func.count()).select_from(joins).where(*self.where(query)).group_by(key)
        return dict(self._execute(statement).all())

    def lines(self, ids: Sequence[int], names: Sequence[str]) -> list[Line]:
        """Lines of these records, which the caller has already found within reach. Order is the database's."""
        return self._lines(self._made("those", *names), ids=ids) if ids else []

    def _lines(self, reading: Reading, **values: Any) -> list[Line]:
        rows = self._execute(reading.statement, **values).all()
        ids = [row[0] for row in rows]
        linked = {name: self._linked(statement, ids) for name, statement in reading.links.items()} if ids else {}
        lines = []
        for row in rows:
            line = {name: value(row) for name, value in reading.values.items()}
            for name, others in linked.items():
                line[name] = others.get(row[0], [])
            lines.append(Line(row[0], line))
        return lines

    def _linked(self, statement: Select[Any], ids: Sequence[int]) -> dict[int, list[Ref]]:
        found: dict[int, list[Ref]] = {}
        for id_, other, *parts in self._execute(statement, ids=ids):
            found.setdefault(id_, []).append(ref(other, *parts))
        return found

    def options(self, q: str, *, narrow: tuple[str, int] | None = None, limit: int = 20) -> list[Ref]:
        """Records to choose from while typing; never a whole table."""
        if q and not self.schema.admin.search:
            raise BadQuery("q")
        criteria = [self.search(self.schema, self.t.c, (word,)) for word in asked(q)[:5]]
        if narrow is not None:
            criteria.append(self.leads_to(self.schema, self.t.c, *narrow))
        field, direction = self.schema.field(self.schema.admin.order[0]), self.schema.admin.order[1]
        key = self.t.c[field.key]
        statement = (
            select(self.t.c.id, *self.schema.label_columns(self.t.c))
            .where(*self.scoped(criteria))
            .order_by(key.desc() if direction == "desc" else key, self.t.c.id)
            .limit(limit)
        )
        return [ref(*row) for row in self._execute(statement)]

    def labels(self, ids: Sequence[int]) -> list[Ref]:
        """The same records by number, in the order asked for; those out of reach are left out."""
        found = {row[0]: ref(*row) for row in self._execute(self._made("naming"), ids=ids)}
        return [found[id_] for id_ in ids if id_ in found]


def totals(readers: Sequence[tuple[Reader, ListQuery]]) -> list[int]:
    """How many records each of these lists has, in one statement."""
    if not readers:
        return []
    numbers = select().add_columns(*(read.counted(query) for read, query in readers))
    return list(readers[0][0]._execute(numbers).one())


def reader(session: Session, entity: type[Row], *, zone: str = "UTC") -> Reader:
    return Reader(session, schema_of(entity), zone=zone)
