"""The table of rights against the product: every door of every entity is tried by everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.kernel.declare import May
from app.kernel.grants import role_holdings
from app.kernel.papers import printable
from app.kernel.schema import Schema, schema_of
from app.roles import ANALYST
from models import ENTITIES
from tests.access import table
from tests.access.world import World, populate
from tests.running import login, working

NOBODY_HAS = 2**31 - 1  # a number that no record has: who may delete is told that it is not there
FLAGS = {
    "L": May.LIST,
    "S": May.SHOW,
    "A": May.ADD,
    "E": May.EDIT,
    "D": May.DELETE,
    "P": May.PRINT,
    "X": May.EXPORT,
    "R": May.API,
}


@dataclass(frozen=True)
class Door:
    """A way to an entity: the letters it asks for, and its address."""

    letters: str
    method: str
    path: str  # as the map of addresses has it
    key: str = ""  # which of the papers
    gone: bool = False  # tried on a record that is not there, so that it does no harm

    def at(self, id_: int) -> str:
        number = str(NOBODY_HAS if self.gone else id_)
        path = self.path.replace("<int:pk>", number).replace("<int:id>", number).replace("<key>", self.key)
        for choice, suffix in (("xlsx, csv", "csv"), ("pdf, docx", "docx"), ("pdf, zip", "zip")):
            path = path.replace(f"<any({choice}):suffix>", suffix)
        return path.replace("<int:scan>", number)


def doors(schema: Schema) -> Iterator[Door]:
    base, api = f"/{schema.slug}", f"/api/v1/{schema.slug}"
    yield Door("L", "GET", f"{base}/")
    for method in ("GET", "POST"):
        yield Door("L", method, f"{base}/choices")
        yield Door("L", method, f"{base}/saved/")
        yield Door("X", method, f"{base}/export.<any(xlsx, csv):suffix>")
    for path in ("find", "look"):
        yield Door("L", "POST", f"{base}/{path}")
    for path in ("saved/<int:pk>", "saved/<int:pk>/open", "saved/<int:pk>/delete"):
        yield Door("L", "POST", f"{base}/{path}", gone=True)
    yield Door("S", "GET", f"{base}/<int:pk>")
    yield Door("RL", "GET", f"{api}/")
    yield Door("RS", "GET", f"{api}/<int:id>")
    for key in schema.admin.prints:
        yield Door("P", "GET", f"{base}/<int:pk>/print/<key>.<any(pdf, docx):suffix>", key)
    if printable(schema):
        yield Door("P", "GET", f"{base}/<int:pk>/papers")
        yield Door("P", "GET", f"{base}/<int:pk>/papers.<any(pdf, zip):suffix>")
    if schema.admin.scans or schema.admin.prints:
        for method in ("GET", "POST"):
            yield Door("E", method, f"{base}/<int:pk>/scans/add")
            yield Door("E", method, f"{base}/<int:pk>/scans/<int:scan>/delete", gone=True)
        yield Door("S", "GET", f"{base}/<int:pk>/scans/<int:scan>", gone=True)
        yield Door("S", "GET", f"{base}/<int:pk>/scans/<int:scan>/view", gone=True)
    for key in schema.admin.lists:
        yield Door("P", "GET", f"{base}/print/<key>.<any(pdf, docx):suffix>", key)
    if schema.admin.form:
        yield Door("S", "GET", f"{base}/<int:pk>/history")
        for method in ("GET", "POST"):
            yield Door("A", method, f"{base}/add")
            if method == "POST" and schema.admin.alike is not None:
                yield Door("A", method, f"{base}/alike")
            if method == "POST" and schema.advised:
                yield Door("A", method, f"{base}/add/advice")
                yield Door("E", method, f"{base}/<int:pk>/edit/advice")
            yield Door("E", method, f"{base}/<int:pk>/edit")
            yield Door("D", method, f"{base}/<int:pk>/delete", gone=method == "POST")
        yield Door("D", "POST", f"{base}/many/delete")
        if schema.admin.bulk:
            yield Door("E", "POST", f"{base}/many/edit")
        for method in ("GET", "POST") if schema.admin.merges else ():
            yield Door("ED", method, f"{base}/<int:pk>/merge", gone=method == "POST")
        yield Door("RA", "POST", f"{api}/")
        yield Door("RE", "PUT", f"{api}/<int:id>")
        yield Door("RD", "DELETE", f"{api}/<int:id>", gone=True)


def ask(client: FlaskClient, method: str, path: str) -> TestResponse:
    speaks_json = method != "GET" and (path.startswith("/api/") or path.endswith("/table"))
    return client.open(path, method=method, json={} if speaks_json else None)


def let_in(answer: TestResponse) -> bool:
    """Whether the door opened: to the thing itself, or to words about what was asked there wrongly."""
    if answer.status_code == 302:
        return not answer.location.startswith("/login/")
    return answer.status_code in (200, 201, 204, 400, 404, 409, 422, 428)


def kept_out(answer: TestResponse, role: str) -> bool:
    if role:
        return answer.status_code == 403
    if answer.request.path.startswith("/api/"):
        return answer.status_code == 401
    return answer.status_code == 302 and answer.location.startswith("/login/")


@pytest.fixture
def standing_world(standing: Callable[..., tuple[Flask, World]]) -> tuple[Flask, World]:
    return standing("table", populate)


@pytest.fixture
def world(standing_world: tuple[Flask, World]) -> World:
    return standing_world[1]


@pytest.fixture
def client_of(standing_world: tuple[Flask, World]) -> Callable[[str], FlaskClient]:
    app, world = standing_world
    return lambda role: login(app.test_client(), world.logins[role]) if role else app.test_client()


EVERYBODY = pytest.mark.parametrize("role", [*table.ROLES, pytest.param(table.STRANGER, id="a stranger")])


@EVERYBODY
def test_the_generated_screens(role: str, world: World, client_of: Callable[[str], FlaskClient]) -> None:
    client, wrong = client_of(role), []
    for name, row in table.letters().items():
        schema = schema_of(next(entity for entity in ENTITIES if entity.__name__ == name))
        for door in doors(schema):
            may = role != table.STRANGER and set(door.letters) <= row[role]
            answer = ask(client, door.method, door.at(world.ids[name]))
            if may != let_in(answer) or (not may and not kept_out(answer, role)):
                wrong.append(f"{name} {door.letters}: {door.method} {answer.request.path} -> {answer.status_code}")
            # Records are there, and in reach: 404 would prove nothing. An analyst sees no organisation.
            if may and not door.gone and answer.status_code == 404 and (role, name) != (ANALYST, "Organisation"):
                wrong.append(f"{name}: {answer.request.path} is not there")
    assert not wrong, "\n".join(wrong)


@EVERYBODY
def test_the_hand_written_screens(role: str, world: World, client_of: Callable[[str], FlaskClient]) -> None:
    client, wrong = client_of(role), []
    for (method, path), roles in table.routes().items():
        id_ = next((world.ids[name.title()] for name in ("plan", "signal") if path.startswith(f"/{name}/")), NOBODY_HAS)
        answer = ask(client, method, path.replace("<int:pk>", str(id_)).replace("<to>", "AGREED"))
        if (role in roles) != let_in(answer) or (role not in roles and not kept_out(answer, role)):
            wrong.append(f"{method} {path} -> {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_the_open_addresses_tell_a_stranger_nothing(client_of: Callable[[str], FlaskClient]) -> None:
    client = client_of(table.STRANGER)
    for method, path in sorted(table.open_routes()):
        answer = ask(client, method, path.replace("<path:filename>", "app.css"))
        assert answer.status_code in (200, 302, 400, 401, 404), (method, path)
        assert "Слово" not in answer.text and "Искорка" not in answer.text


def test_every_address_is_in_the_table(app: Flask) -> None:
    """An address that nobody has thought of the rights of fails here, and so does a line of the table without one."""
    known = {(door.method, door.path) for entity in ENTITIES for door in doors(schema_of(entity))}
    known |= set(table.routes()) | table.open_routes()
    served = {(method, str(rule)) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert served - known == set(), "addresses without a line in the table"
    assert known - served == set(), "lines of the table without an address"


def test_the_table_speaks_of_every_entity_and_role() -> None:
    assert list(table.letters()) == [entity.__name__ for entity in ENTITIES]
    assert all(list(row) == list(table.ROLES) for row in table.letters().values())


def test_the_roles_in_the_database_hold_what_the_table_says(app: Flask) -> None:
    """Also where a permission has no screen yet: the right to print an entity that has no paper."""
    from flask_appbuilder.security.sqla.models import Role

    with working(app) as session:
        names = dict(session.execute(select(Role.id, Role.name)).all())
        held = {names[id_]: holding.permissions for id_, holding in role_holdings(session).items()}
    for role in table.ROLES:
        told = {(FLAGS[letter].permission, entity) for entity, row in table.letters().items() for letter in row[role]}
        generated = {grant for grant in held[role] if grant[1] in table.letters()}
        assert generated == told, role
