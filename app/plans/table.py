"""The plan as one table: what its page shows, and how the changes of a page are written, all of them or none.

A page sends the difference between itself and what it last read:

* ``set``: cells with their new text and the text that stood there before. A cell in which somebody else has written
  meanwhile is not overwritten: both texts go back to the page. Two people in two cells of a row do not hinder each
  other, so cells are compared and not the version of the row.
* ``add``: goals and rows under names that the page gave them. A page that did not get the answer sends them again,
  and nothing is there twice.
* ``order``: goals with their rows, all of them. Numbers and positions follow from it.
* ``remove``: goals and rows with the version that was seen. What has changed since is not removed.

Every batch counts up the version of the plan itself, so nothing slips into a plan that is being approved.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.kernel import forms
from app.kernel.orm import Record, now
from app.kernel.schema import schema_of
from app.kernel.writing import Refused, Wrong, remove, save
from app.plans import rules
from app.plans.models import Activity, Goal, Plan

PLAN = "plan"  # the name of the plan itself among the names of its goals and rows
MARKS = frozenset({"done_on", "result"})
FIELDS: Mapping[type[Record], tuple[str, ...]] = {
    Plan: ("nature", "main_goal"),
    Goal: ("text", "heading"),
    Activity: ("parents_action", "specialists_action", "term", "due_on", "responsible", "done_on", "result"),
}
MOST = 2_000  # records in one batch: a bound against mistakes, far above any real plan

_NAME = re.compile(r"[0-9a-f]{32}")


# --- Reading ------------------------------------------------------------------------------------------------


def shown(record: Record, name: str) -> str:
    """A stored value as its cell holds it."""
    value = getattr(record, name)
    return value.isoformat() if isinstance(value, dt.date) else value or ""


def _cells(record: Record) -> dict[str, str]:
    return {name: shown(record, name) for name in FIELDS[type(record)]}


def state(plan: Plan) -> dict[str, Any]:
    """The table in plain values, the same for the template and for the page's script."""
    return {
        "version": plan.version,
        "status": plan.status.name,
        "plan": _cells(plan),
        "goals": [
            {
                "key": goal.uid,
                "version": goal.version,
                "number": goal.number,
                **_cells(goal),
                "rows": [{"key": row.uid, "version": row.version, **_cells(row)} for row in goal.activities],
            }
            for goal in plan.goals
        ],
    }


# --- What a page sends --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A text for a cell, and the one that stood there; None when whatever stands there is somebody else's."""

    key: str
    name: str
    value: str
    was: str | None


@dataclass(frozen=True)
class Addition:
    """A new goal, or a row of the goal of this name."""

    key: str
    goal: str | None
    values: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """The difference between a page and what it last read."""

    cells: list[Cell]
    additions: list[Addition]
    order: list[tuple[str, list[str]]]
    removals: Mapping[str, int]

    @property
    def of_marks_alone(self) -> bool:
        """Whether nothing but marks of completion is touched."""
        return not (self.additions or self.order or self.removals) and all(cell.name in MARKS for cell in self.cells)


class BadChange(ValueError):
    """No page of ours has sent this."""


def _key(value: Any) -> str:
    if value == PLAN or (isinstance(value, str) and _NAME.fullmatch(value)):
        return str(value)
    raise ValueError("key")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        raise ValueError("list")
    return value


def read_change(body: Any) -> Change:
    """The JSON of a page, read strictly.

    :raises BadChange: when it is not of the shape that our page sends.
    """
    try:
        return _read(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadChange(repr(error)) from None


def _read(body: Any) -> Change:
    removals = dict(body.get("remove") or {})
    if len(removals) > MOST or not all(type(version) is int for version in removals.values()):
        raise ValueError("remove")
    additions = [
        Addition(
            _key(item["key"]),
            _key(item["goal"]) if item.get("goal") is not None else None,
            {_text(name): _text(value) for name, value in item["values"].items()},
        )
        for item in _list(body.get("add"))
    ]
    for item in additions:
        if not set(item.values) <= set(FIELDS[Goal if item.goal is None else Activity]):
            raise ValueError("field")
    return Change(
        [
            Cell(_key(item["key"]), _text(item["field"]), _text(item["value"]), _text(item["was"]))
            for item in _list(body.get("set"))
        ],
        additions,
        [(_key(goal["key"]), [_key(row) for row in _list(goal["rows"])]) for goal in _list(body.get("order"))],
        {_key(key): version for key, version in removals.items()},
    )


# --- Writing ------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Clash(Exception):
    """Somebody else was there meanwhile: other texts in cells, records removed, records changed before a removal."""

    cells: list[dict[str, str]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.cells or self.gone or self.changed)


def key_of(record: Record | None) -> str:
    """The name of a record on the page; empty for none."""
    return PLAN if isinstance(record, Plan) else getattr(record, "uid", None) or ""


def write(session: Session, plan: Plan, change: Change) -> None:
    """Write the changes of a page. Committing, or rolling back when this raises, is the caller's.

    :raises BadChange: when a cell is not one of its record.
    :raises Clash: when somebody else has written there.
    :raises Refused: with everything that is wrong, each with its record.
    :raises Conflict: when somebody was writing at the same moment; the same change may be tried again.
    """
    with session.no_autoflush:
        _Writing(session, plan, change).run()


class _Writing:
    """One change being written."""

    def __init__(self, session: Session, plan: Plan, change: Change) -> None:
        self.session, self.plan, self.change = session, plan, change
        self.records: dict[str, Record] = {PLAN: plan}
        for goal in plan.goals:
            self.records[goal.uid] = goal
            self.records.update((row.uid, row) for row in goal.activities)
        self.touched: dict[str, Record] = {}
        self.clash = Clash()
        self.wrong: list[Wrong] = []

    def run(self) -> None:
        doomed = self._doomed()
        cells = [*self._add(), *self.change.cells]
        if self.change.additions or self.change.order or doomed:
            self._arrange(doomed)
        self._set(cells)
        self._check_emptied(doomed)
        if self.clash:
            raise self.clash
        if self.wrong:
            raise Refused(*self.wrong)
        if not (self.touched or doomed):
            return
        self.plan.changed_at = now()  # counts the plan's version up: whoever is about to approve it looks again
        save(self.session, self.plan, *(record for record in self.touched.values() if record is not self.plan))
        # Rows before goals: each deletion is asked for and stands in the history by itself.
        for record in sorted(doomed.values(), key=lambda record: isinstance(record, Goal)):
            if isinstance(record, Goal):
                self.session.expire(record, ["activities"])
            remove(self.session, record)

    def _touch(self, record: Record) -> None:
        self.touched[key_of(record)] = record

    # --- Goals and rows

    def _doomed(self) -> dict[str, Record]:
        """What is to be removed; what is not there any more is removed already."""
        doomed = {}
        for key, version in self.change.removals.items():
            record = self.records.get(key)
            if record is None or record is self.plan:
                continue
            if record.version != version:
                self.clash.changed.append(key)
            doomed[key] = record
        return doomed

    def _check_emptied(self, doomed: Mapping[str, Record]) -> None:
        """A goal under which somebody has put a row meanwhile is not removed over his head."""
        for goal in doomed.values():
            taken = isinstance(goal, Goal) and any(row.uid not in doomed for row in goal.activities)
            if taken and key_of(goal) not in self.clash.changed:
                self.clash.changed.append(key_of(goal))

    def _add(self) -> Iterator[Cell]:
        """Make the new records and give out their first words. One that is there already came by a lost answer."""
        for item in self.change.additions:
            record = self.records.get(item.key)
            if record is not None:
                if type(record) is not (Goal if item.goal is None else Activity):
                    raise BadChange(item.key)
                untouched = record.version == 1
                for name, value in item.values.items():
                    yield Cell(item.key, name, value, shown(record, name) if untouched else None)
                continue
            if item.goal is None:
                number = max((goal.number for goal in self.plan.goals), default=0) + 1
                record = Goal(uid=item.key, plan=self.plan, number=number, activities=[])
            else:
                goal = self.records.get(item.goal)
                if not isinstance(goal, Goal):
                    self.clash.gone.append(item.goal)
                    continue
                record = Activity(uid=item.key, goal=goal)
            self.records[item.key] = record
            self._touch(record)
            for name, value in item.values.items():
                yield Cell(item.key, name, value, "")

    def _arrange(self, doomed: Mapping[str, Record]) -> None:
        """Goals and rows in the order of the page; those that it does not know of come after those that it does."""
        for key, row_keys in self.change.order:
            goal = self.records.get(key)
            if isinstance(goal, Goal) and key not in doomed:
                for row_key in row_keys:
                    row = self.records.get(row_key)
                    if isinstance(row, Activity) and row_key not in doomed and row.goal is not goal:
                        row.goal = goal
                        self._touch(row)
        rank = {key: n for n, key in enumerate(key for goal, rows in self.change.order for key in (goal, *rows))}

        def ordered(records: Iterable[Any], place: str) -> Iterator[tuple[int, Any]]:
            left = [record for record in records if record.uid not in doomed]
            # What is new has no place yet and comes last.
            now_at = {record.uid: inf if getattr(record, place) is None else getattr(record, place) for record in left}
            left.sort(key=lambda record: (rank.get(record.uid, inf), now_at[record.uid]))
            return enumerate(left, start=1)

        for number, goal in ordered(self.plan.goals, "number"):
            if goal.number != number:
                goal.number = number
                self._touch(goal)
            for position, row in ordered(goal.activities, "position"):
                if row.position != position:
                    row.position = position
                    self._touch(row)

    # --- Cells

    def _set(self, cells: Iterable[Cell]) -> None:
        cells = list(cells)
        dated = {cell.key for cell in cells if cell.name == "due_on"}
        for cell in cells:
            record = self.records.get(cell.key)
            if record is None:
                self.clash.gone.append(cell.key)
                continue
            if cell.name not in FIELDS[type(record)]:
                raise BadChange(cell.name)
            self._put(record, cell, follow=cell.key not in dated)

    def _put(self, record: Record, cell: Cell, *, follow: bool) -> None:
        form = forms.form_class(schema_of(type(record)))(MultiDict([(cell.name, cell.value)]))
        item = form[cell.name]
        if not item.validate(form):
            self.wrong.extend(Wrong(cell.name, str(message), record) for message in item.errors)
            return
        if item.data == getattr(record, cell.name):
            return
        if shown(record, cell.name) != cell.was:
            self.clash.cells.append({"key": cell.key, "field": cell.name, "stored": shown(record, cell.name)})
            return
        if cell.name == "term" and follow and isinstance(record, Activity):
            self._follow(record, item.data)
        setattr(record, cell.name, item.data)
        self._touch(record)

    def _follow(self, row: Activity, term: str | None) -> None:
        """The due date goes with the words of the term until somebody sets another."""
        made_on = self.plan.made_on
        if row.due_on in (None, rules.due_date(row.term, made_on)):
            row.due_on = rules.due_date(term, made_on)
