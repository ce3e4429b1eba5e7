"""«Сегодня»: the first page of each role. What stands on it follows from what its reader may do and how far he sees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import current_app
from flask_appbuilder import BaseView, expose
from flask_babel import format_date

from app.desk import administration, blocks, figures, rules
from app.desk.blocks import Block, Group, Item, counts, open_to_reader
from app.handover.workload import HAND_OVER
from app.kernel import clock
from app.kernel.access import allowed, may
from app.kernel.declare import May
from app.kernel.help import is_newcomer
from app.kernel.query import Line
from app.kernel.schema import schema_of
from app.kernel.screens.base import reader
from app.plans.models import Plan, PlanStatus
from app.territory.models import Staff

SHOWN = 7
MOST_QUESTIONS = 60  # of the meetings ahead, that a member reads through


@dataclass(frozen=True)
class Shown:
    """A block as the template draws it: its number and its first lines."""

    block: Block
    count: int
    items: Sequence[Item]


@dataclass(frozen=True)
class ShownGroup:
    """A heading with its blocks that have anything in them."""

    group: Group
    blocks: Sequence[Shown]

    @property
    def days(self) -> list[tuple[dt.date | None, list[Item]]]:
        """Its lines by day; within a day, block by block."""
        items = sorted(
            (item for shown in self.blocks for item in shown.items), key=lambda item: item.day or dt.date.max
        )
        return [(day, list(found)) for day, found in groupby(items, key=lambda item: item.day)]


@dataclass(frozen=True)
class CuratorLine:
    """A curator with his share of each block: how many, and the address of the list. No name: cases without one."""

    name: str
    shares: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Question:
    """A question of an agenda with what is read before it."""

    item: Item
    kind: str
    meeting: str
    case_id: int | None
    plan_id: int | None


class Desk(BaseView):  # type: ignore[misc]
    """The first page."""

    route_base = ""
    default_view = "today"

    @expose("/")
    def today(self) -> Any:
        today, parts = clock.today(), blocks.parts()
        shown, numbers = self._shown(blocks.groups(today), today)
        return self.render_template(
            "desk/today.html",
            parts=parts,
            newcomer=is_newcomer(),
            today=today,
            named=lambda day: format_date(day, "EEEE, d MMMM"),
            groups=shown,
            calm=[block for block, number in numbers.items() if not number and block.tell],
            is_new=rules.CASEWORK in parts and not any(numbers.values()),
            curators=self._curators(today) if rules.STAFF in parts else None,
            columns=blocks.by_curator(today),
            may_hand_over=allowed(*HAND_OVER),
            agenda=self._agenda(today) if rules.AGENDA in parts else None,
            figures=figures.tables(today) if rules.FIGURES in parts else None,
            health=administration.health() if rules.ADMINISTRATION in parts else None,
            setup=administration.setup() if rules.ADMINISTRATION in parts else (),
            changed_roles=administration.changed_roles() if rules.ADMINISTRATION in parts else (),
            entities=current_app.extensions["ryadom.entities"],
        )

    def _shown(self, groups: Sequence[Group], today: dt.date) -> tuple[list[ShownGroup], dict[Block, int]]:
        """Groups without what is empty: one statement for all the numbers, and one for the lines of each block."""
        asked = open_to_reader([block for group in groups for block in group.blocks])
        # Whether there is anything at all: a new place is told where to begin.
        numbers = counts([*asked, *open_to_reader([blocks.open_cases(), blocks.signals()])] if asked else [])
        shown = []
        for group in groups:
            full = [block for block in group.blocks if numbers.get(block)]
            if full:
                drawn = [Shown(block, numbers[block], self._items(block, today)) for block in full]
                shown.append(ShownGroup(group, drawn))
        return shown, numbers

    def _lines(self, block: Block, most: int = SHOWN) -> list[Line]:
        return reader(schema_of(block.entity)).first(block.query, block.names, most)

    def _items(self, block: Block, today: dt.date) -> list[Item]:
        assert block.tell is not None
        return [block.tell(line, today) for line in self._lines(block)]

    def _curators(self, today: dt.date) -> list[CuratorLine]:
        """Each curator's share, by name; then what nobody leads."""
        columns = open_to_reader(blocks.by_curator(today))
        shares = [reader(schema_of(block.entity)).grouped(block.query, "curator") for block in columns]
        ids = sorted({id_ for share in shares for id_ in share if id_})
        names = {one.id: one.label for one in reader(schema_of(Staff)).labels(ids)} if ids else {}
        pairs = list(zip(columns, shares, strict=True))

        def line(name: str, id_: int | None, filters: dict[str, str]) -> CuratorLine:
            return CuratorLine(name, [(share.get(id_, 0), block.of(filters).path) for block, share in pairs])

        lines = [line(name, id_, {"curator": str(id_)}) for id_, name in sorted(names.items(), key=itemgetter(1))]
        if any(None in share for share in shares):
            lines.append(line("", None, {"curator.empty": "1"}))
        return lines

    def _agenda(self, today: dt.date) -> tuple[Shown, list[tuple[str, list[Question]]]] | None:
        """The questions ahead by meeting, each with its case and plan."""
        block = blocks.agenda(today)
        if not may(May.LIST, block.entity):
            return None
        lines = self._lines(block, MOST_QUESTIONS)
        number = len(lines) if len(lines) < MOST_QUESTIONS else counts([block])[block]
        plans = self._plans([line["case"].id for line in lines if line["case"]])
        told = [self._question(line, plans, today) for line in lines]
        by_meeting = [(name, list(found)) for name, found in groupby(told, key=lambda question: question.meeting)]
        return Shown(block, number, ()), by_meeting

    def _question(self, line: Line, plans: dict[int, int], today: dt.date) -> Question:
        case_id = line["case"].id if line["case"] else None
        item = blocks.item(line, today)
        meeting = f"{line['held_on']:%d.%m.%Y} · {item.when}"
        return Question(item, line["kind"].value, meeting, case_id, plans.get(case_id or 0))

    def _plans(self, case_ids: Sequence[int]) -> dict[int, int]:
        """The newest plan of each case that is not given up."""
        if not case_ids or not may(May.SHOW, Plan):
            return {}
        lines = reader(schema_of(Plan)).belonging("case", case_ids, ("case", "status", "edition"), 500)
        known = [line for line in lines if line["case"] and line["status"] is not PlanStatus.CANCELLED]
        return {line["case"].id: line.id for line in sorted(known, key=lambda line: line["edition"])}
