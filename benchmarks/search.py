"""How long a person waits for the answers of the search while typing, at the size of a region.

    python -m benchmarks.search [--families 100000] [--database sqlite,postgresql] [--repeat 20]

Each question is asked as the browser asks it; CPU time of the answer and of the database's server is told beside the
least that the database can do for it: reading the texts of all families and members once (``LIKE '%…%'``, the floor
measured in the same run). Milliseconds are those of this machine; the ratio is what is compared between runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks.lists import WARM_UP, Place, Site, Visit, say

MOST = 100  # ms that an answer may take


def swapped(word: str) -> str:
    """A typing error: two letters have changed places."""
    return word[:2] + word[3] + word[2] + word[4:]


def questions(engine: Any) -> dict[str, str]:
    """What people type, about a family that is there."""
    from sqlalchemy import text

    with engine.connect() as connection:
        name, address, phone = connection.execute(text("SELECT name, address, phone FROM family WHERE id = 777")).one()
        case = connection.execute(text('SELECT number FROM "case" WHERE id = 777')).scalar_one()
        member = connection.execute(text("SELECT name FROM member WHERE family_id = 777 AND position = 1")).scalar_one()
    street = address.split(",")[0].split()[-1]
    return {
        "two letters": name[:2],
        "three letters": name[:3],
        "a surname": name,
        "inside of a surname": name[2:7],
        "a person": member,
        "a first name": member.split()[1],
        "surname and street": f"{street} {name}",
        "a telephone": "8" + phone[2:].replace(" ", "-"),
        "its last digits": phone[-7:],
        "a case": case,
        "a typing error": swapped(name),
        "two words with errors": f"{swapped(member.split()[0])} {swapped(member.split()[2])}",
        "nothing like it": "щъыьэюя",
    }


def asked(site: Site, q: str) -> Visit:
    body = urlencode({"q": q, "csrf_token": ""})
    return Visit("/search/offers", body.encode())


def timed(place: Place, repeat: int) -> Iterator[tuple[str, float, float, int, float]]:
    from sqlalchemy import text

    from app.preparation import engine_of

    app = place.make()
    app.config["WTF_CSRF_ENABLED"] = False
    site, engine = place.product(app), engine_of(app)
    for title, q in questions(engine).items():
        visit, spent, waited = asked(site, q), [], []
        for _ in range(WARM_UP):
            site.ask(visit)
        statements, backend = site.statements(), site.backend_seconds()
        for _ in range(repeat):
            start, clock = time.process_time(), time.perf_counter()
            site.ask(visit)
            spent.append(time.process_time() - start)
            waited.append(time.perf_counter() - clock)
        backend = (site.backend_seconds() - backend) / repeat
        sent = round((site.statements() - statements) / repeat)
        floors = []
        with engine.connect() as connection:
            for _ in range(5):
                clock = time.perf_counter()
                for table in ("family", "member"):
                    scan = f"SELECT count(*) FROM {table} WHERE folded LIKE :part"
                    connection.execute(text(scan), {"part": f"%{q.lower()}% %"})
                floors.append(time.perf_counter() - clock)
        yield title, 1000 * (min(spent) + backend), 1000 * median(waited), sent, 1000 * min(floors)
    engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=100_000)
    parser.add_argument("--database", default="sqlite,postgresql", help="sqlite, postgresql, or both")
    parser.add_argument("--repeat", type=int, default=20, help="times a question is asked, after the warm-up")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ryadom-benchmark",
                        help="where the databases of SQLite are kept for the next run")  # fmt: skip
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["RYADOM_DATA"] = str(given.folder / "data")
    logging.disable(logging.WARNING)
    for kind in given.database.split(","):
        print(f"\n### {kind}, {given.families:,} families\n")
        print("| what is typed | CPU ms | waited ms (median) | SQL | reading everything, ms | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for title, cpu, waited, sent, floor in timed(Place(kind, given.families, given.folder), given.repeat):
            late = " (late)" if cpu > MOST else ""
            print(
                f"| {title}{late} | {cpu:.1f} | {waited:.1f} | {sent} | {floor:.1f} | {cpu / floor:.2f} |", flush=True
            )
    say("done")


if __name__ == "__main__":
    main()
