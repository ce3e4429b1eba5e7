"""A copy of everything in one file, and its way back into an empty place, on both databases."""

from __future__ import annotations

import datetime as dt
import io
import stat
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, select

from app.families.models import Family
from app.kernel import files
from app.kernel.backup import NotDone, last, make, restore
from app.kernel.database import engine_options, prepare_engine
from app.kernel.orm import now
from app.preparation import engine_of
from app.territory.models import Organisation
from tests.kernel.test_files import PDF
from tests.running import Database, database_of, working


@pytest.fixture
def data(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an application that keeps a family and a scan."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setitem(app.config, "RYADOM_DATA", folder)
    files.keep(folder / "files", io.BytesIO(PDF), 2**20)
    with working(app) as session:
        session.add(Family(name="Ёлкины", organisation=Organisation(name="Искорка")))
        session.commit()
    return folder


@pytest.fixture
def empty(kind: str, tmp_path: Path) -> Database:
    """A database with nothing in it."""
    (tmp_path / "other").mkdir()
    return database_of(kind, tmp_path / "other")


def test_what_was_copied_comes_back(app: Flask, data: Path, tmp_path: Path, empty: Database) -> None:
    copy, other = tmp_path / "copy.zip", tmp_path / "other"
    assert last(data) is None
    assert make(engine_of(app), data, copy) == 1
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert now() - (last(data) or now() - dt.timedelta(9)) < dt.timedelta(minutes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.zip", "data", "other"], "nothing is left beside"

    engine = create_engine(empty.url, **engine_options(empty.url))
    prepare_engine(engine)
    try:
        assert restore(engine, other, copy) == 1
        with engine.connect() as connection:
            assert connection.execute(select(Family.__table__.c.name)).scalars().all() == ["Ёлкины"]
        (kept,) = (other / "files").glob("*/*")
        assert kept.read_bytes() == PDF
        with pytest.raises(NotDone, match="уже есть"):
            restore(engine, other, copy)
    finally:
        engine.dispose()
        empty.drop()


def test_nothing_is_written_over(app: Flask, data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.zip"
    copy.write_text("чужое")
    with pytest.raises(NotDone, match="уже есть"):
        make(engine_of(app), data, copy)
    assert copy.read_text() == "чужое" and last(data) is None
    with pytest.raises(NotDone, match="поверх неё"):
        restore(engine_of(app), data, copy)


def test_a_damaged_copy_is_refused_whole(app: Flask, data: Path, tmp_path: Path, empty: Database) -> None:
    copy, worse = tmp_path / "copy.zip", tmp_path / "worse.zip"
    make(engine_of(app), data, copy)
    with zipfile.ZipFile(copy) as good, zipfile.ZipFile(worse, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, b"%PDF-other" if name.startswith("files/") else good.read(name))
        bad.writestr("../outside", b"x")
    engine = create_engine(empty.url, **engine_options(empty.url))
    try:
        with pytest.raises(NotDone, match="повреждён"):
            restore(engine, tmp_path / "other", worse)
        copy.write_bytes(copy.read_bytes()[:-100])
        with pytest.raises(NotDone, match="не прочитать"):
            restore(engine, tmp_path / "other", copy)
        assert not list(tmp_path.glob("**/outside")) and not list((tmp_path / "other").glob("files/*/*"))
    finally:
        engine.dispose()
        empty.drop()
