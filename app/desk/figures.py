"""Figures without names for who answers for the whole: what is at work, what changed this quarter, what is late.

A figure is the number of a list under filters, like every number of the desk. Whoever may count but sees no records
gets the number alone: of his own organisation, or as far as his role reaches.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.cases.models import Case
from app.cases.rules import MONITORING_MONTHS, months_from
from app.desk import blocks, rules
from app.desk.blocks import Block
from app.families.models import Family
from app.journal.models import Contact, Monitoring
from app.kernel.access import may
from app.kernel.declare import N_, May, Reach, Viewer
from app.kernel.orm import acting_as, viewer_of
from app.kernel.query import totals
from app.kernel.schema import schema_of
from app.kernel.screens.base import reader
from app.kernel.web import session
from app.procedures.models import Procedure
from app.signals.models import Signal


@dataclass(frozen=True)
class Figure:
    """A number, and the address of its list for who may open it."""

    count: int
    path: str = ""


@dataclass(frozen=True)
class Table:
    """Figures under one heading: a line each, with a figure for every column."""

    title: str
    columns: Sequence[str]
    lines: Sequence[tuple[str, Sequence[Figure]]]


def counting(viewer: Viewer) -> Viewer:
    """As whom figures are counted: a role that sees no records counts those of its own organisation."""
    reaches = (Reach.ORGANISATION if reach is Reach.NOTHING else reach for reach in viewer.reaches)
    return replace(viewer, reaches=frozenset(reaches), blind=frozenset())


def _now() -> tuple[Block, ...]:
    open_case = {"status": "OPEN"}
    return (
        blocks.open_cases(),
        blocks.high_risk(),
        Block(N_("Open cases at medium risk"), Case, {**open_case, "risk": "MEDIUM"}),
        Block(N_("Open cases at low risk"), Case, {**open_case, "risk": "LOW"}),
        Block(N_("Open cases, risk not assessed"), Case, {**open_case, "risk.empty": "1"}),
        Block(N_("Suspended cases"), Case, {"status": "SUSPENDED"}),
        Block(N_("Families whose risk has fallen since the first assessment"), Family, {"risk_fell": "1"}),
    )


def _within(first: dt.date, last: dt.date) -> tuple[Block, ...]:
    """What happened from one day to another."""

    def days(name: str) -> dict[str, str]:
        return {f"{name}.from": f"{first}", f"{name}.to": f"{last}"}

    received = days("received_at")
    return (
        Block(N_("Signals received"), Signal, {**received, "tab": "journal"}),
        Block(N_("Signals confirmed"), Signal, {**received, "tab": "journal", "status": "CONFIRMED"}),
        Block(N_("Requests not confirmed"), Signal, {**received, "tab": "unconfirmed"}),
        Block(N_("Cases opened"), Case, days("opened_on")),
        Block(N_("Cases closed"), Case, days("closed_on")),
        Block(N_("Contacts with families"), Contact, days("held_on")),
        Block(N_("Monitorings held"), Monitoring, days("held_on")),
    )


def _terms(today: dt.date) -> tuple[Block, ...]:
    due = months_from(today, -MONITORING_MONTHS)
    missed, kept = {"watched_from.to": f"{due - dt.timedelta(days=1)}"}, {"watched_from.from": f"{due}"}
    return (
        blocks.overdue(today),
        Block(N_("Cases monitored in time"), Case, {"status": "OPEN", **kept}),
        Block(N_("Cases whose monitoring is late"), Case, {"status": "OPEN", **missed}),
        blocks.quiet(),
    )


def tables(today: dt.date) -> list[Table]:
    """All figures: one statement for the numbers, and two for the procedures."""
    this = rules.quarter(today)
    last = rules.quarter(this[0] - dt.timedelta(days=1))
    now, terms = _now(), _terms(today)
    periods = list(zip(_within(*this), _within(*last), strict=True))
    asked = [*now, *terms, *(block for pair in periods for block in pair)]
    db = session()
    own = viewer_of(db)
    viewer = counting(own)
    with acting_as(db, viewer):
        numbers = totals([(reader(schema_of(block.entity)), block.query) for block in asked])
        cases = blocks.open_cases()
        shares = reader(schema_of(Case)).grouped(cases.query, "procedure")
        names = reader(schema_of(Procedure)).labels([id_ for id_ in shares if id_])
    counts = dict(zip(asked, numbers, strict=True))

    def tells_the_same(block: Block) -> bool:
        """Whether the reader's own list has this number of lines."""
        schema = schema_of(block.entity)
        reads = (schema.field(key.partition(".")[0]).reads for key in block.filters if key != "tab")
        return viewer.reaches == own.reaches and may(May.LIST, block.entity) and all(map(own.blind.isdisjoint, reads))

    def figure(block: Block, count: int) -> Figure:
        return Figure(count, block.path if tells_the_same(block) else "")

    def line(block: Block) -> tuple[str, list[Figure]]:
        return block.title, [figure(block, counts[block])]

    by_procedure = [
        (one.label, [figure(cases.of({"procedure": str(one.id)}), shares[one.id])])
        for one in sorted(names, key=lambda one: -shares[one.id])
    ]
    quarters = [(new.title, [figure(new, counts[new]), figure(old, counts[old])]) for new, old in periods]
    return [
        Table(N_("Now"), (), [line(block) for block in now]),
        Table(N_("Terms"), (), [line(block) for block in terms]),
        Table(N_("By quarter"), (rules.quarter_name(this[0]), rules.quarter_name(last[0])), quarters),
        Table(N_("Open cases by procedure"), (), by_procedure),
    ]
