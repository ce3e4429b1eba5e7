"""Row 18: what the database is told when it is opened, and how words are looked for in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.families.models import Family
from app.preparation import engine_of
from app.roles import ADMINISTRATOR
from app.territory.models import Organisation
from tests.running import working

NAMES = (
    "Ивановы",
    "Ёлкины",
    "Петровы-Водкины",
    "100%",
    "50_50",
    "a\\b",
    "ИП «Ромашка»",
    "Иванова  Анна",
    "Straße",
    "Қасым",
)


@pytest.fixture
def found(app: Flask, signed_in: Callable[..., FlaskClient]) -> Callable[[str], set[str]]:
    """``found("иванов")``: names of the families that the list finds."""
    with working(app) as session:
        organisation = Organisation(name="Искорка")
        session.add_all([Family(name=name, organisation=organisation) for name in NAMES])
        session.commit()
    client = signed_in(ADMINISTRATOR)

    def ask(words: str) -> set[str]:
        items = client.get("/api/v1/family/", query_string={"q": words, "size": 200}).get_json()["items"]
        listed = {item["name"] for item in items}
        chosen = client.post("/family/choices", data={"q": words}).get_json()["items"]
        assert {item["text"] for item in chosen} == listed, "drop-downs search as lists do"
        return listed

    return ask


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ивановы", {"Ивановы"}),
        ("ИВАНОВ", {"Ивановы", "Иванова  Анна"}),
        ("елкины", {"Ёлкины"}),
        ("Ёлкины", {"Ёлкины"}),
        ("ЁЛК", {"Ёлкины"}),
        ("иванова анна", {"Иванова  Анна"}),
        ("анна иванова", {"Иванова  Анна"}),
        ("  водкины ", {"Петровы-Водкины"}),
        ("қасым", {"Қасым"}),
        ("«ромашка»", {"ИП «Ромашка»"}),
        # Signs that a database would take for "anything" stand for themselves.
        ("%", {"100%"}),
        ("_", {"50_50"}),
        ("0_5", {"50_50"}),
        ("\\", {"a\\b"}),
        ("%%%", set()),
        ("и%ы", set()),
        ("_____", set()),
        ("'; DROP TABLE family; --", set()),
        ("", set(NAMES)),
    ],
)
def test_a_search_finds_what_a_person_means(found: Callable[[str], set[str]], words: str, names: set[str]) -> None:
    assert found(words) == names


def test_foreign_keys_are_kept(app: Flask) -> None:
    """Also past the application's own checks: the database itself refuses."""
    with working(app) as session:
        session.add(organisation := Organisation(name="Искорка"))
        session.flush()
        session.add(Family(name="Ёлкины", organisation_id=organisation.id))
        session.commit()
    engine = engine_of(app)
    for statement in ("DELETE FROM organisation", "UPDATE family SET organisation_id = 99"):
        with engine.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(text(statement))
            connection.commit()


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_sqlite_keeps_foreign_keys_waits_its_turn_and_loses_nothing(app: Flask) -> None:
    engine = engine_of(app)
    for _ in range(2):  # a connection out of the pool is no worse than the first
        with engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("foreign_keys", "synchronous", "busy_timeout", "journal_mode")
            }
        assert pragmas["foreign_keys"] == 1
        assert pragmas["synchronous"] == 2, "FULL: what was acknowledged survives a power cut"
        assert pragmas["busy_timeout"] >= 1000
        assert pragmas["journal_mode"] in ("wal", "delete")
