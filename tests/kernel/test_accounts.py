"""The screens of people and their rights, as people use them and as somebody would misuse them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from sqlalchemy.orm import Session
from time_machine import travel

from app.kernel import grants, users
from app.kernel.access import SignIn, UserAccount
from app.kernel.declare import ADMINISTRATOR, Reach
from app.kernel.grants import MANAGE_ACCOUNTS, MANAGE_ROLES, Holding
from app.kernel.history import Change
from app.roles import ANALYST, CURATOR, SUPERVISOR
from tests.running import PASSWORD, Person, login, working

MakeUser = Callable[..., Person]
SignedIn = Callable[..., FlaskClient]

NEW = "совсем другие слова"


def role_id(app: Flask, name: str) -> int:
    with working(app) as session:
        return session.execute(select(Role.id).where(Role.name == name)).scalar_one()


def make_role(app: Flask, name: str, *permissions: grants.Grant, reach: Reach = Reach.ORGANISATION) -> int:
    with working(app) as session:
        session.add(role := Role(name=name))
        session.flush()
        grants.change_role(session, role.id, Holding(frozenset(permissions), frozenset({reach})))
        session.commit()
        return role.id


def history(app: Flask, entity: str, record_id: int) -> list[tuple[str | None, str | None, str | None]]:
    with working(app) as session:
        c = Change.__table__.c
        lines = select(c.field, c.old, c.new).where(c.entity == entity, c.record_id == record_id).order_by(c.id)
        return [tuple(line) for line in session.execute(lines)]


def attempt(client: FlaskClient, name: str, password: str) -> int:
    return client.post("/login/", data={"login": name, "password": password}).status_code


def shown_password(page: str) -> str:
    (found,) = re.findall(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", page)
    return found


# --- Signing in -------------------------------------------------------------------------------------------


def test_signing_in_leads_to_the_page_that_was_asked_for(client: FlaskClient, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    form = {"login": person.login, "password": PASSWORD, "next": "/family/5/edit"}
    assert client.post("/login/", data=form).location == "/family/5/edit"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)",
        "/\t/evil.test", "evil.test", "/\n", "http:/evil.test", "",
    ],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(client: FlaskClient, make_user: MakeUser, target: str) -> None:
    person = make_user(CURATOR)
    form = {"login": person.login, "password": PASSWORD, "next": target}
    assert client.post("/login/", data=form).location == "/"
    assert client.get("/login/", query_string={"next": target}).location == "/"


def test_a_login_is_the_same_in_capitals_and_with_spaces(client: FlaskClient, make_user: MakeUser) -> None:
    make_user(CURATOR, login="иванова")
    assert attempt(client, "  ИвановА ", PASSWORD) == 302


def test_the_same_letters_in_another_code_are_the_same_password(app: Flask, client: FlaskClient) -> None:
    with working(app) as session:
        users.create_user(session, "anna", "мой йогурт и ёлка", [])
        session.commit()
    import unicodedata

    assert attempt(client, "anna", unicodedata.normalize("NFD", "мой йогурт и ёлка")) == 302


def test_a_refusal_does_not_tell_what_was_wrong(client: FlaskClient, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    wrong = client.post("/login/", data={"login": person.login, "password": "не тот пароль"})
    unknown = client.post("/login/", data={"login": person.login, "password": ""})
    nobody = client.post("/login/", data={"login": "nobody", "password": PASSWORD})
    assert wrong.status_code == unknown.status_code == nobody.status_code == 401

    def words(page: str, name: str) -> str:
        """The page without the login typed and without the tokens, in which the time is written."""
        return re.sub(r'(value|content)="[\w.-]{40,}"', "", page.replace(name, ""))

    assert words(wrong.text, person.login) == words(nobody.text, "nobody")


@pytest.mark.parametrize("garbage", ["\x00", "a\x00b", "'", "%", "😀" * 500, " "])
def test_garbage_is_refused_like_anything_else(client: FlaskClient, make_user: MakeUser, garbage: str) -> None:
    person = make_user(CURATOR)
    assert attempt(client, garbage, garbage) == 401
    assert attempt(client, person.login, garbage) == 401


def test_nothing_of_an_earlier_cookie_is_carried_over_but_the_language(
    client: FlaskClient, make_user: MakeUser
) -> None:
    with client.session_transaction() as cookie:
        cookie.update(planted="evil", csrf_token="known", sign_in="known", locale="kk")
    login(client, make_user(CURATOR))
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["sign_in"] != "known"
        assert cookie["locale"] == "kk"


def test_the_database_holds_no_secret_of_a_session(app: Flask, client: FlaskClient, make_user: MakeUser) -> None:
    login(client, make_user(CURATOR))
    with client.session_transaction() as cookie:
        secret = cookie["sign_in"]
    with working(app) as session:
        assert secret not in session.execute(select(SignIn.digest)).scalars().all()


def test_a_successful_entry_is_noted(app: Flask, client: FlaskClient, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    login(client, person)
    with working(app) as session:
        user = session.get(User, person.id)
        assert user.login_count == 1
        assert abs(user.last_login - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=1)


def test_signing_out_is_not_done_by_a_link(client: FlaskClient, make_user: MakeUser) -> None:
    login(client, make_user(CURATOR))
    assert client.get("/logout/").status_code == 405
    assert client.get("/account/password").status_code == 200
    assert client.post("/logout/").location == "/login/"
    assert client.get("/account/password").status_code == 302


# --- The lock ---------------------------------------------------------------------------------------------


def test_six_wrong_passwords_lock_the_account_for_half_an_hour(app: Flask, make_user: MakeUser) -> None:
    person, client = make_user(CURATOR), app.test_client()
    with travel(dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC), tick=False) as clock:
        for _ in range(users.FAILURES):
            assert attempt(client, person.login, "wrong") == 401
        assert attempt(client, person.login, PASSWORD) == 401
        clock.shift(users.LOCKED - dt.timedelta(minutes=1))
        assert attempt(client, person.login, PASSWORD) == 401
        clock.shift(dt.timedelta(minutes=2))
        assert attempt(client, person.login, PASSWORD) == 302


def test_five_wrong_ones_do_not_and_a_right_one_begins_anew(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    for _ in range(3):
        client = app.test_client()
        for _ in range(users.FAILURES - 1):
            assert attempt(client, person.login, "wrong") == 401
        assert attempt(client, person.login, PASSWORD) == 302


def test_form_api_and_the_change_of_password_share_one_lock(app: Flask, make_user: MakeUser) -> None:
    person, client = make_user(CURATOR), app.test_client()
    browser = login(app.test_client(), person)
    for _ in range(2):
        attempt(client, person.login, "wrong")
        client.post("/api/v1/login", json={"login": person.login, "password": "wrong"})
        browser.post("/account/password", data={"old": "wrong", "new": NEW, "again": NEW})
    assert attempt(client, person.login, PASSWORD) == 401
    right = {"login": person.login, "password": PASSWORD}
    assert client.post("/api/v1/login", json=right).status_code == 401
    change = {"old": PASSWORD, "new": NEW, "again": NEW}
    assert browser.post("/account/password", data=change).status_code == 422


def test_many_attempts_at_once_do_not_slip_past_the_lock(
    app: Flask, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every guess that reaches the comparison of passwords is counted, however many come in parallel."""
    person, judged = make_user(CURATOR), []
    for_strangers = app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]

    def judge(kept: str, password: str) -> bool:
        if kept != for_strangers:
            judged.append(password)
        return False

    monkeypatch.setattr(users, "check_password_hash", judge)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: attempt(app.test_client(), person.login, "wrong"), range(24)))
    assert set(answers) == {401}
    assert len(judged) == users.FAILURES


def test_somebody_elses_mistakes_lock_nobody_else(app: Flask, make_user: MakeUser) -> None:
    first, second, client = make_user(CURATOR), make_user(CURATOR), app.test_client()
    for _ in range(users.FAILURES):
        attempt(client, first.login, "wrong")
    assert attempt(client, second.login, PASSWORD) == 302


# --- The API's way in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"login": "a"}, {"login": 1, "password": 2}, {"login": None, "password": "x"}]
)
def test_the_api_asks_for_a_login_and_a_password(client: FlaskClient, body: Any) -> None:
    assert client.post("/api/v1/login", json=body).status_code == 400
    assert client.post("/api/v1/login", data=b"\xff{", content_type="application/json").status_code == 400


def test_the_api_refuses_in_one_way(client: FlaskClient, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    wrong = client.post("/api/v1/login", json={"login": person.login, "password": "wrong"})
    nobody = client.post("/api/v1/login", json={"login": "nobody", "password": "wrong"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json == nobody.json


def test_the_api_gives_a_token_for_an_hour(client: FlaskClient, make_user: MakeUser) -> None:
    answer = client.post("/api/v1/login", json={"login": make_user(CURATOR).login, "password": PASSWORD})
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 3600


def test_a_one_time_password_is_no_key_to_the_api(app: Flask, client: FlaskClient) -> None:
    with working(app) as session:
        users.create_user(session, "new", PASSWORD, [ADMINISTRATOR], must_change=True)
        session.commit()
    assert client.post("/api/v1/login", json={"login": "new", "password": PASSWORD}).status_code == 403


# --- Passwords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "a", "", "11 знаков..", "111111111111", "121212121212", "abcabcabcabc", "123456789012", "qwertyuiop12345",
        "passwordpassword", "Password1234!", "Пароль123456", "администратор1", "йцукенгшщзхъ", "zyxwvutsrqponm",
        "anna-ivanova", "Anna-Ivanova1", "x" * 300,
    ],
)  # fmt: skip
def test_a_poor_password_is_refused_in_words(app: Flask, password: str) -> None:
    with app.app_context():
        assert users.password_fault(password, "anna-ivanova")


@pytest.mark.parametrize(
    "password",
    ["четыре слова подряд", "correct horse battery", "x7#kq!Лд04zW", "щука и ёж " * 9 + "абв", " пробел по краям "],
)  # fmt: skip
def test_a_good_password_is_taken(app: Flask, password: str) -> None:
    with app.app_context():
        assert users.password_fault(password, "anna-ivanova") == ""


def test_one_time_passwords_are_readable_good_and_all_different(app: Flask) -> None:
    made = {users.one_time_password() for _ in range(200)}
    assert len(made) == 200
    with app.app_context():
        assert not any(users.password_fault(password, "anna") for password in made)
    assert not set("".join(made)) & set("0O1Il")


def change(browser: FlaskClient, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> int:
    form = {"old": old, "new": new, "again": new if again is None else again}
    return browser.post("/account/password", data=form).status_code


def test_changing_the_password_asks_for_the_old_one(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    browser = login(app.test_client(), person)
    assert change(browser, old="wrong") == 422
    assert change(browser, again="опечатка здесь") == 422
    assert change(browser, new="коротко") == 422
    assert change(browser, new=PASSWORD) == 422
    assert change(browser) == 302
    assert attempt(app.test_client(), person.login, PASSWORD) == 401
    assert attempt(app.test_client(), person.login, NEW) == 302


def test_changing_the_password_signs_out_the_others_and_keeps_this_one(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    here, there = (login(app.test_client(), person) for _ in range(2))
    stolen = here.get_cookie("ryadom").value
    assert change(here) == 302
    assert here.get("/account/password").status_code == 200
    assert there.get("/account/password").status_code == 302
    thief = app.test_client()
    thief.set_cookie("ryadom", stolen)
    assert thief.get("/account/password").status_code == 302


def test_a_one_time_password_leads_nowhere_but_to_its_change(app: Flask, client: FlaskClient) -> None:
    with working(app) as session:
        users.create_user(session, "new", PASSWORD, [ADMINISTRATOR], must_change=True)
        session.commit()
    login(client, "new")
    for path in ("/", "/family/", "/accounts/", "/family/1"):
        assert client.get(path).location == "/account/password", path
    assert client.post("/accounts/add").location == "/account/password"
    assert client.get("/api/v1/family/").status_code == 403
    assert change(client) == 302
    assert client.get("/accounts/").status_code == 200


def test_a_language_is_kept_with_the_account(app: Flask, make_user: MakeUser) -> None:
    person = make_user(CURATOR)
    browser = login(app.test_client(), person)
    assert browser.post("/account/locale", data={"locale": "kk", "next": "/family/"}).location == "/family/"
    with working(app) as session:
        assert session.get(UserAccount, person.id).locale == "kk"
    elsewhere = login(app.test_client(), person)
    assert 'lang="kk"' in elsewhere.get("/account/password").text.split("<head>")[0]
    assert browser.post("/account/locale", data={"locale": "xx"}).status_code == 400


def test_a_stranger_may_choose_a_language_too(client: FlaskClient) -> None:
    assert client.post("/account/locale", data={"locale": "ru", "next": "/login/"}).location == "/login/"
    assert '<html lang="ru"' in client.get("/login/").text


# --- Everybody's accounts ---------------------------------------------------------------------------------


def add(browser: FlaskClient, name: str, *role_ids: int, staff: int | str = "") -> Any:
    form = {"login": name, "name": "Сидорова Вера Павловна", "roles": [str(id_) for id_ in role_ids]}
    return browser.post("/accounts/add", data={**form, "staff": str(staff)})


def test_an_account_is_added_and_its_password_shown_once(app: Flask, signed_in: SignedIn) -> None:
    browser, curator = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    page = add(browser, "Vera", curator)
    password = shown_password(page.text)
    assert page.headers["Cache-Control"] == "no-store"
    listed = browser.get("/accounts/").text
    assert "Сидорова Вера Павловна" in listed
    assert password not in listed
    fresh = app.test_client()
    assert attempt(fresh, "vera", password) == 302
    assert fresh.get("/").location == "/account/password"
    with working(app) as session:
        id_ = session.execute(select(User.id).where(User.username == "vera")).scalar_one()
    lines = history(app, "account", id_)
    assert ("login", None, "vera") in lines and ("roles", None, CURATOR) in lines
    assert not any(password in str(line) for line in lines)


def test_an_account_is_tied_to_a_member_of_staff(app: Flask, signed_in: SignedIn, make_user: MakeUser) -> None:
    from app.territory.models import Staff

    browser, taken = signed_in(ADMINISTRATOR), make_user(CURATOR, organisation="Искорка")
    with working(app) as session:
        session.add(staff := Staff(name="Сидорова Вера", organisation_id=taken.organisation_id))
        session.commit()
        free = staff.id
    assert add(browser, "first", staff=taken.staff_id).status_code == 422
    assert add(browser, "second", staff=999).status_code == 404
    assert add(browser, "third", staff=free).status_code == 200
    assert "Искорка" in browser.post("/accounts/find", data={"q": "third"}, follow_redirects=True).text
    with working(app) as session:
        assert {user.username for user in session.scalars(select(User))}.isdisjoint({"first", "second"})


@pytest.mark.parametrize("name", ["", "two words", "taken", "TAKEN", "a" * 100, "<b>"])
def test_a_login_that_cannot_be_is_refused_with_what_was_typed_kept(
    signed_in: SignedIn, make_user: MakeUser, name: str
) -> None:
    browser = signed_in(ADMINISTRATOR)
    make_user(login="taken")
    page = add(browser, name)
    assert page.status_code == 422
    assert "Сидорова Вера Павловна" in page.text


@pytest.mark.parametrize("form", [{"roles": "x"}, {"roles": "99999"}, {"staff": "x"}, {"roles": "1" * 30}])
def test_a_form_of_nonsense_is_a_bad_request(signed_in: SignedIn, form: dict[str, str]) -> None:
    assert signed_in(ADMINISTRATOR).post("/accounts/add", data={"login": "new", **form}).status_code == 400


def test_roles_activity_and_name_are_changed_and_noted(app: Flask, signed_in: SignedIn, make_user: MakeUser) -> None:
    browser, person = signed_in(ADMINISTRATOR), make_user(CURATOR, name="Петрова Анна")
    theirs = login(app.test_client(), person)
    form = {"name": "Петрова Анна Ильинична", "roles": str(role_id(app, ANALYST))}
    assert browser.post(f"/accounts/{person.id}/edit", data=form).status_code == 302
    assert theirs.get("/account/password").status_code == 302  # the box “may sign in” was not ticked
    lines = history(app, "account", person.id)
    assert ("roles", CURATOR, ANALYST) in lines
    assert ("active", "True", "False") in lines
    assert ("name", "Петрова Анна", "Петрова Анна Ильинична") in lines
    assert attempt(app.test_client(), person.login, PASSWORD) == 401
    assert browser.post(f"/accounts/{person.id}/edit", data={**form, "active": "1"}).status_code == 302
    assert attempt(app.test_client(), person.login, PASSWORD) == 302


def test_a_reset_gives_a_new_password_lifts_the_lock_and_signs_out(
    app: Flask, signed_in: SignedIn, make_user: MakeUser
) -> None:
    browser, person = signed_in(ADMINISTRATOR), make_user(CURATOR)
    theirs = login(app.test_client(), person)
    for _ in range(users.FAILURES):
        attempt(app.test_client(), person.login, "wrong")
    assert "Locked" in browser.get("/accounts/").text
    assert browser.get(f"/accounts/{person.id}/reset").status_code == 405
    password = shown_password(browser.post(f"/accounts/{person.id}/reset").text)
    assert theirs.get("/account/password").status_code == 302
    assert attempt(app.test_client(), person.login, PASSWORD) == 401
    assert attempt(app.test_client(), person.login, password) == 302
    assert ("password", None, "***") in history(app, "account", person.id)


def test_the_list_finds_by_name_in_any_case_and_turns_pages(
    app: Flask, signed_in: SignedIn, make_user: MakeUser
) -> None:
    browser = signed_in(ADMINISTRATOR)
    for number in range(30):
        make_user(login=f"person{number:02}")
    make_user(login="ёлкин", name="Ёлкин Пётр")
    assert "ёлкин" in browser.post("/accounts/find", data={"q": "елкин"}, follow_redirects=True).text
    assert "person29" not in browser.get("/accounts/").text
    assert "person29" in browser.get("/accounts/?page=2").text
    assert browser.get("/accounts/?page=99").status_code == 200
    for wrong in ("0x", "-1", "", "９"):
        assert browser.get("/accounts/", query_string={"page": wrong}).status_code == 400, wrong


# --- Nobody gives what he does not hold -------------------------------------------------------------------


@pytest.fixture
def keeper(app: Flask, make_user: MakeUser) -> tuple[FlaskClient, Person]:
    """Somebody who manages the accounts of his organisation, and may do there what a supervisor may."""
    make_role(app, "Ведёт учётные записи", MANAGE_ACCOUNTS, MANAGE_ROLES)
    person = make_user(SUPERVISOR, "Ведёт учётные записи", organisation="Искорка")
    return login(app.test_client(), person), person


def test_a_keeper_cannot_reset_edit_or_shut_out_an_administrator(
    app: Flask, keeper: tuple[FlaskClient, Person], make_user: MakeUser
) -> None:
    browser, _ = keeper
    above = make_user(ADMINISTRATOR, organisation="Искорка")
    assert browser.post(f"/accounts/{above.id}/reset").status_code == 403
    assert browser.get(f"/accounts/{above.id}/edit").status_code == 403
    assert browser.post(f"/accounts/{above.id}/edit", data={"name": "Я"}).status_code == 403
    assert attempt(app.test_client(), above.login, PASSWORD) == 302


def test_a_keeper_cannot_give_a_role_above_his_own(
    app: Flask, keeper: tuple[FlaskClient, Person], make_user: MakeUser
) -> None:
    browser, keeper_ = keeper
    below = make_user(CURATOR, organisation="Искорка")
    form = {"name": "", "roles": str(role_id(app, ADMINISTRATOR)), "active": "1", "staff": str(below.staff_id)}
    assert browser.post(f"/accounts/{below.id}/edit", data=form).status_code == 200
    with working(app) as session:
        assert users.role_ids(session, below.id) == {role_id(app, CURATOR)}
    page = add(browser, "new", role_id(app, ADMINISTRATOR))
    assert page.status_code == 422
    own = {"roles": str(role_id(app, ADMINISTRATOR)), "active": "1"}
    browser.post(f"/accounts/{keeper_.id}/edit", data=own)
    with working(app) as session:
        assert role_id(app, ADMINISTRATOR) not in users.role_ids(session, keeper_.id)


def test_a_keeper_manages_those_below_him(app: Flask, keeper: tuple[FlaskClient, Person], make_user: MakeUser) -> None:
    browser, _ = keeper
    below = make_user(CURATOR, organisation="Искорка")
    assert browser.get(f"/accounts/{below.id}/edit").status_code == 200
    password = shown_password(browser.post(f"/accounts/{below.id}/reset").text)
    assert attempt(app.test_client(), below.login, password) == 302


def test_a_keeper_sees_the_people_of_his_organisation_only(
    keeper: tuple[FlaskClient, Person], make_user: MakeUser
) -> None:
    browser, _ = keeper
    ours = make_user(CURATOR, organisation="Искорка", name="Наша Анна")
    others = make_user(CURATOR, organisation="Маяк", name="Чужая Вера")
    nowhere = make_user(name="Ничья Ольга")
    listed = browser.get("/accounts/").text
    assert "Наша Анна" in listed
    assert "Чужая Вера" not in listed and "Ничья Ольга" not in listed
    assert browser.get(f"/accounts/{ours.id}/edit").status_code == 200
    for person in (others, nowhere):
        assert browser.get(f"/accounts/{person.id}/edit").status_code == 404
        assert browser.post(f"/accounts/{person.id}/reset").status_code == 404


def test_a_keeper_cannot_move_an_account_out_of_his_organisation(
    app: Flask, keeper: tuple[FlaskClient, Person], make_user: MakeUser
) -> None:
    from app.territory.models import Organisation, Staff

    browser, keeper_ = keeper
    below = make_user(CURATOR, organisation="Искорка")
    with working(app) as session:
        session.add(staff := Staff(name="Чужая", organisation=Organisation(name="Маяк")))
        session.commit()
        elsewhere = staff.id
    form = {"roles": str(role_id(app, CURATOR)), "active": "1", "staff": str(elsewhere)}
    assert browser.post(f"/accounts/{below.id}/edit", data=form).status_code == 404
    browser.post(f"/accounts/{keeper_.id}/edit", data=form)
    assert add(browser, "new", staff=elsewhere).status_code == 404
    with working(app) as session:
        assert session.get(Staff, elsewhere).user_id is None


def test_nobody_changes_his_own_roles_or_shuts_himself_out(app: Flask, make_user: MakeUser) -> None:
    make_user(ADMINISTRATOR)
    person = make_user(ADMINISTRATOR)
    browser = login(app.test_client(), person)
    assert browser.post(f"/accounts/{person.id}/edit", data={"name": "Я Сама"}).status_code == 302
    with working(app) as session:
        assert users.role_ids(session, person.id) == {role_id(app, ADMINISTRATOR)}
    assert browser.get("/accounts/").status_code == 200
    assert browser.post(f"/accounts/{person.id}/reset").location == "/account/password"


def test_the_last_administrator_is_neither_shut_out_nor_stripped(app: Flask, make_user: MakeUser) -> None:
    person = make_user(ADMINISTRATOR)
    with working(app) as session:
        with pytest.raises(users.Refusal), users.administering(session):
            users.set_active(session, person.id, False)
        session.rollback()
        with pytest.raises(users.Refusal), users.administering(session):
            users.set_roles(session, person.id, [])
        session.rollback()
        assert grants.is_administered(session)


def test_two_administrators_cannot_shut_each_other_out_at_once(app: Flask, make_user: MakeUser) -> None:
    first, second = make_user(ADMINISTRATOR), make_user(ADMINISTRATOR)
    browsers = [login(app.test_client(), first), login(app.test_client(), second)]
    targets = [second.id, first.id]
    form = {"name": "", "roles": str(role_id(app, ADMINISTRATOR))}
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda pair: pair[0].post(f"/accounts/{pair[1]}/edit", data=form), zip(browsers, targets, strict=True)
            )
        )
    with working(app) as session:
        assert grants.is_administered(session)


# --- Roles ------------------------------------------------------------------------------------------------


def matrix(page: str) -> tuple[str, set[str]]:
    """The hidden mark of the form, and the boxes that are ticked."""
    (state,) = re.findall(r'name="state" value="(\w+)"', page)
    boxes = re.findall(r'<input[^>]*name="grant" value="([^"]+)"[^>]*>', page)
    ticked = re.findall(r'<input[^>]*name="grant" value="([^"]+)"[^>]*\bchecked\b[^>]*>', page)
    assert set(ticked) <= set(boxes)
    return state, set(ticked)


def save(browser: FlaskClient, pk: int, reach: Reach, ticked: set[str], state: str, **more: str) -> Any:
    form = {"state": state, "reach": reach.name, "grant": sorted(ticked), **more}
    return browser.post(f"/roles/{pk}/", data=form)


def held(app: Flask, pk: int) -> Holding:
    with working(app) as session:
        return grants.role_holdings(session, [pk])[pk]


def test_the_matrix_shows_what_a_role_holds_and_saves_what_is_ticked(app: Flask, signed_in: SignedIn) -> None:
    browser, pk = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    state, ticked = matrix(browser.get(f"/roles/{pk}/").text)
    assert ticked == {" ".join(grant) for grant in held(app, pk).permissions}
    wanted = ticked - {"can_edit Family"} | {"can_delete Family"}
    assert save(browser, pk, Reach.ORGANISATION, wanted, state).status_code == 302
    assert {" ".join(grant) for grant in held(app, pk).permissions} == wanted
    assert held(app, pk).reaches == {Reach.ORGANISATION}
    lines = history(app, "role", pk)
    assert lines == [
        ("reach", "OWN", "ORGANISATION"),
        ("given", None, "can_delete Family"),
        ("taken", "can_edit Family", None),
    ]
    page = browser.get(f"/roles/{pk}/").text
    assert page.count("(differs from shipped)") == 2
    assert "Differs from shipped" in browser.get("/roles/").text


def test_a_changed_role_works_at_the_next_request(app: Flask, signed_in: SignedIn) -> None:
    browser, pk = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    curator = signed_in(CURATOR, organisation="Искорка")
    assert curator.get("/family/").status_code == 200
    state, ticked = matrix(browser.get(f"/roles/{pk}/").text)
    save(browser, pk, Reach.OWN, ticked - {"can_list Family"}, state)
    assert curator.get("/family/").status_code == 403


def test_restoring_a_role(app: Flask, signed_in: SignedIn) -> None:
    browser, pk = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    shipped = held(app, pk)
    state, _ = matrix(browser.get(f"/roles/{pk}/").text)
    save(browser, pk, Reach.EVERYTHING, set(), state)
    assert browser.get(f"/roles/{pk}/restore").status_code == 405
    assert browser.post(f"/roles/{pk}/restore").status_code == 302
    assert held(app, pk) == shipped
    assert "Differs from shipped" not in browser.get("/roles/").text


def test_of_two_who_change_a_role_the_second_is_told(app: Flask, signed_in: SignedIn) -> None:
    first, second, pk = signed_in(ADMINISTRATOR), signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    state, ticked = matrix(first.get(f"/roles/{pk}/").text)
    save(first, pk, Reach.OWN, ticked - {"can_add Family"}, state)
    answer = save(second, pk, Reach.OWN, ticked - {"can_edit Family"}, state)
    assert "Somebody else has changed this role" in answer.text
    assert ("can_edit", "Family") in held(app, pk).permissions


def test_a_role_is_added_as_a_copy_renamed_and_deleted(app: Flask, signed_in: SignedIn) -> None:
    browser, source = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    answer = browser.post("/roles/add", data={"name": "Старший куратор", "source": str(source)})
    pk = int(re.findall(r"/roles/(\d+)/", answer.location)[0])
    assert held(app, pk) == held(app, source)
    page = browser.get(f"/roles/{pk}/").text
    assert "Made here" in browser.get("/roles/").text
    state, ticked = matrix(page)
    assert save(browser, pk, Reach.OWN, ticked, state, name="Главный куратор").status_code == 302
    assert "Главный куратор" in browser.get("/roles/").text
    assert browser.post(f"/roles/{pk}/delete").location == "/roles/"
    assert "Главный куратор" not in browser.get("/roles/").text
    lines = history(app, "role", pk)
    assert ("name", None, "Старший куратор") in lines and ("name", "Главный куратор", None) in lines


@pytest.mark.parametrize("name", ["", "x" * 65, CURATOR])
def test_a_role_needs_a_name_of_its_own(signed_in: SignedIn, name: str) -> None:
    answer = signed_in(ADMINISTRATOR).post("/roles/add", data={"name": name})
    assert answer.status_code == 200 and "alert-danger" in answer.text


def test_a_role_in_use_or_shipped_is_not_deleted(app: Flask, signed_in: SignedIn, make_user: MakeUser) -> None:
    browser = signed_in(ADMINISTRATOR)
    used = make_role(app, "Нужная")
    make_user("Нужная")
    for pk in (used, role_id(app, ANALYST)):
        assert browser.post(f"/roles/{pk}/delete").status_code == 302
        assert browser.get(f"/roles/{pk}/").status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"reach": "NOWHERE", "grant": []},
        {"reach": "OWN", "grant": ["can_fly Family"]},
        {"reach": "OWN", "grant": ["can_edit Change"]},
        {"reach": "", "grant": []},
    ],
)
def test_what_no_box_offers_is_a_bad_request(app: Flask, signed_in: SignedIn, form: dict[str, Any]) -> None:
    browser, pk = signed_in(ADMINISTRATOR), role_id(app, CURATOR)
    state, _ = matrix(browser.get(f"/roles/{pk}/").text)
    assert browser.post(f"/roles/{pk}/", data={"state": state, **form}).status_code == 400


def test_a_keeper_cannot_raise_a_role_or_touch_one_above(app: Flask, keeper: tuple[FlaskClient, Person]) -> None:
    browser, _ = keeper
    pk, above = role_id(app, CURATOR), role_id(app, ADMINISTRATOR)
    before, before_above = held(app, pk), held(app, above)
    state, ticked = matrix(browser.get(f"/roles/{pk}/").text)
    for wanted, reach in (
        (ticked | {"can_delete Procedure"}, Reach.OWN),
        (ticked | {"can_list Change"}, Reach.OWN),
        (ticked, Reach.EVERYTHING),
        (ticked, Reach.MUNICIPALITY),
    ):
        assert save(browser, pk, reach, wanted, state).status_code == 200
    state, ticked = matrix(browser.get(f"/roles/{above}/").text)
    assert save(browser, above, Reach.OWN, set(), state).status_code == 200
    browser.post(f"/roles/{above}/restore")
    browser.post("/roles/add", data={"name": "Копия", "source": str(above)})
    assert held(app, pk) == before and held(app, above) == before_above
    with working(app) as session:
        assert not session.execute(select(Role.id).where(Role.name == "Копия")).first()


def test_the_role_of_the_last_administrator_keeps_its_rights(app: Flask, signed_in: SignedIn) -> None:
    browser, pk = signed_in(ADMINISTRATOR), role_id(app, ADMINISTRATOR)
    state, ticked = matrix(browser.get(f"/roles/{pk}/").text)
    for wanted, reach in ((ticked - {"can_manage Roles"}, Reach.EVERYTHING), (ticked, Reach.ORGANISATION)):
        assert save(browser, pk, reach, wanted, state).status_code == 200
    assert MANAGE_ROLES in held(app, pk).permissions
    assert held(app, pk).reaches == {Reach.EVERYTHING}


# --- Forged requests --------------------------------------------------------------------------------------


def csrf_token(browser: FlaskClient, path: str = "/login/") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found
    return found.group(1)


def test_nothing_is_changed_without_the_token_of_the_form(csrf_app: Flask, make_user: MakeUser) -> None:
    person = make_user(ADMINISTRATOR)
    browser = csrf_app.test_client()
    form = {"login": person.login, "password": PASSWORD}
    assert browser.post("/login/", data=form).status_code == 400
    assert browser.post("/login/", data={**form, "csrf_token": csrf_token(browser)}).status_code == 302
    for path in (
        "/logout/", "/account/password", "/account/locale", "/accounts/add", f"/accounts/{person.id}/edit",
        f"/accounts/{person.id}/reset", "/roles/add", "/roles/1/", "/roles/1/restore", "/roles/1/delete",
    ):  # fmt: skip
        assert browser.post(path).status_code == 400, path
    token = csrf_token(browser, "/account/password")
    assert browser.post("/logout/", data={"csrf_token": token}).status_code == 302


def test_the_token_of_before_signing_in_is_void_after_it(csrf_app: Flask, make_user: MakeUser) -> None:
    person, browser = make_user(ADMINISTRATOR), csrf_app.test_client()
    before = csrf_token(browser)
    form = {"login": person.login, "password": PASSWORD, "csrf_token": before}
    assert browser.post("/login/", data=form).status_code == 302
    assert browser.post("/logout/", data={"csrf_token": before}).status_code == 400


def test_the_way_in_of_the_api_needs_no_token_of_a_form(csrf_app: Flask, make_user: MakeUser) -> None:
    body = {"login": make_user(CURATOR).login, "password": PASSWORD}
    assert csrf_app.test_client().post("/api/v1/login", json=body).status_code == 200


def test_every_form_of_these_screens_carries_the_token(csrf_app: Flask, make_user: MakeUser) -> None:
    browser, person = csrf_app.test_client(), make_user(ADMINISTRATOR)
    form = {"login": person.login, "password": PASSWORD, "csrf_token": csrf_token(browser)}
    browser.post("/login/", data=form)
    other = make_user(CURATOR)
    role = make_role(csrf_app, "Своя")
    for path in (
        "/account/password", "/accounts/add", f"/accounts/{other.id}/edit", "/roles/add", f"/roles/{role}/",
    ):  # fmt: skip
        page = browser.get(path).text
        forms = re.findall(r'<form[^>]*method="post".*?</form>', page, flags=re.DOTALL)
        assert forms and all('name="csrf_token"' in one for one in forms), path


def test_no_page_of_these_screens_needs_a_script_or_a_style_of_its_own(
    app: Flask,
    signed_in: SignedIn,
    session_pages: tuple[str, ...] = ("/accounts/", "/accounts/add", "/roles/", "/roles/1/"),
) -> None:
    browser = signed_in(ADMINISTRATOR)
    for path in session_pages:
        page = browser.get(path).text
        assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page), path


def test_users_are_made_with_what_flask_appbuilder_demands(app: Flask) -> None:
    with working(app) as session:
        user = users.create_user(session, "Анна.К", PASSWORD, [CURATOR], name="Коваль Анна Ильинична")
        assert (user.username, user.email) == ("анна.к", "анна.к@localhost")
        assert (user.last_name, user.first_name) == ("Коваль", "Анна Ильинична")
        with pytest.raises(users.Refusal):
            users.create_user(session, "other", PASSWORD, ["Нет такой"])


def test_the_product_is_administered_only_with_all_three_rights(app: Flask, make_user: MakeUser) -> None:
    def administered() -> bool:
        with working(app) as session:
            return grants.is_administered(session)

    assert not administered()
    make_role(app, "Люди", MANAGE_ACCOUNTS, reach=Reach.EVERYTHING)
    make_role(app, "Роли", MANAGE_ROLES, reach=Reach.ORGANISATION)
    make_user("Люди")
    make_user("Роли")
    assert not administered()
    make_user("Люди", "Роли")
    assert administered()


def test_a_session_without_anybody_writes_history_for_the_system(app: Flask) -> None:
    def lines(session: Session) -> list[Any]:
        c = Change.__table__.c
        return list(session.execute(select(c.user, c.user_id).where(c.entity == "account")))

    with working(app) as session:
        users.create_user(session, "first", PASSWORD, [])
        assert set(lines(session)) == {("система", None)}
