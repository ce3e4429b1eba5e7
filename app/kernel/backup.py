"""A copy of everything that is kept, in one file: the database as it stands at one moment, and the files of scans.

The copy holds personal data: it is readable by its owner alone (mode 600), until it is moved somewhere else. The key of
the sessions is not in it; without it people sign in once more. Messages are for the administrator, in Russian.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect

from app.kernel.database import sqlite_driver
from app.kernel.files import path_of
from app.kernel.orm import now

SQLITE, DUMP = "ryadom.sqlite3", "ryadom.dump"
OLD = dt.timedelta(days=2)  # a daily copy has failed when the last one is older
_NOTE = "last-backup"
_FILE = re.compile(r"files/([0-9a-f]{2})/([0-9a-f]{62})")
_CHUNK = 2**20


class NotDone(Exception):
    """The copy could not be made or put back. The text says why and what to do."""


def last(data: Path) -> dt.datetime | None:
    """When the last copy was made; nothing when none is known of."""
    with suppress(OSError, ValueError):
        return dt.datetime.fromisoformat((data / _NOTE).read_text(encoding="ascii").strip())
    return None


# --- Making -----------------------------------------------------------------------------------------------


def make(engine: Engine, data: Path, target: Path) -> int:
    """Write the copy; how many files of scans are in it. An existing file is never written over."""
    if target.exists():
        raise NotDone(f"Файл {target} уже есть. Назовите другой, например с сегодняшней датой.")
    with _aside(target.absolute().parent) as folder:
        # The database first: for every scan that it tells of the file is there, and one too many does no harm.
        name, database = (SQLITE, _copy_sqlite(engine, folder)) if _is_sqlite(engine) else (DUMP, _dump(engine, folder))
        packed, count = folder / "packed", 0
        with packed.open("xb") as file:
            os.chmod(packed, 0o600)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(database, name)
                for path in sorted((data / "files").glob("??/*")):
                    place = f"files/{path.parent.name}/{path.name}"
                    if _FILE.fullmatch(place):
                        with suppress(FileNotFoundError):  # erased from the bin this moment
                            archive.write(path, place, zipfile.ZIP_STORED)
                            count += 1
            file.flush()
            os.fsync(file.fileno())
        os.replace(packed, target)
    (data / _NOTE).write_text(now().isoformat(timespec="seconds"), encoding="ascii")
    return count


@contextmanager
def _aside(parent: Path) -> Iterator[Path]:
    """A folder that nobody else opens, beside where the result goes."""
    try:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=".ryadom-"))
    except OSError as error:
        raise NotDone(f"В папку {parent} не записать: {error.strerror}.") from None
    try:
        yield folder
    except OSError as error:
        raise NotDone(f"Не записать на диск: {error.strerror}.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _copy_sqlite(engine: Engine, folder: Path) -> Path:
    """The database as it is at one moment, also while people work in it."""
    path = folder / SQLITE
    with closing(engine.raw_connection()) as raw, closing(sqlite_driver().connect(path)) as copy:
        source: Any = raw.dbapi_connection
        source.backup(copy)
    return path


def _dump(engine: Engine, folder: Path) -> Path:
    path = folder / DUMP
    _run("pg_dump", engine, "--format=custom", "--no-owner", f"--file={path}")
    return path


def _run(program: str, engine: Engine, *options: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise NotDone(
            f"Программы {program} на этом компьютере нет. Установите клиент PostgreSQL той же версии, что и сервер "
            "(пакет postgresql-client), или делайте копию средствами сервера; папку files копируйте отдельно."
        )
    url = engine.url.set(drivername="postgresql", password=None)
    # The password goes by the environment: the list of processes shows every word of a command.
    environment = os.environ | ({"PGPASSWORD": str(engine.url.password)} if engine.url.password else {})
    done = subprocess.run(
        [found, "--no-password", f"--dbname={url.render_as_string()}", *options],
        env=environment, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotDone(f"{program}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")


# --- Putting back -----------------------------------------------------------------------------------------


def restore(engine: Engine, data: Path, source: Path) -> int:
    """Put a copy back into an empty place; how many files of scans came. What is there is never written over."""
    _refuse_taken(engine)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = SQLITE if _is_sqlite(engine) else DUMP
    try:
        with zipfile.ZipFile(source) as archive, _aside(data) as folder:
            if name not in archive.namelist():
                raise NotDone("В этой копии база другого вида: укажите в DATABASE_URL такую же, как была.")
            database = folder / name
            _unpack(archive, name, database)
            files = [found for one in archive.namelist() if (found := _FILE.fullmatch(one))]
            for found in files:
                _put_file(archive, found, data / "files", folder / "file")
            # The database last: a copy that turns out to be damaged leaves nothing that looks like one.
            _put_database(engine, database)
            return len(files)
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise NotDone(f"Копию {source} не прочитать: {error}.") from None


def _refuse_taken(engine: Engine) -> None:
    if _is_sqlite(engine):
        path = Path(engine.url.database or "")
        taken = path.exists() and path.stat().st_size > 0
    else:
        taken = bool(inspect(engine).get_table_names())
    if taken:
        raise NotDone("База уже есть, поверх неё копия не ставится. Переименуйте её или укажите пустую.")


def _unpack(archive: zipfile.ZipFile, name: str, place: Path) -> str:
    """One file of the copy; the digest of what is in it."""
    digest = hashlib.sha256()
    with archive.open(name) as coming, place.open("wb") as file:
        os.chmod(place, 0o600)
        while chunk := coming.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _put_file(archive: zipfile.ZipFile, found: re.Match[str], folder: Path, aside: Path) -> None:
    digest = found[1] + found[2]
    if _unpack(archive, found[0], aside) != digest:
        raise NotDone(f"Файл {found[0]} в копии повреждён. Возьмите другую копию.")
    place = path_of(folder, digest)
    folder.mkdir(mode=0o700, exist_ok=True)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    os.replace(aside, place)


def _put_database(engine: Engine, copy: Path) -> None:
    if not _is_sqlite(engine):
        _run("pg_restore", engine, "--no-owner", "--exit-on-error", "--single-transaction", str(copy))
        return
    driver: Any = sqlite_driver()
    try:
        with closing(driver.connect(copy)) as database:
            sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except driver.DatabaseError:
        sound = False
    if not sound:
        raise NotDone("База в копии повреждена. Возьмите другую копию.")
    engine.dispose()
    os.replace(copy, str(engine.url.database))
