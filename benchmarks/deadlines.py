"""What it costs to keep the terms of a region's cases up to date.

    python -m benchmarks.deadlines [--families 290000] [--database sqlite,postgresql]

Told are the seconds to work out the terms of all cases from nothing, again when nothing has changed, to mark them all
for a day of the calendar, and the milliseconds after a change of one case; beside them the floor measured in the same
run: reading the rows of contacts, plans and terms alone. Generated families have a case each second time, of which
seven in ten are open: 290,000 of them have 100,000 open cases. Seconds of CPU are those of Python; of a busy machine
they are the ones to look at.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.lists import Place

BATCH = 20  # single cases measured


@dataclass(frozen=True)
class Took:
    """Seconds by the clock on the wall, and of CPU."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s   {self.cpu:7.1f} s of CPU"


def seconds(work: Callable[[], Any]) -> tuple[Took, Any]:
    begin, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return Took(time.perf_counter() - begin, time.process_time() - cpu), answer


def measure(engine: Any, families: int) -> None:
    from sqlalchemy import delete, func, select

    from app.cases.models import Case
    from app.deadlines.engine import counted_over, mark, settle, settle_all
    from app.deadlines.models import Deadline, Unsettled
    from app.journal.models import Contact
    from app.plans.models import Plan

    with engine.begin() as connection:
        c, d = Case.__table__.c, Deadline.__table__.c
        cases = connection.execute(select(func.count(c.id)).where(c.status != "CLOSED")).scalar_one()
        connection.execute(delete(Deadline.__table__))
        first, rows = seconds(lambda: settle_all(connection))
        again, _ = seconds(lambda: settle_all(connection))
        day = dt.date.today() + dt.timedelta(days=7)
        marks, _ = seconds(lambda: mark(connection, counted_over(day)))
        marked = connection.execute(select(func.count()).select_from(Unsettled.__table__)).scalar_one()
        connection.execute(delete(Unsettled.__table__))

        def floor() -> None:
            for table in (Contact.__table__, Plan.__table__, Deadline.__table__):
                for _row in connection.execute(select(table)):
                    pass

        least, _ = seconds(floor)
        ids = connection.execute(select(c.id).where(c.status != "CLOSED").order_by(c.id).limit(BATCH)).scalars().all()
        settle(connection, ids[:1])
        single = [seconds(lambda id_=id_: settle(connection, [id_]))[0] for id_ in ids]  # type: ignore[misc]
        kept = connection.execute(select(func.count(d.id))).scalar_one()
    print(f"{families:,} families, {cases:,} open cases, {kept:,} terms ({rows:,} written)")
    print(f"  all from nothing   {first}   {first.cpu / least.cpu:5.1f} x the floor of {least.cpu:.1f} s")
    print(f"  all, nothing new   {again}   {again.cpu / least.cpu:5.1f} x")
    print(f"  marked for a day   {marks}   ({marked:,} cases)")
    wall, cpu = median(one.wall for one in single), median(one.cpu for one in single)
    print(f"  one case           {wall * 1000:7.1f} ms  {cpu * 1000:7.1f} ms of CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=290_000)
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
