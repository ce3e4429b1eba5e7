"""REST endpoints of every entity and their OpenAPI description, from the same declarations as the screens.

The same reader and the same forms stand behind both, so scope, filters, checks and messages cannot differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, Flask, abort, current_app, jsonify, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.datastructures import MultiDict

from app.kernel import clock, forms
from app.kernel.access import allowed, identity, require
from app.kernel.declare import Aggregate, Choice, May
from app.kernel.i18n import gettext
from app.kernel.orm import Record, Row
from app.kernel.query import OPERATORS, ListQuery, Reader, Ref
from app.kernel.schema import Field, Kind, Schema, schema_of
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, remove, save

PREFIX = "/api/v1"


def plain(value: Any) -> Any:
    """A value as JSON has it: ISO dates, names of choices, decimals as text, references as number and label."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, Choice):
        return value.name
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Ref):
        return {"id": value.id, "label": value.label}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def _posted(schema: Schema, body: Mapping[str, Any], record: Record | None) -> MultiDict[str, str]:
    """A JSON body as the form would have posted it; what is not named keeps its value, or takes its default.

    Child rows are records of their own here: each entity has its own address.
    """
    unknown = set(body) - set(schema.form_names) - {"version"}
    if unknown:
        abort(_wrong({name: [gettext("There is no such field.")] for name in sorted(unknown)}))
    kept = forms.open_draft(session(), schema, record).form
    form: MultiDict[str, str] = MultiDict({"version": str(getattr(record, "version", ""))})
    for name in schema.form_names:
        _put(form, name, body[name] if name in body else kept[name].data)
    return form


def _put(form: MultiDict[str, str], name: str, value: Any) -> None:
    for one in value if isinstance(value, (list, tuple)) else [value]:
        if isinstance(one, bool):
            one = "1" if one else None
        elif isinstance(one, Choice):
            one = one.name
        elif isinstance(one, dt.datetime):
            one = one.isoformat()
        elif isinstance(one, dict):
            one = one.get("id")
        if one is not None:
            form.add(name, str(one))


def _wrong(fields: Mapping[str, Any], status: int = 422) -> Any:
    response = jsonify(error=gettext("Not saved."), fields=fields)
    response.status_code = status
    return response


def _body() -> Mapping[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400)
    return body


class Endpoint:
    """The REST methods of one entity."""

    def __init__(self, entity: type[Row]) -> None:
        self.schema = schema_of(entity)

    def _demand(self, flag: May) -> None:
        require(May.API.permission, self.schema.resource)
        require(flag.permission, self.schema.resource)

    def _reader(self) -> Reader:
        return Reader(session(), self.schema, zone=clock.here().key)

    def _item(self, id_: int) -> dict[str, Any] | None:
        names = self.schema.read_names
        line = self._reader().one(id_, names)
        if line is None:
            return None
        record_version = session().execute(_version(self.schema, id_)).scalar() if _versioned(self.schema) else None
        item = {"id": line.id, **{name: plain(line[name]) for name in names}}
        return item | ({"version": record_version} if record_version is not None else {})

    def index(self) -> Any:
        self._demand(May.LIST)
        config, read = current_app.config, self._reader()
        query = ListQuery.parse(self.schema, request.args, size=config["PAGE_SIZE"], max_size=config["MAX_PAGE_SIZE"])
        names = self.schema.admin.list
        lines, total = read.listed(query, names)
        items = [{"id": line.id, **{name: plain(line[name]) for name in names}} for line in lines]
        return jsonify(count=total, page=query.page, size=query.size, items=items)

    def show(self, id: int) -> Any:
        self._demand(May.SHOW)
        return jsonify(self._item(id) or abort(404))

    def create(self) -> Any:
        self._demand(May.ADD)
        return self._save(self.schema.entity(), _posted(self.schema, _body(), None), 201)

    def update(self, id: int) -> Any:
        self._demand(May.EDIT)
        record, body = self._record(id), _body()
        if "version" not in body:
            return jsonify(error=gettext("Send the version of the record that you have read.")), 428
        if body["version"] != record.version:
            return self._conflict(id)
        return self._save(record, _posted(self.schema, body, record), 200)

    def _conflict(self, id_: int) -> Any:
        """Somebody has saved the record meanwhile: his text goes with the answer, the sender has his own."""
        current = self._item(id_) if allowed(May.SHOW.permission, self.schema.resource) else None
        return jsonify(error=gettext("Someone else has changed this record."), current=current), 409

    def delete(self, id: int) -> Any:
        self._demand(May.DELETE)
        try:
            remove(session(), self._record(id))
            session().commit()
        except Refused as refused:
            session().rollback()
            return jsonify(error=gettext(refused.wrong[0].message)), 409
        except Conflict:
            session().rollback()
            return self._conflict(id)
        return "", 204

    def _record(self, id_: int) -> Any:
        found = session().get(self.schema.entity, id_)
        return found or abort(404)

    def _save(self, record: Any, posted: MultiDict[str, str], status: int) -> Any:
        id_ = record.id
        draft = forms.posted_draft(session(), self.schema, posted, None if id_ is None else record)
        try:
            if not forms.validated(draft):
                return _wrong(_errors(draft))
            save(session(), *forms.apply(draft, record))
            session().commit()
            id_ = record.id
        except Refused as refused:
            session().rollback()
            draft.note(refused)
            return _wrong(_errors(draft))
        except Conflict:
            session().rollback()
            return self._conflict(id_)
        finally:
            session().rollback()
        seen = self._item(id_) if allowed(May.SHOW.permission, self.schema.resource) else None
        return jsonify(seen or {"id": id_}), status


def _versioned(schema: Schema) -> bool:
    return "version" in schema.table.c


def _version(schema: Schema, id_: int) -> Any:
    from sqlalchemy import select

    return select(schema.table.c.version).where(schema.table.c.id == id_)


def _errors(draft: forms.Draft) -> dict[str, Any]:
    errors: dict[str, Any] = {name: [gettext(str(text)) for text in texts] for name, texts in draft.form.errors.items()}
    if draft.wrong:
        errors[""] = [item.message for item in draft.wrong]
    return errors


# -- OpenAPI

_TYPES: Mapping[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.LONG: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "string", "format": "decimal"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.BOOL: {"type": "boolean"},
    Kind.DERIVED: {},
}
_REF = {"type": "object", "properties": {"id": {"type": "integer"}, "label": {"type": "string"}}}


def _read_type(field: Field) -> dict[str, Any]:
    kind: dict[str, Any]
    if field.kind is Kind.CHOICE and field.choices is not None:
        kind = {"type": "string", "enum": [*(choice.name for choice in field.choices), *([None] * field.nullable)]}
    elif field.kind is Kind.REFERENCES:
        return {"type": "array", "items": _REF, "title": gettext(field.label)}
    elif field.kind is Kind.REFERENCE:
        # Another record may be out of reach: then it is read as none.
        return _REF | {"nullable": True, "title": gettext(field.label)}
    elif isinstance(field.source, Aggregate):
        return _TYPES[Kind.NUMBER if field.source.column else Kind.INTEGER] | {"title": gettext(field.label)}
    else:
        kind = _TYPES[field.kind]
    return kind | ({"nullable": True} if field.nullable and kind else {}) | {"title": gettext(field.label)}


def _write_type(field: Field) -> dict[str, Any]:
    if field.kind is Kind.REFERENCE:
        return {"type": "integer", "title": gettext(field.label)}
    if field.kind is Kind.REFERENCES:
        return {"type": "array", "items": {"type": "integer"}, "title": gettext(field.label)}
    return _read_type(field)


def _body_of(name: str, required: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"allOf": [{"$ref": f"#/components/schemas/{name}Write"}]}
    if required:
        body["required"] = required
    return {"content": {"application/json": {"schema": body}}, "required": True}


def _paths(schema: Schema) -> dict[str, Any]:
    name, tag = schema.resource, gettext(schema.admin.title)
    item = {
        "description": "",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }
    page = {
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "page": {"type": "integer"},
            "size": {"type": "integer"},
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
        },
    }
    words: dict[str, dict[str, Any]] = {
        "sort": {"type": "string"},
        "page": {"type": "integer"},
        "size": {"type": "integer"},
    }
    if schema.admin.search:
        words["q"] = {"type": "string"}
    if schema.admin.tabs:
        words["tab"] = {"type": "string", "enum": [tab.key for tab in schema.admin.tabs]}
    parameters: list[dict[str, Any]] = [{"name": key, "in": "query", "schema": kind} for key, kind in words.items()]
    for parameter in parameters:
        if parameter["name"] == "q":
            parameter["description"] = "Words to search for. They are names: keep logs of these addresses to yourself."
    for field in schema.fields(schema.admin.filters):
        ops = (*OPERATORS[field.kind], *(("empty",) if field.nullable else ()))
        parameters += [
            {
                "name": field.name if op == "eq" else f"{field.name}.{op}",
                "in": "query",
                "schema": {"type": "string"},
            }
            for op in ops
        ]
    id_ = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    refusals = {
        code: {"description": text}
        for code, text in (("401", "not signed in"), ("403", "not allowed"), ("404", "not found"))
    }
    index: dict[str, Any] = {
        "get": {"tags": [tag], "operationId": f"list{name}", "parameters": parameters,
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": page}}},
                              **refusals}},
    }  # fmt: skip
    one: dict[str, Any] = {
        "parameters": [id_],
        "get": {"tags": [tag], "operationId": f"get{name}", "responses": {"200": item, **refusals}},
    }
    if schema.admin.form:
        wrong = {"422": {"description": "refused, with the fields and why"}, **refusals}
        index["post"] = {
            "tags": [tag],
            "operationId": f"add{name}",
            "requestBody": _body_of(name, [field.name for field in schema.fields(schema.form_names) if field.required]),
            "responses": {"201": item, **wrong},
        }
        changed = {"409": {"description": "changed by another"}, "428": {"description": "no version was sent"}}
        one["put"] = {
            "tags": [tag],
            "operationId": f"edit{name}",
            "description": "What is not named keeps its value.",
            "requestBody": _body_of(name, ["version"]),
            "responses": {"200": item, **changed, **wrong},
        }
        one["delete"] = {
            "tags": [tag],
            "operationId": f"delete{name}",
            "responses": {"204": {"description": ""}, **refusals},
        }
    return {f"{PREFIX}/{schema.slug}/": index, f"{PREFIX}/{schema.slug}/{{id}}": one}


def describe(entities: Iterable[type[Row]]) -> dict[str, Any]:
    """The OpenAPI document of the entities that whoever is asking may reach."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for schema in map(schema_of, entities):
        if not allowed(May.API.permission, schema.resource):
            continue
        paths |= _paths(schema)
        read = {"id": {"type": "integer"}} | {f.name: _read_type(f) for f in schema.fields(schema.read_names)}
        if _versioned(schema):
            read["version"] = {"type": "integer"}
        fields = schema.fields(schema.form_names)
        write = {f.name: _write_type(f) for f in fields} | {"version": {"type": "integer"}}
        schemas[schema.resource] = {
            "type": "object",
            "properties": read,
            "description": (schema.entity.__doc__ or "").strip(),
        }
        if schema.admin.form:
            schemas[f"{schema.resource}Write"] = {"type": "object", "properties": write}
    return {
        "openapi": "3.0.3",
        "info": {"title": gettext("Ryadom"), "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"bearer": []}],
    }


def install(app: Flask, entities: Iterable[type[Row]], csrf: CSRFProtect) -> None:
    """Register the endpoints. A request by token needs no CSRF token: no browser sends it by itself."""
    entities = tuple(entities)
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for entity in entities:
        end = Endpoint(entity)
        base, name = f"/{end.schema.slug}/", end.schema.resource
        blueprint.add_url_rule(base, f"{name}_index", end.index)
        blueprint.add_url_rule(f"{base}<int:id>", f"{name}_show", end.show)
        if end.schema.admin.form:
            blueprint.add_url_rule(base, f"{name}_create", end.create, methods=["POST"])
            blueprint.add_url_rule(f"{base}<int:id>", f"{name}_update", end.update, methods=["PUT"])
            blueprint.add_url_rule(f"{base}<int:id>", f"{name}_delete", end.delete, methods=["DELETE"])

    @blueprint.get("/openapi.json")
    def openapi() -> Any:
        if identity() is None:
            abort(401)
        return jsonify(describe(entities))

    @blueprint.before_request
    def _guard() -> None:
        found = identity()
        changes = request.method not in ("GET", "HEAD", "OPTIONS")
        if changes and app.config.get("WTF_CSRF_ENABLED", True) and not (found and found.by_token):
            csrf.protect()

    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
