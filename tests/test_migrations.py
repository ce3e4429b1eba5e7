"""The migrations say what the models say, go up and down with data in the tables, and guard the history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

import models
from app.kernel import access, database
from app.kernel.history import Change, ChangeKind
from tests.running import Database, open_engine


@pytest.fixture
def engine(empty_database: Database) -> Iterator[Engine]:
    engine = open_engine(empty_database.url)
    yield engine
    engine.dispose()


def _fill(engine: Engine) -> None:
    """A row in a chain of tables that point to one another, and a line of the history."""
    with engine.begin() as connection:
        tables = models.metadata.tables
        connection.execute(tables["region"].insert(), {"id": 1, "name": "Край"})
        connection.execute(tables["municipality"].insert(), {"id": 1, "region_id": 1, "name": "Пермь"})
        connection.execute(tables["ab_user"].insert(), {
            "id": 1, "first_name": "", "last_name": "А", "username": "a", "email": "a@localhost",
        })  # fmt: skip
        connection.execute(access.UserAccount.__table__.insert(), {"user_id": 1})
        connection.execute(Change.__table__.insert(), {
            "user": "А", "entity": "region", "record_id": 1, "kind": ChangeKind.ADDED,
        })  # fmt: skip


def test_models_and_migrations_agree(engine: Engine) -> None:
    database.upgrade(engine)
    assert database.differences(engine, models.metadata) == []


def test_an_empty_database_is_not_current_and_an_upgraded_one_is(engine: Engine) -> None:
    assert not database.is_current(engine)
    database.upgrade(engine)
    assert database.is_current(engine)
    database.upgrade(engine)  # a second time changes nothing
    assert database.is_current(engine)


def test_down_and_up_with_data(engine: Engine) -> None:
    database.upgrade(engine)
    _fill(engine)
    database.downgrade(engine)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    database.upgrade(engine)
    _fill(engine)


def test_each_revision_down_and_up_keeps_the_data_of_the_earlier_ones(engine: Engine) -> None:
    database.upgrade(engine)
    _fill(engine)
    database.downgrade(engine, "0001")
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(Change)).scalar() == 1
        assert connection.execute(select(models.Region.name)).scalar() == "Край"
    database.upgrade(engine)
    assert database.is_current(engine)


def test_a_cancelled_plan_was_cancelled_by_its_last_change(engine: Engine) -> None:
    """Revision 0016; and terms of every case are worked out anew after it."""
    database.upgrade(engine)
    last = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
    with engine.begin() as connection:
        tables = models.metadata.tables
        connection.execute(tables["organisation"].insert(), {"id": 1, "name": "Искорка"})
        connection.execute(tables["family"].insert(), {"id": 1, "name": "Т", "organisation_id": 1})
        connection.execute(tables["procedure"].insert(), {"id": 1, "name": "М", "code": "m"})
        connection.execute(tables["case"].insert(), {"id": 1, "family_id": 1, "procedure_id": 1, "number": "1"})
        for number, status in enumerate(("CANCELLED", "IN_FORCE"), 1):
            plan = {"id": number, "case_id": 1, "number": f"{number}", "edition": number, "status": status}
            connection.execute(tables["plan"].insert(), {**plan, "changed_at": last})
    database.downgrade(engine, "0015")
    database.upgrade(engine)
    with engine.connect() as connection:
        days = connection.execute(select(models.Plan.cancelled_on).order_by(models.Plan.id)).scalars().all()
        assert days == [last.date(), None]
        assert connection.execute(select(tables["unsettled"].c.case_id)).scalars().all() == [1]


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(statement: str) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(op, "execute", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        database.upgrade(engine)
    assert inspect(engine).get_table_names() == []


def _refused(engine: Engine, statement: str) -> None:
    database.upgrade(engine)
    _fill(engine)
    with pytest.raises(DBAPIError, match="only added to"), engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE change SET entity = 'other'", "DELETE FROM change"])
def test_the_database_refuses_to_rewrite_the_history(engine: Engine, statement: str) -> None:
    _refused(engine, statement)


@pytest.mark.parametrize("kind", [pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_database_refuses_to_empty_the_history(engine: Engine) -> None:
    _refused(engine, "TRUNCATE change")


def test_the_last_revision_is_the_one_of_the_last_file() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(database.alembic_config()).get_heads() == [database.head()]


def test_a_migration_needs_no_code_of_ours() -> None:
    for path in (Path(database.MIGRATIONS) / "versions").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "from app" not in source and "import app" not in source, path.name


def _pragma(engine: Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize("kind", ["sqlite"])
class TestSqlite:
    """How a SQLite database is opened."""

    def test_foreign_keys_are_kept_and_nothing_is_lost_at_a_power_cut(self, engine: Engine) -> None:
        assert _pragma(engine, "foreign_keys") == 1
        assert _pragma(engine, "synchronous") == 2
        assert _pragma(engine, "busy_timeout") == 5000

    def test_after_a_migration_foreign_keys_are_kept_again(self, engine: Engine) -> None:
        database.upgrade(engine)
        assert _pragma(engine, "foreign_keys") == 1


def test_write_ahead_only_with_a_sound_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version, journal in (((3, 40, 1), "delete"), ((3, 51, 3), "wal"), ((3, 53, 4), "wal")):
        engine = create_engine(f"sqlite:///{tmp_path / journal}{version[1]}")
        monkeypatch.setattr(engine.dialect.dbapi, "sqlite_version_info", version)
        database.prepare_engine(engine)
        assert _pragma(engine, "journal_mode") == journal
        engine.dispose()


def test_one_process_at_a_time_prepares_a_database(engine: Engine) -> None:
    """Four threads with connections of their own, as four processes would: their turns do not overlap."""
    import threading
    import time

    inside, most = [], []

    def take_turn() -> None:
        with database.exclusive(engine):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=take_turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert most == [1, 1, 1, 1]


def test_what_people_keep_of_lists_goes_with_its_tables_and_nothing_else(engine: Engine) -> None:
    from app.kernel import personal

    def rows() -> dict[str, int]:
        with engine.connect() as connection:
            tables = ("find", "list_look", "saved_filter", "saved_filter_role", "ab_user", "region")
            found = set(inspect(engine).get_table_names())
            return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
                    for name in tables if name in found}  # fmt: skip

    database.upgrade(engine)
    _fill(engine)
    own = {"user_id": 1, "entity": "Family"}
    with engine.begin() as connection:
        connection.execute(models.metadata.tables["ab_role"].insert(), {"id": 1, "name": "Роль"})
        connection.execute(personal.Find.__table__.insert(), {"key": "k", "words": "[]", **own})
        connection.execute(personal.ListLook.__table__.insert(), own)
        saved = {"id": 1, "name": "Мой", "address": "", "words": "[]", **own}
        connection.execute(personal.SavedFilter.__table__.insert(), saved)
        connection.execute(personal.SavedFilterRole.__table__.insert(), {"saved_filter_id": 1, "role_id": 1})
    assert set(rows().values()) == {1}
    database.downgrade(engine, "0003")
    assert rows() == {"ab_user": 1, "region": 1}
    database.upgrade(engine)
    assert rows() == {"find": 0, "list_look": 0, "saved_filter": 0, "saved_filter_role": 0, "ab_user": 1, "region": 1}


def _insert(engine: Engine, **rows: Any) -> None:
    """Rows by their tables, as the models have them today."""
    with engine.begin() as connection:
        for name, found in rows.items():
            for row in found if isinstance(found, list) else [found]:
                connection.execute(models.metadata.tables[name].insert(), row)


def _rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_signals_in_the_middle_of_their_triage_outlive_its_columns(engine: Engine) -> None:
    database.upgrade(engine)
    _fill(engine)
    moment = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    own: dict[str, Any] = {
        "procedure_id": 1, "factor_set_id": 1, "risk": "HIGH", "risk_reason": "Нет", "triaged_at": moment,
        "urgent_due_at": moment, "urgent_measures": "Выезд", "agreed_at": moment, "agreed_with_id": 1,
        "late_reason": "Ночь", "assessed_on": dt.date(2026, 3, 3), "assessment": "Так и есть",
        "phone": "+7 900 000-00-01",
    }  # fmt: skip
    _insert(
        engine,
        organisation={"id": 1, "name": "Искорка"},
        staff={"id": 1, "name": "Старова", "organisation_id": 1},
        procedure={"id": 1, "name": "Методика", "code": "probe"},
        factor_set={"id": 1, "name": "Список"},
        risk_factor={"id": 1, "factor_set_id": 1, "number": "1", "group": "Г", "name": "Признак"},
        signal=[
            {"id": 1, "number": "С-1", "content": "Один дома", "organisation_id": 1, **own},
            {"id": 2, "number": "С-2", "content": "Просят помочь", "organisation_id": 1},
        ],
        signal_factor={"signal_id": 1, "factor_id": 1},
    )
    kept = [("С-1", "Один дома", "HIGH"), ("С-2", "Просят помочь", None)]
    database.downgrade(engine, "0014")
    assert _rows(engine, "SELECT number, content, risk FROM signal ORDER BY id") == kept
    left = {column["name"] for column in inspect(engine).get_columns("signal")}
    assert not left & (own.keys() - {"risk"}) and "signal_factor" not in inspect(engine).get_table_names()
    database.upgrade(engine)
    assert _rows(engine, "SELECT number, content, risk FROM signal ORDER BY id") == kept
    assert _rows(engine, "SELECT triaged_at, phone, procedure_id FROM signal WHERE id = 1") == [(None, None, None)]
    # The keys hold again, and the facts of a signal go with it.
    _insert(engine, signal_factor={"signal_id": 1, "factor_id": 1})
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM signal WHERE id = 1"))
    assert _rows(engine, "SELECT count(*) FROM signal_factor") == [(0,)]
    assert database.differences(engine, models.metadata) == []


def test_what_was_marked_is_kept_in_the_words_of_either_revision(engine: Engine) -> None:
    database.upgrade(engine)
    _fill(engine)
    day = dt.date(2026, 3, 2)
    _insert(
        engine,
        organisation={"id": 1, "name": "Искорка"},
        factor_set={"id": 1, "name": "Список"},
        procedure={"id": 1, "name": "М" * 200, "code": "probe"},
        procedure_version={"id": 1, "procedure_id": 1, "number": 2, "title": "Было", "factor_set_id": 1},
        requirement={"id": 1, "edition_id": 1, "name": "Акт"},
        family={"id": 1, "name": "Ёлкины", "organisation_id": 1},
        case={"id": 1, "number": "1", "family_id": 1, "procedure_id": 1, "edition_id": 1},
        mark=[
            {"id": id_, "case_id": 1, "requirement_id": 1, "done_on": day, "kind": kind, "note": kind}
            for id_, kind in enumerate(("DONE", "NEEDED", "WAIVED"), 1)
        ],
    )
    database.downgrade(engine, "0015")
    assert [(note, bool(waived)) for note, waived in _rows(engine, "SELECT note, waived FROM mark ORDER BY id")] == [
        ("DONE", False),
        ("WAIVED", True),
    ]
    database.upgrade(engine)
    assert _rows(engine, "SELECT note, kind FROM mark ORDER BY id") == [("DONE", "DONE"), ("WAIVED", "WAIVED")]
    assert _rows(engine, "SELECT title, factor_set_id FROM procedure_version") == [("М" * 190 + ", № 2", None)]
    assert database.differences(engine, models.metadata) == []
