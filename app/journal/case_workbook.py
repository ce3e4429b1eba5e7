"""One case, brought in from a workbook: family, plan, work journal, monitorings. Source: ISK-P, ISK-J, ISK-M.

The workbook is checked as a whole first, and one with a mistake changes nothing. The same workbook brought in
twice changes nothing either: rows find their records by what they are called. An empty cell says nothing and
erases nothing, and nothing is ever deleted: what only the database has is named in the report.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.cases.models import Case, CaseStatus, Problem
from app.families.models import Category, Family, Income, Member, MemberRole
from app.journal.models import Contact, ContactKind, Monitoring, MonitoringResult
from app.kernel import numbers
from app.kernel.declare import N_
from app.kernel.history import as_text
from app.kernel.orm import SHORT, Record, fold
from app.kernel.sheets import (
    Column,
    Reading,
    Remark,
    Sheet,
    checked,
    day,
    money,
    one_of,
    read_workbook,
    text,
    whole,
)
from app.kernel.writing import faults, save
from app.plans.models import FROZEN_FAULT, Activity, Goal, Plan, PlanStatus
from app.plans.rules import due_date, plan_number
from app.presets import UNKNOWN_REGION, region_of
from app.procedures.models import Procedure
from app.territory.models import Municipality, Organisation, Region, Staff

PROCEDURE = "iskorka"

ROLES = {
    "Ребёнок": MemberRole.CHILD,
    "Родитель": MemberRole.PARENT,
    "Родственник": MemberRole.RELATIVE,
    "Другое лицо": MemberRole.OTHER,
}
KINDS = {
    "Телефонный разговор": ContactKind.PHONE,
    "Посещение на дому": ContactKind.HOME,
    "Встреча в офисе": ContactKind.OFFICE,
    "Встреча": ContactKind.MEETING,
    "Межведомственная встреча": ContactKind.INTERAGENCY,
    "Консультация": ContactKind.CONSULTATION,
    "Обращение": ContactKind.APPEAL,
    "Услуга": ContactKind.SERVICE,
    "Письмо": ContactKind.LETTER,
    "Другое": ContactKind.OTHER,
}
STATUSES = {
    "Черновик": PlanStatus.DRAFT,
    "Согласован с семьёй": PlanStatus.AGREED,
    "Утверждён": PlanStatus.APPROVED,
    "В работе": PlanStatus.IN_FORCE,
}

# The keys of the columns are the attributes that they fill, so a record's own faults find their cells.
_SHORT, _LONG = text(SHORT.length), text()
_FAMILY = Sheet(
    "family",
    "Семья",
    (
        Column("number", "Номер дела", _SHORT, required=True),
        Column("name", "Семья (фамилия)", _SHORT, required=True),
        Column("municipality", "Муниципальное образование", _SHORT),
        Column("registered_address", "Адрес регистрации", _LONG),
        Column("address", "Адрес проживания", _LONG),
        Column("categories", "Категория", _LONG),
        Column("nature", "Природа проблемы", _LONG),
        Column("main_goal", "Основная цель", _LONG),
        Column("opened_on", "Дата открытия случая", day, required=True),
        Column("curator", "Куратор", _SHORT),
        Column("living_conditions", "Условия проживания", _LONG),
        Column("phone", "Телефон", checked(numbers.phone)),
        Column("procedure", "Методика", _SHORT),
        Column("status", "Статус плана", one_of(STATUSES)),
        Column("approved_on", "Дата утверждения плана", day),
    ),
    required=True,
)
_MEMBERS = Sheet(
    "members",
    "Члены семьи",
    (
        Column("name", "ФИО", _SHORT, required=True),
        Column("born_on", "Дата рождения", day),
        Column("kinship", "Кем приходится ребёнку", _SHORT),
        Column("role", "Роль", one_of(ROLES), required=True),
        Column("diagnosis", "Диагноз / инвалидность", _LONG),
        Column("occupation", "Место работы / учёбы", _SHORT),
        Column("phone", "Телефон", checked(numbers.phone)),
    ),
)
_INCOMES = Sheet(
    "incomes",
    "Доходы",
    (
        Column("source", "Источник", _SHORT, required=True),
        Column("amount", "Сумма, руб. в месяц", money, required=True),
    ),
)
_PROBLEMS = Sheet(
    "problems",
    "Проблемы",
    (Column("number", "№", whole(), required=True), Column("text", "Проблема", _LONG, required=True)),
)
_GOALS = Sheet(
    "goals",
    "Цели",
    (
        Column("number", "№", whole(), required=True),
        Column("text", "Промежуточная цель", _LONG, required=True),
    ),
)
_PLAN = Sheet(
    "plan",
    "План",
    (
        Column("goal", "Цель №", whole(), required=True),
        Column("parents_action", "Действия родителей", _LONG),
        Column("specialists_action", "Действия специалистов", _LONG),
        Column("responsible", "Ответственный", _LONG),
        Column("term", "Срок выполнения", _SHORT),
    ),
)
_JOURNAL = Sheet(
    "journal",
    "Журнал работы",
    (
        Column("goal", "Цель №", whole(), required=True),
        Column("held_on", "Дата", day, required=True),
        Column("kind", "Вид контакта", one_of(KINDS), required=True),
        Column("event", "Мероприятие", _LONG, required=True),
        Column("responsible", "Ответственный", _LONG),
        Column("result", "Отметка о выполнении", _LONG),
    ),
)
_MONITORING = Sheet(
    "monitoring",
    "Мониторинг",
    (
        Column("held_on", "Дата", day, required=True),
        Column("problem", "Проблема №", whole(), required=True),
        Column("result", "Результат", _LONG, required=True),
    ),
)
LAYOUT = (_FAMILY, _MEMBERS, _INCOMES, _PROBLEMS, _GOALS, _PLAN, _JOURNAL, _MONITORING)


@dataclass
class Count:
    """What became of the rows of one entity."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    only_here: int = 0


@dataclass(frozen=True)
class FieldChange:
    """A field of a record that was already there and now says something else."""

    entity: str
    record: str
    field: str
    old: str | None
    new: str | None


@dataclass
class ImportReport:
    """What bringing a workbook in did, or in a trial would have done. With mistakes nothing was written.

    Entities stand under their class names; the labels of their lists and fields are in their declarations.
    """

    dry_run: bool = False
    mistakes: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    counts: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    changes: list[FieldChange] = field(default_factory=list)
    only_here: list[tuple[str, str]] = field(default_factory=list)
    case_id: int | None = None

    @property
    def accepted(self) -> bool:
        return not self.mistakes

    @property
    def changed_nothing(self) -> bool:
        return not any(count.added or count.changed for count in self.counts.values())


def import_case(
    session: Session,
    file: IO[bytes] | str | os.PathLike[str],
    *,
    organisation: Organisation,
    curator: Staff | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Bring a case in from a workbook, for an organisation, on behalf of the session's viewer.

    What is done is flushed, and the commit is the caller's. A mistake and a trial run roll the session back:
    it should hold no other work. A case of another organisation is not touched: its number is a mistake.

    :raises app.kernel.writing.Refused: when the database refuses what the checks let through.
    :raises app.kernel.writing.Conflict: when somebody else has written one of the records meanwhile.
    """
    reading = read_workbook(file, LAYOUT)
    report = ImportReport(dry_run=dry_run, mistakes=[*reading.mistakes, *_mistakes(reading)])
    if report.mistakes:
        return report
    missing = [sheet for sheet in LAYOUT if sheet.key not in reading.lines]
    report.warnings += [Remark(N_("The sheet is missing."), sheet=sheet.title) for sheet in missing]
    _Import(session, reading, report, organisation, curator).run()
    if report.mistakes or dry_run:
        session.rollback()
        report.case_id = None
    return report


# --- What can be said of the workbook by itself ---


def _mistakes(reading: Reading) -> Iterator[Remark]:
    """Mistakes that no single cell shows: doubled and unknown numbers, faults of the rows as records."""
    if _FAMILY.key in reading.lines and len(reading["family"]) != 1:
        yield Remark(N_("The sheet needs exactly one row under its headings."), _FAMILY.title)
    for sheet in (_PROBLEMS, _GOALS):
        yield from _doubled(reading, sheet, ("number",))
    yield from _doubled(reading, _MONITORING, ("held_on", "problem"))
    for sheet, key, target in (
        (_PLAN, "goal", _GOALS),
        (_JOURNAL, "goal", _GOALS),
        (_MONITORING, "problem", _PROBLEMS),
    ):
        known = {line["number"] for line in reading[target.key]}
        for line in reading[sheet.key]:
            if line[key] is not None and line[key] not in known:
                reason = N_("There is no such number on the sheet “%(sheet)s”.")
                value, facts = str(line[key]), {"sheet": target.title}
                yield Remark(reason, sheet.title, line.number, sheet.heading(key), value, facts)
    for sheet, entity in ((_MEMBERS, Member), (_INCOMES, Income), (_PLAN, Activity)):
        for line in reading[sheet.key]:
            record = entity(**{key: value for key, value in line.values.items() if key != "goal"})
            for name, sentence in faults(record):
                yield Remark(sentence, sheet.title, line.number, sheet.heading(name), str(line[name] or ""))


def _doubled(reading: Reading, sheet: Sheet, keys: Sequence[str]) -> Iterator[Remark]:
    first: dict[Hashable, int] = {}
    for line in reading[sheet.key]:
        key = tuple(line[name] for name in keys)
        if None in key:
            continue
        if key in first:
            reason = N_("The number stands in row %(row)s already.")
            value, facts = str(key[-1]), {"row": str(first[key])}
            yield Remark(reason, sheet.title, line.number, sheet.heading(keys[-1]), value, facts)
        first.setdefault(key, line.number)


# --- Rows and the records they speak of ---

_Values: TypeAlias = Mapping[str, Any]
_Get: TypeAlias = Callable[[str], Any]
_Key: TypeAlias = Callable[[_Get], Hashable]


def _paired(
    rows: Sequence[_Values], records: Iterable[Any], *keys: tuple[_Key, _Key]
) -> tuple[list[tuple[_Values, Any]], list[Any]]:
    """Each row with its record or None, and the records that no row speaks of.

    Pairs of keys, of a row and of a record, are tried one after another; what has found its match takes no
    further part, and a key of None matches nothing. Equal keys are matched in their order.
    """
    found: dict[int, Any] = {}
    left = list(records)
    for of_row, of_record in keys:
        waiting: defaultdict[Hashable, list[Any]] = defaultdict(list)
        for record in left:
            waiting[of_record(partial(getattr, record))].append(record)
        for index, row in enumerate(rows):
            key = None if index in found else of_row(row.get)
            if key is not None and waiting[key]:
                found[index] = waiting[key].pop(0)
        taken = {id(record) for record in found.values()}
        left = [record for record in left if id(record) not in taken]
    return [(row, found.get(index)) for index, row in enumerate(rows)], left


def _by(*names: str) -> tuple[_Key, _Key]:
    """The same key of a row and of a record: these values, texts without regard to case and spaces."""

    def key(get: _Get) -> Hashable:
        values = (get(name) for name in names)
        return tuple(fold(value) if isinstance(value, str) else value for value in values)

    return key, key


def _exactly(*names: str) -> tuple[_Key, _Key]:
    """The same key of a row and of a record: these values to the letter; an empty text is no text."""

    def key(get: _Get) -> Hashable:
        return tuple(get(name) or None for name in names)

    return key, key


def _name(get: _Get) -> Hashable:
    return fold(get("name"))


def _name_without_birth_date(get: _Get) -> Hashable:
    return None if get("born_on") else fold(get("name"))


# A mark of completion that was added later does not make another contact of a row.
_SAME_WORK: tuple[_Key, _Key] = (
    lambda get: (get("held_on"), get("kind"), get("event"), frozenset(get("goal_rows"))),
    lambda get: (get("held_on"), get("kind"), get("event"), frozenset(goal.number for goal in get("goals"))),
)
_CONTACT = ("held_on", "kind", "event", "responsible", "result")
# What a row carries besides the values of its record.
_BESIDES = frozenset({"row", "goal", "goal_rows"})


class _Import:
    """One workbook, without mistakes of its own, on its way into the database."""

    def __init__(
        self,
        session: Session,
        reading: Reading,
        report: ImportReport,
        organisation: Organisation,
        curator: Staff | None,
    ) -> None:
        self.session, self.reading, self.report = session, reading, report
        self.organisation, self.curator = organisation, curator
        self.card = reading["family"][0]
        self.written: list[Record] = []
        self.new_plan: Plan | None = None

    def run(self) -> None:
        with self.session.no_autoflush:
            case, procedure = self.find_case(), self.find_procedure()
            if self.report.mistakes:
                return
            case = self.put_case(case, procedure)
            self.put_members(case.family)
            self.put_incomes(case.family)
            problems = self.put_problems(case)
            goals = self.put_plan(case)
            self.put_journal(case, goals)
            self.put_monitorings(case, problems)
        if not self.report.mistakes:
            save(self.session, *self.written)
            self.give_status()
            self.report.case_id = case.id

    def give_status(self) -> None:
        """The status that the card gives to a new plan; only now, as nothing is added to an approved one."""
        plan, status = self.new_plan, self.card["status"]
        if plan is not None and status not in (None, plan.status):
            plan.status = status
            plan.approved_on = self.card["approved_on"] or (plan.made_on if plan.frozen else None)
            save(self.session, plan)

    def rows(self, sheet: Sheet) -> list[dict[str, Any]]:
        return [{**line.values, "row": line.number} for line in self.reading[sheet.key]]

    # --- What the card of the family names ---

    def find_case(self) -> Case | None:
        """The case of this number, if it is here and the organisation's own."""
        number, table = self.card["number"], Case.__table__
        case = self.session.scalars(select(Case).where(Case.number == number)).one_or_none()
        # Numbers are unique over all organisations: one out of the viewer's sight is taken all the same.
        taken = self.session.execute(select(table.c.id).where(table.c.number == number)).first()
        if taken and (case is None or case.family.organisation_id != self.organisation.id):
            self.refuse(_FAMILY, self.card.number, "number", N_("Another case has this number."), number)
        return case

    def find_procedure(self) -> Procedure | None:
        wanted = self.card["procedure"] or PROCEDURE
        for procedure in self.session.scalars(select(Procedure)):
            if fold(wanted) in (fold(procedure.code), fold(procedure.name)):
                return procedure
        reason = N_("There is no such procedure. Add it, or load the shipped presets.")
        self.refuse(_FAMILY, self.card.number, "procedure", reason, wanted)
        return None

    def find_municipality(self) -> Municipality | None:
        """The municipality of this name, the organisation's region first; an unknown one is added."""
        name = self.card["municipality"]
        if not name:
            return None
        home = self.organisation.municipality.region_id if self.organisation.municipality else None
        same = [each for each in self.session.scalars(select(Municipality)) if fold(each.name) == fold(name)]
        if same:
            return min(same, key=lambda each: (each.region_id != home, each.id))
        title = region_of(name) or UNKNOWN_REGION
        region = self.session.scalars(select(Region).where(Region.name == title)).one_or_none()
        reason = N_("The municipality was not known; it is added to the region “%(region)s”.")
        self.warn(_FAMILY, self.card.number, "municipality", reason, name, region=title)
        return Municipality(name=name, region=region or Region(name=title))

    def find_categories(self) -> list[Category]:
        """The categories of these names, divided by semicolons; unknown ones are added."""
        names = [name.strip() for name in (self.card["categories"] or "").split(";") if name.strip()]
        known = {fold(each.name): each for each in self.session.scalars(select(Category))} if names else {}
        return [known.setdefault(fold(name), Category(name=name)) for name in names]

    def find_curator(self, case: Case) -> Staff | None:
        """Whom the card names; failing that, whoever was chosen, for a case that nobody leads yet."""
        name = self.card["curator"]
        if name:
            works = select(Staff).where(Staff.organisation_id == self.organisation.id, Staff.works)
            staff = self.session.scalars(works).all()
            named = [each for each in staff if fold(each.name) == fold(name)]
            if len(named) == 1:
                return named[0]
            # A position says who it is only while one person holds it, and gives way to a choice made here.
            holders = [each for each in staff if fold(each.position or "") == fold(name)]
            if case.curator is None and self.curator is None and len(holders) == 1:
                return holders[0]
            if case.curator is None:
                reason = N_("None of the staff is found by this: choose the curator on the page of the case.")
                if self.curator is not None:
                    reason = N_("None of the staff is found by this: the curator chosen here is taken.")
                self.warn(_FAMILY, self.card.number, "curator", reason, name)
        return self.curator if case.curator is None else None

    # --- The family and the case ---

    def put_case(self, case: Case | None, procedure: Procedure | None) -> Case:
        card, new = self.card, case is None
        if case is None:
            self.look_for_namesakes()
            family = Family(organisation=self.organisation, members=[], incomes=[])
            case = Case(family=family, procedure=procedure, status=CaseStatus.OPEN, problems=[])
        family = case.family
        names = ("name", "registered_address", "address", "living_conditions", "phone")
        more = [each for each in self.find_categories() if each not in family.categories]
        values = {name: card[name] for name in names} | {
            "municipality": self.find_municipality(),
            "categories": [*family.categories, *more] if more else None,
        }
        self.put(family, values, _FAMILY, card.number, new=new)
        values = {
            "number": card["number"],
            "opened_on": card["opened_on"],
            "curator": self.find_curator(case),
            "procedure": procedure if card["procedure"] else None,
        }
        self.put(case, values, _FAMILY, card.number, new=new)
        return case

    def look_for_namesakes(self) -> None:
        name = self.card["name"]
        own = select(Family.name).where(Family.organisation_id == self.organisation.id)
        if fold(name) in map(fold, self.session.scalars(own)):
            reason = N_("The organisation has a family of this name already; the workbook makes another one.")
            self.warn(_FAMILY, self.card.number, "name", reason, name)

    def put_members(self, family: Family) -> None:
        rows = [{**row, "position": position} for position, row in enumerate(self.rows(_MEMBERS), start=1)]
        pairs, left = _paired(
            rows,
            family.members,
            _by("name", "born_on"),
            # A birth date that was not known before does not make another person.
            (_name_without_birth_date, _name),
            (_name, _name_without_birth_date),
        )
        for row, member in pairs:
            self.put_row(member or Member(family=family), row, _MEMBERS, new=member is None)
        self.keep(left)

    def put_incomes(self, family: Family) -> None:
        pairs, left = _paired(self.rows(_INCOMES), family.incomes, _by("source"))
        for row, income in pairs:
            self.put_row(income or Income(family=family), row, _INCOMES, new=income is None)
        self.keep(left)

    def put_problems(self, case: Case) -> dict[int, Problem]:
        """The problems by number, those that only the database has among them."""
        pairs, left = _paired(self.rows(_PROBLEMS), case.problems, _by("number"))
        for row, problem in pairs:
            self.put_row(problem or Problem(case=case), row, _PROBLEMS, new=problem is None)
        self.keep(left)
        return {problem.number: problem for problem in case.problems}

    # --- The plan ---

    def put_plan(self, case: Case) -> dict[int, Goal]:
        """The goals by number, of the last version of the plan. An approved one must say the same already."""
        card, plan = self.card, self.last_plan(case)
        words = {"nature": card["nature"], "main_goal": card["main_goal"]}
        if plan is None and not (any(words.values()) or self.reading["goals"]):
            return {}
        new = plan is None
        if plan is None:
            # The plan is as old as the case: its terms are months of that year.
            plan = Plan(case=case, edition=1, status=PlanStatus.DRAFT, made_on=card["opened_on"], goals=[])
            plan.number = plan_number(card["number"], plan.edition)
            self.new_plan = plan
        frozen = plan.frozen
        self.put(plan, words, _FAMILY, card.number, new=new, frozen=frozen)
        pairs, left = _paired(self.rows(_GOALS), plan.goals, _by("number"))
        under: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows(_PLAN):
            under[row["goal"]].append(row)
        goals: dict[int, Goal] = {}
        for row, goal in pairs:
            goals[row["number"]] = goal or Goal(plan=None if frozen else plan, activities=[])
            self.put_row(goals[row["number"]], row, _GOALS, new=goal is None, frozen=frozen)
            self.put_activities(goals[row["number"]], under[row["number"]], plan)
        self.keep(left)
        if not new and card["status"] not in (None, plan.status):
            reason = N_("The plan is here already: its status changes on its own page.")
            self.warn(_FAMILY, card.number, "status", reason)
        return goals

    def last_plan(self, case: Case) -> Plan | None:
        if case.id is None:
            return None
        versions = select(Plan).where(Plan.case_id == case.id).order_by(Plan.edition.desc())
        return self.session.scalars(versions.limit(1)).one_or_none()

    def put_activities(self, goal: Goal, own: Sequence[dict[str, Any]], plan: Plan) -> None:
        rows = [{**row, "position": position} for position, row in enumerate(own, start=1)]
        pairs, left = _paired(
            rows,
            goal.activities,
            _exactly("parents_action", "specialists_action", "term", "responsible"),
            _exactly("parents_action", "specialists_action"),
            _exactly("position"),
        )
        for row, activity in pairs:
            new = activity is None
            activity = activity or Activity(goal=None if plan.frozen else goal)
            term = row.get("term")
            if term and term != activity.term and not plan.frozen:
                activity.due_on = None  # the day went with the old words
                row["due_on"] = due_date(term, plan.made_on)
            self.put_row(activity, row, _PLAN, new=new, frozen=plan.frozen)
        self.keep(left)

    # --- The work done ---

    def put_journal(self, case: Case, goals: Mapping[int, Goal]) -> None:
        """Rows that differ in the goal alone are one contact under several goals."""
        merged: dict[Hashable, dict[str, Any]] = {}
        for row in self.rows(_JOURNAL):
            key = tuple(row.get(name) for name in _CONTACT)
            under = merged.setdefault(key, {**row, "goal_rows": {}})["goal_rows"]
            if row["goal"] in under:
                reason = N_("The row repeats row %(row)s and is entered once.")
                self.warn(_JOURNAL, row["row"], "event", reason, row["event"], row=str(under[row["goal"]]))
            under.setdefault(row["goal"], row["row"])
        pairs, left = _paired(list(merged.values()), self.contacts(case), _exactly(*_CONTACT), _SAME_WORK)
        for row, contact in pairs:
            new = contact is None
            contact = contact or Contact(case=case, goals=[])
            here = {goal.number for goal in contact.goals}
            more = [goals[number] for number in row["goal_rows"] if number not in here]
            row["goals"] = [*contact.goals, *more] if more else None
            self.put_row(contact, row, _JOURNAL, new=new)
        self.keep(left)

    def contacts(self, case: Case) -> Sequence[Contact]:
        if case.id is None:
            return ()
        own = select(Contact).where(Contact.case_id == case.id).order_by(Contact.id)
        return self.session.scalars(own.options(selectinload(Contact.goals))).all()

    def put_monitorings(self, case: Case, problems: Mapping[int, Problem]) -> None:
        known: dict[dt.date, Monitoring] = {}
        if case.id is not None:
            own = select(Monitoring).where(Monitoring.case_id == case.id).order_by(Monitoring.held_on)
            known = {monitoring.held_on: monitoring for monitoring in self.session.scalars(own)}
        by_day: defaultdict[dt.date, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows(_MONITORING):
            by_day[row["held_on"]].append({**row, "problem": problems[row["problem"]]})
        for held_on, rows in by_day.items():
            found = known.pop(held_on, None)
            monitoring = found or Monitoring(case=case, results=[])
            self.put(monitoring, {"held_on": held_on}, _MONITORING, rows[0]["row"], new=found is None)
            pairs, left = _paired(rows, monitoring.results, _exactly("problem"))
            for row, result in pairs:
                new = result is None
                result = result or MonitoringResult(monitoring=monitoring)
                values = {"problem": row["problem"], "result": row["result"]}
                self.put(result, values, _MONITORING, row["row"], new=new)
            self.keep(left)
        self.keep(known.values())

    # --- One record ---

    def put_row(self, record: Record, row: _Values, sheet: Sheet, *, new: bool, frozen: bool = False) -> None:
        values = {name: value for name, value in row.items() if name not in _BESIDES}
        self.put(record, values, sheet, row["row"], new=new, frozen=frozen)

    def put(self, record: Record, values: _Values, sheet: Sheet, row: int, *, new: bool, frozen: bool = False) -> None:
        """Let a record say what its row says, count it, and ask it whether it may stand so."""
        entity, named = type(record).__name__, "" if new else str(record)
        count = self.report.counts[entity]
        given = {name: value for name, value in values.items() if value is not None}
        different = {name: value for name, value in given.items() if value != getattr(record, name)}
        if not new and not different:
            count.unchanged += 1
            return
        if frozen:
            self.refuse(sheet, row, next(iter(different), ""), FROZEN_FAULT)
            return
        for name, value in different.items():
            if not new:
                was = _said(getattr(record, name))
                self.report.changes.append(FieldChange(entity, named, name, was, _said(value)))
            setattr(record, name, value)
        count.added += new
        count.changed += not new
        self.session.add(record)
        self.written.append(record)
        record.prepare(self.session)
        for name, sentence in faults(record):
            self.refuse(sheet, row, name, sentence)

    def keep(self, records: Iterable[Record]) -> None:
        """Name what the workbook does not speak of."""
        for record in records:
            entity = type(record).__name__
            self.report.counts[entity].only_here += 1
            self.report.only_here.append((entity, str(record)))

    def refuse(self, sheet: Sheet, at: int, name: str, reason: str, value: str = "") -> None:
        self.report.mistakes.append(Remark(reason, sheet.title, at, sheet.heading(name), value))

    def warn(self, sheet: Sheet, at: int, name: str, reason: str, value: str = "", **facts: str) -> None:
        self.report.warnings.append(Remark(reason, sheet.title, at, sheet.heading(name), value, facts))


def _said(value: Any) -> str | None:
    """A value in the report: as the history writes it, several records by their names."""
    return "; ".join(map(str, value)) if isinstance(value, list) else as_text(value)
