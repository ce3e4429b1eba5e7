"""The list of an entity: filters as chips, search, pages, export of what is seen, choices while typing."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, TypeAlias

from flask import Response, current_app, flash, redirect, request, send_file
from flask_appbuilder import expose
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.kernel import transfer
from app.kernel.access import allowed, may, needs
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.personal import SHARE, Kept, as_words, may_share, remember
from app.kernel.query import OPERATORS, RANGE, SORTABLE, BadQuery, Condition, ListQuery, Ref, is_typed
from app.kernel.schema import Field, Kind, Schema, schema_of
from app.kernel.screens.base import Place, Screens, Table, labels, reader
from app.kernel.show import text
from app.kernel.web import session

SIZES = (25, 50, 100, 200)
TOO_LONG = N_("The list is too long for one file: at most %(most)s rows. Narrow it by filters.")
AROUND = 2  # pages offered on each side of the one that is open

# How a search and a condition read in a chip, around what is asked for; of dates other words than of numbers.
SEARCHED = N_("“%(what)s”")
PHRASES = {
    "ne": N_("except %(what)s"),
    "has": N_("contains “%(what)s”"),
    "from": N_("from %(what)s"),
    "to": N_("up to %(what)s"),
}
OF_DATES = {"from": N_("since %(what)s"), "to": N_("until %(what)s")}
NOT_GIVEN, GIVEN = N_("not given"), N_("given")
# What the panel calls the operators that take values.
WORDS = {
    Kind.TEXT: {"has": N_("contains"), "eq": N_("is exactly"), "ne": N_("is not")},
    Kind.BOOL: {"eq": N_("is")},
}
OF_SEVERAL = {"eq": N_("one of"), "ne": N_("none of")}
OF_RANGE = {"eq": N_("from … to …")}

Names: TypeAlias = Mapping[Any, Mapping[int, Ref]]


@dataclass(frozen=True)
class Chip:
    """A field's filters in force, in words."""

    name: str
    label: str
    words: str


@dataclass(frozen=True)
class Filter:
    """A field in the filter panel: what it can be asked, and what it is asked now."""

    field: Field
    operators: tuple[tuple[str, str], ...]
    op: str = "eq"
    raw: tuple[str, ...] = ()
    edges: tuple[str, str] = ("", "")
    chosen: Sequence[Ref] = ()

    @property
    def told(self) -> dict[str, Any]:
        """What its part of the page is kept under: nothing that people type."""
        kind = self.field.kind
        return {
            "name": self.field.name,
            "operators": self.operators,
            "chosen_op": self.op,
            "ticked": self.raw if kind in (Kind.CHOICE, Kind.BOOL) else (),
            "is_range": "from" in OPERATORS[kind],
        }

    @property
    def gaps(self) -> dict[str, Any]:
        """What stands in its inputs."""
        if self.field.target is not None:
            option = Markup('<option value="{}" selected>{}</option>')
            return {"chosen": Markup().join(option.format(one.id, one.label) for one in self.chosen)}
        first, last = self.edges
        if self.field.kind in (Kind.INTEGER, Kind.NUMBER):
            first, last = first.replace(",", "."), last.replace(",", ".")
        return {"first": first, "last": last, "typed": self.raw[0] if self.raw else ""}


def asked(schema: Schema, form: MultiDict[str, str]) -> MultiDict[str, str]:
    """The filter panel as it was posted, in the words of an address."""
    args = MultiDict[str, str]((key, form[key]) for key in ("q", "tab", "sort") if form.get(key))
    for field in schema.fields(schema.admin.filters):
        name, op = field.name, form.get(f"{field.name}.op", "eq")
        if op in ("empty", "given"):
            args.add(f"{name}.empty", "1" if op == "empty" else "0")
            continue
        keys = [name if op == "eq" else f"{name}.{op}"]
        if "from" in OPERATORS[field.kind]:
            keys = [f"{name}.from", f"{name}.to"]
        for key in keys:
            for raw in form.getlist(key if key.endswith((".from", ".to")) else name):
                if raw.strip():
                    args.add(key, raw.strip())
    return args


class Lists(Screens):
    """List, export and drop-downs."""

    @expose("/")
    @needs(May.LIST)
    def list(self) -> str:
        (query, kept), read = self._listed(), reader(self.schema)
        columns = self._columns(kept)
        lines, total = read.listed(query, columns)
        last = max(1, -(-total // query.size))
        if query.page > last:
            query = replace(query, page=last)
            lines = read.page(query, columns)
        find, names = request.args.get("find", ""), self._names(query)
        state = self._state(query)
        return self._render(
            "list.html",
            query=query,
            table=Table.of(self.schema, columns, lines, ticks=self._can_tick()),
            total=total,
            pages=_around(query.page, last),
            last=last,
            chips=self._chips(query, names),
            filters=self._filters(query, names),
            place=Place.of(query, find, request.args.get("size", "")),
            columns=columns,
            saved=[(one, (one.address, one.words) == state) for one in kept.saved],
            can_share=can_share(),
            sizes=SIZES,
            sortable=SORTABLE,
        )

    @expose("/find", methods=["POST"])
    @needs(May.LIST)
    def find(self) -> Any:
        """A search or a change of the filters: what was typed stays here, and the address gets a key to it."""
        if drop := request.form.get("drop"):
            query, _kept = self._listed(self._came_from())
            left = tuple(one for one in query.conditions if one.field.name != drop)
            query = replace(query, conditions=left, q="" if drop == "q" else query.q)
        else:
            query = ListQuery.parse(self.schema, asked(self.schema, request.form))
        return self._open(query)

    def _open(self, query: ListQuery) -> Any:
        """The address of a list, with its words put away under a key."""
        words, key = self._words(query), ""
        if words:
            key = remember(session(), self.schema.resource, words, current_app.config["SECRET_KEY"])
            session().commit()
        return redirect(Place.of(query, key)())

    def _words(self, query: ListQuery) -> builtins.list[tuple[str, str]]:
        return [pair for pair in query.pairs if is_typed(self.schema, pair[0])]

    def _state(self, query: ListQuery) -> tuple[str, str]:
        """What a saved filter keeps of a list: its address and its words."""
        return Place.of(query, "")().partition("?")[2], as_words(self._words(query))

    def _columns(self, kept: Kept) -> tuple[str, ...]:
        """The columns that the reader has chosen, of those that there are; else the declared ones."""
        return tuple(name for name in kept.columns if name in self.schema.read_names) or self.schema.admin.list

    def _can_tick(self) -> bool:
        entity, admin = self.schema.entity, self.schema.admin
        return (
            may(May.EXPORT, entity)
            or (bool(admin.bulk) and may(May.EDIT, entity))
            or (bool(admin.form) and may(May.DELETE, entity))
        )

    # -- Filters in words

    def _names(self, query: ListQuery) -> Names:
        """What the records of the filters are called: a statement for each kind of record."""
        wanted: dict[Any, set[int]] = {}
        for condition in query.conditions:
            if condition.field.target is not None and condition.op != "empty":
                wanted.setdefault(condition.field.target, set()).update(condition.values)
        return {
            target: {one.id: one for one in reader(schema_of(target)).labels(sorted(ids))}
            for target, ids in wanted.items()
        }

    def _chips(self, query: ListQuery, names: Names) -> builtins.list[Chip]:
        """A chip for each field that is filtered, and one for the search."""
        said: dict[str, builtins.list[str]] = {}
        for condition in query.conditions:
            said.setdefault(condition.field.name, []).append(self._phrase(condition, names))
        chips = [
            Chip(name, gettext(field.label), (" " if "from" in OPERATORS[field.kind] else "; ").join(said[name]))
            for name, field in ((name, self.schema.field(name)) for name in said)
        ]
        if query.q:
            chips.insert(0, Chip("q", gettext("Search"), gettext(SEARCHED, what=query.q)))
        return chips

    def _phrase(self, condition: Condition, names: Names) -> str:
        if condition.op == "empty":
            return gettext(NOT_GIVEN if condition.values[0] else GIVEN)
        if condition.field.target is not None:
            known = names[condition.field.target]
            values = [known[id_].label if id_ in known else f"№ {id_}" for id_ in condition.values]
        else:
            values = [text(value) for value in condition.values]
        what, phrases = f" {gettext('or')} ".join(values), PHRASES
        if condition.field.kind in (Kind.DATE, Kind.MOMENT):
            phrases = PHRASES | OF_DATES
        return gettext(phrases[condition.op], what=what) if condition.op in phrases else what

    def _filters(self, query: ListQuery, names: Names) -> builtins.list[Filter]:
        """What the filter panel offers."""
        asked: dict[str, builtins.list[Condition]] = {}
        for condition in query.conditions:
            asked.setdefault(condition.field.name, []).append(condition)
        fields = self.schema.fields(self.schema.admin.filters)
        return [self._filter(field, asked.get(field.name, []), names) for field in fields]

    def _filter(self, field: Field, asked: Sequence[Condition], names: Names) -> Filter:
        words = OF_RANGE if OPERATORS[field.kind] == RANGE else WORDS.get(field.kind, OF_SEVERAL)
        operators = (*words.items(), *((("empty", NOT_GIVEN), ("given", GIVEN)) if field.nullable else ()))
        found, edges = Filter(field, operators, operators[0][0]), ["", ""]
        for one in asked:
            if one.op == "empty":
                found = replace(found, op="empty" if one.values[0] else "given")
            elif words is OF_RANGE:
                edges = [
                    one.raw[0] if one.op in ("eq", edge) else held
                    for edge, held in zip(("from", "to"), edges, strict=True)
                ]
            else:
                known = names.get(field.target, {})
                chosen = [known.get(id_, Ref(id_, f"№ {id_}")) for id_ in one.values] if field.target else []
                found = replace(found, op=one.op, raw=one.raw, chosen=chosen)
        return replace(found, edges=(edges[0], edges[1]))

    # -- Out of the list

    @expose("/export.<any(xlsx, csv):suffix>", methods=["GET", "POST"])
    @needs(May.EXPORT)
    def export(self, suffix: str) -> Response:
        """All of the list as it is seen; posted, the ticked records of it."""
        if request.method == "POST":
            query, kept = self._listed(self._came_from())
            query = replace(query, ids=self._ticked_ids())
        else:
            query, kept = self._listed()
        names = self._columns(kept)
        fields = self.schema.fields(names)
        lines = reader(self.schema).page(query, names, limit=transfer.MOST_ROWS + 1)
        if len(lines) > transfer.MOST_ROWS:  # a part that looks like the whole would be believed
            flash(gettext(TOO_LONG, most=text(transfer.MOST_ROWS)), "danger")
            return redirect(self._address(request.args))  # type: ignore[return-value]
        title = gettext(self.schema.admin.title)
        if suffix == "csv":
            body, kind = transfer.as_csv(fields, labels(fields), lines), "text/csv"
        else:
            body = transfer.as_xlsx(fields, labels(fields), lines, title)
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return send_file(BytesIO(body), mimetype=kind, as_attachment=True, download_name=f"{title}.{suffix}")

    @expose("/choices", methods=["GET", "POST"])
    @needs(May.LIST)
    def choices(self) -> dict[str, Any]:
        """Records to choose from while typing. ``for=Contact.goals&with=7`` narrows them as the field declares.

        What is typed is posted: it is a name.
        """
        if "q" in request.args:
            raise BadQuery("words are posted")
        q, narrow = request.form.get("q", "")[:200], None
        if field_name := request.values.get("for", ""):
            narrow = self._narrow(field_name, request.values.get("with", ""))
        options: list[Ref] = reader(self.schema).options(q.replace("\x00", ""), narrow=narrow)
        return {"items": [{"value": str(one.id), "text": one.label} for one in options]}

    def _narrow(self, field_name: str, with_: str) -> tuple[str, int] | None:
        resource, _, name = field_name.partition(".")
        entity = current_app.extensions["ryadom.entities"].get(resource)
        try:
            field = schema_of(entity).field(name) if entity else None
        except KeyError:
            field = None
        if field is None or field.narrow is None or field.target is not self.schema.entity:
            raise BadQuery("for")
        if not with_:
            return None
        if not with_.isdecimal() or len(with_) > 9:
            raise BadQuery("with")
        return field.narrow[1], int(with_)


def _around(page: int, last: int) -> builtins.list[int | None]:
    """The pages to offer: the first, the last, those around the open one; None where some are left out."""
    near = range(max(1, page - AROUND), min(last, page + AROUND) + 1)
    pages: builtins.list[int | None] = []
    for one in sorted({1, *near, last}):
        if pages and one - (pages[-1] or 0) > 1:
            pages.append(None)
        pages.append(one)
    return pages


def can_share() -> bool:
    return allowed(*SHARE) and may_share(session())
