"""The whole history speaks in the words of the screens: kinds of records, fields and values."""

from __future__ import annotations

import datetime as dt

import pytest

from app.kernel import told
from app.kernel.declare import Choice
from app.kernel.history import Change, kept_fields
from app.kernel.orm import Record, now
from app.kernel.schema import schema_of
from models import ENTITIES
from tests.pages import table
from tests.running import working


@pytest.mark.parametrize("entity", [entity for entity in ENTITIES if issubclass(entity, Record)])
def test_all_that_is_kept_has_a_name(entity):
    for name in kept_fields(entity):
        assert told.field_told(entity.__tablename__, name) is not name, name


@pytest.mark.parametrize(
    ("entity", "field", "kept", "words"),
    [
        ("case", "status", "CLOSED", "Closed"),
        ("case", "curator_id", "7", ["№ 7"]),
        ("case", "specialists", "7; 8", ["№ 7", "№ 8"]),
        ("case", "opened_on", "2026-03-05", dt.date(2026, 3, 5)),
        ("staff", "works", "False", False),
        ("family", "name", "True", "True"),
        ("family", "gone", "5", "5"),
        ("gone", "name", "5", "5"),
        ("account", "active", "True", True),
        ("role", "reach", "OWN; EVERYTHING", ["Own cases", "Everything"]),
        ("case", "status", None, None),
    ],
)
def test_values_are_read_back(entity, field, kept, words):
    value = told.value_told(entity, field, kept)
    if isinstance(value, list):
        value = [str(one) for one in value]
    assert (str(value) if isinstance(value, Choice) else value) == words


def test_the_list_and_its_filter(app, signed_in):
    with working(app) as session:
        line = {"at": now(), "user": "Лугова", "kind": "CHANGED", "record_id": 999, "old": None}
        lines = [
            {"entity": "case", "field": "status", "new": "CLOSED"},
            {"entity": "account", "field": "login", "new": "anna"},
            {"entity": "gone", "field": "old_name", "new": "x"},
        ]
        session.execute(Change.__table__.insert(), [line | each for each in lines])
        session.commit()
    admin = signed_in("Администратор")

    def shown(query: str) -> list[tuple[str, ...]]:
        rows = table(admin.get(f"/change/?record_id=999{query}").text)[1:]
        return [(row[2], row[4], row[6]) for row in rows]

    assert shown("&subject=case") == [("Case", "Status", "Closed")]
    assert shown("&subject=account&subject=case") == [("Account", "Login", "anna"), ("Case", "Status", "Closed")]
    assert shown("")[0] == ("gone", "old_name", "x")
    assert admin.get("/change/?subject=nobody").status_code == 400
    assert schema_of(Change).field("subject").choices is not None
