"""The workbook of a case on the screen: whose case it is, when the reader works for nobody in particular."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.presets import load_presets
from app.roles import ADMINISTRATOR, CURATOR
from models import Family, Organisation
from tests.running import working
from tests.workbooks import as_file, full

SignedIn = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def procedures(app: Flask) -> None:
    with working(app) as session:
        load_presets(session)
        session.commit()


def load(client: FlaskClient, **form: str) -> tuple[int, str]:
    answer = client.post("/import/case/", data={"file": (as_file(full()), "случай.xlsx"), "load": "1", **form})
    return answer.status_code, answer.text


def owners(app: Flask) -> list[str]:
    with working(app) as session:
        return [family.organisation.name for family in session.scalars(select(Family))]


def test_the_first_administrator_loads_a_case_into_an_empty_database(app: Flask, signed_in: SignedIn) -> None:
    assert load(signed_in(ADMINISTRATOR))[0] == 200
    assert owners(app) == ["Наша организация"]


def test_to_check_only_leaves_no_organisation_behind(app: Flask, signed_in: SignedIn) -> None:
    assert load(signed_in(ADMINISTRATOR), load="0")[0] == 200
    with working(app) as session:
        assert session.scalars(select(Organisation)).all() == []


def test_of_several_organisations_one_is_chosen(app: Flask, signed_in: SignedIn) -> None:
    with working(app) as session:
        session.add_all([Organisation(name="Родник"), second := Organisation(name="Ручей")])
        session.commit()
        chosen = second.id
    client = signed_in(ADMINISTRATOR)
    assert "Родник" in client.get("/import/case/").text
    status, page = load(client)
    assert status == 422 and "Choose the organisation" in page
    assert load(client, organisation="999999")[0] == 422
    assert load(client, organisation=str(chosen))[0] == 200
    assert owners(app) == ["Ручей"]


def test_who_works_for_an_organisation_is_not_asked(app: Flask, signed_in: SignedIn) -> None:
    client = signed_in(CURATOR, organisation="Искорка", municipality="Пермь")
    with working(app) as session:
        session.add(other := Organisation(name="Родник"))
        session.commit()
        id_ = other.id
    assert "Родник" not in client.get("/import/case/").text
    assert load(client, organisation=str(id_))[0] == 200
    assert owners(app) == ["Искорка"]
