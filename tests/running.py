"""The application in tests: made on a database that is prepared once and copied before each test.

Each worker of pytest-xdist has databases of its own.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
PASSWORD = "четыре слова подряд"
CHEAP = "pbkdf2:sha256:1"


# --- Databases --------------------------------------------------------------------------------------------


def open_engine(url: str) -> Engine:
    """The database as the application opens it: two builds of SQLite on one file would break each other's locks."""
    from app.kernel.database import engine_options, prepare_engine

    engine = create_engine(url, **engine_options(url))
    prepare_engine(engine)
    return engine


def postgres_server() -> Engine:
    """A connection that may create databases; without a server the test is skipped, in CI it fails."""
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with server.connect():
            return server
    except OperationalError:
        if os.environ.get("CI"):
            raise
        return pytest.skip("no PostgreSQL at TEST_POSTGRES_URL")  # type: ignore[no-any-return]


class Database(Protocol):
    """A database of the tests: kept once when it is prepared, renewed before each test."""

    url: str

    def keep(self) -> None: ...
    def renew(self) -> None: ...
    def drop(self) -> None: ...


class Sqlite:
    """A file, copied from the prepared one before each test."""

    def __init__(self, folder: Path) -> None:
        self.prepared, self.live = folder / "prepared.sqlite3", folder / "live.sqlite3"
        self.url = f"sqlite:///{self.live}"

    def keep(self) -> None:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        shutil.copy(self.live, self.prepared)

    def renew(self) -> None:
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{self.live}{suffix}").unlink(missing_ok=True)
        self.live.unlink(missing_ok=True)
        if self.prepared.exists():
            shutil.copy(self.prepared, self.live)

    def drop(self) -> None:
        """The folder goes with pytest's other temporary ones."""


class Postgres:
    """A database whose rows are put back before each test: much faster than making it anew."""

    _number = itertools.count(1)

    def __init__(self) -> None:
        self.server = postgres_server()
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.name = f"ryadom_test_{worker}_{os.getpid()}_{next(self._number)}"
        address = make_url(POSTGRES).set(database=self.name)
        self.url = address.render_as_string(hide_password=False)
        self._on_server(f'CREATE DATABASE "{self.name}"')
        self.engine = create_engine(address)
        self.tables: dict[str, set[str]] = {}  # what each refers to
        self.sequences: dict[str, int | None] = {}

    def _on_server(self, statement: str) -> None:
        with self.server.connect() as connection:
            connection.execute(text(statement))

    def keep(self) -> None:
        """Copies of the rows, and a note by the database itself of each table that is written to afterwards."""
        import models

        self.tables = {
            table.name: {key.column.table.name for key in table.foreign_keys} for table in models.metadata.sorted_tables
        }
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE SCHEMA kept; CREATE TABLE kept.written (name text);"
                " CREATE FUNCTION kept.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                " $$ BEGIN INSERT INTO kept.written VALUES (TG_TABLE_NAME); RETURN NULL; END $$"
            )
            for name in self.tables:
                connection.exec_driver_sql(
                    f'CREATE TABLE kept."{name}" AS TABLE public."{name}";'
                    f' CREATE TRIGGER kept_note AFTER INSERT OR UPDATE OR DELETE ON public."{name}"'
                    " EXECUTE FUNCTION kept.note()"
                )
            self.sequences = self.positions(connection)

    @staticmethod
    def positions(connection: Connection) -> dict[str, int | None]:
        known = text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
        return {row.sequencename: row.last_value for row in connection.execute(known)}

    def renew(self) -> None:
        if not self.tables:
            return
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            written = set(connection.scalars(text("SELECT DISTINCT name FROM kept.written")))
            changed: list[str] = []  # and what refers to it: a row that is referred to can't be taken out
            for name, referred in self.tables.items():
                if name in written or not referred.isdisjoint(changed):
                    changed.append(name)
            steps = [
                *(f'ALTER TABLE public."{name}" DISABLE TRIGGER USER' for name in changed),
                *(f'DELETE FROM public."{name}"' for name in reversed(changed)),
                *(f'INSERT INTO public."{name}" SELECT * FROM kept."{name}"' for name in changed),
                *(f'ALTER TABLE public."{name}" ENABLE TRIGGER USER' for name in changed),
                *(
                    f"SELECT setval('\"{name}\"', {self.sequences[name] or 1}, {bool(self.sequences[name])})"
                    for name, last in self.positions(connection).items()
                    if last != self.sequences[name]
                ),
                "DELETE FROM kept.written",
            ]
            connection.exec_driver_sql("; ".join(steps))

    def drop(self) -> None:
        self.engine.dispose()
        self._on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        self.server.dispose()


def database_of(kind: str, folder: Path) -> Database:
    """An empty database."""
    database: Database = Sqlite(folder) if kind == "sqlite" else Postgres()
    database.renew()
    return database


# --- The application ---------------------------------------------------------------------------------------


def make_app(url: str, **overrides: object) -> Flask:
    """An application as the product makes it, but with cheap passwords and messages in English."""
    from app.factory import create_app

    return create_app(
        {
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
            "SQLALCHEMY_DATABASE_URI": url,
            "BABEL_DEFAULT_LOCALE": "en",
            "FAB_PASSWORD_HASH_METHOD": CHEAP,
            "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": generate_password_hash("-", method=CHEAP),
            **overrides,
        }
    )


def fill(app: Flask) -> None:
    """Tables and roles, as the commands bring them; no people and no records."""
    from app.kernel.database import upgrade
    from app.preparation import engine_of, sync

    upgrade(engine_of(app))
    with working(app) as session:
        sync(session)
        session.commit()
    engine_of(app).dispose()


@contextmanager
def working(app: Flask) -> Iterator[Session]:
    """A session that sees everything, in a context of its own: leave it before a client asks anything."""
    from app.kernel.orm import acting_as
    from app.preparation import session_of

    with app.app_context():
        session = session_of(app)
        with acting_as(session):
            yield session


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and where he works."""

    id: int
    login: str
    password: str
    staff_id: int | None = None
    organisation_id: int | None = None
    municipality_id: int | None = None


def login(client: FlaskClient, person: Person | str, password: str = PASSWORD) -> FlaskClient:
    """Sign in by the form, as people do."""
    name = person if isinstance(person, str) else person.login
    answer = client.post("/login/", data={"login": name, "password": password})
    assert answer.status_code == 302, answer.text
    return client


def search(client: FlaskClient, path: str, **asked: Any) -> str:
    """The address of a list under what was typed into its filters, as the browser is sent to it."""
    answer = client.post(f"{path}find", data=asked)
    assert answer.status_code == 302, answer.text
    return str(answer.location)


# --- Statements -------------------------------------------------------------------------------------------


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL that the application sends meanwhile."""
    from app.preparation import engine_of

    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    engine = engine_of(app)
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
