"""Who sees which rows: whatever is asked and however, a record out of reach is as if it were not there.

Three worlds, each a family with all that belongs to it: one's own, a colleague's in the same organisation, and that
of another organisation in another municipality. Every text of them carries the mark of its world and entity; the
viewers hold every permission there is, so that nothing but row visibility stands between them and the marks.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.deadlines.models import Deadline
from app.kernel import printing
from app.kernel.access import load_viewer
from app.kernel.declare import Reach
from app.kernel.grants import Holding, change_role, grant_ids
from app.kernel.orm import Record, Row, acting_as
from app.kernel.papers import printable
from app.kernel.query import SORTABLE
from app.kernel.schema import Kind, Schema, schema_of
from app.kernel.scope import OutOfReach
from app.kernel.users import create_user
from app.meetings.models import CommissionMember
from app.territory.models import Municipality, Staff
from models import ENTITIES
from tests.records import Maker, posted
from tests.running import PASSWORD, login, working

OF_FAMILY = frozenset(
    {
        "Family", "Member", "Income", "RiskAssessment", "Case", "Problem", "Plan", "Goal", "Activity", "Contact",
        "Monitoring", "MonitoringResult", "AgendaItem", "StageEntry", "Suspension", "CaseEvent", "Mark", "Delay",
    }
)  # fmt: skip
OF_ORGANISATION = frozenset({"Organisation", "Staff", "Signal"})
OF_COMMISSION = frozenset({"Commission", "CommissionMember", "Meeting"})
ALL = OF_FAMILY | OF_ORGANISATION | OF_COMMISSION
NONE: frozenset[str] = frozenset()
JUST = frozenset({"Organisation"})  # one's own organisation, and no more

# viewer -> what he sees of his own world, of his colleague's, of the foreign one
SEES = {
    "curator": (ALL, OF_ORGANISATION | OF_COMMISSION, NONE),
    "supervisor": (ALL, ALL, NONE),
    "secretary": (ALL, ALL, NONE),
    "precinct worker": (OF_FAMILY, NONE, NONE),
    "commissioner": (OF_FAMILY | OF_COMMISSION | JUST, JUST, NONE),
    "commissioner no more": (JUST, JUST, NONE),
    "commissioner not yet": (JUST, JUST, NONE),
    "curator here, secretary there": (OF_ORGANISATION | OF_COMMISSION, OF_ORGANISATION | OF_COMMISSION, ALL),
    "without a place": (NONE, NONE, NONE),
    "analyst": (NONE, NONE, NONE),
}
THOROUGHLY = ("curator", "secretary", "commissioner")
WORLDS = ("own", "colleague", "foreign")
SCOPED = tuple(entity for entity in ENTITIES if entity.__name__ in ALL)
NOBODY_HAS = 2**31 - 1


def mark(world: str, entity: str) -> str:
    return f"XQ{world}{entity}XQ"


def key(world: str, entity: str) -> str:
    """A word that finds the record and, being typed into the search box, is no trace of it."""
    return f"key{world}{entity}"


class Marked(Maker):
    """Puts the mark of the world and the entity into every text."""

    def text(self, entity: type[Row], field: Any, n: int) -> str:
        name = entity.__name__
        # A commission's members are known by name to whoever sees the commission.
        marked = mark(self.mark, "Name" if (name, field.name) == ("Staff", "name") else name)
        return f"{marked} {key(self.mark, name)} {n}"


@dataclass
class Worlds:
    """Numbers of the records by world and entity, and who is who."""

    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    def seen(self, viewer: str, entity: str) -> dict[str, int]:
        """Numbers of the records of an entity that the viewer sees, by world."""
        return {
            world: self.ids[world][entity]
            for world, entities in zip(WORLDS, SEES[viewer], strict=True)
            if entity in entities
        }

    def hidden(self, viewer: str, entity: str) -> set[int]:
        return {self.ids[world][entity] for world in WORLDS} - set(self.seen(viewer, entity).values())

    def forbidden(self, viewer: str) -> dict[str, str]:
        """Marks that no answer to the viewer may hold."""
        marks = {
            mark(world, entity): f"{world} {entity}"
            for world in WORLDS
            for entity in ALL
            if self.ids[world][entity] in self.hidden(viewer, entity)
        }
        if viewer != "without a place":  # the header of every page names the organisation that one works for
            marks.pop(mark("own", "Organisation"), None)
        for world, entities in zip(WORLDS, SEES[viewer], strict=True):
            if not entities & {"Staff", "CommissionMember"}:
                marks[mark(world, "Name")] = f"{world} name"
        return marks


def roles_of_every_reach(session: Any) -> None:
    """Roles that may do everything, and differ in how far they see."""
    everything = frozenset(grant_ids(session))
    for reach in Reach:
        session.add(role := Role(name=reach.name))
        session.flush()
        change_role(session, role.id, Holding(everything, frozenset({reach})))


def populate(app: Flask) -> Worlds:
    found, yesterday = Worlds(), dt.date.today() - dt.timedelta(days=1)
    with working(app) as session:
        roles_of_every_reach(session)
        common = Maker(session, "Common")
        for entity in ENTITIES:
            if entity.__admin__.form and entity.__name__ not in ALL | {"Absence"}:  # it would make staff for all
                common.one(entity)
        north = common.one(Municipality)
        south = common.new(Municipality, name="South")
        worlds: dict[str, dict[str, Any]] = {}
        for name, place in (("own", north), ("colleague", north), ("foreign", south)):
            maker = Marked(session, name, **common.at)
            maker.at["Municipality"] = place
            maker.at["Precinct"] = common.new(type(common.at["Precinct"]), municipality=place)
            if name == "colleague":
                maker.at["Organisation"] = worlds["own"]["Organisation"]
            worlds[name] = maker.every()
            found.ids[name] = {entity.__name__: worlds[name][entity.__name__].id for entity in (*SCOPED, Deadline)}
        own = worlds["own"]

        def enter(viewer: str, *reaches: Reach, staff: Staff | None = None) -> None:
            user = create_user(session, f"user{len(found.logins)}", PASSWORD, [one.name for one in reaches], staff)
            found.logins[viewer], found.users[viewer] = user.username, user.id

        def hire(viewer: str, municipality: Any = north, **more: Any) -> Staff:
            session.add(
                staff := Staff(name=viewer, organisation=own["Organisation"], municipality=municipality, **more)
            )
            session.flush()
            return staff

        def sit(viewer: str, since: dt.date | None = None, until: dt.date | None = None) -> Staff:
            seat = CommissionMember(
                commission=own["Commission"], staff=hire(viewer), title=viewer, since=since, until=until
            )
            session.add(seat)
            return seat.staff

        enter("curator", Reach.OWN, staff=own["Staff"])
        enter("supervisor", Reach.ORGANISATION, staff=hire("supervisor", None))
        enter("secretary", Reach.MUNICIPALITY, staff=hire("secretary"))
        enter("precinct worker", Reach.PRECINCT, staff=hire("precinct worker", precinct=own["Family"].precinct))
        enter("commissioner", Reach.AGENDA, staff=sit("commissioner", dt.date.today(), dt.date.today()))
        enter("commissioner no more", Reach.AGENDA, staff=sit("commissioner no more", None, yesterday))
        enter("commissioner not yet", Reach.AGENDA, staff=sit("not yet", dt.date.today() + dt.timedelta(days=1)))
        both = (Reach.OWN, Reach.MUNICIPALITY)
        enter("curator here, secretary there", *both, staff=hire("two roles", south))
        enter("without a place", *(reach for reach in Reach if reach is not Reach.EVERYTHING))
        enter("analyst", Reach.NOTHING, staff=hire("analyst"))
        # A missing value of a row must not meet the missing value of a viewer.
        placeless = Marked(session, "foreign", **{**worlds["foreign"], **common.at})
        for name, absent in (
            ("Family", ("municipality", "precinct")),
            ("Commission", ("organisation", "municipality")),
        ):
            placeless.new(type(own[name]), **dict.fromkeys(absent))
        session.commit()
        changed = {"family": None}, {"family": worlds["colleague"]["Family"]}  # for the history of a visible signal
        for values in changed:
            for name, value in values.items():
                setattr(worlds["colleague"]["Signal"], name, value)
            session.commit()
    return found


@pytest.fixture
def standing_worlds(standing: Callable[..., tuple[Flask, Worlds]]) -> tuple[Flask, Worlds]:
    return standing("scope", populate)


@pytest.fixture
def worlds(standing_worlds: tuple[Flask, Worlds]) -> Worlds:
    """The three worlds, for tests that write nothing."""
    return standing_worlds[1]


@pytest.fixture
def client_of(standing_worlds: tuple[Flask, Worlds]) -> Callable[[str], FlaskClient]:
    app, worlds = standing_worlds
    return lambda viewer: login(app.test_client(), worlds.logins[viewer])


@pytest.mark.parametrize("viewer", SEES)
def test_a_term_is_seen_with_its_case(viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]) -> None:
    """It has no text of its own, so the tests of marks below pass it by."""
    client, seen = client_of(viewer), set(worlds.seen(viewer, "Case"))
    listed = {item["id"] for item in client.get("/api/v1/deadline/?size=200").get_json()["items"]}
    for world in WORLDS:
        id_, expected = worlds.ids[world]["Deadline"], 200 if world in seen else 404
        assert (id_ in listed) == (world in seen)
        assert client.get(f"/deadline/{id_}").status_code == expected
        assert client.get(f"/api/v1/deadline/{id_}").status_code == expected


@pytest.fixture(autouse=True)
def quick_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF is the page it is set from: what is on paper is the same, and read without waiting."""

    def page(template: str, context: Any, **bounds: Any) -> bytes:
        return printing.render_html(template, context).encode()

    monkeypatch.setattr(printing, "render_pdf", page)


def words(answer: TestResponse) -> str:
    """Everything that an answer says, also inside of packed files; headers too."""
    body = answer.get_data()
    if body.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(body)) as archive:
            body = b"\n".join(archive.read(name) for name in archive.namelist())
    return f"{answer.headers}\n{body.decode('utf-8', 'replace')}"


def scanned(schema: Schema) -> bool:
    return schema.admin.scans or bool(schema.admin.prints)


viewers = pytest.mark.parametrize("viewer", SEES)
thorough_viewers = pytest.mark.parametrize("viewer", THOROUGHLY)


# --- Reading ----------------------------------------------------------------------------------------------


def lists_of(schema: Schema, *, all_of_them: bool) -> Iterator[str]:
    """Addresses of everything that tells of several records."""
    base, api = f"/{schema.slug}", f"/api/v1/{schema.slug}"
    yield f"{base}/"
    yield f"{base}/choices"
    yield f"{base}/export.csv"
    if all_of_them:
        yield f"{api}/?size=200"
        yield from (f"{base}/?tab={tab.key}" for tab in schema.admin.tabs)
        yield f"{base}/export.xlsx"
        yield from (f"{base}/print/{key}.{suffix}" for key in schema.admin.lists for suffix in ("pdf", "docx"))


@viewers
def test_lists_hold_what_is_in_reach_and_no_trace_of_the_rest(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)
    for schema in map(schema_of, SCOPED):
        seen = worlds.seen(viewer, schema.resource)
        for address in lists_of(schema, all_of_them=viewer in THOROUGHLY):
            answer = client.get(address)
            assert answer.status_code == 200, address
            found = words(answer)
            assert [told for trace, told in forbidden.items() if trace in found] == [], address
        items = client.get(f"/api/v1/{schema.slug}/?size=200").get_json()["items"]
        ids = {item["id"] for item in items}
        assert ids >= set(seen.values()) and not ids & worlds.hidden(viewer, schema.resource), schema
    desk = words(client.get("/"))
    assert not [told for trace, told in forbidden.items() if trace in desk], "the desk"
    assert client.get("/api/v1/change/").get_json()["count"] == 0, "the history belongs to whoever sees everything"


@viewers
def test_the_search_of_the_site_finds_what_is_in_reach(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)
    for schema in map(schema_of, SCOPED):
        if schema.admin.found is None:
            continue
        seen = worlds.seen(viewer, schema.resource)
        for world in WORLDS:
            word = key(world, schema.resource)
            # As it is, and with two letters that have changed places.
            for words in (word, word[:-3] + word[-2] + word[-3] + word[-1]):
                answer = client.post("/search/", data={"q": words})
                found = led_to(answer, schema)
                hidden = worlds.hidden(viewer, schema.resource)
                assert not found & hidden, (viewer, words)
                assert [told for trace, told in forbidden.items() if trace in answer.text] == [], (viewer, words)
            if world in seen and (world, schema.resource) not in NAMED_OTHERWISE:
                answer = client.post("/search/", data={"q": word})
                assert seen[world] in led_to(answer, schema), (viewer, word)


# A colleague's organisation is one's own, and a plan is called by its case.
NAMED_OTHERWISE = {("colleague", "Organisation"), *((world, "Plan") for world in WORLDS)}


def led_to(answer: TestResponse, schema: Schema) -> set[int]:
    """Numbers of the entity's records that the page leads to."""
    assert answer.status_code == 200
    return {int(id_) for id_ in re.findall(rf'class="[^"]*found" href="/{schema.slug}/(\d+)"', answer.text)}


@viewers
def test_a_record_out_of_reach_answers_like_one_that_is_not_there(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client = client_of(viewer)
    for schema in map(schema_of, SCOPED):
        base, api = f"/{schema.slug}/%d", f"/api/v1/{schema.slug}/%d"
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", base, {}),
            ("GET", f"{base}/history", {}),
            ("GET", f"{base}/edit", {}),
            ("POST", f"{base}/edit", {"data": {"version": "1"}}),
            ("GET", f"{base}/delete", {}),
            ("POST", f"{base}/delete", {}),
            *(("GET", f"{base}/print/{key}.docx", {}) for key in schema.admin.prints),
            *(("GET", f"{base}/papers{rest}", {}) for rest in ("", ".pdf", ".zip") if printable(schema)),
            *(("GET", f"{base}/scans/{rest}", {}) for rest in ("add", "1", "1/view", "1/delete") if scanned(schema)),
            *(("POST", f"{base}/scans/{rest}", {}) for rest in ("add", "1/delete") if scanned(schema)),
            ("GET", api, {}),
            ("PUT", api, {"json": {"version": 1}}),
            ("DELETE", api, {}),
        ]
        hidden = sorted(worlds.hidden(viewer, schema.resource))
        if viewer not in THOROUGHLY:
            asked, hidden = [asked[0], asked[3], asked[-3]], hidden[-1:]
        for method, address, options in asked if hidden else ():
            nowhere = client.open(address % NOBODY_HAS, method=method, **options)
            assert nowhere.status_code == 404, (method, address)
            for id_ in hidden:
                here = client.open(address % id_, method=method, **options)
                assert (here.status_code, here.data) == (404, nowhere.data), (method, address % id_)
                assert list(here.headers) == list(nowhere.headers), (method, address % id_)


@thorough_viewers
def test_pages_of_records_in_reach_tell_nothing_of_the_rest(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)
    for schema in map(schema_of, SCOPED):
        for world, id_ in worlds.seen(viewer, schema.resource).items():
            base = f"/{schema.slug}/{id_}"
            offered = client.get(f"{base}/papers").text if printable(schema) else ""
            ticked = "&".join(f"paper={name}" for name in re.findall(r'name="paper" value="([^"]+)"', offered))
            pages = [
                "",
                *(("/papers",) if printable(schema) else ()),
                *((f"/papers.zip?{ticked}",) if ticked else ()),
                "/history",
                "/edit",
                *(f"/print/{key}.{kind}" for key in schema.admin.prints for kind in ("pdf", "docx")),
            ]
            for page in pages:
                answer = client.get(base + page)
                assert answer.status_code == 200, base + page
                found = words(answer)
                assert [told for trace, told in forbidden.items() if trace in found] == [], base + page
                shared = schema.resource == "Organisation" and world == "colleague"
                if page == "" and not shared and schema.resource != "CommissionMember":  # it has no words of its own
                    assert mark(world, schema.resource) in found, f"{base} must show its own words"
            item = client.get(f"/api/v1{base}")
            assert item.status_code == 200
            assert [told for trace, told in forbidden.items() if trace in item.text] == [], f"the API's {base}"


@thorough_viewers
def test_searching_filtering_and_sorting_find_nothing_out_of_reach(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)

    def ask(address: str) -> dict[str, Any]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert [told for trace, told in forbidden.items() if trace in answer.text] == [], address
        return dict(answer.get_json())

    for schema in map(schema_of, SCOPED):
        api = f"/api/v1/{schema.slug}/?size=200"
        for name in schema.admin.list:
            if schema.field(name).kind in SORTABLE:
                ask(f"{api}&sort={name}")
                ask(f"{api}&sort=-{name}")
        # By the words of any hidden record: its own, and those of what is searched along with it.
        related = {schema.resource} | {
            target.__name__ for name in schema.admin.search if (target := schema.field(name).target) is not None
        }
        for entity in related & ALL:
            for world in WORLDS:
                if worlds.ids[world][entity] in worlds.hidden(viewer, entity):
                    assert ask(f"{api}&q={key(world, entity)}")["count"] == 0, (schema, world, entity)
                    options = client.post(f"/{schema.slug}/choices", data={"q": key(world, entity)}).get_json()
                    assert options == {"items": []}, (schema, world, entity)
        # By the number of a hidden record: as by a number that nobody has.
        for field_ in schema.fields(schema.admin.filters):
            if field_.target is None or field_.target.__name__ not in ALL:
                continue
            nothing = ask(f"{api}&{field_.name}={NOBODY_HAS}")["count"]
            for id_ in worlds.hidden(viewer, field_.target.__name__):
                assert ask(f"{api}&{field_.name}={id_}")["count"] == nothing == 0, (schema, field_.name)
                page = words(client.get(f"/{schema.slug}/?{field_.name}={id_}"))
                assert [told for trace, told in forbidden.items() if trace in page] == [], (schema, field_.name)


@thorough_viewers
def test_drop_downs_are_narrowed_within_reach(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, narrowed = client_of(viewer), 0
    for schema in map(schema_of, SCOPED):
        for field_ in schema.fields(schema.form_names):
            if field_.narrow is None or field_.target is None or field_.target.__name__ not in ALL:
                continue
            narrowed += 1
            by = schema
            for name in field_.narrow[0].split("."):
                by = schema_of(by.field(name).target)  # type: ignore[arg-type]
            address = f"/{schema_of(field_.target).slug}/choices?for={schema.resource}.{field_.name}&with=%d"
            for world in WORLDS:
                found = {item["value"] for item in client.get(address % worlds.ids[world][by.resource]).json["items"]}
                seen = worlds.seen(viewer, field_.target.__name__)
                assert found == ({str(seen[world])} if world in seen else set()), (schema, field_.name, world)
    assert narrowed == 4


@thorough_viewers
def test_a_form_proposes_nothing_out_of_reach(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)
    for schema in map(schema_of, SCOPED):
        references = [one for one in schema.fields(schema.form_names) if one.target and one.target.__name__ in ALL]
        proposed = {one.name: sorted(worlds.hidden(viewer, one.target.__name__))[-1:] for one in references}  # type: ignore[union-attr]
        page = words(client.get(f"/{schema.slug}/add", query_string=proposed))
        assert [told for trace, told in forbidden.items() if trace in page] == [], schema


def test_the_desk_counts_what_its_reader_sees(worlds: Worlds, client_of: Callable[[str], FlaskClient]) -> None:
    """Each number is that of the list behind it, which the tests above hold to its reader's reach."""
    for viewer in SEES:
        client = client_of(viewer)
        for path, count in re.findall(r'href="([^"]+)" data-count="(\d+)"', client.get("/").text):
            page = client.get(path.replace("&amp;", "&")).text
            (total,) = re.findall(r'page-title me-auto">[^<]*<span[^>]*>([\d\s\u202f]+)<', page)
            assert int(count) == int(re.sub(r"\D", "", total)), (viewer, path)


# --- Writing ----------------------------------------------------------------------------------------------


def snapshot(app: Flask) -> dict[str, list[Any]]:
    with working(app) as session:
        tables = [entity.__table__ for entity in SCOPED]
        links = {
            rel.secondary for entity in SCOPED for rel in entity.__mapper__.relationships if rel.secondary is not None
        }
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in (*tables, *sorted(links, key=str))
        }


@thorough_viewers
def test_nothing_is_pointed_at_a_record_out_of_reach(viewer: str, standing_worlds: tuple[Flask, Worlds]) -> None:
    app, worlds = standing_worlds
    client, before = login(app.test_client(), worlds.logins[viewer]), snapshot(app)
    tried = 0
    for schema in map(schema_of, SCOPED):
        seen = worlds.seen(viewer, schema.resource)
        with working(app) as session:
            maker = Maker(session, "New")
            for entity in (one for one in ENTITIES if one.__admin__.form):
                id_ = worlds.ids["own"].get(entity.__name__)
                any_ = session.scalars(select(entity).order_by(entity.id)).first()
                maker.at[entity.__name__] = session.get_one(entity, id_) if id_ else any_
            right = posted(maker.values(schema.entity))
        for field_ in schema.fields(schema.form_names):
            if field_.target is None or field_.target.__name__ not in ALL:
                continue
            for id_ in sorted(worlds.hidden(viewer, field_.target.__name__))[-1:]:
                wrong = right | {field_.name: str(id_)}
                many = field_.kind is Kind.REFERENCES
                answers = [
                    client.post(f"/{schema.slug}/add", data=wrong),
                    client.post(f"/api/v1/{schema.slug}/", json=wrong),
                ]
                if seen:
                    mine = f"/{schema.slug}/{min(seen.values())}"
                    version = client.get(f"/api/v1{mine}").get_json()["version"]
                    answers += [
                        client.post(f"{mine}/edit", data=wrong | {"version": str(version)}),
                        client.put(f"/api/v1{mine}", json={"version": version, field_.name: [id_] if many else id_}),
                    ]
                for answer in answers:
                    tried += 1
                    assert answer.status_code in (404, 422), (schema, field_.name, answer.request, answer.status_code)
    assert tried > 20
    assert snapshot(app) == before


@thorough_viewers
def test_child_rows_do_not_reach_out_either(viewer: str, standing_worlds: tuple[Flask, Worlds]) -> None:
    """Neither by a reference of the row, nor by the number of a row that belongs to somebody else's record."""
    app, worlds = standing_worlds
    client, before = login(app.test_client(), worlds.logins[viewer]), snapshot(app)
    for schema in map(schema_of, SCOPED):
        seen = worlds.seen(viewer, schema.resource)
        for relation in schema.admin.inline if "own" in seen else ():
            child = schema_of(schema.field(relation).target)  # type: ignore[arg-type]
            mine = f"/{schema.slug}/{seen['own']}/edit"
            with working(app) as session:
                record: Any = session.get_one(schema.entity, seen["own"])
                whole = {"version": str(record.version)}
                for field_ in schema.fields(schema.form_names):
                    value = getattr(record, field_.name)
                    whole |= posted({field_.name: value})
                row = posted(Maker(session, "New", **{
                    name: session.get_one(entity, worlds.ids["own"][name])
                    for entity in SCOPED if (name := entity.__name__)
                }).values(child.entity))  # fmt: skip
            row.pop(schema.back_name(relation))
            filled = {f"{relation}-0-{name}": value for name, value in row.items()} | {f"{relation}-0-id": ""}
            for field_ in child.fields(child.form_names):
                if field_.target is None or field_.name not in row or field_.target.__name__ not in ALL:
                    continue
                for id_ in worlds.hidden(viewer, field_.target.__name__):
                    answer = client.post(mine, data=whole | filled | {f"{relation}-0-{field_.name}": str(id_)})
                    assert answer.status_code in (404, 422), (schema, relation, field_.name, answer.status_code)
            for id_ in worlds.hidden(viewer, child.resource):
                for more in ({}, {f"{relation}-0-deleted": "1"}):
                    stolen = {f"{relation}-0-id": str(id_), f"{relation}-0-version": "1"}
                    answer = client.post(mine, data=whole | filled | stolen | more)
                    assert answer.status_code in (404, 409, 422), (schema, relation, answer.status_code)
                    assert "XQforeign" not in answer.text
    assert snapshot(app) == before


@thorough_viewers
def test_the_page_of_a_conflict_tells_nothing_of_the_rest(
    viewer: str, worlds: Worlds, client_of: Callable[[str], FlaskClient]
) -> None:
    client, forbidden = client_of(viewer), worlds.forbidden(viewer)
    for schema in map(schema_of, SCOPED):
        names = {one.name: one.target.__name__ for one in schema.fields(schema.form_names) if one.target}
        hidden = {
            name: str(max(ids))
            for name, entity in names.items()
            if entity in ALL and (ids := worlds.hidden(viewer, entity))
        }
        for id_ in worlds.seen(viewer, schema.resource).values():
            answer = client.post(f"/{schema.slug}/{id_}/edit", data={"version": "99", **hidden})
            assert answer.status_code == 409, schema
            assert [told for trace, told in forbidden.items() if trace in answer.text] == [], schema


@thorough_viewers
def test_deleting_counts_nothing_hidden_and_takes_nothing_hidden_along(viewer: str, app: Flask) -> None:
    worlds = populate(app)
    client = login(app.test_client(), worlds.logins[viewer])
    hidden = {entity.__name__: worlds.hidden(viewer, entity.__name__) for entity in SCOPED}
    for schema in map(schema_of, SCOPED):
        for id_ in worlds.seen(viewer, schema.resource).values():
            for method in ("GET", "POST"):  # what went with another is not there any more
                answer = client.open(f"/{schema.slug}/{id_}/delete", method=method)
                assert answer.status_code in (200, 302, 404), schema
    with working(app) as session:
        for entity in SCOPED:
            there = set(session.scalars(select(entity.id)))
            assert hidden[entity.__name__] <= there, entity


@viewers
def test_the_session_itself_keeps_to_the_reach(viewer: str, standing_worlds: tuple[Flask, Worlds]) -> None:
    """Below every screen: objects are not loaded, and no foreign key is written, by whatever code."""
    app, worlds = standing_worlds
    with working(app) as session:
        user = session.get_one(app.appbuilder.sm.user_model, worlds.users[viewer])  # type: ignore[attr-defined]
        asking = load_viewer(session, user)
        for entity in SCOPED:
            hidden = worlds.hidden(viewer, entity.__name__)
            with acting_as(session, asking):
                session.expunge_all()
                assert not hidden & set(session.scalars(select(entity.id))), entity
                assert not hidden & {one.id for one in session.scalars(select(entity))}, entity
                assert all(session.get(entity, id_) is None for id_ in hidden), entity
                session.execute(update(entity).where(entity.id.in_(hidden)).values(folded="touched"))
            session.expire_all()
            assert not session.scalars(select(entity.id).where(entity.folded == "touched")).all(), entity
        session.rollback()
        for entity in SCOPED:
            for relation in entity.__mapper__.relationships:
                target, columns = relation.mapper.class_, relation.local_columns
                if relation.direction.name != "MANYTOONE" or target.__name__ not in ALL:
                    continue
                for id_ in sorted(worlds.hidden(viewer, target.__name__))[:1]:
                    for mine in worlds.seen(viewer, entity.__name__).values():
                        record: Record = session.get_one(entity, mine)
                        (column,) = columns
                        if getattr(record, column.key) == id_:
                            continue
                        setattr(record, column.key, id_)
                        with acting_as(session, asking), pytest.raises(OutOfReach):
                            session.flush()
                        session.rollback()
