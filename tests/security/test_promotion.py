"""Row 8: nobody gives himself more than he was given. Accounts and roles: tests/kernel/test_accounts.py.

Here: the other ways in which one could widen one's own view, and fields that no form shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.families.models import Family
from app.kernel.access import load_viewer
from app.roles import ADMINISTRATOR, SECRETARY, SUPERVISOR
from app.territory.models import Municipality, Organisation, Region, Staff
from tests.running import Person, login, working


def version(client: FlaskClient, path: str) -> dict[str, str]:
    """The version that the form of a record carries."""
    found = re.search(r'name="version" value="(\d+)"', client.get(f"{path}/edit").text)
    assert found
    return {"version": found[1]}


@pytest.fixture
def place(app: Flask) -> int:
    """Another municipality."""
    with working(app) as session:
        session.add(place := Municipality(name="Чужой район", region=Region(name="Другой край")))
        session.commit()
        return place.id


def test_a_supervisor_does_not_change_the_place_from_which_his_view_follows(
    app: Flask, make_user: Callable[..., Person], place: int
) -> None:
    """Who is secretary of the commission too sees a whole municipality: it must not be one of his own choice."""
    person = make_user(SUPERVISOR, SECRETARY, organisation="Искорка", municipality="Пермь")
    client = login(app.test_client(), person)
    for path, name in (
        (f"staff/{person.staff_id}", "Иванова user1"),
        (f"organisation/{person.organisation_id}", "Искорка"),
    ):
        form = {"name": name, "kind": "NGO", "works": "1", "municipality": str(place)}
        form["organisation"] = str(person.organisation_id)
        answer = client.post(f"/{path}/edit", data=form | version(client, f"/{path}"))
        assert answer.status_code == 422 and "ask the administrator" in answer.text, path
    with working(app) as session:
        user = session.get_one(app.appbuilder.sm.user_model, person.id)  # type: ignore[attr-defined]
        assert load_viewer(session, user).municipality_id == person.municipality_id
    # Nor that of a colleague who signs in; of one who does not, and his own other fields, he does.
    colleague = make_user(organisation="Искорка", municipality="Пермь")
    with working(app) as session:
        session.add(guest := Staff(name="Петрова", organisation_id=person.organisation_id))
        session.commit()
        theirs, hers = f"/staff/{colleague.staff_id}", f"/staff/{guest.id}"
    form, mine = (
        {"name": "Петрова", "works": "1", "organisation": str(person.organisation_id)},
        f"/staff/{person.staff_id}",
    )
    for path, status in ((theirs, 422), (hers, 302)):
        moved = form | version(client, path) | {"municipality": str(place)}
        assert client.post(f"{path}/edit", data=moved).status_code == status, path
    own = form | version(client, mine) | {"municipality": str(person.municipality_id), "phone": "+7 900 000-00-01"}
    assert client.post(f"{mine}/edit", data=own).status_code == 302


def test_the_administrator_changes_any_place(app: Flask, make_user: Callable[..., Person], place: int) -> None:
    person = make_user(ADMINISTRATOR, organisation="Искорка", municipality="Пермь")
    form = {"name": "Петрова", "works": "1", "organisation": str(person.organisation_id)}
    client, page = login(app.test_client(), person), f"/staff/{person.staff_id}"
    answer = client.post(f"{page}/edit", data=form | version(client, page) | {"municipality": str(place)})
    assert answer.status_code == 302
    with working(app) as session:
        assert session.get_one(Staff, person.staff_id).municipality_id == place


def test_a_form_sets_nothing_that_it_does_not_show(app: Flask, make_user: Callable[..., Person]) -> None:
    person = make_user(SUPERVISOR, organisation="Искорка", municipality="Пермь")
    other = make_user(SUPERVISOR, organisation="Родник")
    client = login(app.test_client(), person)
    hidden = {"id": "77", "created_by_id": str(other.id), "changed_by_id": str(other.id), "created_at": "2000-01-01",
              "folded": "чужое", "organisation_id": str(other.organisation_id), "user_id": str(other.id)}  # fmt: skip
    form = {"name": "Ёлкины", "organisation": str(person.organisation_id), **hidden}
    assert client.post("/family/add", data=form).status_code == 302
    colleague = {"name": "Новый человек", "organisation": str(person.organisation_id), "works": "1", **hidden}
    assert client.post("/staff/add", data=colleague).status_code == 302
    with working(app) as session:
        family = session.scalars(select(Family)).one()
        assert family.id != 77 and family.created_by_id == person.id and family.created_at.year > 2000
        assert family.organisation_id == person.organisation_id and family.folded.strip() == "елкины"
        staff = session.scalars(select(Staff).where(Staff.name == "Новый человек")).one()
        assert staff.user_id is None, "no account is tied to a person by this form"


def test_what_one_has_entered_is_not_carried_to_another_organisation(
    app: Flask, make_user: Callable[..., Person]
) -> None:
    """Who moves to another organisation leaves the families behind, also those he has written down himself."""
    from app.roles import CURATOR

    person = make_user(CURATOR, organisation="Искорка", municipality="Пермь")
    client = login(app.test_client(), person)
    form = {"name": "Ёлкины", "organisation": str(person.organisation_id)}
    assert client.post("/family/add", data=form).status_code == 302
    assert client.get("/family/1").status_code == 200
    with working(app) as session:
        session.add(elsewhere := Organisation(name="Родник"))
        session.flush()
        session.get_one(Staff, person.staff_id).organisation_id = elsewhere.id
        session.commit()
    assert client.get("/family/1").status_code == 404
