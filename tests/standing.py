"""Databases that stand from test to test: filling one anew for each would take longer than the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.preparation import engine_of
from tests.running import Database, working

T = TypeVar("T")
_standing: dict[tuple[str, str], Any] = {}


@pytest.fixture
def standing(
    kind: str, applications: Callable[[str], tuple[Flask, Database]]
) -> Callable[[str, Callable[[Flask], Any]], tuple[Flask, Any]]:
    """``app, world = standing("scope", populate)``: the world as the last test left it, or made anew."""
    app, database = applications(kind)

    def of(name: str, populate: Callable[[Flask], T]) -> tuple[Flask, T]:
        sign = f"standing {name}"
        with working(app) as session:
            there = session.scalars(select(Role.id).where(Role.name == sign)).first()
        if there is None or (kind, name) not in _standing:
            engine_of(app).dispose()
            database.renew()
            _standing[kind, name] = populate(app)
            with working(app) as session:
                session.add(Role(name=sign))
                session.commit()
        return app, _standing[kind, name]

    return of
