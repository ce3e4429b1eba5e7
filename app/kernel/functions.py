"""Functions that each of the two databases has in its own words."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ARRAY, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction


class Folded(GenericFunction[str]):
    """A text in the form in which it is searched, worked out by the database."""

    name = "fold"
    inherit_cache = True


@compiles(Folded, "postgresql")
def _folded(element: Any, compiler: Any, **options: Any) -> str:
    return f"translate(lower({compiler.process(element.clauses, **options)}), 'ё', 'е')"


class Among(GenericFunction[bool]):
    """Whether a number is one of many, however many: a statement of the same text each time."""

    name = "among"
    inherit_cache = True


@compiles(Among, "sqlite")
def _among(element: Any, compiler: Any, **options: Any) -> str:
    number, many = (compiler.process(one, **options) for one in element.clauses)
    return f"{number} IN (SELECT value FROM json_each({many}))"


@compiles(Among, "postgresql")
def _among_array(element: Any, compiler: Any, **options: Any) -> str:
    number, many = (compiler.process(one, **options) for one in element.clauses)
    return f"{number} = ANY({many})"


class Numbers(TypeDecorator[Any]):
    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Integer))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return json.dumps([*value]) if dialect.name == "sqlite" else [*value]


class Lines(GenericFunction[str]):
    """Texts as the lines of one. ``aggregate_strings`` puts its separator into the statement anew each time."""

    name = "lines"
    inherit_cache = True


@compiles(Lines, "sqlite")
def _lines_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, char(10))"


@compiles(Lines, "postgresql")
def _lines_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, chr(10))"


class days_between(FunctionElement[int]):
    """How many days the second date is after the first."""

    type = Integer()
    inherit_cache = True


@compiles(days_between)
def _subtracted(element: Any, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(one, **options) for one in element.clauses)
    return f"({second} - {first})"


@compiles(days_between, "sqlite")
def _by_julian_days(element: Any, compiler: Any, **options: Any) -> str:
    first, second = (compiler.process(one, **options) for one in element.clauses)
    return f"CAST(julianday({second}) - julianday({first}) AS INTEGER)"
