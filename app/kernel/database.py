"""The database as such: how SQLite is opened, how the schema is brought up to date, one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, func, inspect, select, text

from app.kernel.orm import fold

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# 3.7.0–3.51.2 may corrupt a database in write-ahead mode; with them the rollback journal serves.
_SOUND_WAL = (3, 51, 3)
_LOCK = 7_263_914  # any number of our own among PostgreSQL's advisory locks
_LOCK_SECONDS = 120


def sqlite_driver() -> ModuleType:
    """Python's own SQLite, or the newer one that ``pysqlite3`` brings."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    newer: ModuleType = dbapi2
    return newer if newer.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def engine_options(url: str) -> dict[str, Any]:
    """What ``create_engine`` is to be told for this address."""
    return {"module": sqlite_driver()} if url.startswith("sqlite") else {"pool_pre_ping": True}


def prepare_engine(engine: Engine) -> None:
    """Make every SQLite connection keep foreign keys, wait for its turn, and lose nothing at a power cut."""
    if engine.dialect.name != "sqlite":
        return
    driver: Any = engine.dialect.dbapi
    journal = "WAL" if driver.sqlite_version_info >= _SOUND_WAL else "DELETE"

    @event.listens_for(engine, "connect")
    def _open(connection: Any, record: Any) -> None:
        for pragma in ("busy_timeout=5000", "foreign_keys=ON", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("fold", 1, lambda text: text and fold(text), deterministic=True)
        with suppress(driver.OperationalError):  # somebody has it open in the other mode: this one joins him
            connection.execute(f"PRAGMA journal_mode={journal}")


@contextmanager
def exclusive(engine: Engine) -> Iterator[None]:
    """One process at a time prepares a database; the others wait here and then find everything done."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(select(func.pg_advisory_lock(_LOCK)))
            try:
                yield
            finally:
                connection.execute(select(func.pg_advisory_unlock(_LOCK)))
    elif engine.url.database in (None, "", ":memory:"):
        yield
    else:
        # An empty database beside the real one serves as the lock: it works alike on every system, and
        # goes with the process that holds it.
        with closing(
            sqlite3.connect(f"{engine.url.database}-lock", timeout=_LOCK_SECONDS, isolation_level=None)
        ) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield


def alembic_config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A connection in one transaction that takes changes of the schema along: all of them or none."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        # SQLite changes a table by copying and dropping it. With foreign keys on, the drop would take the
        # rows that point to it along; and its driver begins no transaction for a CREATE by itself.
        raw: Any = connection.connection.dbapi_connection
        try:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            raw.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"the migration leaves rows that point nowhere: {broken[:5]}")
            connection.commit()
        finally:
            connection.rollback()
            connection.invalidate()  # the pool must not hand it out with the foreign keys off


def is_searchable(engine: Engine) -> bool:
    """Whether the search index of a current schema is made by the declarations of this program."""
    from app.kernel import trigrams

    with engine.connect() as connection:
        return trigrams.is_made(connection)


class Newer(RuntimeError):
    """The schema is at a revision that this program does not know: a later program made it."""


def _migrate(engine: Engine, step: Callable[..., None], revision: str) -> None:
    from alembic.util import CommandError

    with _migrating(engine) as connection:
        try:
            step(alembic_config(connection), revision)
        except CommandError as error:
            raise Newer(str(error)) from None


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to date (or to the given revision), and the search index with the last one."""
    from alembic import command

    _migrate(engine, command.upgrade, revision)
    if is_current(engine):
        from app.kernel import trigrams

        with engine.begin() as connection:
            trigrams.make(connection)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema back. What the later revisions kept is lost."""
    from alembic import command

    _migrate(engine, command.downgrade, revision)


def revisions(engine: Engine) -> set[str]:
    """Where the schema stands; empty for a database that has never been prepared."""
    if not inspect(engine).has_table("alembic_version"):
        return set()
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def head() -> str:
    """The last revision there is: files are named by their numbers. Each start asks, so Alembic is left asleep."""
    last = max((MIGRATIONS / "versions").glob("[0-9]*.py")).read_text(encoding="utf-8")
    return last.partition('\nrevision = "')[2].partition('"')[0]


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one this program was written for."""
    return revisions(engine) == {head()}


def told_by_models(name: str | None, kind: str, parents: Any) -> bool:
    """Whether a table or an index is for a model to tell of: the search index follows from the declarations."""
    return not (name and ("_found" in name or name.endswith("_folded_trigram")))


def differences(engine: Engine, metadata: Any) -> list[Any]:
    """What a new migration would have to change; empty when the migrations say what the models say."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": told_by_models}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))
