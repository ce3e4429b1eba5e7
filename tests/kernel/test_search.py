"""The search of the whole site: what a person means is found, whatever he types of it, and nothing out of his reach."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.cases.models import Case
from app.families.models import Family, Member
from app.kernel.trigrams import WORDS, is_made, make
from app.kernel.writing import remove
from app.preparation import engine_of
from app.procedures.models import Procedure
from app.roles import ADMINISTRATOR, ANALYST, CURATOR, SUPERVISOR
from app.territory.models import Organisation, Staff
from tests.running import Person, login, statements, working

MOST_STATEMENTS = 14  # who asks, at most four ways of asking with their words, and a statement for each kind found


@pytest.fixture
def families(app: Flask) -> None:
    with working(app) as session:
        here, there = Organisation(name="Тёплый круг", phone="+7 351 200-30-40"), Organisation(name="Берег")
        curator = Staff(name="Зорина Мария Павловна", organisation=here)
        birch = Family(name="Берёзкины", organisation=here, address="ул. Мельничная, 8", phone="+7 900 123-45-67")
        birch.members = [Member(name="Берёзкина Анна Григорьевна"), Member(name="Берёзкин Фёдор Алексеевич")]
        smith = Family(name="Смирновы", organisation=there, address="ул. Садовая, 14, кв. 7", phone="8 (351) 77-88-999")
        smith.members = [Member(name="Смирнова Полина Сергеевна", born_on=dt.date(2015, 3, 12))]
        kims = [Family(name=name, organisation=there) for name in ("Кимовы", "Акимовы", "Ким")]
        case = Case(number="И-2026/05", family=birch, procedure=Procedure(code="p", name="П"), curator=curator)
        session.add_all([curator, birch, smith, *kims, case])
        session.commit()


@pytest.fixture
def found(app: Flask, families: None, signed_in: Callable[..., FlaskClient]) -> Callable[[str], list[str]]:
    """``found("ким")``: names of what is found, in order."""
    client = signed_in(ADMINISTRATOR)
    return lambda words: names_in(client, words)


def names_in(client: FlaskClient, words: str) -> list[str]:
    page, offers = (client.post(path, data={"q": words}) for path in ("/search/", "/search/offers"))
    assert (page.status_code, offers.status_code) == (200, 200)
    names = [re.findall(r'found-name">([^<]*)<', answer.text) for answer in (page, offers)]
    assert set(names[1]) <= set(names[0])
    return names[0]


BIRCHES = {"Берёзкины", "Берёзкина Анна Григорьевна", "Берёзкин Фёдор Алексеевич", "И-2026/05"}
SMITHS = {"Смирновы", "Смирнова Полина Сергеевна"}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("берёзкины", BIRCHES),
        ("БЕРЕЗК", BIRCHES),
        ("резкин", BIRCHES),
        ("бе", {"Берег", *BIRCHES} - {"И-2026/05"}),
        ("Полина Смирнова", {"Смирнова Полина Сергеевна"}),
        ("мельничная берёзкины", {"Берёзкины"}),
        ("берёзкины мельничная", {"Берёзкины"}),
        ("анна мельничная", BIRCHES - {"Берёзкин Фёдор Алексеевич"}),  # her name and her family's address
        ("8 900 1234567", BIRCHES),
        ("+7 (900) 123-45-67", BIRCHES),
        ("123-45-67", BIRCHES),
        ("7788999", SMITHS),
        ("3512003040", {"Тёплый круг"}),
        ("12.03.2015", SMITHS),
        ("12.3.2015", SMITHS),
        ("2015-03-12", SMITHS),
        ("смирнова 2015", SMITHS),
        ("2015", SMITHS),
        ("13.03.2015", set()),
        ("И-2026/05", {"И-2026/05"}),
        ("и2026", {"И-2026/05"}),
        ("2026/05", {"И-2026/05"}),
        ("зорина", {"Зорина Мария Павловна"}),
        # Typing errors.
        ("смрнова", SMITHS),
        ("Смионрвы", SMITHS),
        ("бкрезкина", BIRCHES),
        ("беерзк", BIRCHES),
        ("плина смирова", {"Смирнова Полина Сергеевна"}),
        ("мелничая березкны", {"Берёзкины"}),
        # Nobody.
        ("щёголев", set()),
        ("анна садовая", set()),
        ("б", set()),
        ("", set()),
        ("%", set()),
        ("__", set()),
        ("\" OR family_found MATCH \"а", set()),
        ("' OR 1=1 --", set()),
    ],
)  # fmt: skip
def test_what_a_person_means_is_found(found: Callable[[str], list[str]], words: str, names: set[str]) -> None:
    assert set(found(words)) == names


def test_the_better_answer_is_first(found: Callable[[str], list[str]]) -> None:
    assert found("ким") == ["Ким", "Кимовы", "Акимовы"]


def test_few_statements(app: Flask, families: None, signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in(ADMINISTRATOR)
    for words in ("берёзкины", "беерзк", "плина смирова", "щёголев вася"):
        with statements(app) as sent:
            client.post("/search/offers", data={"q": words})
        assert len(sent) <= MOST_STATEMENTS, words


def test_what_is_changed_or_deleted_is_found_as_it_is_now(app: Flask, found: Callable[[str], list[str]]) -> None:
    with working(app) as session:
        family = session.query(Family).filter_by(name="Ким").one()
        family.name = "Югай"
        session.commit()
    assert found("югай") == ["Югай"] and found("ким") == ["Кимовы", "Акимовы"]
    with working(app) as session:
        session.delete(session.query(Family).filter_by(name="Югай").one())
        session.commit()
    assert found("югай") == []


def test_a_deleted_surname_is_not_kept_among_the_words(app: Flask, families: None) -> None:
    def kept() -> set[str]:
        with working(app) as session:
            return set(session.execute(WORDS.select().with_only_columns(WORDS.c.word).distinct()).scalars())

    assert {"смирнова", "смирновы", "полина"} <= kept()
    with working(app) as session:
        remove(session, session.query(Family).filter_by(name="Смирновы").one())
        session.commit()
    assert not {"смирнова", "смирновы", "полина", "сергеевна", "садовая"} & kept()
    assert "березкина" in kept()


def test_the_index_is_made_anew_when_it_is_missing_or_folded_otherwise(
    app: Flask, found: Callable[[str], list[str]]
) -> None:
    """As after a migration that copied a table, and with it lost the triggers; or with another declaration."""
    engine = engine_of(app)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER family_found_added"))
        connection.execute(text("UPDATE family SET folded = 'прежнее'"))
        connection.execute(text("UPDATE search_recipe SET recipe = '0' WHERE entity = 'family'"))
        connection.execute(text("DELETE FROM search_word"))
        assert not is_made(connection)
    assert "Кимовы" not in found("кимовы")
    with engine.begin() as connection:
        make(connection)
        assert is_made(connection)
    assert "Кимовы" in found("кимвоы")
    with working(app) as session:
        session.add(Family(name="Новиковы", organisation=session.query(Organisation).first()))
        session.commit()
    assert found("новиковы") == ["Новиковы"]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_lost_trigger_is_noticed(app: Flask) -> None:
    with engine_of(app).begin() as connection:
        assert is_made(connection)
        connection.execute(text("DROP TRIGGER member_found_changed"))
        assert not is_made(connection)
        make(connection)
        assert is_made(connection)


@pytest.mark.parametrize("kind", [pytest.param("postgres", marks=pytest.mark.postgres)])
def test_without_the_extension_everything_is_found_all_the_same(app: Flask, found: Callable[[str], list[str]]) -> None:
    with engine_of(app).begin() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        assert is_made(connection)
    assert set(found("резкин")) == BIRCHES and set(found("смрнова")) == SMITHS
    with engine_of(app).begin() as connection:
        connection.execute(text("CREATE EXTENSION pg_trgm"))
        assert not is_made(connection), "somebody has added it: the index can be made"
        make(connection)
        assert is_made(connection)


def test_nothing_out_of_reach_is_found_and_takes_no_place(
    app: Flask, families: None, make_user: Callable[..., Person]
) -> None:
    with working(app) as session:
        there = session.query(Organisation).filter_by(name="Берег").one()
        # More of them than are looked through, and before the one in reach.
        session.add_all([Family(name=f"Общие {n}", organisation=there) for n in range(500)])
        session.flush()
        here = session.query(Organisation).filter_by(name="Тёплый круг").one()
        session.add(Family(name="Общие свои", organisation=here))
        session.commit()
    client = login(app.test_client(), make_user(SUPERVISOR, organisation="Тёплый круг"))
    assert names_in(client, "общие") == ["Общие свои"]
    assert names_in(client, "смирновы") == names_in(client, "смрновы") == names_in(client, "7788999") == []
    assert set(names_in(client, "берёзкины")) == BIRCHES
    stranger = login(app.test_client(), make_user(CURATOR, organisation="Берег"))
    assert names_in(stranger, "берёзкина") == names_in(stranger, "123-45-67") == []
    assert names_in(login(app.test_client(), make_user(ANALYST)), "берёзкина") == []


def test_words_stand_in_no_address(client: FlaskClient, signed_in: Callable[..., FlaskClient]) -> None:
    known = signed_in(ADMINISTRATOR)
    assert known.get("/search/offers?q=а").status_code == 405
    assert 'value=""' in known.get("/search/?q=Ким").text
    assert known.post("/search/", data={"q": "а" * 201}).status_code == 400
    assert known.post("/search/", data={"q": "а\x00б"}).status_code == 400
    assert client.post("/search/offers", data={"q": "Ким"}).status_code == 302


def test_forged_questions_are_refused(csrf_app: Flask, make_user: Callable[..., Person]) -> None:
    person = make_user(ADMINISTRATOR)
    csrf_app.config["WTF_CSRF_ENABLED"] = False
    client = login(csrf_app.test_client(), person)
    csrf_app.config["WTF_CSRF_ENABLED"] = True
    for address in ("/search/", "/search/offers", "/family/alike"):
        assert client.post(address, data={"q": "ким"}).status_code == 400, address
