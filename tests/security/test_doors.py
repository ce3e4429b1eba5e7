"""Rows 1–3 of the list of holes: bulk actions, foreign keys, and choices that pass by the row filter.

Row visibility as such is tried at every door in tests/access/test_scope.py; here stand the doors of the frame itself.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.families.models import Family, Member
from tests.running import working
from tests.security.conftest import Keeper

# --- Row 1: actions ----------------------------------------------------------------------------------------


def test_there_are_no_bulk_actions_to_name_a_hidden_record_to(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine, theirs = keepers
    assert not [str(rule) for rule in app.url_map.iter_rules() if "action" in str(rule) or "muldelete" in str(rule)]
    for path in ("/family/action_post", f"/family/action/muldelete/{theirs.family}", "/familymodelview/action_post"):
        answer = mine.client.post(path, data={"action": "muldelete", "rowid": str(theirs.family)})
        assert answer.status_code in (404, 405)
    with working(app) as session:
        assert session.get(Family, theirs.family) is not None


def test_only_the_products_own_addresses_are_served(app: Flask) -> None:
    """None of the frame's pages and endpoints: security views, its menu, its swagger, its related lists."""
    views = {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules()}
    entities = set(app.extensions["ryadom.entities"])
    written = {
        "Login",
        "TokenApi",
        "Account",
        "Accounts",
        "Roles",
        "Bin",
        "Health",
        "Help",
        "Desk",
        "SiteSearch",
        "OpenCase",
        "Triage",
        "PlanTable",
        "CaseWorkbook",
        "Calendar",
        "CalendarAccount",
        "CaseFlow",
        "Reopening",
        "MoveCases",
        "Versions",
        "Workload",
        "Mail",
        "Post",
    }
    assert views - entities <= written | {"static", "api"}


# --- Row 2: foreign keys -----------------------------------------------------------------------------------


def test_a_record_is_not_given_to_another_organisation(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine, theirs = keepers
    bodies: list[dict[str, Any]] = [
        {"name": "Подброшенные", "organisation": theirs.organisation},
        {"name": "Подброшенные", "organisation": {"id": theirs.organisation}},
    ]
    for body in bodies:
        answer = mine.client.post("/api/v1/family/", json=body)
        assert answer.status_code == 422 and list(answer.json["fields"]) == ["organisation"]
    form = {"name": "Подброшенные", "organisation": str(theirs.organisation)}
    assert mine.client.post("/family/add", data=form).status_code == 422
    assert mine.client.get(f"/family/add?_flt_0_organisation={theirs.organisation}").status_code == 200
    change = {"version": 1, "organisation": theirs.organisation}
    assert mine.client.put(f"/api/v1/family/{mine.family}", json=change).status_code == 422
    with working(app) as session:
        assert {family.name for family in session.query(Family)} == {"Ёлкины", "Сосновы"}
        assert session.get_one(Family, mine.family).organisation_id == mine.organisation


def test_a_child_is_not_put_into_a_hidden_family(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine, theirs = keepers
    body = {"name": "Подкидыш", "family": theirs.family}
    assert mine.client.post("/api/v1/member/", json=body).status_code == 422
    assert mine.client.post("/member/add", data={**body, "role": "CHILD"}).status_code == 422
    moved = {"version": 1, "family": theirs.family}
    assert mine.client.put(f"/api/v1/member/{mine.member}", json=moved).status_code == 422
    with working(app) as session:
        assert {member.family_id for member in session.query(Member)} == {mine.family, theirs.family}
        assert session.get_one(Member, mine.member).family_id == mine.family


# --- Row 3: what is offered to choose from -----------------------------------------------------------------


def test_choices_hold_nobody_elses_records(keepers: tuple[Keeper, Keeper]) -> None:
    mine, theirs = keepers
    assert mine.client.post("/family/choices", data={"q": "соснов"}).get_json() == {"items": []}
    offers = ["/family/choices", "/staff/choices", "/organisation/choices"]
    pages = ["/family/", "/family/add", f"/member/{mine.member}/edit", "/case/", "/api/v1/openapi.json"]
    for address in (*offers, *pages):
        answer = mine.client.get(address)
        assert answer.status_code == 200
        found = str(answer.get_json()) if answer.is_json else answer.text
        for word in ("Соснов", "Родник", theirs.person.login):
            assert word not in found, address
    for address in ("/api/v1/family/_info", "/api/v1/member/_info", "/api/v1/menu/"):
        assert mine.client.get(address).status_code == 404


def test_choices_are_never_a_whole_table(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine, _theirs = keepers
    with working(app) as session:
        session.add_all([Family(name=f"Семья {n}", organisation_id=mine.organisation) for n in range(60)])
        session.commit()
    assert len(mine.client.get("/family/choices").get_json()["items"]) == 20


@pytest.mark.parametrize("address", ["/family/choices", "/api/v1/family/", "/family/export.csv", "/family/1"])
def test_a_stranger_is_offered_nothing(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code in (302, 401)
