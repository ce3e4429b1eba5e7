"""The declarations as plain values: what is kept, where it is shown, and who may do what with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import current_app
from flask_babel import gettext
from sqlalchemy import inspect
from sqlalchemy.orm import MANYTOONE

from app.kernel.declare import May
from app.kernel.grants import applicable
from app.kernel.orm import Row
from app.kernel.schema import Field, Schema, schema_of

API = "/api/v1"


def describe(entities: Iterable[type[Row]]) -> list[dict[str, Any]]:
    """Every entity in words and values that JSON knows, in the language of the moment."""
    return [_entity(schema_of(entity)) for entity in entities]


def _entity(schema: Schema) -> dict[str, Any]:
    admin = schema.admin
    names = dict.fromkeys((*schema.form_names, *schema.read_names, *admin.inline))
    return {
        "entity": schema.resource,
        "title": gettext(admin.title),
        "one": gettext(admin.one),
        "help": gettext(admin.help) if admin.help else "",
        "table": schema.table.name,
        "columns": [_column(schema, column) for column in schema.table.columns],
        "fields": [_field(schema.field(name)) for name in names],
        "screens": _screens(schema),
        "api": _endpoints(schema),
        "prints": {key: gettext(paper.title) for key, paper in (*admin.prints.items(), *admin.lists.items())},
        "roles": {role: _flags(may & applicable(schema.entity)) for role, may in admin.may.items()},
    }


def _column(schema: Schema, column: Any) -> dict[str, Any]:
    """A column as the table has it; a foreign key is called like the reference that it is read by."""
    by_key = {field.key: field for field in map(schema.field, _stored(schema))}
    field = by_key.get(column.key)
    return {
        "name": column.key,
        "label": gettext(field.label) if field and field.label else "",
        "type": str(column.type),
        "required": not column.nullable,
        "points_to": next((key.column.table.name for key in column.foreign_keys), None),
    }


def _stored(schema: Schema) -> list[str]:
    """Attributes that stand for a column: values first, references over their foreign keys."""
    mapper = inspect(schema.entity)
    references = [relation.key for relation in mapper.relationships if relation.direction is MANYTOONE]
    return [*(attribute.key for attribute in mapper.column_attrs), *references]


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": gettext(field.label),
        "kind": field.kind.value,
        "type": str(field.column.type) if field.column is not None else None,
        "required": field.required,
        "help": gettext(field.help) if field.help else "",
        "choices": {one.name: gettext(one.value) for one in field.choices} if field.choices else None,
        "target": field.target.__name__ if field.target is not None else None,
    }


def _screens(schema: Schema) -> dict[str, str]:
    base = f"/{schema.slug}"
    screens = {"list": f"{base}/", "show": f"{base}/<id>"}
    if schema.admin.form:
        screens |= {"add": f"{base}/add", "edit": f"{base}/<id>/edit", "delete": f"{base}/<id>/delete"}
        screens["history"] = f"{base}/<id>/history"
    if schema.admin.merges:
        screens["merge"] = f"{base}/<id>/merge"
    screens |= {f"export {suffix}": f"{base}/export.{suffix}" for suffix in ("xlsx", "csv")}
    for suffix in ("pdf", "docx"):
        screens |= {f"print {key} {suffix}": f"{base}/<id>/print/{key}.{suffix}" for key in schema.admin.prints}
        screens |= {f"print {key} {suffix}": f"{base}/print/{key}.{suffix}" for key in schema.admin.lists}
    return screens | {gettext(screen.title): _path(screen.endpoint) for screen in schema.admin.screens}


def _path(endpoint: str) -> str:
    """The address of a hand-written screen of a record."""
    return re.sub(r"<[^>]*pk>", "<id>", next(current_app.url_map.iter_rules(endpoint)).rule)


def _endpoints(schema: Schema) -> list[str]:
    base = f"{API}/{schema.slug}/"
    endpoints = [f"GET {base}", f"GET {base}<id>"]
    if schema.admin.form:
        endpoints += [f"POST {base}", f"PUT {base}<id>", f"DELETE {base}<id>"]
    return endpoints


def _flags(may: May) -> list[str]:
    return [str(flag.name).lower() for flag in may]
