"""Parts of pages that are kept: nobody is shown what was drawn for another; a change of roles or language is seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from jinja2 import DictLoader
from jinja2.exceptions import UndefinedError
from markupsafe import Markup
from sqlalchemy import select

from app.families.models import Family
from app.kernel.access import Identity, Visitor
from app.kernel.declare import NOBODY, May
from app.kernel.grants import Holding, change_role, role_holdings
from app.kernel.parts import Parts
from app.roles import CURATOR, SUPERVISOR
from tests.running import PASSWORD, Person, working

SignedIn = Callable[..., FlaskClient]
TOKEN = re.compile('name="csrf_token" value="([^"]+)"')


def taken_from(app: Flask, name: str, permission: str, resource: str) -> None:
    with working(app) as session:
        id_ = session.execute(select(Role.id).where(Role.name == name)).scalar_one()
        held = role_holdings(session, [id_])[id_]
        change_role(session, id_, Holding(held.permissions - {(permission, resource)}, held.reaches))
        session.commit()


# --- On the pages -----------------------------------------------------------------------------------------


def test_each_reader_stands_in_his_own_header(signed_in: SignedIn) -> None:
    first = signed_in(CURATOR, organisation="Искорка", name="Первая Анна").get("/family/").text
    second = signed_in(CURATOR, organisation="Маяк", name="Вторая Вера").get("/family/").text
    assert "Первая Анна" in first and "Искорка" in first
    assert "Вторая Вера" in second and "Маяк" in second
    assert not {"Первая Анна", "Искорка"} & set(re.findall(r"[А-ЯЁ][а-яё]+(?: [А-ЯЁ][а-яё]+)?", second))


def test_each_page_has_the_token_of_its_own_reader(csrf_app: Flask, make_user: Callable[..., Person]) -> None:
    seen = []
    for _ in range(2):
        client, person = csrf_app.test_client(), make_user(CURATOR, organisation="Искорка")
        token = TOKEN.findall(client.get("/login/").text)[0]
        client.post("/login/", data={"csrf_token": token, "login": person.login, "password": PASSWORD})
        tokens = set(TOKEN.findall(client.get("/family/").text))
        assert len(tokens) == 1, "all forms of a page have one token"
        seen += tokens
        assert client.post("/family/find", data={"csrf_token": seen[-1], "q": "иванов"}).status_code == 302
    assert client.post("/family/find", data={"csrf_token": seen[0], "q": "иванов"}).status_code == 400
    assert seen[0] != seen[1]


def test_a_permission_that_is_taken_away_goes_from_the_next_page(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(SUPERVISOR, organisation="Искорка")
    before = client.get("/family/").text
    assert 'href="/family/add"' in before and 'href="/problem/"' in before
    for permission, resource in (("can_add", "Family"), ("can_list", "Problem")):
        taken_from(app, SUPERVISOR, permission, resource)
    after = client.get("/family/").text
    assert 'href="/family/add"' not in after and 'href="/problem/"' not in after


def test_a_row_of_a_form_follows_the_permissions_too(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(CURATOR, organisation="Искорка")
    assert "data-add-row" in client.get("/family/add").text
    taken_from(app, CURATOR, "can_add", "Member")
    taken_from(app, CURATOR, "can_add", "Income")
    assert "data-add-row" not in client.get("/family/add").text


def test_another_language_is_another_page(signed_in: SignedIn) -> None:
    client = signed_in(SUPERVISOR, organisation="Искорка")
    client.post("/account/locale", data={"locale": "ru", "next": "/family/"})
    russian = client.get("/family/").text
    client.post("/account/locale", data={"locale": "en", "next": "/family/"})
    english = client.get("/family/").text
    assert "Сохранить фильтры" in russian and "Save the filters" not in russian
    assert "Save the filters" in english and "Сохранить фильтры" not in english
    for page, spoken in ((russian, "ru"), (english, "en")):
        assert f'value="{spoken}" lang="{spoken}" aria-pressed="true"' in page


def test_what_was_typed_stands_on_the_page_of_who_typed_it(signed_in: SignedIn) -> None:
    first, second = (signed_in(SUPERVISOR, organisation="Искорка") for _ in range(2))
    found = first.get(first.post("/family/find", data={"created_at.from": "2026-02-03"}).location).text
    assert 'name="created_at.from" form="find" min="1900-01-01" max="2200-12-31" value="2026-02-03"' in found
    assert "2026-02-03" not in second.get("/family/").text


# --- The mechanism ----------------------------------------------------------------------------------------


def asking(app: Flask, *permissions: tuple[str, str]) -> None:
    g.identity = Identity(Visitor(1, "user"), "User", Holding(frozenset(permissions)), NOBODY)


@pytest.fixture
def parts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """Parts over templates of their own."""
    made = Parts(app)
    made._environment.loader = DictLoader(
        {
            "told.html": "{{ what }}|{{ other }}",
            "may.html": "{{ may(May.ADD, entity) }}",
            "knows.html": "{{ identity().name }}",
            "asks.html": "{{ request.path }}",
            "token.html": "{{ csrf_token() }}",
        }
    )
    return made


def test_a_gap_is_filled_each_time_and_escaped(app: Flask, parts: Parts) -> None:
    with app.test_request_context():
        asking(app)
        assert parts("told.html", {"other": "<1>"}, what="<a>") == "&lt;a&gt;|&lt;1&gt;"
        assert parts("told.html", {"other": Markup("<2>")}, what="<a>") == "&lt;a&gt;|<2>"
        assert parts._kept.cache_info().misses == 1
        assert parts("told.html", {"other": ""}, what=Markup("<a>")) == "<a>|", "equal to the text, and another thing"
        assert parts("told.html", {"other": ""}, what=1) != parts("told.html", {"other": ""}, what=True)


def test_permissions_are_part_of_the_key(app: Flask, parts: Parts) -> None:
    with app.test_request_context():
        asking(app)
        assert parts("may.html", entity=Family) == "False"
        asking(app, (May.ADD.permission, "Family"))
        assert parts("may.html", entity=Family) == "True"


@pytest.mark.parametrize("template", ["knows.html", "asks.html"])
def test_a_part_does_not_know_who_is_asking(app: Flask, parts: Parts, template: str) -> None:
    with app.test_request_context(), pytest.raises(UndefinedError):
        asking(app)
        parts(template)


def test_no_token_is_kept(app: Flask, parts: Parts) -> None:
    tokens = set()
    for _ in range(2):
        with app.test_request_context():
            asking(app)
            tokens.add(str(parts("token.html")))
    assert len(tokens) == 2


def test_all_parts_are_drawn_by_parts_alone() -> None:
    """Included or imported by a page they would be drawn each time, with the page's own names."""
    templates = [*Path("app").glob("*/templates/**/*.html")]
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\{%-?\s*(include|import|from|extends)\s+['\"]parts/", text), path
