"""The commands of ``ryadom``, on both databases, and the server as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import Engine, func, select, text, update

import models
from app.kernel import catalogues, database
from app.kernel.access import User, UserAccount
from app.kernel.declare import ADMINISTRATOR, Reach
from app.kernel.grants import Role, RoleReach, assoc_user_role
from app.preparation import engine_of
from app.presets import load_presets
from app.roles import CURATOR, SHIPPED
from tests.running import Database, Person, open_engine, working
from tests.workbooks import as_file, full

ROOT = Path(__file__).resolve().parents[1]
ONE_TIME = re.compile(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}")
Ryadom = Callable[..., Result]


def environment_of(url: str, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "RYADOM_DATA": str(folder / "data"),
        "DATABASE_URL": url,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }


def runner(environment: dict[str, str]) -> Ryadom:
    """Runs a command in this process."""
    from app.cli import main

    def run(*arguments: str, fails: bool = False, **more: Any) -> Result:
        result = CliRunner(env=environment).invoke(main, arguments, **more)
        assert bool(result.exit_code) is fails, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


class Empty:
    """A database without a single table, and the commands on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.environment = environment_of(url, folder)
        self.ryadom = runner(self.environment)
        self.engine = open_engine(url)


@pytest.fixture
def empty(empty_database: Database, tmp_path: Path) -> Iterator[Empty]:
    made = Empty(empty_database.url, tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def environment(app: Flask, make_user: Callable[..., Person], tmp_path: Path) -> dict[str, str]:
    """Of a database that is ready, with one account in it."""
    make_user(ADMINISTRATOR, login="admin")
    return environment_of(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)


@pytest.fixture
def ryadom(environment: dict[str, str]) -> Ryadom:
    return runner(environment)


@pytest.fixture
def engine(app: Flask) -> Engine:
    return engine_of(app)


def process(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "app.cli", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")


# --- Preparation ------------------------------------------------------------------------------------------


def test_help_waits_for_nothing() -> None:
    """No command is listed at the price of importing the web framework."""
    code = (
        "import sys; from click.testing import CliRunner; from app.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "assert not {'flask', 'sqlalchemy', 'alembic', 'waitress'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_importing_and_making_the_application_touches_no_database(empty: Empty) -> None:
    code = "from app.factory import create_app; create_app()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=empty.environment, check=True)
    assert database.revisions(empty.engine) == set()


def test_an_empty_database_becomes_ready_and_its_administrator_is_told_once(empty: Empty) -> None:
    first = empty.ryadom("upgrade")
    (password,) = ONE_TIME.findall(first.output)
    assert database.is_current(empty.engine)
    with empty.engine.connect() as connection:
        roles = set(connection.execute(select(Role.name)).scalars())
        assert roles == {role.name for role in SHIPPED}
        assert connection.execute(select(func.count()).select_from(models.Region)).scalar()
        assert connection.execute(select(UserAccount.must_change)).scalar() is True
        kept = connection.execute(select(User.password)).scalar()
        assert password not in kept
    second = empty.ryadom("upgrade")
    assert ONE_TIME.findall(second.output) == []
    assert "готова" in second.output


def test_a_preparation_that_broke_off_is_taken_up_again(empty: Empty, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.kernel import users

    def fail(*args: Any, **kwargs: Any) -> None:
        raise users.Refusal("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(users, "create_user", fail)
        with pytest.raises(AssertionError):
            empty.ryadom("upgrade")
    assert ONE_TIME.findall(empty.ryadom("upgrade").output)
    with empty.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(models.Region)).scalar()


def test_four_processes_at_once_prepare_one_empty_database(empty: Empty) -> None:
    processes = [process(empty.environment, "upgrade") for _ in range(4)]
    outputs = [one.communicate(timeout=120) for one in processes]
    assert [one.returncode for one in processes] == [0, 0, 0, 0], outputs
    assert sum(len(ONE_TIME.findall(out)) for out, _err in outputs) == 1
    with empty.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(User)).scalar() == 1


def test_a_database_of_a_newer_program_is_left_alone(ryadom: Ryadom, engine: Engine) -> None:
    (current,) = database.revisions(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert "новее" in ryadom("upgrade", fails=True).output
    finally:  # the next test is given the rows of the models' tables anew, and this one is not among them
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :current"), {"current": current})


def test_a_command_that_needs_a_ready_database_sends_to_upgrade(empty: Empty) -> None:
    assert "ryadom upgrade" in empty.ryadom("sync-roles", fails=True).output


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_wrong_setting_is_named_in_plain_words(empty: Empty) -> None:
    empty.environment["PORT"] = "many"
    output = empty.ryadom("upgrade", fails=True).output
    assert "PORT" in output and "Traceback" not in output


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_database_that_does_not_answer_is_told_without_its_password(empty: Empty) -> None:
    empty.environment["DATABASE_URL"] = "postgresql://me:secret@127.0.0.1:1/none?connect_timeout=2"
    output = empty.ryadom("upgrade", fails=True).output
    assert "не отвечает" in output
    assert "secret" not in output


# --- Roles ------------------------------------------------------------------------------------------------


def test_the_difference_of_the_roles_is_shown_and_taken_back(ryadom: Ryadom, engine: Engine) -> None:
    assert "такие, как поставляются" in ryadom("sync-roles").output
    curator = select(Role.id).where(Role.name == CURATOR).scalar_subquery()
    with engine.begin() as connection:
        table = RoleReach.__table__
        connection.execute(update(table).where(table.c.role_id == curator).values(reach=Reach.EVERYTHING))
    output = ryadom("sync-roles").output
    assert "Куратор отличается" in output and "OWN → EVERYTHING" in output
    for name in ("Кто-то", "Curators"):
        assert "Нет роли" in ryadom("sync-roles", "--restore", name, fails=True).output
    assert "Возвращена" in ryadom("sync-roles", "--restore", "curator").output
    assert "такие, как поставляются" in ryadom("sync-roles").output
    assert ryadom("sync-roles", "--all").output.count("Возвращена") == len(SHIPPED)


# --- People -----------------------------------------------------------------------------------------------


def add_organisation(engine: Engine, name: str) -> None:
    """An organisation, past the screens."""
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        session.add(models.Organisation(name=name))
        session.commit()


@pytest.mark.parametrize("role", [CURATOR, "Curator", "куратор"])
def test_a_user_is_created_with_a_one_time_password(ryadom: Ryadom, engine: Engine, role: str) -> None:
    add_organisation(engine, "Искорка")
    arguments = ("--role", role, "--organisation", "искорка", "--name", "Петрова Анна Ильинична")
    output = ryadom("create-user", "Anna", *arguments).output
    assert len(ONE_TIME.findall(output)) == 1
    c = assoc_user_role.c
    with engine.connect() as connection:
        held = select(Role.name).join(assoc_user_role, c.role_id == Role.id).join(User, User.id == c.user_id)
        assert connection.execute(held.where(User.username == "anna")).scalars().all() == [CURATOR]
        staff = select(models.Staff.name, models.Organisation.name).join(models.Organisation)
        assert connection.execute(staff).all() == [("Петрова Анна Ильинична", "Искорка")]


def test_a_password_is_read_from_the_standard_input(ryadom: Ryadom, engine: Engine) -> None:
    arguments = ("create-user", "anna", "--role", ADMINISTRATOR, "--password-stdin")
    assert "12" in ryadom(*arguments, input="коротко\n", fails=True).output
    output = ryadom(*arguments, input="четыре слова подряд\n").output
    assert "четыре" not in output and ONE_TIME.findall(output) == []
    with engine.connect() as connection:
        account = select(UserAccount.must_change).join(User, User.id == UserAccount.user_id)
        assert connection.execute(account.where(User.username == "anna")).scalar() is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("anna", "--role", "Никто"), "Нет роли"),
        (("admin", "--role", CURATOR), "admin"),
        (("a b", "--role", CURATOR), ""),
    ],
)
def test_a_user_that_cannot_be_is_refused_in_words(
    ryadom: Ryadom, engine: Engine, arguments: tuple[str, ...], words: str
) -> None:
    output = ryadom("create-user", *arguments, fails=True).output
    assert words in output and "Traceback" not in output
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(User)).scalar() == 1


# --- Data and declarations --------------------------------------------------------------------------------


def test_a_workbook_is_tried_and_then_brought_in(app: Flask, ryadom: Ryadom, engine: Engine, tmp_path: Path) -> None:
    with working(app) as session:
        load_presets(session)
        session.commit()
    path = tmp_path / "case.xlsx"
    path.write_bytes(as_file(full()).getvalue())
    add_organisation(engine, "Искорка")
    add_organisation(engine, "Рассвет")
    assert "--organisation" in ryadom("import", str(path), fails=True).output

    def families() -> int:
        with engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(models.Family)).scalar_one()

    to = ("--organisation", "Искорка")
    assert "ничего не записано" in ryadom("import", str(path), "--dry-run", *to).output
    assert families() == 0
    assert "добавлено" in ryadom("import", str(path), *to).output
    assert families() == 1
    assert "без изменений" in ryadom("import", str(path), "--organisation", "Искорка").output
    assert families() == 1


def test_a_trial_where_nothing_is_yet_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "case.xlsx"
    path.write_bytes(as_file(full()).getvalue())
    for url in ("", f"sqlite:///{tmp_path / 'none.sqlite3'}"):
        output = runner(environment_of(url, tmp_path))("import", str(path), "--dry-run").output
        assert "Результаты мониторинга: добавлено 12" in output
        assert "ничего не записано" in output and ONE_TIME.findall(output) == []
        assert [one.name for one in tmp_path.iterdir()] == ["case.xlsx"]


def test_a_file_that_is_no_workbook_is_refused_in_words(ryadom: Ryadom, engine: Engine, tmp_path: Path) -> None:
    add_organisation(engine, "Искорка")
    path = tmp_path / "case.xlsx"
    path.write_bytes(b"not a workbook")
    output = ryadom("import", str(path), fails=True).output
    assert "ничего не записано" in output and "Traceback" not in output


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_declarations_are_described_for_people_and_for_programs(ryadom: Ryadom) -> None:
    described = {one["entity"]: one for one in json.loads(ryadom("describe", "--json").output)}
    assert list(described) == [entity.__name__ for entity in models.ENTITIES]
    family = described["Family"]
    assert family["table"] == "family"
    assert family["screens"]["list"] == "/family/" and "GET /api/v1/family/" in family["api"]
    fields = {field["name"]: field for field in family["fields"]}
    assert fields["organisation"]["target"] == "Organisation" and fields["organisation"]["required"]
    assert "delete" in family["roles"][ADMINISTRATOR]
    columns = {column["name"]: column for column in family["columns"]}
    assert set(columns) == set(models.Family.__table__.c.keys())
    assert columns["organisation_id"] == {
        "name": "organisation_id", "label": fields["organisation"]["label"], "type": "INTEGER", "required": True,
        "points_to": "organisation",
    }  # fmt: skip
    assert set(described["Change"]["screens"]) == {"list", "show", "export xlsx", "export csv"}
    assert "/plan/<id>/table" in described["Plan"]["screens"].values()
    assert described["Plan"]["screens"]["print plan docx"] == "/plan/<id>/print/plan.docx"
    assert "Family" in ryadom("describe").output


@pytest.mark.parametrize("kind", ["sqlite"])
def test_check_tells_of_every_kind_of_fault(ryadom: Ryadom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "faults", lambda *folders: [])
    assert "в порядке" in ryadom("check").output
    monkeypatch.setattr(catalogues, "faults", lambda *folders: ["kk: empty: 'Family'"])
    assert "kk: empty" in ryadom("check", fails=True).output
    monkeypatch.setattr(database, "differences", lambda *arguments: [("add_table", "x")])
    assert "миграции" in ryadom("check", fails=True).output


# --- The server -------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.05)
    return False


def test_the_server_prepares_its_database_serves_and_ends_on_sigterm(empty: Empty) -> None:
    port = free_port()
    server = process(empty.environment, "serve", "--port", str(port))
    assert answers(port)
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=20)
    assert server.returncode == 0, err
    assert f"http://127.0.0.1:{port}/" in out
    assert len(ONE_TIME.findall(out)) == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", ["sqlite"])
def test_an_address_that_is_taken_is_told_in_words(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = process(environment, "serve", "--port", str(taken.getsockname()[1]))
        _out, err = server.communicate(timeout=60)
    assert server.returncode == 1
    assert "не занять" in err and "Traceback" not in err
