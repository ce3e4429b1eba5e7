"""The page of a record: its values, the lists that belong to it, its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from flask import abort
from flask_appbuilder import expose
from sqlalchemy import select

from app.kernel.access import may, needs
from app.kernel.bin import listed_at
from app.kernel.bin_screen import listed
from app.kernel.declare import May, Page, Screen
from app.kernel.history import Change
from app.kernel.i18n import gettext
from app.kernel.query import Line, ref
from app.kernel.scans import attached, title_of
from app.kernel.schema import Field, Schema, schema_of
from app.kernel.screens.base import Screens, Table, reader
from app.kernel.show import EMPTY, Painter, text
from app.kernel.told import read_back
from app.kernel.web import session

PANEL_ROWS = 10


@dataclass(frozen=True)
class Panel:
    """The rows of another entity that belong to the record on the page."""

    table: Table
    back: str  # the reference by which they belong
    more: bool
    record_id: int


def panels(schema: Schema, line: Line) -> Iterator[Panel]:
    """Child lists of a record that the viewer may list. One row more than is shown tells whether there are others."""
    own = [(child, back, line.id) for child, back in schema.panels]
    shared = [(schema_of(entity), name, line[name].id) for name, entity in schema.admin.beside if line[name]]
    for child, back, record_id in (*shared, *own):
        told = schema.admin.page.tells if schema.admin.page else ()
        if child.resource in told or not may(May.LIST, child.entity):
            continue
        names = [name for name in child.admin.list if name != back]
        lines = reader(child).belonging(back, [record_id], names, PANEL_ROWS + 1)
        yield Panel(Table.of(child, names, lines[:PANEL_ROWS]), back, len(lines) > PANEL_ROWS, record_id)


@cache
def _teller(page: Page) -> Callable[[Line], dict[str, Any]]:
    """The function that fills a page made by hand, imported when it is first asked for."""
    module, _, function = page.build.partition(":")
    return getattr(import_module(module), function)  # type: ignore[no-any-return]


def _offered(schema: Schema, screen: Screen, line: Line) -> bool:
    allowed = may(screen.may, schema.entity) and (screen.adds is None or may(May.ADD, screen.adds))
    return allowed and (screen.when is None or screen.when(line))


class Pages(Screens):
    """The record and its history."""

    @expose("/<int:pk>")
    @needs(May.SHOW)
    def show(self, pk: int) -> str:
        names = tuple(dict.fromkeys((*self.schema.read_names, *self.schema.admin.name)))
        line = reader(self.schema).one(pk, names) or abort(404)
        fields = {name: self.schema.field(name) for name in self.schema.read_names}
        cells = {name: Painter(field, may)(line[name]) for name, field in fields.items()}
        naming = [line[name] for name in self.schema.admin.name]
        page = self.schema.admin.page
        return self._render(
            page.template if page else "show.html",
            **(_teller(page)(line) if page else {}),
            pk=pk,
            title=ref(pk, *naming).label,
            fields=fields,
            cells=cells,
            empty=EMPTY,
            line=line,
            panels=list(panels(self.schema, line)),
            screens=[one for one in self.schema.admin.screens if _offered(self.schema, one, line)],
            scans=attached(session(), self.schema.entity, [pk]) if self.schema.keeps_scans else (),
            title_of=title_of,
        )

    @expose("/<int:pk>/history")
    @needs(May.SHOW)
    def history(self, pk: int) -> str:
        record = self._record(pk)
        c, fields = Change.__table__.c, {field.key: field for field in self.schema.fields(self.schema.read_names)}
        statement = (
            select(Change.__table__)
            .where(c.entity == self.schema.table.name, c.record_id == pk, c.field.in_(fields))
            .order_by(c.id.desc())
            .limit(500)
        )
        changes = [self._change(row, fields.get(row.field)) for row in session().execute(statement)]
        deleted = listed(listed_at(self.schema.table.name, pk))
        return self._render("history.html", pk=pk, title=str(record), changes=changes, deleted=deleted, empty=EMPTY)

    def _change(self, row: Any, field: Field | None) -> dict[str, Any]:
        """A line of the history in words: the field's label, choices by their labels, references by number."""
        return {
            "at": row.at,
            "user": row.user,
            "kind": row.kind,
            "label": gettext(field.label) if field else "",
            "old": self._old_value(field, row.old),
            "new": self._old_value(field, row.new),
        }

    def _old_value(self, field: Field | None, value: str | None) -> str:
        if field is None or value is None:
            return value or ""
        if field.target is not None:
            ids = [int(part) for part in value.split("; ") if part.isdecimal()]
            known = {one.id: one.label for one in reader(schema_of(field.target)).labels(ids)}
            return "; ".join(known.get(id_, f"№ {id_}") for id_ in ids)
        return text(read_back(field, value))
