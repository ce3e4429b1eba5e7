"""Who is asking and what he may do: signing in, permissions of roles, row visibility, and their synchronisation."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from time_machine import travel

import models
import views
from app import roles
from app.cases.models import Case, CaseStatus
from app.families.models import Family, Member
from app.kernel import access, grants
from app.kernel.access import UserAccount, load_viewer
from app.kernel.declare import ADMINISTRATOR, NOBODY, May, Reach, Viewer
from app.kernel.grants import Holding, ShippedGrant, can_grant, role_holdings, shipped_grants, sync_roles
from app.kernel.history import Change
from app.preparation import sync
from app.risks.models import RiskAssessment, RiskLevel
from app.roles import CURATOR, SECRETARY, SUPERVISOR
from app.territory.models import Staff
from tests.records import Maker
from tests.running import PASSWORD, Person, login, statements, working

MakeUser = Callable[..., Person]
SignedIn = Callable[..., FlaskClient]


def role_id(session: Session, name: str) -> int:
    return session.execute(select(Role.id).where(Role.name == name)).scalar_one()


def held_by(session: Session, name: str) -> Holding:
    id_ = role_id(session, name)
    return role_holdings(session, [id_])[id_]


# --- Strangers --------------------------------------------------------------------------------------------


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client: FlaskClient) -> None:
    answer = client.get("/family/")
    assert answer.status_code == 302
    assert answer.location == "/login/?next=/family/"


def test_what_was_searched_for_does_not_travel_through_the_address(client: FlaskClient) -> None:
    assert client.get("/family/?q=Ивановы").location == "/login/?next=/family/"
    assert client.get("/signal/?reporter=Иванова&x=Иванова").location == "/login/?next=/signal/"


def test_the_filters_of_a_list_are_there_after_signing_in(app: Flask, make_user: Callable[..., Person]) -> None:
    client, person = app.test_client(), make_user(SUPERVISOR, organisation="Искорка")
    asked = "/case/?status=OPEN&risk.ne=LOW&opened_on.from=2026-01-01&sort=-number&page=2"
    form = client.get(client.get(f"{asked}&q=Ивановы").location).text
    back = html.unescape(re.findall('name="next" value="([^"]*)"', form)[0])
    answer = client.post("/login/", data={"login": person.login, "password": PASSWORD, "next": back})
    assert answer.location == asked
    assert client.get(asked).status_code == 200


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_stranger_gets_401_from_the_api(client: FlaskClient, method: str) -> None:
    path = "/api/v1/family/" if method in ("get", "post") else "/api/v1/family/1"
    answer = getattr(client, method)(path, json={})
    assert answer.status_code == 401
    assert "error" in answer.json


def test_no_page_but_those_of_signing_in_is_open_to_a_stranger(app: Flask, client: FlaskClient) -> None:
    """Every address of the application that takes a GET, with a number for each variable."""
    values = {"int": 1, "default": "x", "string": "x", "any": "pdf", "path": "app.css"}
    opened = set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        arguments = {
            name: "xlsx" if "export" in rule.rule else values.get(type(converter).__name__.lower(), 1)
            for name, converter in rule._converters.items()
        }
        arguments = {
            name: "pdf" if name == "suffix" and "export" not in rule.rule else value
            for name, value in arguments.items()
        }
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, arguments)
        if client.get(path).status_code not in (301, 302, 308, 401, 404, 405):
            opened.add(rule.endpoint)
    assert opened == {"Login.login", "Account.who", "Health.health"}


def test_health_answers_without_signing_in(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok"}


def test_health_tells_of_a_database_that_does_not_answer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(Session, "execute", fail)
    assert client.get("/health").status_code == 503


# --- What it costs ----------------------------------------------------------------------------------------


def test_to_know_who_asks_and_what_he_may_do_takes_one_statement(app: Flask, signed_in: SignedIn) -> None:
    browser = signed_in(CURATOR, SUPERVISOR, organisation="Искорка", municipality="Пермь")
    with statements(app) as sent:
        assert browser.get("/account/password").status_code == 200
    assert len(sent) == 1


def test_permissions_are_not_asked_again_within_a_request(app: Flask, make_user: MakeUser) -> None:
    person = make_user(ADMINISTRATOR)
    with app.test_request_context(), statements(app) as sent:
        session = access._session()
        access.g.identity = access.identify(session, person.id)
        for entity in models.ENTITIES:
            for flag in May:
                access.may(flag, entity)
        assert app.extensions["appbuilder"].sm.has_access("can_list", "Family")
    assert len(sent) == 1


def test_a_static_file_asks_the_database_nothing(app: Flask, signed_in: SignedIn) -> None:
    browser = signed_in(CURATOR)
    with statements(app) as sent:
        assert browser.get("/static/app.css").status_code == 200
    assert sent == []


# --- Row visibility ---------------------------------------------------------------------------------------


def test_the_viewer_of_a_member_of_staff(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR, SECRETARY, organisation="Искорка", municipality="Пермь")
    with working(app) as session:
        viewer = load_viewer(session, session.get(access.User, person.id))
    assert viewer == Viewer(
        person.id,
        frozenset({Reach.OWN, Reach.MUNICIPALITY}),
        person.staff_id,
        person.organisation_id,
        person.municipality_id,
        blind=viewer.blind,
    )
    assert "scan" in viewer.blind and "family" not in viewer.blind


def test_the_municipality_is_the_organisations_unless_the_person_has_one(app: Flask, make_user: MakeUser) -> None:
    perm = make_user(SECRETARY, organisation="Искорка", municipality="Пермь")
    other = make_user(SECRETARY, organisation="Искорка")
    with working(app) as session:
        organisation = session.get(models.Organisation, perm.organisation_id)
        organisation.municipality_id = perm.municipality_id
        session.commit()
        assert load_viewer(session, session.get(access.User, other.id)).municipality_id == perm.municipality_id


def test_whoever_works_no_more_belongs_nowhere(app: Flask, make_user: MakeUser) -> None:
    person = make_user(SUPERVISOR, organisation="Искорка", works=False)
    with working(app) as session:
        viewer = load_viewer(session, session.get(access.User, person.id))
    assert viewer.organisation_id is None and viewer.staff_id is None


def test_without_an_active_account_nobody_is_anybody(app: Flask, make_user: MakeUser) -> None:
    person = make_user(ADMINISTRATOR)
    with working(app) as session:
        user = session.get(access.User, person.id)
        user.active = False
        session.flush()
        assert load_viewer(session, user) is NOBODY


def test_the_session_of_a_request_sees_for_its_user_alone(app: Flask, make_user: MakeUser) -> None:
    ours = make_user(SUPERVISOR, organisation="Искорка")
    make_user(SUPERVISOR, organisation="Маяк")
    with working(app) as session:
        organisations = session.scalars(select(models.Organisation)).all()
        session.add_all(Family(name=one.name, organisation=one) for one in organisations)
        session.commit()
    page = login(app.test_client(), ours).get("/family/").text
    assert "Искорка" in page
    assert "Маяк" not in page


def test_changes_are_signed_with_the_name_of_the_member_of_staff(app: Flask, make_user: MakeUser) -> None:
    person = make_user(SUPERVISOR, organisation="Искорка", name="Петрова Анна")
    browser = login(app.test_client(), person)
    form = {"name": "Образцовы", "organisation": str(person.organisation_id), "version": ""}
    assert browser.post("/family/add", data=form).status_code == 302
    with working(app) as session:
        line = session.execute(select(Change.user, Change.user_id).where(Change.entity == "family")).first()
    assert line == ("Петрова Анна", person.id)


# --- Sessions ---------------------------------------------------------------------------------------------


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/account/password").status_code == 200


def test_whoever_is_deactivated_is_out_at_once(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    browser = login(app.test_client(), person)
    with working(app) as session:
        session.execute(update(access.User.__table__).where(access.User.id == person.id).values(active=False))
        session.commit()
    assert not is_in(browser)
    with browser.session_transaction() as cookie:
        assert "_user_id" not in cookie


def test_a_stolen_cookie_is_dead_after_signing_out(app: Flask, make_user: MakeUser) -> None:
    browser = login(app.test_client(), make_user(CURATOR))
    stolen = browser.get_cookie("ryadom").value
    browser.post("/logout/")
    thief = app.test_client()
    thief.set_cookie("ryadom", stolen)
    assert not is_in(thief)


def test_signing_out_here_does_not_sign_out_there(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    here, there = (login(app.test_client(), person) for _ in range(2))
    here.post("/logout/")
    assert not is_in(here)
    assert is_in(there)


def test_silence_ends_a_session_and_work_prolongs_it(app: Flask, make_user: MakeUser) -> None:
    start = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    with travel(start, tick=False) as clock:
        browser = login(app.test_client(), make_user(CURATOR))
        for _ in range(3):
            clock.shift(access.IDLE - dt.timedelta(minutes=2))
            assert is_in(browser)
        clock.shift(access.IDLE + dt.timedelta(minutes=2))
        assert not is_in(browser)


def test_a_session_ends_after_the_longest_day(app: Flask, make_user: MakeUser) -> None:
    start = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    with travel(start, tick=False) as clock:
        browser = login(app.test_client(), make_user(CURATOR))
        for _ in range(36):
            clock.shift(dt.timedelta(minutes=20))
            assert is_in(browser)
        clock.shift(dt.timedelta(minutes=1))
        assert not is_in(browser)


def test_the_cookie_of_another_user_does_not_fit(app: Flask, make_user: MakeUser) -> None:
    """Whoever could sign a cookie with somebody's number still has no sign-in of his."""
    browser, other = login(app.test_client(), make_user(CURATOR)), make_user(ADMINISTRATOR)
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = str(other.id)
    assert not is_in(browser)


# --- Tokens -----------------------------------------------------------------------------------------------


def token(client: FlaskClient, person: Person) -> dict[str, str]:
    answer = client.post("/api/v1/login", json={"login": person.login, "password": PASSWORD})
    assert answer.status_code == 200, answer.json
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def test_a_token_opens_the_api(app: Flask, make_user: MakeUser) -> None:
    person, client = make_user(ADMINISTRATOR), app.test_client()
    assert client.get("/api/v1/family/", headers=token(client, person)).status_code == 200


def test_a_token_speaks_for_itself_beside_a_cookie(app: Flask, make_user: MakeUser) -> None:
    administrator, member = make_user(ADMINISTRATOR), make_user()
    browser = login(app.test_client(), administrator)
    assert browser.get("/api/v1/family/", headers=token(app.test_client(), member)).status_code == 403


def test_a_bad_token_is_refused_even_with_a_good_cookie(app: Flask, make_user: MakeUser) -> None:
    browser = login(app.test_client(), make_user(ADMINISTRATOR))
    for header in ("Bearer nonsense", "Bearer ", "Bearer a.b.c"):
        assert browser.get("/api/v1/family/", headers={"Authorization": header}).status_code == 401


def test_a_token_dies_with_the_password_and_with_the_hour(app: Flask, make_user: MakeUser) -> None:
    from app.kernel.users import set_password

    person, client = make_user(ADMINISTRATOR), app.test_client()
    start = dt.datetime.now(dt.UTC)
    with travel(start, tick=False) as clock:
        headers = token(client, person)
        clock.shift(dt.timedelta(minutes=59))
        assert client.get("/api/v1/family/", headers=headers).status_code == 200
        clock.shift(dt.timedelta(minutes=2))
        assert client.get("/api/v1/family/", headers=headers).status_code == 401
        headers = token(client, person)
        with working(app) as session:
            set_password(session, person.id, "другие четыре слова", must_change=False)
            session.commit()
        assert client.get("/api/v1/family/", headers=headers).status_code == 401


def test_a_token_signed_by_another_key_is_refused(app: Flask, make_user: MakeUser) -> None:
    import jwt

    person = make_user(ADMINISTRATOR)
    claims = {"sub": str(person.id), "sid": "x", "type": "access", "jti": "1", "iat": 0, "exp": 2**31}
    forged = jwt.encode(claims, "k" * 32, "HS256")
    answer = app.test_client().get("/api/v1/family/", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401


# --- Permissions ------------------------------------------------------------------------------------------


def test_what_the_declarations_say_is_what_the_roles_may(app: Flask) -> None:
    shipped = shipped_grants(models.ENTITIES, roles.SHIPPED, views.EXTRA)
    with working(app) as session:
        for role in roles.SHIPPED:
            held = held_by(session, role.name)
            assert held.permissions == shipped[role.name], role.name
            assert held.reaches == {role.reach}


def test_a_curator_lists_families_but_not_the_history(app: Flask, signed_in: SignedIn) -> None:
    browser = signed_in(CURATOR, organisation="Искорка")
    assert browser.get("/family/").status_code == 200
    for path in ("/change/", "/accounts/", "/roles/", "/accounts/1/edit", "/roles/1/"):
        assert browser.get(path).status_code == 403, path


def test_without_a_role_everything_is_refused(signed_in: SignedIn) -> None:
    browser = signed_in()
    for entity in models.ENTITIES:
        assert browser.get(f"/{entity.__tablename__.replace('_', '-')}/").status_code == 403


def test_what_nobody_writes_cannot_be_granted_to_be_written(app: Flask) -> None:
    with working(app) as session:
        known = grants.grant_ids(session)
    assert ("can_list", "Change") in known
    assert not {("can_edit", "Change"), ("can_add", "Change"), ("can_delete", "Change")} & known.keys()


# --- Nobody gives what he does not hold -------------------------------------------------------------------

EDIT, READ = ("can_edit", "Family"), ("can_show", "Family")


def hold(*permissions: grants.Grant, reach: Reach = Reach.NOTHING) -> Holding:
    return Holding(frozenset(permissions), frozenset({reach}))


@pytest.mark.parametrize(
    ("actor", "role", "may"),
    [
        (hold(EDIT, READ), hold(EDIT), True),
        (hold(EDIT, READ), hold(), True),
        (hold(READ), hold(EDIT), False),
        (hold(), hold(READ), False),
        (hold(EDIT, reach=Reach.EVERYTHING), hold(EDIT, reach=Reach.AGENDA), True),
        (hold(EDIT, reach=Reach.ORGANISATION), hold(EDIT, reach=Reach.EVERYTHING), False),
        (hold(EDIT, reach=Reach.ORGANISATION), hold(EDIT, reach=Reach.MUNICIPALITY), False),
        (hold(EDIT, reach=Reach.MUNICIPALITY), hold(EDIT, reach=Reach.ORGANISATION), False),
        (hold(EDIT, reach=Reach.ORGANISATION), hold(EDIT, reach=Reach.OWN), True),
        (hold(EDIT, reach=Reach.MUNICIPALITY), hold(EDIT, reach=Reach.PRECINCT), True),
        (hold(EDIT, reach=Reach.OWN), hold(EDIT, reach=Reach.AGENDA), False),
        (hold(EDIT, reach=Reach.NOTHING), hold(EDIT, reach=Reach.NOTHING), True),
        (Holding(), Holding(), True),
    ],
)
def test_who_may_give_what(actor: Holding, role: Holding, may: bool) -> None:
    assert can_grant(actor, role) is may


# --- Synchronisation --------------------------------------------------------------------------------------


def test_a_second_synchronisation_changes_nothing(app: Flask) -> None:
    with working(app) as session:
        report = sync(session)
        assert dataclasses.asdict(report) == dataclasses.asdict(grants.SyncReport())


def test_it_takes_as_many_statements_for_ten_entities_as_for_all(app: Flask) -> None:
    costs = []
    with working(app) as session:
        for table in (ShippedGrant.__table__, grants.assoc_permissionview_role, grants.PermissionView.__table__):
            session.execute(delete(table))
        for entities in (models.ENTITIES[:10], models.ENTITIES):
            with statements(app) as sent:
                sync_roles(session, entities, roles.SHIPPED, views.EXTRA)
            costs.append(len(sent))
    assert costs[1] <= costs[0] <= 30


def test_what_the_administrator_took_away_is_not_offered_again(app: Flask) -> None:
    with working(app) as session:
        id_ = role_id(session, CURATOR)
        held = held_by(session, CURATOR)
        grants.change_role(session, id_, dataclasses.replace(held, permissions=held.permissions - {EDIT}))
        report = sync(session)
        assert EDIT not in held_by(session, CURATOR).permissions
        assert report.granted == {}
        assert report.differences == {CURATOR: grants.RoleDifference(removed=(EDIT,))}


def test_what_is_newly_shipped_is_added_to_the_role_and_only_that(app: Flask) -> None:
    import_ = ("can_import", "CaseWorkbook")
    extra = {**views.EXTRA, CURATOR: {*views.EXTRA.get(CURATOR, ()), import_}}
    with working(app) as session:
        sync_roles(session, models.ENTITIES, roles.SHIPPED, views.EXTRA)
        held = held_by(session, CURATOR)
        taken = dataclasses.replace(held, permissions=held.permissions - {EDIT, import_})
        grants.change_role(session, role_id(session, CURATOR), taken)
        session.execute(delete(ShippedGrant.__table__).where(ShippedGrant.permission == "can_import"))
        report = sync_roles(session, models.ENTITIES, roles.SHIPPED, extra)
        assert import_ in report.granted[CURATOR]
        assert held_by(session, CURATOR).permissions == taken.permissions | {import_}


def test_an_entity_that_is_no_more_takes_its_permissions_along(app: Flask) -> None:
    with working(app) as session:
        report = sync_roles(session, models.ENTITIES[1:], roles.SHIPPED, views.EXTRA)
        gone = models.ENTITIES[0].__name__
        assert {resource for _permission, resource in report.forgotten} == {gone}
        assert not any(resource == gone for _permission, resource in grants.grant_ids(session))
        again = sync(session)
        assert ("can_list", gone) in again.granted[ADMINISTRATOR]


def test_restoring_puts_a_role_back_and_leaves_the_others(app: Flask) -> None:
    with working(app) as session:
        for name in (CURATOR, SUPERVISOR):
            grants.change_role(session, role_id(session, name), hold(READ, reach=Reach.EVERYTHING))
        report = sync(session, [CURATOR])
        assert report.restored == [CURATOR]
        assert set(report.differences) == {SUPERVISOR}
        assert report.differences[SUPERVISOR].reach == (Reach.ORGANISATION, Reach.EVERYTHING)
        assert held_by(session, CURATOR).reaches == {Reach.OWN}
        assert EDIT in held_by(session, CURATOR).permissions


def test_a_role_of_the_administrators_own_is_left_alone(app: Flask) -> None:
    with working(app) as session:
        session.add(own := Role(name="Своя"))
        session.flush()
        grants.change_role(session, own.id, hold(READ, reach=Reach.OWN))
        sync(session)
        assert held_by(session, "Своя") == hold(READ, reach=Reach.OWN)


def test_a_fresh_database_is_told_from_one_in_step(app: Flask) -> None:
    with working(app) as session:
        arguments = (models.ENTITIES, roles.SHIPPED, views.EXTRA)
        assert grants.is_synced(session, *arguments)
        session.execute(delete(ShippedGrant.__table__).where(ShippedGrant.role == CURATOR))
        assert not grants.is_synced(session, *arguments)


def test_a_member_of_staff_is_untied_with_his_account_kept(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR, organisation="Искорка")
    with working(app) as session:
        staff = session.get(Staff, person.staff_id)
        assert staff.user_id == person.id
        assert session.get(UserAccount, person.id) is not None


def test_what_is_computed_from_rows_that_may_not_be_listed_is_not_seen_by_any_door(
    app: Flask, make_user: Callable[..., Person]
) -> None:
    person = make_user(SUPERVISOR, organisation="Искорка")
    with working(app) as session:
        family = Family(name="Ёлкины", organisation_id=person.organisation_id)
        family.members = [Member(name="Ёлкин Тимур")]
        maker = Maker(session, Family=family)
        maker.new(RiskAssessment, assessed_on=dt.date.today(), level=RiskLevel.HIGH)
        case = maker.new(Case, status=CaseStatus.OPEN, closed_on=None, closing_ground=None)
        session.commit()
        family_id, case_id = family.id, case.id
    client = login(app.test_client(), person)

    def seen() -> list[bool]:
        lists = [client.get(f"/{entity}/export.csv").text for entity in ("family", "case")]
        sought = [client.get(f"/{entity}/export.csv?risk=HIGH").text for entity in ("family", "case")]
        pages = [client.get(path).text for path in (f"/family/{family_id}", f"/case/{case_id}")]
        return [
            *("High" in table for table in lists),
            *("Ёлкины" in table for table in sought),
            *("risk: high" in page for page in pages),
        ]

    assert seen() == [True] * 6
    with working(app) as session:
        role = session.scalars(select(Role).where(Role.name == SUPERVISOR)).one()
        role.permissions = [one for one in role.permissions if one.view_menu.name != "RiskAssessment"]
        session.commit()
    assert seen() == [False] * 6
