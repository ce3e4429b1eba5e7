"""The first hour: each role has steps it may take, and what the reader himself has done is ticked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kernel.writing import save
from app.roles import ADMINISTRATOR, CURATOR
from app.signals.models import Signal, SignalSource
from tests.access.table import ROLES
from tests.running import Person, login, statements, working


def steps(client: FlaskClient) -> dict[str, bool]:
    """Address of a step -> whether it is ticked."""
    page = client.get("/first-hour").text
    found = re.findall(r'<li class="step-to-do( done)?">.*?</h2>', page, re.DOTALL)
    paths = re.findall(r'<li class="step-to-do(?: done)?">.*?<h2[^>]*>(?:<a href="([^"]+)")?', page, re.DOTALL)
    return dict(zip(paths, map(bool, found), strict=True))


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_steps_and_may_take_them(role: str, signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in(role, organisation="Искорка", municipality="Пермь")
    found = steps(client)
    assert found and not any(found.values())
    for path in filter(None, found):
        assert client.get(path).status_code == 200, path


def test_what_i_did_is_ticked_and_what_others_did_is_not(app: Flask, make_user: Callable[..., Person]) -> None:
    me, other = (make_user(CURATOR, organisation="Искорка", municipality="Пермь") for _ in range(2))
    mine, his = (login(app.test_client(), person) for person in (me, other))
    assert "/first-hour" in mine.get("/").text.partition("<main")[2]
    with working(app) as session:
        signal = Signal(content="Помогите", source=SignalSource.CITIZEN, organisation_id=me.organisation_id)
        save(session, signal)
        signal.created_by_id = me.id
        session.commit()
    assert steps(mine)["/signal/add"] and not steps(his)["/signal/add"]
    assert "/first-hour" not in mine.get("/").text.partition("<main")[2], "no newcomer any more"


def test_it_takes_one_statement_more_than_knowing_who_asks(app: Flask, signed_in: Callable[..., FlaskClient]) -> None:
    client = signed_in(ADMINISTRATOR)
    client.get("/first-hour")
    with statements(app) as sent:
        client.get("/first-hour")
    assert len(sent) <= 2, sent
