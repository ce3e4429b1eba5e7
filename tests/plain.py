"""Databases for tests that need no application: the tables of the models, a guarded session, its history."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import models
from app.kernel.bin import keep_bin
from app.kernel.database import engine_options, prepare_engine
from app.kernel.declare import SYSTEM, Viewer
from app.kernel.history import keep_history
from app.kernel.scope import guard

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
BOTH = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@contextmanager
def engine(kind: str = "sqlite") -> Iterator[Engine]:
    """An empty database with all the tables; on PostgreSQL, in a schema of its own, dropped afterwards."""
    if kind == "sqlite":
        made = create_engine("sqlite://", **engine_options("sqlite://"))
        prepare_engine(made)
        models.metadata.create_all(made)
        yield made
        made.dispose()
        return
    name = f"test_{uuid.uuid4().hex}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
    except OperationalError:
        pytest.skip("no PostgreSQL at TEST_POSTGRES_URL")
    made = create_engine(POSTGRES, connect_args={"options": f"-csearch_path={name}"})
    try:
        models.metadata.create_all(made)
        yield made
    finally:
        made.dispose()
        with server.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        server.dispose()


def session_of(made: Engine, viewer: Viewer = SYSTEM) -> Session:
    """A session as the application has it: guarded, with history, reading for a viewer."""
    session = Session(made)
    guard(session)
    keep_history(session)
    keep_bin(session)
    session.info["viewer"] = viewer
    return session


@contextmanager
def database(kind: str = "sqlite") -> Iterator[Session]:
    with engine(kind) as made, session_of(made) as session:
        yield session
