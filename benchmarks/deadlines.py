"""What it costs to keep the terms of a region's cases up to date.

    python -m benchmarks.deadlines [--families 250000] [--database sqlite,postgresql]

Told are the seconds to work out the terms of all cases from nothing, again when nothing has changed, and the
milliseconds after a change of one case; beside them the floor measured in the same run: reading the rows of contacts,
plans and terms alone. Generated families have a case each second time, of which seven in ten are open.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.lists import Place

BATCH = 20  # single cases measured


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    answer = work()
    return time.perf_counter() - begin, answer


def measure(engine: Any, families: int) -> None:
    from sqlalchemy import delete, func, select

    from app.cases.models import Case
    from app.deadlines.engine import settle, settle_all
    from app.deadlines.models import Deadline
    from app.journal.models import Contact
    from app.plans.models import Plan

    with engine.begin() as connection:
        c, d = Case.__table__.c, Deadline.__table__.c
        cases = connection.execute(select(func.count(c.id)).where(c.status != "CLOSED")).scalar_one()
        connection.execute(delete(Deadline.__table__))
        first, rows = seconds(lambda: settle_all(connection))
        again, _ = seconds(lambda: settle_all(connection))

        def floor() -> None:
            for table in (Contact.__table__, Plan.__table__, Deadline.__table__):
                for _row in connection.execute(select(table)):
                    pass

        least, _ = seconds(floor)
        ids = connection.execute(select(c.id).where(c.status != "CLOSED").order_by(c.id).limit(BATCH)).scalars().all()
        settle(connection, ids[:1])
        single = median(seconds(lambda id_=id_: settle(connection, [id_]))[0] for id_ in ids)  # type: ignore[misc]
        kept = connection.execute(select(func.count(d.id))).scalar_one()
    print(f"{families:,} families, {cases:,} open cases, {kept:,} terms ({rows:,} written)")
    print(f"  all from nothing   {first:7.1f} s   {first / least:5.1f} x the floor of {least:.1f} s")
    print(f"  all, nothing new   {again:7.1f} s   {again / least:5.1f} x")
    print(f"  one case           {single * 1000:7.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=250_000)
    parser.add_argument("--database", default="sqlite,postgresql", help="sqlite, postgresql, or both")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ryadom-benchmark",
                        help="where the databases of SQLite are kept for the next run")  # fmt: skip
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["RYADOM_DATA"] = str(given.folder / "data")
    logging.disable(logging.WARNING)
    for kind in given.database.split(","):
        app = Place(kind, given.families, given.folder).make()
        with app.app_context():
            print(f"### {kind}")
            measure(app.extensions["sqlalchemy"].engine, given.families)


if __name__ == "__main__":
    main()
