"""What the generated screens stand on: a list as a table of ready cells, and the entity they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Response, abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from app.kernel import clock
from app.kernel.access import may
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.orm import Record
from app.kernel.personal import Kept, Pairs, kept
from app.kernel.query import BadQuery, Line, ListQuery, Reader, is_typed, record_number
from app.kernel.schema import Field, Schema
from app.kernel.show import Painter
from app.kernel.web import session

FORGOTTEN = N_("The words of this search are not kept any more. Type them again.")


def reader(schema: Schema) -> Reader:
    return Reader(session(), schema, zone=clock.here().key)


def labels(fields: Sequence[Field]) -> list[str]:
    return [gettext(field.label) for field in fields]


def flash_undoable(message: str, entries: Sequence[int], next: str = "") -> None:
    """Tell that something was done, with the way to have back what went into the bin by it.

    That leads to what came back, or to the page named here.
    """
    told: Any = {"text": message, "undo": entries, "next": next} if entries else message
    flash(told, "success")


@dataclass(frozen=True)
class Table:
    """A list as a template draws it: its columns, and the rows ready to stand in its body."""

    schema: Schema
    names: tuple[str, ...]
    rows: Sequence[str]
    ticks: bool = False

    @property
    def body(self) -> Markup:
        return Markup("".join(f"<tr>{row}</tr>\n" for row in self.rows))

    @classmethod
    def of(cls, schema: Schema, names: Sequence[str], lines: Sequence[Line], *, ticks: bool = False) -> Table:
        """The first cell leads to the record, when its page may be opened; with ticks it can be chosen there."""
        fields, opens = schema.fields(names), may(May.SHOW, schema.entity)
        columns = [
            Painter(field, may, short=True, links=n > 0 or not opens).column(
                [line.values[field.name] for line in lines]
            )
            for n, field in enumerate(fields)
        ]
        # All of a row but what differs between rows: put together cell by cell, lists took most of their time.
        cells = [f'<td data-label="{escape(label)}">'.replace("%", "%%") + "%s</td>" for label in labels(fields)]
        named = f' id="row-{_ID}"' if ticks else ""
        if opens:
            first = f'<a href="/{schema.slug}/{_ID}"{named} class="fw-medium">%s</a>'
        else:
            first = f"<span{named}>%s</span>"
        cells[0] = cells[0].replace("%s", (_TICK if ticks else "") + first)
        row = "".join(cells)
        rows = [
            row.replace(_ID, str(line.id)) % drawn
            for line, drawn in zip(lines, zip(*columns, strict=True), strict=True)
        ]
        return cls(schema, tuple(names), rows, ticks)


_ID = "\0"  # stands for the record's number in what all rows have in common
_TICK = (
    f'<input type="checkbox" class="form-check-input tick" name="ticked" value="{_ID}" form="ticked"'
    f' aria-labelledby="row-{_ID}">'
)


@dataclass(frozen=True)
class Place:
    """Where a list stands, as its address says it: what may be read there, and the key to what was typed.

    Called, it is the address of the same list with something changed; what is empty falls out of it.
    """

    schema: Schema
    pairs: Pairs
    page: int = 1

    @classmethod
    def of(cls, query: ListQuery, find: str, size: str = "") -> Place:
        pairs = [pair for pair in query.pairs if not is_typed(query.schema, pair[0])]
        pairs += [pair for pair in (("find", find), ("size", size)) if pair[1]]
        return cls(query.schema, pairs, query.page)

    def __call__(self, path: str = "", **changes: Any) -> str:
        pairs = [(key, value) for key, value in self.pairs if key not in changes]
        pairs += [(key, value) for key, value in changes.items() if value not in (None, "", 1)]
        path = f"/{self.schema.slug}/{path}"
        return f"{path}?{urlencode(pairs)}" if pairs else path

    @cached_property
    def here(self) -> str:
        """The same place as the forms of its page post it."""
        return urlencode([*self.pairs, ("page", self.page)])

    @property
    def asked(self) -> str:
        """The words of its address."""
        return f"?{urlencode(self.pairs)}" if self.pairs else ""

    @cached_property
    def ordered(self) -> str:
        """The beginning of the addresses of the same list in another order."""
        pairs = urlencode([pair for pair in self.pairs if pair[0] != "sort"])
        return f"/{self.schema.slug}/?{pairs}{'&' if pairs else ''}"


class Screens(BaseView):
    """What the generated screens of an entity have in common."""

    schema: Schema
    default_view = "list"

    def _record(self, id_: int) -> Record:
        """The record within reach, or 404."""
        found = session().get(self.schema.entity, id_)
        return found or abort(404)

    def _query(self) -> ListQuery:
        return self._listed()[0]

    def _listed(self, args: MultiDict[str, str] | None = None) -> tuple[ListQuery, Kept]:
        """What an address asks for, and what its reader keeps of the list.

        The words of a search come by their key alone: in an address they would get into histories and logs.
        """
        args = MultiDict(request.args if args is None else args)
        if any(is_typed(self.schema, key) and any(args.getlist(key)) for key in args):
            raise BadQuery("words are posted")
        find = args.pop("find", "")
        own = kept(session(), self.schema.resource, find if find.isascii() and find.isprintable() else "")
        if find and own.words is None:
            flash(gettext(FORGOTTEN), "warning")
            abort(redirect(self._address(args)))
        for name, value in own.words or ():
            args.add(name, value)
        config = current_app.config
        most = config["MAX_PAGE_SIZE"]
        return ListQuery.parse(self.schema, args, size=own.size or config["PAGE_SIZE"], max_size=most), own

    def _came_from(self) -> MultiDict[str, str]:
        """The list on whose page a posted form stood."""
        return MultiDict(parse_qsl(request.form.get("at", "")))

    def _ticked_ids(self) -> tuple[int, ...]:
        """The numbers of the records ticked on the page of a list."""
        try:
            ids = tuple(dict.fromkeys(map(record_number, request.form.getlist("ticked"))))
        except ValueError:
            raise BadQuery("ticked") from None
        if not 0 < len(ids) <= current_app.config["MAX_PAGE_SIZE"]:
            raise BadQuery("ticked")
        return ids

    def _back(self, without: Sequence[str] = ()) -> Response:
        """To the same place of the same list."""
        args = self._came_from()
        for name in without:
            args.poplist(name)
        return redirect(self._address(args))  # type: ignore[return-value]

    def _address(self, args: MultiDict[str, str]) -> str:
        """The address of the list with these words."""
        return f"/{self.schema.slug}/?{urlencode(list(args.items(multi=True)))}".rstrip("?")

    def _to(self, view: str, **values: Any) -> Response:
        return redirect(url_for(f"{self.schema.resource}.{view}", **values))  # type: ignore[return-value]

    def _render(self, template: str, **values: Any) -> str:
        return self.render_template(template, schema=self.schema, admin=self.schema.admin, **values)  # type: ignore[no-any-return]
