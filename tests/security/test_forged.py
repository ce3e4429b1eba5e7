"""Row 7: nothing is changed by a request that a stranger's page can make a signed-in browser send."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.families.models import Family
from app.kernel.schema import schema_of
from app.roles import ADMINISTRATOR
from models import ENTITIES
from tests.running import PASSWORD, Person, working

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def person(make_user: Callable[..., Person]) -> Person:
    return make_user(ADMINISTRATOR, organisation="Искорка")


@pytest.fixture
def family(app: Flask, person: Person) -> int:
    with working(app) as session:
        session.add(family := Family(name="Ёлкины", organisation_id=person.organisation_id))
        session.commit()
        return family.id


@pytest.fixture
def browser(csrf_app: Flask, person: Person, family: int) -> FlaskClient:
    """Signed in, on an application that guards against forged requests as the product does."""
    client = csrf_app.test_client()
    token = token_of(client, "/login/")
    answer = client.post("/login/", data={"login": person.login, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 302
    return client


def token_of(client: FlaskClient, page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found, f"{page} has no token"
    return found[1]


def changing_addresses(app: Flask) -> list[tuple[str, str]]:
    found = []
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(int:)?\w+>", "1", str(rule)).replace("<any(pdf, docx):suffix>", "docx")
        address = address.replace("<any(xlsx, csv):suffix>", "csv")
        found += [(method, address) for method in sorted(rule.methods & CHANGING)]
    return found


def test_every_change_without_a_token_is_refused(csrf_app: Flask, browser: FlaskClient) -> None:
    refused, addresses = [], changing_addresses(csrf_app)
    assert len(addresses) > 100
    for method, address in addresses:
        if address == "/api/v1/login":
            continue  # it reads no cookie: a password and nothing else opens it
        for options in ({"data": {"name": "x"}}, {"json": {"version": 1}}, {"data": {"csrf_token": "forged"}}):
            answer = browser.open(address, method=method, **options)
            if answer.status_code != 400:
                refused.append(f"{method} {address} -> {answer.status_code}")
    assert not refused, "\n".join(refused)


def test_a_get_changes_nothing(csrf_app: Flask, browser: FlaskClient, family: int) -> None:
    for address in (
        f"/family/{family}/delete",
        f"/family/{family}/delete?csrf_token=x",
        f"/family/{family}/edit?name=Другие",
    ):
        assert browser.get(address).status_code == 200
    assert browser.get("/logout/").status_code == 405
    assert browser.get("/").status_code == 200, "still signed in"
    with working(csrf_app) as session:
        assert session.get_one(Family, family).name == "Ёлкины"


def test_the_forms_of_the_product_carry_the_token(csrf_app: Flask, browser: FlaskClient, family: int) -> None:
    for schema in map(schema_of, ENTITIES):
        if schema.admin.form:
            assert token_of(browser, f"/{schema.slug}/add")
    page = f"/family/{family}/delete"
    assert browser.post(page, data={"csrf_token": token_of(browser, page)}).status_code == 302
    with working(csrf_app) as session:
        assert session.get(Family, family) is None


def test_the_api_by_cookie_needs_the_token_and_by_key_does_not(
    csrf_app: Flask, person: Person, browser: FlaskClient
) -> None:
    body = {"name": "Многодетная"}
    assert browser.post("/api/v1/category/", json=body).status_code == 400
    header = {"X-CSRFToken": token_of(browser, "/category/add")}
    assert browser.post("/api/v1/category/", json=body, headers=header).status_code == 201
    stranger = csrf_app.test_client()
    token = stranger.post("/api/v1/login", json={"login": person.login, "password": PASSWORD}).json["access_token"]
    key = {"Authorization": f"Bearer {token}"}
    assert stranger.post("/api/v1/category/", json={"name": "Приёмная"}, headers=key).status_code == 201
    for wrong in ("Bearer forged", "Basic YWRtaW46YWRtaW4=", "bearer"):
        answer = browser.post("/api/v1/category/", json={"name": "Третья"}, headers={"Authorization": wrong})
        assert answer.status_code in (400, 401), wrong


def test_a_token_of_another_browser_does_not_fit(csrf_app: Flask, person: Person, browser: FlaskClient) -> None:
    other = csrf_app.test_client()
    forged = token_of(other, "/login/")
    assert browser.post("/category/add", data={"name": "Чужая", "csrf_token": forged}).status_code == 400
    assert other.post("/login/", data={"login": person.login, "password": PASSWORD}).status_code == 400


def test_the_cookie_goes_to_no_other_site_and_to_no_script(csrf_app: Flask, browser: FlaskClient) -> None:
    cookie = browser.get_cookie(csrf_app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
