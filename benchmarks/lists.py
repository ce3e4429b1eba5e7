"""How much CPU the generated screens take, as a ratio to a floor measured in the same run.

    python -m benchmarks.lists [--families 1000,100000] [--database sqlite,postgresql] [--repeat 30]

See README.md beside this file for what is measured and how to read it.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks.floor import Floor

POSTGRES = os.environ.get("BENCHMARK_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
SECRET = "benchmark"
SEED = 1
WARM_UP = 6
LISTS = ("list", "three filters", "search", "deep page")
MOST = {**dict.fromkeys((*LISTS, "REST list"), 3.0), "family page": 5.0, "edit form": 5.0}  # × the floor


# --- Requests -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """A request, ready to be sent any number of times."""

    path: str
    body: bytes = b""
    status: str = "200"

    def environ(self, cookie: str) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        return {
            "REQUEST_METHOD": "POST" if self.body else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": cookie,
            "CONTENT_LENGTH": str(len(self.body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


@dataclass
class Site:
    """Something that answers requests: the product, or the floor."""

    wsgi: Callable[..., Any]
    cookie: str
    statements: Callable[[], int]
    backend: int | None = None  # the process of the database server that works for it
    headers: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, visit: Visit) -> bytes:
        """The answer's body; an unexpected status ends the measurement."""
        status: list[str] = []

        def start(line: str, headers: list[tuple[str, str]], error: Any = None) -> None:
            status.append(line)
            self.headers = headers

        answer = self.wsgi(visit.environ(self.cookie), start)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not status[0].startswith(visit.status):
            raise RuntimeError(f"{visit.path}: {status[0]}, expected {visit.status}")
        return body

    def backend_seconds(self) -> float:
        """CPU of its server process so far; nothing where /proc does not tell."""
        try:
            return int(Path(f"/proc/{self.backend}/schedstat").read_text().split()[0]) / 1e9
        except (OSError, IndexError):
            return 0.0


@dataclass(frozen=True)
class Cost:
    """What one request took: CPU milliseconds of this process and of its database server, and statements."""

    cpu: float
    statements: int


def measure(sites: tuple[Site, ...], visits: Callable[[int], Visit], repeat: int) -> list[Cost]:
    """Each site in turn, so that whatever else the machine does falls on all of them."""
    for n in range(WARM_UP):
        for site in sites:
            site.ask(visits(n))
    gc.collect()
    seconds: list[list[float]] = [[] for _site in sites]
    counts = [site.statements() for site in sites]
    backends = [site.backend_seconds() for site in sites]
    for n in range(WARM_UP, WARM_UP + repeat):
        for site, spent in zip(sites, seconds, strict=True):
            visit, start = visits(n), time.process_time()
            site.ask(visit)
            spent.append(time.process_time() - start)
    return [
        Cost(
            # The fastest: whatever else the machine does makes even CPU time longer, of a longer page the more so.
            1000 * (min(spent) + (site.backend_seconds() - backend) / repeat),
            round((site.statements() - count) / repeat),
        )
        for site, spent, count, backend in zip(sites, seconds, counts, backends, strict=True)
    ]


class Inputs(HTMLParser):
    """The fields of the record's form as a browser would post them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._form = self._template = False
        self._select = self._area = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._form = "record-form" in (given.get("class") or "")
        elif tag == "template":
            self._template = True
        if not self._form or self._template:
            return
        name = given.get("name") or ""
        if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.pairs.append((name, given.get("value") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.pairs.append((self._select, given.get("value") or ""))
        elif tag == "textarea":
            self._area = name
            self.pairs.append((name, ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.pairs[-1] = (self._area, data.removeprefix("\n"))  # as HTML has it

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = False
        elif tag == "template":
            self._template = False
        elif tag == "textarea":
            self._area = ""


# --- Sites --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A database that is made once and kept between runs."""

    kind: str
    families: int
    folder: Path

    @property
    def name(self) -> str:
        return f"ryadom_benchmark_{self.families}"

    @property
    def url(self) -> str:
        if self.kind == "sqlite":
            return f"sqlite:///{self.folder / self.name}.sqlite3"
        # Parallel workers are processes of their own, whose time would be counted for nobody.
        return POSTGRES.rpartition("/")[0] + f"/{self.name}?options=-c%20max_parallel_workers_per_gather%3D0"

    def make(self) -> Any:
        """The application on this database, filled if it is new."""
        from sqlalchemy import create_engine, inspect, text

        from app.factory import create_app

        if self.kind == "postgresql":
            with create_engine(POSTGRES, isolation_level="AUTOCOMMIT").connect() as server:
                known = server.execute(text("SELECT datname FROM pg_database")).scalars().all()
                if self.name not in known:
                    server.execute(text(f'CREATE DATABASE "{self.name}"'))
        app = create_app({"SQLALCHEMY_DATABASE_URI": self.url, "LOG_LEVEL": "ERROR"})
        with app.app_context():
            engine = app.extensions["sqlalchemy"].engine
            if not inspect(engine).has_table("family"):
                self.fill(app, engine)
        return app

    def fill(self, app: Any, engine: Any) -> None:
        import models
        from app.generate import generate
        from app.kernel.declare import ADMINISTRATOR
        from app.kernel.orm import acting_as
        from app.kernel.trigrams import make
        from app.kernel.users import create_user
        from app.preparation import session_of, sync

        say(f"{self.kind}: making {self.families} families …")
        models.metadata.create_all(engine)
        with engine.begin() as connection:
            make(connection)
        with acting_as(session_of(app)) as _:
            sync(session_of(app))
            create_user(session_of(app), SECRET, SECRET * 2, [ADMINISTRATOR])
            session_of(app).commit()
        generate(engine, self.families, SEED)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE" if self.kind == "postgresql" else "PRAGMA optimize")

    def product(self, app: Any) -> Site:
        """The application, with an administrator signed in."""
        from flask_appbuilder.security.sqla.models import User
        from sqlalchemy import delete, event, select

        from app.kernel.access import SignIn, digest
        from app.kernel.orm import acting_as
        from app.preparation import engine_of, session_of

        engine, sent = engine_of(app), [0]
        with app.app_context(), acting_as(session := session_of(app)):
            user_id = session.execute(select(User.id).where(User.username == SECRET)).scalar_one()
            session.execute(delete(SignIn).where(SignIn.user_id == user_id))
            session.add(SignIn(digest=digest(SECRET), user_id=user_id))
            session.commit()
            backend = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar() if self.kind == "postgresql" else None  # fmt: skip

        def note(*_args: Any) -> None:
            sent[0] += 1

        event.listen(engine, "before_cursor_execute", note)
        signer = app.session_interface.get_signing_serializer(app)
        # As it is after the first page, which puts the token against forged requests into the cookie.
        kept = {"_user_id": str(user_id), "sign_in": SECRET, "_fresh": False, "csrf_token": "0" * 40}
        return Site(app.wsgi_app, f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(kept)}", lambda: sent[0], backend)

    def floor(self) -> Site:
        if self.kind == "sqlite":
            from app.kernel.database import sqlite_driver

            connection: Any = sqlite_driver().connect(self.folder / f"{self.name}.sqlite3", isolation_level=None)
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA synchronous=FULL")
            floor = Floor(connection, mark="?", cookie="sign_in")
            return Site(floor, f"sign_in={SECRET}", lambda: floor.statements)
        import psycopg

        connection = psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)
        floor = Floor(connection, mark="%s", cookie="sign_in")
        return Site(floor, f"sign_in={SECRET}", lambda: floor.statements, connection.info.backend_pid)


# --- Measurements -------------------------------------------------------------------------------------------


def searched(app: Any, word: str) -> str:
    """The address of a search: its word is kept behind a key."""
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select

    from app.kernel.declare import SYSTEM
    from app.kernel.orm import acting_as
    from app.kernel.personal import remember
    from app.preparation import session_of

    with app.app_context():
        session = session_of(app)
        user_id = session.execute(select(User.id).where(User.username == SECRET)).scalar_one()
        with acting_as(session, replace(SYSTEM, user_id=user_id)):
            key = remember(session, "Family", [("q", word)], app.config["SECRET_KEY"])
            session.commit()
    return f"/family/?find={key}"


def pages(families: int, search: str) -> dict[str, Visit]:
    deep = min(2000, -(-families // 25))
    return {
        "list": Visit("/family/"),
        "three filters": Visit("/family/?municipality=1&categories=1&created_at.from=2020-01-01"),
        "search": Visit(search),
        "deep page": Visit(f"/family/?page={deep}"),
        "family page": Visit("/family/1"),
        "edit form": Visit("/family/1/edit"),
        "REST list": Visit("/api/v1/family/"),
    }


def saves(site: Site, id_: int) -> Callable[[int], Visit]:
    """Saves of one family, each with another telephone and the version that the one before left."""
    pairs = dict(Inputs(site.ask(Visit(f"/family/{id_}/edit"))).pairs)
    first = int(pairs["version"])

    def visit(n: int) -> Visit:
        body = urlencode({**pairs, "version": first + n, "phone": f"+7 900 {n:07}"})
        return Visit(f"/family/{id_}/edit", body.encode(), "302")

    return visit


def measured(place: Place, repeat: int) -> dict[str, tuple[Cost, Cost]]:
    """What each page takes: of the floor and of the product."""
    from sqlalchemy import text

    from app.kernel.orm import fold
    from app.preparation import engine_of

    app = place.make()
    with engine_of(app).connect() as connection:
        name = connection.execute(text("SELECT name FROM family WHERE id = 7")).scalar_one()
    floor, product = place.floor(), place.product(app)
    found: dict[str, tuple[Cost, Cost]] = {}
    for title, visit in pages(place.families, searched(app, fold(name)[:5])).items():
        found[title] = tuple(measure((floor, product), lambda n, visit=visit: visit, repeat))  # type: ignore[assignment,misc]
    # The floor's own form has fewer fields: both are sent the product's, each for a family of its own.
    (written,), (saved,) = (measure((site,), saves_of, repeat) for site, saves_of in _saves(floor, product))
    found["save"] = (written, saved)
    engine_of(app).dispose()
    return found


def _saves(floor: Site, product: Site) -> Iterator[tuple[Site, Callable[[int], Visit]]]:
    yield floor, saves(product, 2)
    yield product, saves(product, 3)


def fresh(script: str, url: str) -> dict[str, float]:
    """What a process of its own says of itself."""
    code = f"from benchmarks.lists import {script}; {script}({url!r})"
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def started(url: str) -> None:
    """In a fresh process: CPU seconds from its beginning until /health has answered."""
    from app.factory import create_app

    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "LOG_LEVEL": "ERROR"})
    Site(app.wsgi_app, "", lambda: 0).ask(Visit("/health"))
    print(json.dumps({"seconds": time.process_time()}))


def warmed(url: str) -> None:
    """In a fresh process: memory after every list and the pages of a family have been shown."""
    import models
    from app.kernel.schema import schema_of

    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    place = Place(kind, int(url.split("?")[0].rpartition("_")[2].removesuffix(".sqlite3")), Path(url).parent)
    logging.disable(logging.CRITICAL)
    from app.factory import create_app

    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "LOG_LEVEL": "ERROR"})
    site = place.product(app)
    visits = [
        *pages(place.families, searched(app, "ив")).values(),
        *(Visit(f"/{schema_of(e).slug}/") for e in models.ENTITIES),
    ]
    for _round in range(5):
        for visit in visits:
            site.ask(visit)
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    known = {line[0]: int(line[1]) / 1024 for line in lines if line and line[0] in ("VmHWM:", "VmRSS:")}
    print(json.dumps({"peak": known["VmHWM:"], "resident": known["VmRSS:"]}))


# --- The report ---------------------------------------------------------------------------------------------


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def report(kind: str, found: dict[int, dict[str, tuple[Cost, Cost]]]) -> Iterator[str]:
    sizes = sorted(found)
    heads = [f"{size:,} families: × floor (CPU ms / floor's)" for size in sizes]
    yield f"\n### {kind}\n"
    yield f"| page | {' | '.join(heads)} | SQL / floor's | growth / floor's | at most |"
    yield "| --- |" + " --- |" * (len(sizes) + 3)
    for title in found[sizes[0]]:
        costs = [found[size][title] for size in sizes]
        cells = [f"{cost.cpu / floor.cpu:.1f} ({cost.cpu:.2f} / {floor.cpu:.2f})" for floor, cost in costs]
        floor, cost = costs[-1]
        grown = [costs[-1][which].cpu / costs[0][which].cpu for which in (1, 0)]
        growth = "{:.2f} / {:.2f}".format(*grown) if len(sizes) > 1 else "–"
        most = f"{MOST[title]:.0f} ×" if title in MOST else "–"
        yield f"| {title} | {' | '.join(cells)} | {cost.statements} / {floor.statements} | {growth} | {most} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="1000,100000", help="sizes, with commas between")
    parser.add_argument("--database", default="sqlite,postgresql", help="sqlite, postgresql, or both")
    parser.add_argument("--repeat", type=int, default=100, help="requests a page, after the warm-up")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ryadom-benchmark",
                        help="where the databases of SQLite are kept for the next run")  # fmt: skip
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["RYADOM_DATA"] = str(given.folder / "data")
    sizes = [int(size) for size in given.families.split(",")]
    logging.disable(logging.WARNING)
    for kind in given.database.split(","):
        places = {size: Place(kind, size, given.folder) for size in sizes}
        found = {size: measured(place, given.repeat) for size, place in places.items()}
        for line in report(kind, found):
            print(line)
        url = places[sizes[0]].url
        start, memory = median(fresh("started", url)["seconds"] for _ in range(3)), fresh("warmed", url)
        print(f"\nStart to the first /health: {start:.2f} s of CPU (at most 2). "
              f"Memory after warm-up: {memory['resident']:.0f} MB resident, {memory['peak']:.0f} at its peak (at most 90).")  # fmt: skip


if __name__ == "__main__":
    main()
