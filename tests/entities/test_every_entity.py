"""What every entity can do because it is declared: the same tests for each of them, and for the next one too."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from markupsafe import escape
from openpyxl import load_workbook
from sqlalchemy import inspect, select
from werkzeug.datastructures import MultiDict

from app.kernel.declare import Choice, Reach
from app.kernel.files import FileKind
from app.kernel.grants import Holding, change_role, grant_ids
from app.kernel.history import Change, ChangeKind, as_text
from app.kernel.orm import Row
from app.kernel.query import OPERATORS, SORTABLE, Ref, reader
from app.kernel.schema import Field, Kind, Schema, schema_of
from app.kernel.show import clip, text
from app.kernel.users import create_user
from models import ENTITIES, Case, Scan
from tests.pages import form, table
from tests.records import CHECKED, EVERY, Maker, posted, sent
from tests.running import PASSWORD, login, working

USER = "Иванова Анна"


def populate(app: Flask) -> dict[str, int]:
    """Somebody who may do everything, and three records of each entity; the number of the first."""
    with working(app) as session:
        session.add(role := Role(name="Everything"))
        session.flush()
        change_role(session, role.id, Holding(frozenset(grant_ids(session)), frozenset({Reach.EVERYTHING})))
        create_user(session, "everything", PASSWORD, [role.name], name=USER)
        maker = Maker(session)
        made = maker.every()
        made["Case"].previous = maker.new(Case)  # type: ignore[attr-defined]
        for entity in EVERY:
            maker.new(entity)
            maker.new(entity, **{field.name: None for field in optional(schema_of(entity))})
        session.add(scan := signed(made["Case"].id))
        session.commit()
        return {name: record.id for name, record in made.items()} | {"Scan": scan.id}


def signed(case_id: int) -> Scan:
    """A signed paper, which no form adds."""
    return Scan(entity="case", record_id=case_id, paper="journal", signed_on=dt.date(2026, 3, 2), note="Слово note",
                name="Слово name", kind=FileKind.PDF, length=7, digest="0" * 64, attached_by=USER)  # fmt: skip


# Left empty they are filled in, or make their record wrong.
NEEDED = {"RiskAssessment": {"level", "reason"}, "Activity": {"specialists_action"},
          "Requirement": {"event", "count", "unit"}, "Suspension": {"until"}, "Mark": {"note"},
          "Case": {"closed_on", "closing_ground"}}  # fmt: skip


def optional(schema: Schema) -> list[Field]:
    """Fields that may be empty."""
    kinds = {Kind.REFERENCES, Kind.BOOL}
    needed = NEEDED.get(schema.resource, set())
    return [
        field
        for field in schema.fields(schema.form_names)
        if field.nullable and field.kind not in kinds and field.name not in needed
    ]


@dataclass
class Desk:
    """Somebody who may do everything, at work on one entity."""

    app: Flask
    client: FlaskClient
    schema: Schema
    first: dict[str, int]

    @property
    def base(self) -> str:
        return f"/{self.schema.slug}"

    @property
    def api(self) -> str:
        return f"/api/v1/{self.schema.slug}"

    def new(self, **given: Any) -> int:
        """One more record, made beside the product's screens."""
        with working(self.app) as session:
            record = self.maker(session).new(self.schema.entity, **given)
            session.commit()
            return int(record.id)

    def maker(self, session: Any) -> Maker:
        return Maker(session, "Новое", **{entity.__name__: session.get_one(entity, self.first[entity.__name__])
                                          for entity in EVERY})  # fmt: skip

    def values(self) -> dict[str, Any]:
        """Right values as a form would post them."""
        with working(self.app) as session:
            found = posted(self.maker(session).values(self.schema.entity))
            session.commit()
            return found

    def row(self, id_: int) -> dict[str, Any]:
        """The record as the table has it, with its links."""
        with working(self.app) as session:
            record: Any = session.get_one(self.schema.entity, id_)
            columns = {column.key: getattr(record, column.key) for column in self.schema.table.columns}
            links = {
                relation.key: sorted(other.id for other in getattr(record, relation.key))
                for relation in inspect(self.schema.entity).relationships
                if relation.secondary is not None
            }
            return columns | links

    def ids(self) -> set[int]:
        with working(self.app) as session:
            return set(session.scalars(select(self.schema.entity.id)))

    def found(self, query: dict[str, Any]) -> list[int]:
        answer = self.client.get(f"{self.api}/", query_string={"size": 200, **query})
        assert answer.status_code == 200, query
        items = answer.get_json()
        whole = items["count"] == len(items["items"])
        assert whole or self.schema.resource == "Change", "the test needs the whole list at once"
        return [item["id"] for item in items["items"]]

    @property
    def some(self) -> int:
        """A record with a value in every field; of the history, the newest line."""
        return self.first.get(self.schema.resource) or max(self.ids())


@pytest.fixture
def desk_of(standing: Callable[..., tuple[Flask, dict[str, int]]]) -> Callable[[type[Row]], Desk]:
    app, first = standing("entities", populate)
    return lambda entity: Desk(app, login(app.test_client(), "everything"), schema_of(entity), first)


@pytest.fixture
def desk(entity: type[Row], desk_of: Callable[[type[Row]], Desk]) -> Desk:
    return desk_of(entity)


all_entities = pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
written_entities = pytest.mark.parametrize("entity", EVERY, ids=lambda entity: entity.__name__)


def shown(desk: Desk, id_: int, names: tuple[str, ...]) -> dict[str, str]:
    """Values as they stand on a page."""
    with working(desk.app) as session, desk.app.test_request_context():
        line = reader(session, desk.schema.entity).one(id_, names)
        assert line is not None
        return {name: text(line[name]) for name in names}


# --- Reading ----------------------------------------------------------------------------------------------


@all_entities
def test_the_list_shows_its_columns(desk: Desk) -> None:
    page = desk.client.get(f"{desk.base}/?size=200").text
    headings, *rows = table(page)
    assert headings == [field.label for field in desk.schema.fields(desk.schema.admin.list)]
    expected = [value or "—" for value in shown(desk, desk.some, desk.schema.admin.list).values()]
    if desk.schema.resource != "Change":  # there are more of them than fit the page
        assert [" ".join(value.split()) for value in expected] in rows


@all_entities
def test_the_page_shows_every_declared_field(desk: Desk) -> None:
    """What nobody fills in is left out while there is nothing to tell."""
    page = desk.client.get(f"{desk.base}/{desk.some}").text
    for name, value in shown(desk, desk.some, desk.schema.shown_names).items():
        if value or name in desk.schema.form_names:
            assert str(escape(desk.schema.field(name).label)) in page, name
            assert str(escape(value)) in page, (name, value)
    filled = [name for name in desk.schema.form_names if not shown(desk, desk.some, (name,))[name]]
    assert filled == [], "the record of this test is to have a value everywhere"


@all_entities
def test_the_export_holds_what_the_list_shows(desk: Desk) -> None:
    query = (
        f"?size=200&sort={desk.schema.admin.list[0]}"
        if desk.schema.field(desk.schema.admin.list[0]).kind in SORTABLE
        else ""
    )
    listed = [[cell.replace("—", "") for cell in row] for row in table(desk.client.get(f"{desk.base}/{query}").text)]
    exported = desk.client.get(f"{desk.base}/export.csv{query}")
    rows = list(csv.reader(io.StringIO(exported.data.decode("utf-8-sig")), delimiter=";"))
    told = [[" ".join(cell.split()) for cell in row] for row in rows]
    assert told[: len(listed)] == listed
    sheet = load_workbook(io.BytesIO(desk.client.get(f"{desk.base}/export.xlsx{query}").data)).active
    book = [["" if cell is None else cell for cell in row] for row in sheet.values]
    assert len(book) == len(rows)
    with desk.app.test_request_context():
        for told, kept in zip(rows[:20], book[:20], strict=True):
            assert told == [
                cell if isinstance(cell, str) else _typed(cell, seen) for cell, seen in zip(kept, told, strict=True)
            ]


def _typed(cell: Any, seen: str) -> str:
    """A cell of a workbook as text: dates and numbers are real there."""
    if isinstance(cell, dt.datetime):
        return f"{cell:%d.%m.%Y %H:%M}" if ":" in seen else f"{cell:%d.%m.%Y}"
    return text(Decimal(str(cell)) if isinstance(cell, float) else cell)


@all_entities
def test_every_filter_with_every_operator(desk: Desk) -> None:
    record = desk.row(desk.some)
    for field in desk.schema.fields(desk.schema.admin.filters):
        if field.stored:
            value = record[field.name if field.kind is Kind.REFERENCES else field.key]
        else:
            value = _worked_out(desk, field.name)
        if value is None:
            assert desk.some in desk.found({f"{field.name}.empty": "1"})
            continue
        if field.kind is Kind.MOMENT:
            from zoneinfo import ZoneInfo

            value = value.astimezone(ZoneInfo(desk.app.config["BABEL_DEFAULT_TIMEZONE"])).date()
        raw = value[0] if isinstance(value, list) else posted({"": value})[""] or "0"
        later = {Kind.DATE: _day, Kind.MOMENT: _day}.get(field.kind, _number)
        for op in OPERATORS[field.kind]:
            key = field.name if op == "eq" else f"{field.name}.{op}"
            assert (desk.some in desk.found({key: raw})) == (op != "ne"), key
            if op == "from":
                assert desk.some not in desk.found({key: later(value, 1)}), key
            if op == "to":
                assert desk.some not in desk.found({key: later(value, -1)}), key
        if field.nullable:
            assert desk.some in desk.found({f"{field.name}.empty": "0"})
            assert desk.some not in desk.found({f"{field.name}.empty": "1"})
            both = {*desk.found({f"{field.name}.empty": "0"}), *desk.found({f"{field.name}.empty": "1"})}
            assert both == set(desk.found({}))


def _worked_out(desk: Desk, name: str) -> Any:
    """A value that no column holds, as the page shows it; of another record its number."""
    with working(desk.app) as session:
        line = reader(session, desk.schema.entity).one(desk.some, (name,))
    assert line is not None
    return line[name].id if isinstance(line[name], Ref) else line[name]


def _day(value: dt.date, step: int) -> str:
    return (value + dt.timedelta(days=step)).isoformat()


def _number(value: Any, step: int) -> str:
    return str(value + step)


@written_entities
def test_the_search_finds_by_every_declared_column(desk: Desk) -> None:
    own = [name for name in desk.schema.admin.search if name in desk.schema.form_names]
    own = [name for name in own if desk.schema.field(name).kind in (Kind.TEXT, Kind.LONG)]
    checks = {name: desk.schema.field(name).check for name in own}
    words = {name: CHECKED[check](7788) if check else f"Приметное{name}" for name, check in checks.items()}
    id_ = desk.new(**words)
    for name, word in words.items():
        assert id_ in desk.found({"q": word.lower()}), name
        offered = desk.client.post(f"{desk.base}/choices", data={"q": word.upper()}).json["items"]
        assert id_ in [int(item["value"]) for item in offered], name
    for name in (name for name in desk.schema.admin.search if name not in own):
        if desk.schema.field(name).target is None:
            assert desk.some in desk.found({"q": desk.row(desk.some)[name]}), name
            continue
        target = schema_of(desk.schema.field(name).target)  # type: ignore[arg-type]
        word = next(name for name in target.admin.search if target.field(name).target is None)
        with working(desk.app) as session:
            others: Any = getattr(session.get_one(desk.schema.entity, desk.some), name)
            theirs = getattr(others[0] if isinstance(others, list) else others, word)
        assert desk.some in desk.found({"q": theirs}), (name, theirs)


@written_entities
def test_every_sortable_column_sorts_both_ways(desk: Desk) -> None:
    for field in desk.schema.fields(desk.schema.admin.list):
        if field.kind not in SORTABLE:
            continue
        up, down = desk.found({"sort": field.name}), desk.found({"sort": f"-{field.name}"})
        assert set(up) == set(down) == set(desk.found({}))
        with working(desk.app) as session:
            lines = {line.id: line[field.name] for line in reader(session, desk.schema.entity).lines(up, (field.name,))}
        filled = [id_ for id_ in up if lines[id_] is not None]
        empty = {id_ for id_ in up if lines[id_] is None}
        assert set(up[len(filled) :]) == empty and set(down[len(filled) :]) == empty, "what is empty stands last"
        if field.kind in (Kind.DATE, Kind.MOMENT, Kind.INTEGER, Kind.NUMBER):
            values = [lines[id_] for id_ in filled]
            assert values == sorted(values)
            assert [lines[id_] for id_ in down[: len(filled)]] == sorted(values, reverse=True)
        else:
            ups, downs = ([lines[id_] for id_ in ids[: len(filled)]] for ids in (up, down))
            assert [text_of(one) for one in ups] == [text_of(one) for one in reversed(downs)]


def text_of(value: Any) -> str:
    """Records of one name stand in the order of their numbers: their names are compared."""
    return value.label if hasattr(value, "label") else str(value.name if isinstance(value, Choice) else value)


def test_pages_of_a_list_hold_every_record_once(desk_of: Callable[[type[Row]], Desk]) -> None:
    desk = desk_of(Change)
    total = desk.client.get(f"{desk.api}/").get_json()["count"]
    seen: list[int] = []
    for page in range(1, -(-total // 200) + 1):
        seen += [item["id"] for item in desk.client.get(f"{desk.api}/?size=200&page={page}").get_json()["items"]]
    assert len(seen) == len(set(seen)) == total > 200


# --- Writing by the form ----------------------------------------------------------------------------------


@written_entities
def test_a_record_is_added_with_the_least(desk: Desk) -> None:
    """The form as it opens, and a value in each field that is marked as required: nothing more is asked for."""
    before, start = desk.ids(), form(desk.client.get(f"{desk.base}/add").text)
    values = desk.values()
    for field in desk.schema.fields(desk.schema.form_names):
        if field.required and not start.get(field.name):
            start[field.name] = values[field.name]
    if desk.schema.resource in ("RiskAssessment", "Activity"):  # one of two fields: which, the record itself asks
        start["factors"], start["specialists_action"] = str(desk.first["RiskFactor"]), "Поддержка"
    for resource, name in (("Monitoring", "held_on"), ("Suspension", "until")):
        if desk.schema.resource == resource:
            start[name] = values[name]
    answer = desk.client.post(f"{desk.base}/add", data=start)
    assert answer.status_code == 302
    (id_,) = desk.ids() - before
    assert answer.location == f"{desk.base}/{id_}"
    assert desk.client.get(answer.location).status_code == 200


@written_entities
def test_a_record_is_added_with_everything(desk: Desk) -> None:
    before, values = desk.ids(), desk.values()
    answer = desk.client.post(f"{desk.base}/add", data=values)
    assert answer.status_code == 302
    (id_,) = desk.ids() - before
    kept = form(desk.client.get(f"{desk.base}/{id_}/edit").text)
    for name, value in values.items():
        assert (kept.getlist(name) if isinstance(value, list) else kept.get(name, "")) == _as_number(
            desk, name, value
        ), name


def _as_number(desk: Desk, name: str, value: Any) -> Any:
    """A form shows an amount with its kopecks."""
    return f"{value},00" if desk.schema.field(name).kind is Kind.NUMBER else value


@written_entities
def test_a_form_posted_back_as_it_was_opened_changes_nothing(desk: Desk) -> None:
    for id_ in (desk.some, desk.new()):
        before = desk.row(id_)
        page = desk.client.get(f"{desk.base}/{id_}/edit")
        assert desk.client.post(f"{desk.base}/{id_}/edit", data=form(page.text)).status_code == 302
        assert desk.row(id_) == before, "not even the version"


@written_entities
def test_an_edit_changes_every_field_and_the_history_tells_of_it(desk: Desk) -> None:
    id_ = desk.new()
    before = desk.row(id_)
    opened = form(desk.client.get(f"{desk.base}/{id_}/edit").text)
    with working(desk.app) as session:
        maker = desk.maker(session)
        ends = {field.target for field in editable(desk) if field.target}
        # All of them are made in the old place, so that none depends on which was made before it.
        maker.at |= {end.__name__: maker.new(end) for end in ends if (desk.schema.resource, end.__name__) not in TIED}
        fresh = posted(maker.values(desk.schema.entity))
        session.commit()
    for field in editable(desk):
        if field.kind is Kind.BOOL:
            opened.pop(field.name, None)
        elif field.kind is Kind.CHOICE and (desk.schema.resource, field.name) != ("Case", "status"):
            others = [one.name for one in field.choices if one is not before[field.key]]  # type: ignore[union-attr]
            opened[field.name] = others[-1 if field.name.endswith("unit") else 0]  # hours are for signals alone
        else:
            opened.setlist(
                field.name, [*([fresh[field.name]] if isinstance(fresh[field.name], str) else fresh[field.name])]
            )
    assert desk.client.post(f"{desk.base}/{id_}/edit", data=opened).status_code == 302
    after = desk.row(id_)
    assert after["version"] == before["version"] + 1
    changed = {key for key in after if after[key] != before[key]}
    for field in editable(desk):
        key = field.name if field.kind is Kind.REFERENCES else field.key
        if not _tied(desk, field):
            assert key in changed, field.name
    with working(desk.app) as session:
        c = Change.__table__.c
        lines = {
            line.field: line
            for line in session.execute(
                select(Change.__table__).where(
                    c.entity == desk.schema.table.name, c.record_id == id_, c.kind == ChangeKind.CHANGED
                )
            )
        }
    for key in changed - {"version", "folded", "changed_at", "changed_by_id"}:
        line = lines[key]
        assert line.user == USER and abs((dt.datetime.now(dt.UTC) - line.at).total_seconds()) < 60
        for told, value in ((line.old, before[key]), (line.new, after[key])):
            assert told == ("; ".join(map(str, value)) if isinstance(value, list) else as_text(value)), key
    page = table(desk.client.get(f"{desk.base}/{id_}/history").text)
    told = {row[3]: row for row in reversed(page[1:])}  # the newest stand first
    for name, value in shown(desk, id_, tuple(f.name for f in editable(desk) if not _tied(desk, f))).items():
        row = told[desk.schema.field(name).label]
        assert row[1] == USER and row[5] == " ".join(value.split()), name


# The two lead to the same record: a new one of them would have to bring the other along.
TIED = {("MonitoringResult", "Monitoring"), ("MonitoringResult", "Problem"), ("Contact", "Goal"), ("Contact", "Case"),
        ("RiskAssessment", "RiskFactor"), ("RiskAssessment", "FactorSet"), ("Signal", "Family"), ("Signal", "Case"),
        ("Staff", "Municipality"), ("Staff", "Precinct"), ("Family", "Municipality"),
        ("Family", "Precinct"), ("Requirement", "Stage"), ("Requirement", "ProcedureVersion"), ("Case", "Case"),
        ("Case", "Family"), ("Delay", "Deadline"), ("Delay", "Case")}  # fmt: skip


def editable(desk: Desk) -> list[Field]:
    return desk.schema.fields(desk.schema.form_names)


def _tied(desk: Desk, field: Field) -> bool:
    if field.target is not None:
        return (desk.schema.resource, field.target.__name__) in TIED
    fixed = {
        "Case": {"status", "opened_on", "closed_on"},
        "CommissionMember": {"since", "until"},
        "Member": {"born_on"},
    }
    return field.name in fixed.get(desk.schema.resource, ())


@written_entities
def test_a_required_field_left_empty_is_told_and_the_rest_stays(desk: Desk) -> None:
    before, values = desk.ids(), desk.values()
    for field in editable(desk):
        if not field.required:
            continue
        answer = desk.client.post(f"{desk.base}/add", data=values | {field.name: ""})
        page = answer.text
        assert answer.status_code == 422, field.name
        place = page.index(f'name="{field.name}"')
        assert ("Fill in this field." in page[place : place + 4000]) and page.count("Fill in this field.") == 2, (
            field.name
        )
        kept: MultiDict[str, str] = form(page)
        for name, value in values.items():
            if name != field.name:
                assert (kept.getlist(name) if isinstance(value, list) else kept.get(name, "")) == value, (
                    field.name,
                    name,
                )
    assert desk.ids() == before


@written_entities
def test_a_deleted_record_is_gone_and_its_history_stays(desk: Desk) -> None:
    id_ = desk.new()
    before = desk.row(id_)
    assert desk.client.get(f"{desk.base}/{id_}/delete").status_code == 200
    assert id_ in desk.ids(), "a question deletes nothing"
    assert desk.client.post(f"{desk.base}/{id_}/delete").location == f"{desk.base}/"
    for path in (f"{desk.base}/{id_}", f"{desk.base}/{id_}/edit", f"{desk.base}/{id_}/history", f"{desk.api}/{id_}"):
        assert desk.client.get(path).status_code == 404
    with working(desk.app) as session:
        c = Change.__table__.c
        lines = session.execute(
            select(c.field, c.old).where(
                c.entity == desk.schema.table.name, c.record_id == id_, c.kind == ChangeKind.DELETED
            )
        )
        told = {line.field: line.old for line in lines}
    for name in desk.schema.form_names:
        field = desk.schema.field(name)
        if field.column is not None and before[field.key] is not None:
            assert told[field.key] == as_text(before[field.key]), name


def everything(app: Flask) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table but the history and the bin itself."""
    aside = {"change", "bin_entry", "bin_place", "sign_in"}
    with working(app) as session:
        tables = [table for table in Row.metadata.sorted_tables if table.name not in aside]
        return {table.name: {tuple(row) for row in session.execute(select(table))} for table in tables}


def furnish(maker: Maker, record: Any) -> None:
    """Rows of every kind that go with a record, and rows that go with them."""
    maker.at[type(record).__name__] = record  # what comes after it in its life belongs to it too
    for child, back in schema_of(type(record)).owned:
        furnish(maker, maker.new(child.entity, **{back: record}))


@written_entities
def test_a_deleted_record_comes_back_as_it_was_with_all_that_went_with_it(desk: Desk) -> None:
    with working(desk.app) as session:
        maker = desk.maker(session)
        record = maker.new(desk.schema.entity)
        furnish(maker, record)
        session.commit()
        id_, title = record.id, str(record)
    before = everything(desk.app)
    assert desk.client.post(f"{desk.base}/{id_}/delete").status_code == 302
    without = everything(desk.app)
    gone = {name for name in before if before[name] != without[name]}
    assert gone >= {desk.schema.table.name, *(child.table.name for child, _back in desk.schema.owned)}
    page = desk.client.get(f"{desk.base}/").text
    assert str(escape(clip(title))) in page, "what was deleted is named, and how to have it back"
    answer = desk.client.post("/bin/restore", data=form(page, "undo"))
    assert answer.location == f"{desk.base}/{id_}"
    assert everything(desk.app) == before
    with working(desk.app) as session:
        c = Change.__table__.c
        told = dict(
            session.execute(
                select(c.field, c.new).where(
                    c.entity == desk.schema.table.name, c.record_id == id_, c.kind == ChangeKind.RESTORED
                )
            ).all()
        )
    kept = desk.row(id_)
    assert told and all(told[name] == as_text(kept[name]) for name in told)
    assert desk.client.post(f"{desk.base}/{id_}/delete").status_code == 302, "and it is deleted like any other"


# --- The API ------------------------------------------------------------------------------------------------


@pytest.fixture
def document(desk_of: Callable[[type[Row]], Desk]) -> dict[str, Any]:
    return dict(desk_of(EVERY[0]).client.get("/api/v1/openapi.json").get_json())


def schema_in(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A schema of OpenAPI 3.0 as JSON Schema has it: the references resolved, «nullable» put into the type."""
    if "$ref" in part:
        return schema_in(document, document["components"]["schemas"][part["$ref"].rpartition("/")[2]])
    made = dict(part)
    if made.pop("nullable", False):
        made["type"] = [made["type"], "null"]
    if "properties" in made:
        made["properties"] = {name: schema_in(document, one) for name, one in made["properties"].items()}
        made["additionalProperties"] = False
    if "items" in made:
        made["items"] = schema_in(document, made["items"])
    if "allOf" in made:
        (whole,) = (schema_in(document, one) for one in made.pop("allOf"))
        made = whole | made
    return made


@written_entities
def test_the_api_gives_back_what_it_was_given(desk: Desk, document: dict[str, Any]) -> None:
    with working(desk.app) as session:
        values = desk.maker(session).values(desk.schema.entity)
        body = sent({name: value for name, value in values.items() if value is not None})
        session.commit()
    paths = document["paths"]
    asked = paths[f"{desk.api}/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(body, schema_in(document, asked))
    answer = desk.client.post(f"{desk.api}/", json=body)
    assert answer.status_code == 201
    item = desk.client.get(f"{desk.api}/{answer.json['id']}").get_json()
    assert answer.json == item
    told = paths[f"{desk.api}/{{id}}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(item, schema_in(document, told), format_checker=jsonschema.FormatChecker())
    for name, value in body.items():
        assert _plain(desk.schema.field(name), item[name]) == value, name
    before = desk.row(item["id"])
    again = {name: item[name] for name in (*desk.schema.form_names, "version")}
    answer = desk.client.put(f"{desk.api}/{item['id']}", json=again)
    assert answer.status_code == 200 and answer.json == item
    assert desk.row(item["id"]) == before, "what is read and sent back changes nothing"
    listed = desk.client.get(f"{desk.api}/?size=200").get_json()
    page = paths[f"{desk.api}/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(listed, schema_in(document, page))
    assert desk.client.delete(f"{desk.api}/{item['id']}").status_code == 204
    assert desk.client.get(f"{desk.api}/{item['id']}").status_code == 404


def _plain(field: Field, value: Any) -> Any:
    """What was read, in the shape in which it was sent."""
    if field.kind is Kind.REFERENCE:
        return value["id"]
    if field.kind is Kind.REFERENCES:
        return [one["id"] for one in value]
    if field.kind is Kind.NUMBER:
        return str(Decimal(value).quantize(Decimal(1)))
    return value


@written_entities
def test_a_body_without_a_required_field_is_refused_at_the_field(desk: Desk) -> None:
    before = desk.ids()
    start = form(desk.client.get(f"{desk.base}/add").text)
    answer = desk.client.post(f"{desk.api}/", json={})
    needed = {field.name for field in editable(desk) if field.required and not start.get(field.name)}
    if needed:
        assert answer.status_code == 422 and set(answer.json["fields"]) == needed
        assert all(told == ["Fill in this field."] for told in answer.json["fields"].values())
        assert desk.ids() == before


@written_entities
def test_a_change_by_the_api_leaves_what_it_does_not_name(desk: Desk) -> None:
    id_ = desk.new()
    before = desk.row(id_)
    name = next((f.name for f in editable(desk) if f.kind in (Kind.TEXT, Kind.LONG) and not f.auto), None)
    change: dict[str, Any] = {name: "Другое"} if name else {"until": "2038-01-01"}
    answer = desk.client.put(f"{desk.api}/{id_}", json={"version": before["version"], **change})
    assert answer.status_code == 200
    after = desk.row(id_)
    upkeep = {"version", "changed_at", "changed_by_id", "folded", "title"}
    assert {key for key in after if after[key] != before[key]} - (upkeep - set(change)) == set(change)


def test_the_openapi_document_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3" and document["info"]["title"] and document["info"]["version"]
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]
    ids = [operation["operationId"] for _path, _method, operation in operations]
    assert len(ids) == len(set(ids)) == 5 * len(EVERY) + 2 * (len(ENTITIES) - len(EVERY))
    for path, method, operation in operations:
        assert all(code.isdecimal() and "description" in answer for code, answer in operation["responses"].items())
        parameters = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
        named = [(one["in"], one["name"]) for one in parameters]
        assert len(named) == len(set(named))
        assert {name for place, name in named if place == "path"} == ({"id"} if "{id}" in path else set())
        assert ("requestBody" in operation) == (method in ("post", "put"))
    known = document["components"]["schemas"]
    assert set(known) == {entity.__name__ for entity in ENTITIES} | {f"{entity.__name__}Write" for entity in EVERY}
    for part in known.values():
        jsonschema.Draft4Validator.check_schema(schema_in(document, part))
        for one in part["properties"].values():
            assert one.get("title") or one == {"type": "integer"}, "every field has its label"
    assert document["security"] == [{name: []} for name in document["components"]["securitySchemes"]]


def test_the_document_names_every_address_and_filter_of_the_api(
    desk_of: Callable[[type[Row]], Desk], document: Any
) -> None:
    app = desk_of(EVERY[0]).app
    served = {
        (str(rule).replace("<int:id>", "{id}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and not str(rule).endswith("openapi.json")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert served == {
        (path, method) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    for schema in map(schema_of, ENTITIES):
        told = {one["name"] for one in document["paths"][f"/api/v1/{schema.slug}/"]["get"]["parameters"]}
        for field in schema.fields(schema.admin.filters):
            assert {f"{field.name}.{op}" if op != "eq" else field.name for op in OPERATORS[field.kind]} <= told
