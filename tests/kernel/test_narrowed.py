"""What a form narrows holds at every door: a record is not tied to what belongs to another one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kernel.orm import Row
from app.roles import ADMINISTRATOR
from models import Case, Contact, Family, Goal, MonitoringResult, Municipality, Precinct, Problem, Signal
from tests.records import Maker, posted, sent
from tests.running import working

# entity, its narrowed field, the entity that is chosen there
NARROWED: tuple[tuple[type[Row], str, type[Row]], ...] = (
    (Contact, "goals", Goal),
    (MonitoringResult, "problem", Problem),
    (Signal, "case", Case),
    (Family, "precinct", Precinct),
)


@pytest.fixture
def client(app: Flask, signed_in: Any) -> FlaskClient:
    return signed_in(ADMINISTRATOR)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("entity", "name", "target"), NARROWED, ids=lambda one: getattr(one, "__name__", one))
def test_what_belongs_to_another_record_is_refused(
    entity: type[Row], name: str, target: type[Row], app: Flask, client: FlaskClient
) -> None:
    slug = entity.__tablename__.replace("_", "-")
    with working(app) as session:
        here = Maker(session)
        here.every()
        there = Maker(session, "Чужое", Region=here.one(Municipality).region)
        values, other = here.values(entity, problem=here.new(Problem)), there.one(target)
        session.commit()
        right = sent(values)
        astray = right | {name: [other.id] if isinstance(right[name], list) else other.id}
        typed = posted(values) | {name: [str(other.id)] if isinstance(right[name], list) else str(other.id)}
    answer = client.post(f"/api/v1/{slug}/", json=astray)
    assert answer.status_code == 422 and list(answer.get_json()["fields"]) == [name]
    page = client.post(f"/{slug}/add", data=typed)
    assert page.status_code == 422 and "belongs to another record" in page.text
    assert client.post(f"/api/v1/{slug}/", json=right).status_code == 201


def test_a_signal_takes_the_family_of_its_case(app: Flask) -> None:
    with working(app) as session:
        maker = Maker(session)
        case = maker.one(Case)
        assert maker.new(Signal, family=None, case=case).family is case.family
