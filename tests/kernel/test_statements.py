"""How many statements a page sends to the database. The number is what a page costs; the rows on it are nearly free."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, UniqueConstraint, insert, inspect, select
from sqlalchemy.orm import Session

from app.kernel.orm import Row
from app.kernel.query import reader
from app.kernel.schema import schema_of
from models import ENTITIES, Category, Family
from tests.access.table import ROLES
from tests.access.world import World, populate
from tests.pages import table
from tests.records import EVERY
from tests.running import login, search, statements, working
from tests.standing import standing  # noqa: F401

FEW, MANY = 5, 60
LIST = 8  # at most, for every entity and role
FAMILY_PAGE = 13  # who asks, the family, its categories, if terms wait to be settled, and each block of its story
FAMILY_FORM = 10
COUNTED = "count(*) AS count_1 FROM "
Filled = tuple[Flask, World]


# --- The world: many rows of everything, all of them around one family ------------------------------------


def fill(app: Flask) -> World:
    world = populate(app)
    with working(app) as session:
        for entity in EVERY:
            multiply(session, entity, world.ids[entity.__name__], MANY)
        multiply(session, Category, world.ids["Category"], 250)
        session.commit()
    return world


def multiply(session: Session, entity: type[Row], id_: int, times: int) -> None:
    """Copies of a record, in the same places and with the same links, by past the ORM: it would take too long."""
    whole: Table = entity.__table__  # type: ignore[assignment]
    row = dict(session.execute(select(whole).where(whole.c.id == id_)).one()._mapping)
    row.pop("id")
    for number in range(times):
        varied = {column: other(session, whole, column, row[column], number) for column in unique(whole)}
        new = session.execute(insert(whole).values({**row, **varied}).returning(whole.c.id)).scalar_one()
        for relation in inspect(entity).relationships:
            if relation.secondary is not None:
                ((_, here),) = relation.synchronize_pairs
                ((_, there),) = relation.secondary_synchronize_pairs
                linked = session.scalars(select(there).where(here == id_)).all()
                if linked:
                    session.execute(insert(here.table), [{here.key: new, there.key: one} for one in linked])


def unique(whole: Table) -> set[str]:
    """Columns in which a copy has to differ."""
    alone = {str(column.key) for column in whole.c if column.unique}
    sets = (item for item in whole.constraints if isinstance(item, UniqueConstraint))
    return alone | {str(list(item.columns)[-1].key) for item in sets}


_numbers = count(1000)


def other(session: Session, whole: Table, column: str, value: Any, number: int) -> Any:
    if foreign := list(whole.c[column].foreign_keys):
        if whole.c[column].nullable:
            return None
        target = foreign[0].column
        return session.scalars(select(target).order_by(target.desc()).offset(number).limit(1)).one()
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=next(_numbers))
    if isinstance(value, int):
        return next(_numbers)
    return f"{next(_numbers)} {value}"[: whole.c[column].type.length]  # type: ignore[attr-defined]


@pytest.fixture
def filled(standing: Callable[..., Filled]) -> Filled:  # noqa: F811
    return standing("statements", fill)


@pytest.fixture
def browser(filled: Filled) -> Callable[[str], FlaskClient]:
    app, world = filled
    return lambda role: login(app.test_client(), world.logins[role])


def cost(app: Flask, client: FlaskClient, path: str) -> tuple[int, str]:
    """The statements of an answer, and the answer. Nothing that was counted for another request helps it."""
    from app.preparation import engine_of

    engine_of(app).dispose()
    with statements(app) as sent:
        answer = client.get(path)
    assert answer.status_code == 200, path
    return len(sent), answer.text


# --- Lists ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_lists_send_the_same_few_statements_whatever_their_length(
    role: str, filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    app, _world = filled
    client, lengths = browser(role), {}
    for entity in ENTITIES:
        path = f"/{schema_of(entity).slug}/"
        if client.get(path).status_code == 403:
            continue
        few, short = cost(app, client, f"{path}?size={FEW}")
        many, long = cost(app, client, f"{path}?size={MANY}")
        lengths[entity.__name__] = len(table(short)) - 1, len(table(long)) - 1
        assert few == many <= LIST, (entity.__name__, few, many)
    # The lists did differ in length; the analyst sees no family, a member of the commission one case.
    compared = {name for name, pair in lengths.items() if pair == (FEW, MANY)}
    own = {"Аналитик": {"Region", "Category"}, "Член комиссии": {"Contact", "Member"}}
    assert compared >= own.get(role, {"Case", "Contact", "Member"}), lengths


def test_the_api_lists_with_the_same_few_statements(filled: Filled, browser: Callable[[str], FlaskClient]) -> None:
    app, _world = filled
    client = browser("Администратор")
    for entity in EVERY:
        path = f"/api/v1/{schema_of(entity).slug}/"
        few, many = (cost(app, client, f"{path}?size={size}")[0] for size in (FEW, MANY))
        assert few == many <= LIST, entity.__name__


def test_filters_and_a_search_cost_a_statement_for_each_name_shown(
    filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    app, world = filled
    client, places = browser("Администратор"), world.ids
    filters = f"municipality={places['Municipality']}&categories={places['Category']}&created_at.from=2020-01-01"
    plain, _page = cost(app, client, f"/family/?size={FEW}")
    found = search(client, "/family/", q="слово")
    filtered, page = cost(app, client, f"{found}&size={FEW}&{filters}")
    assert len(table(page)) == FEW + 1
    assert filtered == plain + 2 <= LIST


@pytest.mark.parametrize("path", ["/category/", "/api/v1/category/"])
def test_nobody_gets_more_than_two_hundred_rows(
    path: str, filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    _app, _world = filled
    answer = browser("Администратор").get(f"{path}?size=100000")
    rows = len(answer.get_json()["items"]) if answer.is_json else len(table(answer.text)) - 1
    assert rows == 200


# --- A record ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "most"), [("", FAMILY_PAGE), ("/edit", FAMILY_FORM)])
def test_a_family_costs_the_same_with_sixty_of_everything(
    suffix: str, most: int, filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    """The first family has all the rows, its copies have none."""
    app, world = filled
    client, id_ = browser("Администратор"), world.ids["Family"]
    rich, page = cost(app, client, f"/family/{id_}{suffix}")
    poor, _page = cost(app, client, f"/family/{id_ + 1}{suffix}")
    assert "Слово" in page
    assert poor <= rich <= most


@pytest.mark.parametrize("suffix", ["", "/edit"])
def test_every_record_is_shown_with_a_bounded_number(
    suffix: str, filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    """What belongs to a record takes a statement for each kind, and none for each row."""
    app, world = filled
    client = browser("Администратор")
    for entity in EVERY:
        schema, path = schema_of(entity), f"/{schema_of(entity).slug}/{world.ids[entity.__name__]}{suffix}"
        kinds = (
            len(schema.panels) + len(schema.admin.beside) + 2 * len(schema.form_names) + 2 * len(schema.admin.inline)
        )
        number, _page = cost(app, client, path)
        assert number <= 4 + kinds < MANY, (entity.__name__, number, kinds)


# --- What is remembered -----------------------------------------------------------------------------------


def test_a_count_is_remembered_until_something_is_written(
    filled: Filled, browser: Callable[[str], FlaskClient]
) -> None:
    app, _world = filled
    client = browser("Администратор")
    first, _page = cost(app, client, f"/family/?size={FEW}")
    with statements(app) as sent:
        client.get(f"/family/?size={FEW}")
    assert len(sent) == first - 1 and not any(f"{COUNTED}family" in " ".join(one.split()) for one in sent), (
        "the list was counted again"
    )

    def families() -> int:
        return int(client.get(f"/api/v1/family/?size={FEW}").get_json()["count"])

    before = families()
    with working(app) as session:
        old = session.scalars(select(Family)).first()
        assert old is not None
        session.add(new := Family(name="Новые", organisation_id=old.organisation_id))
        session.commit()
        id_ = new.id
    assert families() == before + 1
    with working(app) as session:
        session.delete(session.get_one(Family, id_))
        session.commit()
    assert families() == before


def test_what_was_counted_for_one_is_not_told_to_another(filled: Filled, browser: Callable[[str], FlaskClient]) -> None:
    """The same list at the same moment, by somebody who sees all and somebody who sees nothing of it."""
    app, world = filled
    path = f"/family/?size={FEW}"
    administrator, member = browser("Администратор"), browser("Член комиссии")
    with working(app) as session:
        all_of_them = len(session.scalars(select(Family.id)).all())
    page = administrator.get(path).text
    assert str(all_of_them) in page
    with working(app) as session:
        session.info["viewer"] = viewer_of_login(app, world.logins["Член комиссии"])
        assert reader(session, Family).total(listed()) < all_of_them
    assert len(table(member.get(f"/family/?size={MANY}").text)) - 1 < all_of_them


def listed() -> Any:
    from werkzeug.datastructures import MultiDict

    from app.kernel.query import ListQuery

    return ListQuery.parse(schema_of(Family), MultiDict())


def viewer_of_login(app: Flask, name: str) -> Any:
    from flask_appbuilder.security.sqla.models import User

    from app.kernel.access import load_viewer

    with working(app) as session:
        user = session.scalars(select(User).where(User.username == name)).one()
        return load_viewer(session, user)
