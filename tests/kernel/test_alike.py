"""While somebody is typed, those who are there are offered; of other people's records only where to ask, and seldom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.families.models import Family, Member
from app.kernel import alike
from app.kernel.history import Change, ChangeKind
from app.roles import ADMINISTRATOR, CURATOR, SPECIALIST, SUPERVISOR
from app.territory.models import Organisation
from tests.running import Person, login, working

ANNA = {"name": "Берёзкина Анна Григорьевна", "born": "1996-12-18"}
WHERE = "Ask there: Берег, phone +7 900 000-20-00."


@pytest.fixture
def families(app: Flask) -> None:
    with working(app) as session:
        for place, phone, street in (("Тёплый круг", "+7 900 000-10-00", 1), ("Берег", "+7 900 000-20-00", 2)):
            organisation = Organisation(name=place, phone=phone)
            family = Family(
                name="Берёзкины", organisation=organisation, phone=f"+7 900 000-01-0{street}",
                address=f"ул. Мельничная, {street}, кв. 7",
            )  # fmt: skip
            session.add(family)
        family.members = [Member(name="Берёзкина Анна Григорьевна", born_on=dt.date(1996, 12, 18), diagnosis="тайна")]
        session.commit()


@pytest.fixture
def curator(app: Flask, families: None, make_user: Callable[..., Person]) -> FlaskClient:
    return login(app.test_client(), make_user(SUPERVISOR, organisation="Тёплый круг", name="Лугова Вера"))


def ask(client: FlaskClient, entity: str, **typed: str) -> str:
    answer = client.post(f"/{entity}/alike", data=typed)
    assert answer.status_code == 200
    return answer.text.strip()


def hints(app: Flask) -> list[tuple[str, str]]:
    with working(app) as session:
        told = select(Change.user, Change.entity).where(Change.kind == ChangeKind.HINTED)
        return [tuple(row) for row in session.execute(told)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ({"name": "Берёзкины"}, True),
        ({"name": "Берзкины"}, True),
        ({"name": "берёзкина"}, True),
        ({"name": "Соколовы"}, False),
        ({"name": "Бе"}, False),
        ({"name": ""}, False),
    ],
)
def test_a_family_within_reach_is_offered(curator: FlaskClient, typed: dict[str, str], offered: bool) -> None:
    answer = ask(curator, "family", **typed)
    assert (">Берёзкины<" in answer) is offered
    assert "Мельничная, 2" not in answer and "Берег" not in answer


def test_the_record_itself_is_not_offered(app: Flask, curator: FlaskClient) -> None:
    with working(app) as session:
        number = session.query(Family).join(Organisation).filter(Organisation.name == "Тёплый круг").one().id
    assert ask(curator, "family", name="Берёзкины", id=str(number)) == ""


def test_a_person_is_offered_to_whoever_may_see_him(
    app: Flask, families: None, make_user: Callable[..., Person]
) -> None:
    answer = ask(login(app.test_client(), make_user(SUPERVISOR, organisation="Берег")), "member", **ANNA)
    assert ">Берёзкина Анна Григорьевна<" in answer and "18.12.1996 · Берёзкины" in answer
    assert "Ask there" not in answer
    answer = ask(login(app.test_client(), make_user(ADMINISTRATOR)), "member", **ANNA)
    assert ">Берёзкина Анна Григорьевна<" in answer and "Ask there" not in answer
    assert hints(app) == []


@pytest.mark.parametrize(
    ("entity", "typed"),
    [
        ("member", ANNA),
        ("member", ANNA | {"name": "Березкина Анна Григорьвна"}),
        ("member", ANNA | {"name": "Анна Григорьевна Берёзкина"}),
        ("family", {"name": "Берёзкины", "phone": "8 (900) 000 01 02"}),
        ("family", {"name": "Берёзкина", "address": "Мельничная 2-7"}),
    ],
)
def test_of_one_out_of_reach_only_where_to_ask_is_told(
    app: Flask, curator: FlaskClient, entity: str, typed: dict[str, str]
) -> None:
    answer = ask(curator, entity, **typed)
    assert WHERE in answer
    for secret in ("18.12.1996", "тайна", "Мельничная, 2", "000-01-02", "Анна"):
        assert secret not in answer
    assert hints(app) == [("Лугова Вера", entity)]
    assert WHERE in ask(curator, entity, **typed)
    assert len(hints(app)) == 1, "the same question is told once a day"


def test_an_organisation_that_does_not_want_to_be_named_is_not(app: Flask, curator: FlaskClient) -> None:
    with working(app) as session:
        session.execute(update(Organisation).where(Organisation.name == "Берег").values(told_of=False))
        session.commit()
    for entity, typed in (("member", ANNA), ("family", {"name": "Берёзкина", "address": "Мельничная 2-7"})):
        assert "Берег" not in ask(curator, entity, **typed)
    assert hints(app) == [], "nothing was told"


@pytest.mark.parametrize(
    ("entity", "typed"),
    [
        ("member", {"name": ANNA["name"]}),
        ("member", ANNA | {"born": "1996-12-19"}),
        ("member", ANNA | {"born": "18.12.1996"}),
        ("member", ANNA | {"name": "Берёзкина Анна"}),
        ("member", ANNA | {"name": "Берёзкина А Г"}),
        ("member", ANNA | {"name": "Берзкина Анна Григорьвна"}),
        ("member", ANNA | {"name": "Соколова Анна Григорьевна"}),
        ("member", {"name": "%", "born": ANNA["born"]}),
        ("member", {"name": "", "born": ANNA["born"]}),
        ("family", {"name": "Соколовы", "phone": "8 (900) 000 01 02"}),
        ("family", {"name": "Берёзкины", "phone": "000 01 02"}),
        ("family", {"name": "Берёзкины", "address": "Мельничная, 2"}),
        ("family", {"name": "Берёзкины", "address": "Мельничная, 2, кв. 8"}),
    ],
)
def test_with_less_nothing_is_told(app: Flask, curator: FlaskClient, entity: str, typed: dict[str, str]) -> None:
    answer = ask(curator, entity, **typed)
    assert "Ask there" not in answer and "Берег" not in answer
    assert hints(app) == []


def test_whoever_tries_birthdays_soon_hears_no_more(
    app: Flask, curator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "A_DAY", 3)
    for day in (10, 11, 12):
        assert ask(curator, "member", **ANNA | {"born": f"1996-12-{day}"}) == ""
    refused = ask(curator, "member", **ANNA)
    assert "any more today" in refused and "Ask there" not in refused
    assert refused == ask(curator, "member", name="Никто Нигде Никогда", born="2001-01-01"), "no answer in it either"
    assert ask(curator, "member", **ANNA | {"born": "1996-12-10"}) == "", "an old question is no new one"
    assert ">Берёзкины<" in ask(curator, "family", name="Берёзкины"), "one's own are offered as before"
    with working(app) as session:
        session.execute(alike.ASKED.update().values(at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
        session.commit()
    assert WHERE in ask(curator, "member", **ANNA)
    with working(app) as session:
        kept = session.execute(select(alike.ASKED)).all()
    assert len(kept) == 1 and "ерёз" not in str(kept), "old questions go, and none is kept in words"


def test_who_may_not_add_may_not_ask(app: Flask, families: None, make_user: Callable[..., Person]) -> None:
    client = login(app.test_client(), make_user(SPECIALIST, organisation="Тёплый круг"))
    assert client.post("/member/alike", data=ANNA).status_code == 403
    assert client.post("/case/alike", data=ANNA).status_code in (404, 405)


def test_a_colleagues_record_is_told_of_as_well(app: Flask, families: None, make_user: Callable[..., Person]) -> None:
    """A curator sees his own cases: the same child may be led in the next room."""
    client = login(app.test_client(), make_user(CURATOR, organisation="Берег"))
    assert WHERE in ask(client, "member", **ANNA)
