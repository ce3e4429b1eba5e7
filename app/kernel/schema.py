"""A declaration resolved: every name it mentions becomes a field with a kind, and a wrong name an error at start-up."""

from __future__ import annotations

import enum
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    inspect,
)
from sqlalchemy.orm import MANYTOONE, RelationshipProperty
from sqlalchemy.sql import visitors

from app.kernel.declare import (
    NOBODY,
    SYSTEM,
    Admin,
    Aggregate,
    Alike,
    Check,
    Choice,
    Computed,
    Derived,
    Page,
    Print,
    Reached,
)
from app.kernel.orm import Moment, Row

APP = Path(__file__).parents[1]
# Words of a list's address that can be no field's name.
RESERVED = frozenset({"q", "sort", "page", "size", "tab", "find"})


class Kind(enum.Enum):
    """What a field holds; from it follow its input, its filter, its cell and its place in the API."""

    TEXT = "text"
    LONG = "long text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    BOOL = "yes or no"
    CHOICE = "choice"
    REFERENCE = "reference"
    REFERENCES = "references"
    CHILDREN = "children"
    DERIVED = "derived"
    AGGREGATE = "aggregate"


FOLDED = frozenset({Kind.TEXT, Kind.LONG, Kind.DATE})  # what of a row itself its searched text is made of
SEARCHABLE = FOLDED | {Kind.REFERENCE, Kind.REFERENCES, Kind.CHILDREN}
FILTERABLE = frozenset(Kind) - {Kind.LONG, Kind.CHILDREN, Kind.DERIVED, Kind.AGGREGATE}
STORED = frozenset(Kind) - {Kind.REFERENCES, Kind.CHILDREN, Kind.DERIVED, Kind.AGGREGATE}
EDITABLE = STORED | {Kind.REFERENCES}


@dataclass(frozen=True)
class Field:
    """One named value of an entity."""

    name: str
    kind: Kind
    label: str
    help: str = ""
    required: bool = False
    nullable: bool = True
    auto: bool = False
    secret: bool = False
    column: Column[Any] | None = None  # stored value; for a reference its foreign key
    target: type[Row] | None = None  # the entity that a reference or children are of
    relation: RelationshipProperty[Any] | None = None
    choices: type[Choice] | None = None
    narrow: tuple[str, str] | None = None
    among: str = ""
    checks: bool = False
    mine: str = ""
    panel: bool = False
    suggest: str = ""
    alone: bool = False
    check: Check | None = None
    source: Derived | Aggregate | Computed | Reached | None = None
    reads: frozenset[str] = frozenset()  # tables of other entities that a computed value is made of
    path: tuple[Field, ...] = ()  # the references that lead to what is reached, the last one to the record itself

    @property
    def stored(self) -> bool:
        """Whether the record itself holds the value, in a column, a link or a child row."""
        return self.source is None

    @property
    def key(self) -> str:
        """The attribute that is read and written: the foreign key of a reference, else the name itself."""
        return str(self.column.key) if self.kind is Kind.REFERENCE and self.column is not None else self.name


def _column_kind(column: ColumnElement[Any]) -> Kind:
    if _choices(column) is not None:
        return Kind.CHOICE
    kinds: tuple[tuple[type, Kind], ...] = (
        (Text, Kind.LONG),
        (String, Kind.TEXT),
        (Boolean, Kind.BOOL),
        (Moment, Kind.MOMENT),
        (Date, Kind.DATE),
        (Integer, Kind.INTEGER),
        (Numeric, Kind.NUMBER),
    )
    for type_, kind in kinds:
        if isinstance(column.type, type_):
            return kind
    raise TypeError(f"{column}: no kind for {column.type!r}")


def _choices(column: ColumnElement[Any]) -> type[Choice] | None:
    return getattr(column.type, "enum_class", None)


class Schema:
    """What the kernel reads of an entity: its declaration with the names resolved. One for an entity, made once."""

    def __init__(self, entity: type[Row]) -> None:
        self.entity = entity
        self.admin: Admin = entity.__admin__
        self.table = entity.__table__
        self.resource = entity.__name__
        self.slug = str(entity.__tablename__).replace("_", "-")
        self._fields: dict[str, Field] = {}

    def __repr__(self) -> str:
        return f"Schema({self.resource})"

    def field(self, name: str) -> Field:
        """The field of that name. ``KeyError`` when the entity has none."""
        if name not in self._fields:
            self._fields[name] = self._resolve(name)
        return self._fields[name]

    def fields(self, names: Iterable[str]) -> list[Field]:
        return [self.field(name) for name in names]

    def _resolve(self, name: str) -> Field:
        mapper = inspect(self.entity)
        source = self.entity.__dict__.get(name)
        if isinstance(source, Derived):
            return Field(name, Kind.DERIVED, source.label, source.help, source=source)
        if isinstance(source, Aggregate):
            return Field(name, Kind.AGGREGATE, source.label, source.help, source=source)
        if isinstance(source, Computed):
            try:
                value = source.sql(self.table.c, NOBODY)
            except (AttributeError, KeyError) as error:
                raise TypeError(f"the table has no {error}") from None
            kind = _column_kind(value)
            return Field(
                name, kind, source.label, source.help, nullable=kind is not Kind.BOOL,
                choices=_choices(value), source=source, reads=self._reads(source),
            )  # fmt: skip
        if isinstance(source, Reached):
            path = self._path(source.path)
            return Field(
                name, Kind.REFERENCE, source.label, source.help, target=path[-1].target, source=source, path=path
            )
        if name in mapper.relationships:
            relation = mapper.relationships[name]
            info, target = relation.info, relation.mapper.class_
            label, help_ = info.get("label", ""), info.get("help", "")
            if relation.direction is MANYTOONE:
                (column,) = relation.local_columns
                required = not column.nullable
                return Field(
                    name, Kind.REFERENCE, label, help_, required, bool(column.nullable),
                    column=column, target=target, relation=relation, narrow=info.get("narrow"),
                    among=info.get("among", ""),
                    mine=info.get("mine", ""),
                    panel=bool(info.get("panel")),
                    suggest=info.get("suggest", ""),
                )  # fmt: skip
            kind = Kind.CHILDREN if relation.secondary is None else Kind.REFERENCES
            return Field(
                name, kind, label, help_,
                target=target, relation=relation, narrow=info.get("narrow"), checks=bool(info.get("checks")),
            )  # fmt: skip
        if name in mapper.columns:
            column, info = mapper.columns[name], mapper.columns[name].info
            kind = _column_kind(column)
            auto = bool(info.get("auto"))
            required = not (column.nullable or auto or kind is Kind.BOOL)
            return Field(
                name, kind, info.get("label", ""), info.get("help", ""), required, bool(column.nullable),
                auto=auto, secret=bool(info.get("secret")), alone=bool(info.get("alone")),
                column=column, choices=_choices(column), check=info.get("check"),
                among=info.get("among", ""), suggest=info.get("suggest", ""),
            )  # fmt: skip
        raise KeyError(name)

    def _reads(self, source: Computed) -> frozenset[str]:
        """The tables of other entities whose rows a computed value is made of."""
        # As the system reads it, without anybody's scope: that asks other tables too, and tells nothing of them.
        elements = visitors.iterate(source.sql(self.table.c, SYSTEM))
        tables = {getattr(one, "element", one) for one in elements if isinstance(one, FromClause)}
        return frozenset(one.name for one in tables if isinstance(one, Table) and one is not self.table)

    def _path(self, names: str) -> tuple[Field, ...]:
        """The references of a path, each of the entity that the one before it leads to."""
        schema, found = self, []
        for name in names.split("."):
            field = schema.field(name)
            if field.kind is not Kind.REFERENCE or field.target is None or not field.stored:
                raise TypeError(f"“{names}” is no path of references: “{name}” is none")
            found.append(field)
            schema = schema_of(field.target)
        return tuple(found)

    def label_columns(self, columns: Any) -> list[Any]:
        """The naming columns, of the table or an alias of it."""
        return [columns[name] for name in self.admin.name]

    @cached_property
    def form_names(self) -> tuple[str, ...]:
        return tuple(name for names in self.admin.form.values() for name in names)

    def row_names(self, back: str) -> list[str]:
        """The fields of a row in the form of the record that ``back`` leads to."""
        return [name for name in self.form_names if name != back and not self.field(name).alone]

    @cached_property
    def checked(self) -> tuple[Field, ...]:
        """Columns whose numbers are read by a rule and kept in one form."""
        columns = inspect(self.entity).columns
        return tuple(self.field(name) for name, column in columns.items() if column.info.get("check"))

    @cached_property
    def happened(self) -> tuple[Field, ...]:
        """Days of what has been done, which do not lie in the future."""
        columns = inspect(self.entity).columns
        return tuple(self.field(name) for name, column in columns.items() if column.info.get("happened"))

    @cached_property
    def advised(self) -> tuple[Field, ...]:
        """Fields of the form of which something is suggested, or only a part is offered."""
        return tuple(field for field in self.fields(self.form_names) if field.among or field.suggest)

    @cached_property
    def naming(self) -> str:
        """The text that whoever adds a record names it by; empty when records are named otherwise, as by a number."""
        first = self.field(self.admin.name[0])
        asked = first.name in self.form_names and first.required and first.kind in (Kind.TEXT, Kind.LONG)
        return first.name if asked else ""

    @cached_property
    def shown_names(self) -> tuple[str, ...]:
        """Everything on the record's page, in order and once."""
        return tuple(dict.fromkeys((*self.form_names, *self.admin.show)))

    @cached_property
    def read_names(self) -> tuple[str, ...]:
        """Everything that a reader of the entity may get: on the page, in the list, by the API."""
        return tuple(dict.fromkeys((*self.admin.list, *self.shown_names)))

    @property
    def keeps_scans(self) -> bool:
        """Whether signed papers are attached to its records: those with prints of their own take them anyway."""
        return self.admin.scans or bool(self.admin.prints)

    def back_name(self, relation: str) -> str:
        """The attribute of a child that points back here."""
        back = self.field(relation).relation
        assert back is not None
        if back.back_populates is None:
            raise KeyError(f"{self.resource}.{relation} has no way back")
        return back.back_populates

    @cached_property
    def pointing_here(self) -> tuple[tuple[Schema, str], ...]:
        """Entities with a reference to this one: (schema, name of its reference)."""
        found = []
        for mapper in inspect(self.entity).registry.mappers:
            if not hasattr(mapper.class_, "__admin__"):
                continue
            for relation in mapper.relationships:
                if relation.mapper.class_ is self.entity and relation.direction is MANYTOONE:
                    found.append((schema_of(mapper.class_), relation.key))
        # Tables come into the metadata in the order a case lives: the panels of a page follow it.
        tables = list(self.table.metadata.tables)
        return tuple(sorted(found, key=lambda pair: (tables.index(pair[0].table.name), pair[1])))

    @cached_property
    def owned(self) -> tuple[tuple[Schema, str], ...]:
        """Entities whose rows go when the record they belong to goes."""
        return tuple(
            (schema, name)
            for schema, name in self.pointing_here
            if any(key.ondelete == "CASCADE" for key in schema.table.c[schema.field(name).key].foreign_keys)
        )

    @cached_property
    def panels(self) -> tuple[tuple[Schema, str], ...]:
        """Child lists on the record's page: rows edited in its form first, then those that ask to be listed."""
        inline = [(schema_of(target), self.back_name(name)) for name in self.admin.inline
                  if (target := self.field(name).target)]  # fmt: skip
        asked = [(schema, name) for schema, name in self.pointing_here if schema.field(name).panel]
        return tuple(dict.fromkeys((*inline, *asked)))


_schemas: dict[type[Row], Schema] = {}


def schema_of(entity: type[Row]) -> Schema:
    """The schema of an entity, made once."""
    if entity not in _schemas:
        _schemas[entity] = Schema(entity)
    return _schemas[entity]


@dataclass(frozen=True)
class Fault:
    """A wrong declaration: its number (docs/architecture.md lists them), the entity, the attribute, what is wrong."""

    code: str
    entity: str
    attribute: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} {self.entity}.{self.attribute}: {self.message}"


def check(entities: Iterable[type[Row]], roles: Iterable[str]) -> list[Fault]:
    """Everything that is wrong with the declarations; the product does not start while there is anything."""
    known, faults = frozenset(roles), []
    tables: dict[str, str] = {}
    for entity in entities:
        if not hasattr(entity, "__admin__"):
            faults.append(Fault("D01", entity.__name__, "__admin__", "the entity has no declaration"))
            continue
        faults.extend(_check_entity(entity, known))
        other = tables.setdefault(entity.__tablename__, entity.__name__)
        if other != entity.__name__:
            faults.append(Fault("D02", entity.__name__, "__tablename__", f"the table belongs to {other} already"))
    return faults


def _check_entity(entity: type[Row], roles: frozenset[str]) -> Iterator[Fault]:
    schema, admin = schema_of(entity), entity.__admin__
    resource = schema.resource

    def named(
        code: str, attribute: str, names: Iterable[str], kinds: frozenset[Kind], *, kept: bool = True
    ) -> Iterator[Fault]:
        """``kept``: only what the record itself holds can stand there."""
        for name in names:
            try:
                field = schema.field(name)
            except KeyError:
                yield Fault(code, resource, attribute, f"there is no attribute “{name}”")
                continue
            except TypeError as error:
                yield Fault(code, resource, attribute, str(error))
                continue
            if field.kind not in kinds or (kept and not field.stored):
                yield Fault(code, resource, attribute, f"“{name}” is {field.kind.value} and cannot stand here")
            if not field.label:
                yield Fault("D03", resource, name, "it is shown and has no label")
            if field.secret:
                yield Fault("D04", resource, attribute, f"“{name}” is secret")

    every = frozenset(Kind)
    yield from named("D10", "list", admin.list, every - {Kind.CHILDREN}, kept=False)
    yield from named("D11", "form", schema.form_names, EDITABLE)
    yield from named("D12", "show", admin.show, every - {Kind.CHILDREN}, kept=False)
    yield from named("D13", "search", admin.search, SEARCHABLE)
    yield from named("D14", "filters", admin.filters, FILTERABLE, kept=False)
    yield from named("D15", "order", admin.order[:1], STORED)
    yield from named("D16", "inline", admin.inline, frozenset({Kind.CHILDREN}))
    yield from named("D18", "name", admin.name, STORED - {Kind.REFERENCE})
    yield from named("D26", "bulk", admin.bulk, EDITABLE)
    for name in set(admin.bulk).difference(schema.form_names):
        yield Fault("D26", resource, "bulk", f"“{name}” stands in no form")
    for field in filter(None, (_field(schema, name) for name in schema.form_names)):
        if field.among and not _ends_in(schema, field):
            yield Fault("D34", resource, field.name, f"“{field.among}” does not end in what is chosen here")
        if field.suggest and not _is_function(field.suggest):
            yield Fault("D33", resource, field.name, f"“{field.suggest}” is not a module and a function")
    for field in schema.checked:
        if not isinstance(field.check, Check):
            yield Fault("D27", resource, field.name, f"its check {field.check!r} is not one of app/kernel/numbers.py")
        elif field.kind is not Kind.TEXT:
            yield Fault("D27", resource, field.name, "only a short text can be checked as a number")
    for name in RESERVED.intersection(inspect(entity).attrs.keys()):
        yield Fault("D19", resource, name, "the name is a word of every list's address")
    yield from named("D30", "found", admin.found or (), every - {Kind.CHILDREN})
    if admin.found is not None and not any(_is_text(schema, name) for name in admin.search):
        yield Fault("D30", resource, "found", "it is searched by no text of its own")
    if admin.alike is not None:
        yield from named("D31", "alike", admin.alike.fields.values(), frozenset({Kind.TEXT, Kind.LONG, Kind.DATE}))
        if not _leads_somewhere(schema, admin.alike):
            yield Fault("D31", resource, "alike", f"“{admin.alike.place}” leads nowhere")
    if len(set(schema.form_names)) != len(schema.form_names):
        yield Fault("D11", resource, "form", "a field stands in two sections")
    for role in admin.may:
        if role not in roles:
            yield Fault("D20", resource, "may", f"there is no role “{role}”")
    for source in (value for value in vars(entity).values() if isinstance(value, Derived)):
        yield from named("D21", "derived", source.needs, STORED)
    for name, value in vars(entity).items():
        if isinstance(value, Aggregate):
            yield from _check_aggregate(schema, name, value)
        if isinstance(value, (Computed, Reached)):
            yield from named("D28", name, (name,), every, kept=False)
    yield from _check_tabs(schema)
    if admin.page is not None:
        yield from _check_page(schema, admin.page)
    for key, paper in (*admin.prints.items(), *admin.lists.items()):
        yield from _check_print(resource, key, paper)
    yield from _check_required(schema)
    if admin.merges and not admin.form:
        yield Fault("D32", resource, "merges", "what is only read cannot be merged")
    for relation in inspect(entity).relationships:
        if relation.lazy == "joined":
            yield Fault("D25", resource, relation.key, "a joined load would pass by the row scope")


def _is_text(schema: Schema, name: str) -> bool:
    field = _field(schema, name)
    return field is not None and field.kind in (Kind.TEXT, Kind.LONG)


def _leads_somewhere(schema: Schema, alike: Alike) -> bool:
    """Whether the path leads by references to a record, and that one has the contact."""
    for name in filter(None, alike.place.split(".")):
        field = _field(schema, name)
        if field is None or field.kind is not Kind.REFERENCE or field.target is None:
            return False
        schema = schema_of(field.target)
    told = _field(schema, alike.told) if alike.told else None
    return (not alike.contact or _is_text(schema, alike.contact)) and (not alike.told or told is not None)


def _ends_in(schema: Schema, field: Field) -> bool:
    """Whether the path of what is offered ends in values of this field."""
    *way, last = field.among.split(".")
    for name in way:
        step = _field(schema, name)
        if step is None or step.target is None or not step.stored:
            return False
        schema = schema_of(step.target)
    end = _field(schema, last)
    return end is not None and bool(way) and (end.target, end.choices) == (field.target, field.choices)


def _check_aggregate(schema: Schema, name: str, value: Aggregate) -> Iterator[Fault]:
    rows = _field(schema, value.relation)
    if rows is None or rows.kind is not Kind.CHILDREN or rows.target is None:
        yield Fault("D22", schema.resource, name, f"“{value.relation}” is not its child rows")
        return
    measure = _field(schema_of(rows.target), value.column) if value.column else None
    if value.column and (measure is None or measure.kind not in (Kind.INTEGER, Kind.NUMBER)):
        yield Fault("D22", schema.resource, name, f"“{value.column}” of its child rows is not a number")


def _field(schema: Schema, name: str) -> Field | None:
    try:
        return schema.field(name)
    except (KeyError, TypeError):
        return None


def _check_tabs(schema: Schema) -> Iterator[Fault]:
    from app.kernel.query import BadQuery, parse_condition

    for tab in schema.admin.tabs:
        for key, raw in tab.filters.items():
            try:
                parse_condition(schema, key, [raw])
            except (BadQuery, KeyError):
                yield Fault("D17", schema.resource, f"tabs.{tab.key}", f"the list takes no filter {key}={raw}")


def _is_function(name: str) -> bool:
    """Whether ``module:function`` can be called. The module's text is looked at: it is imported at its first use."""
    module, _, function = name.partition(":")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    source = Path(spec.origin).read_text("utf-8") if spec is not None and spec.origin else ""
    return bool(function) and f"\ndef {function}(" in source


def _check_page(schema: Schema, page: Page) -> Iterator[Fault]:
    if not _is_function(page.build):
        yield Fault("D29", schema.resource, "page", f"“{page.build}” is not a module and a function")
    if not any(APP.glob(f"*/templates/{page.template}")):
        yield Fault("D29", schema.resource, "page", f"there is no template {page.template}")
    listed = {child.resource for child, _back in schema.panels}
    listed.update(entity.__name__ for _name, entity in schema.admin.beside)
    for name in page.tells:
        if name not in listed:
            yield Fault("D29", schema.resource, "page", f"no rows of “{name}” would be listed on the page")


def _check_print(resource: str, key: str, paper: Print) -> Iterator[Fault]:
    if not _is_function(paper.build):
        yield Fault("D23", resource, key, f"“{paper.build}” is not a module and a function")
    for suffix in (".html", ".docx"):
        if not any(APP.glob(f"*/templates/{paper.template}{suffix}")):
            yield Fault("D23", resource, key, f"there is no template {paper.template}{suffix}")


def _check_required(schema: Schema) -> Iterator[Fault]:
    """A value that the table demands and no form asks for would make every addition fail."""
    if not schema.admin.form:
        return
    asked = {schema.field(name).key for name in schema.form_names if name in _names(schema)}
    for column in schema.table.columns:
        if column.nullable or column.primary_key or column.default is not None or column.info.get("auto"):
            continue
        if column.key not in asked:
            yield Fault("D24", schema.resource, str(column.key), "it is required and stands in no form")
        elif column.info.get("alone"):
            yield Fault("D24", schema.resource, str(column.key), "it is required and stands in no row of a form")


def _names(schema: Schema) -> set[str]:
    return set(inspect(schema.entity).attrs.keys()) | set(vars(schema.entity))
