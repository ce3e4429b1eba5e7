"""What tests share: the application on each of the two databases, and people who sign in."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy import select

# Nothing of the tests may reach a real database or its files, whatever the shell has in it.
for _name in ("DATABASE_URL", "DEMO_DATABASE_URL", "SECRET_KEY", "HOST", "PORT", "LOCALE", "TIMEZONE", "SMTP_HOST"):
    os.environ.pop(_name, None)
os.environ["TZ"] = "Europe/Moscow"  # the day of the tests is that of the application, also before midnight
if hasattr(time, "tzset"):
    time.tzset()
os.environ["RYADOM_DATA"] = tempfile.mkdtemp(prefix="ryadom-tests-")

from tests.running import KINDS, PASSWORD, Database, Person, database_of, fill, login, make_app, working  # noqa: E402

# Properties are asked of slow oracles, on machines that do other things too: no time is promised.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["RYADOM_DATA"], ignore_errors=True)


@pytest.fixture(scope="session")
def applications(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], tuple[Flask, Database]]]:
    """The application on a kind of database, made and prepared at the first call for it."""
    made: dict[str, tuple[Flask, Database]] = {}
    failed: dict[str, Exception] = {}

    def of(kind: str) -> tuple[Flask, Database]:
        if kind in failed:
            raise failed[kind]
        if kind not in made:
            database = database_of(kind, tmp_path_factory.mktemp(kind))
            try:
                app = make_app(database.url)
                fill(app)
                database.keep()
            except Exception as error:
                failed[kind] = error  # it would fail every test anew, and slowly
                database.drop()
                raise
            made[kind] = app, database
        return made[kind]

    yield of
    for _app, database in made.values():
        database.drop()


@pytest.fixture
def empty_database(kind: str, tmp_path: Path) -> Iterator[Database]:
    """A database without a single table."""
    database = database_of(kind, tmp_path)
    yield database
    database.drop()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; every test of an application runs on both."""
    return str(request.param)


@pytest.fixture
def app(kind: str, applications: Callable[[str], tuple[Flask, Database]]) -> Iterator[Flask]:
    from app.preparation import engine_of

    made, database = applications(kind)
    engine_of(made).dispose()
    database.renew()
    yield made
    engine_of(made).dispose()


@pytest.fixture
def csrf_app(app: Flask) -> Iterator[Flask]:
    """The same with the protection against forged requests on, as in the product."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make_user(app: Flask) -> Callable[..., Person]:
    """``make_user("Куратор", organisation="Искорка", municipality="Пермь")`` makes what is named, if missing."""
    numbers = count(1)

    def make(
        *roles: str,
        login: str = "",
        organisation: str = "",
        municipality: str = "",
        name: str = "",
        **staff: Any,
    ) -> Person:
        from app.kernel.users import create_user
        from app.territory.models import Municipality, Organisation, Region, Staff

        login = login or f"user{next(numbers)}"
        with working(app) as session:

            def one(entity: Any, title: str, **values: Any) -> Any:
                found = session.scalars(select(entity).where(entity.name == title)).first()
                if found is None:
                    session.add(found := entity(name=title, **values))
                    session.flush()
                return found

            place = person = None
            if municipality:
                place = one(Municipality, municipality, region=one(Region, "Край"))
            if organisation:
                person = Staff(
                    name=name or f"Иванова {login}",
                    organisation=one(Organisation, organisation),
                    municipality=place,
                    **staff,
                )
                session.add(person)
                session.flush()
            user = create_user(session, login, PASSWORD, roles, person, name)
            session.commit()
            return Person(
                user.id,
                login,
                PASSWORD,
                person.id if person else None,
                person.organisation_id if person else None,
                place.id if place else None,
            )

    return make


@pytest.fixture
def signed_in(app: Flask, make_user: Callable[..., Person]) -> Callable[..., FlaskClient]:
    """``signed_in("Куратор", organisation="Искорка")``: a browser of somebody new with this role."""

    def of(*roles: str, **staff: Any) -> FlaskClient:
        return login(app.test_client(), make_user(*roles, **staff))

    return of
