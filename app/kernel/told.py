"""A line of the history in words: what its record, its field and its values are called where they are typed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, String, TypeDecorator, type_coerce

from app.kernel.declare import N_, Choice, Reach, Viewer
from app.kernel.orm import Record
from app.kernel.schema import Field, Kind, schema_of

# What the history tells of and is no entity. Grants are told as they are named in the database.
ASIDE: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "account": (
        N_("Account"),
        {
            "login": N_("Login"),
            "name": N_("Name"),
            "password": N_("Password"),
            "active": N_("Active"),
            "roles": N_("Roles"),
        },
    ),
    "role": (N_("Role"), {"name": N_("Name"), "reach": N_("Reach"), "given": N_("Given"), "taken": N_("Taken away")}),
}
# How the history keeps what is no text.
_KEPT: Mapping[Kind, Callable[[str], Any]] = {
    Kind.DATE: dt.date.fromisoformat,
    Kind.MOMENT: dt.datetime.fromisoformat,
    Kind.INTEGER: int,
    Kind.NUMBER: Decimal,
    Kind.BOOL: "True".__eq__,
}


def choices(name: str, labels: Mapping[str, str]) -> type[Choice]:
    """A closed list that follows from declarations: every screen says it in the reader's language."""
    make: Any = Choice
    return make(name, labels)  # type: ignore[no-any-return]


@cache
def _entities() -> dict[str, type[Record]]:
    """Entities by the names of their tables, in the order in which a case lives."""
    found = {mapper.class_.__tablename__: mapper.class_ for mapper in Record.registry.mappers
             if issubclass(mapper.class_, Record) and hasattr(mapper.class_, "__admin__")}  # fmt: skip
    return {name: found[name] for name in Record.metadata.tables if name in found}


class _Entity(TypeDecorator[Any]):
    """The name of a table, read as what its records are called; a name that nothing has any more stays as it is."""

    impl = String
    cache_ok = True

    @property
    def enum_class(self) -> type[Choice]:
        return _kinds()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value.name if isinstance(value, Choice) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return self.enum_class.__members__.get(value, value)


def entity_told(c: Any, viewer: Viewer) -> ColumnElement[Any]:
    """What the records of the column ``entity`` are called: a choice among all there are."""
    return type_coerce(c.entity, _Entity())


@cache
def _kinds() -> type[Choice]:
    names = {name: entity.__admin__.one for name, entity in _entities().items()}
    return choices("Entity", names | {name: title for name, (title, _) in ASIDE.items()})


@cache
def _fields(entity: str) -> dict[str, Field]:
    """The fields of an entity by the names under which the history keeps them."""
    if entity not in _entities():
        return {}
    schema, mapper = schema_of(_entities()[entity]), _entities()[entity].__mapper__
    fields = [schema.field(name) for name in (*mapper.columns.keys(), *mapper.relationships.keys())]
    return {field.key: field for field in fields if field.kind is not Kind.CHILDREN}


@cache
def _labels(entity: str) -> type[Choice]:
    labels = {key: field.label for key, field in _fields(entity).items() if field.label}
    return choices("Field", labels or ASIDE.get(entity, ("", {}))[1])


def field_told(entity: str, name: str | None) -> Choice | str | None:
    """The field's label; the name itself where there is no such field any more."""
    return _labels(entity).__members__.get(name, name) if name else None


def value_told(entity: str, name: str | None, kept: str | None) -> Any:
    """A value as it was before it was kept; references by number, for who reads them may not be allowed the names."""
    if name is None or kept is None:
        return kept
    if (entity, name) == ("account", "active"):
        return kept == "True"
    if (entity, name) == ("role", "reach"):
        return [Reach.__members__.get(part, part) for part in kept.split("; ")]
    field = _fields(entity).get(name)
    return kept if field is None else read_back(field, kept)


def read_back(field: Field, kept: str) -> Any:
    """The value of a field from what the history keeps of it."""
    if field.choices is not None:
        return field.choices.__members__.get(kept, kept)
    if field.target is not None:
        return [f"№ {part}" for part in kept.split("; ") if part]
    read = _KEPT.get(field.kind)
    return read(kept) if read else kept
