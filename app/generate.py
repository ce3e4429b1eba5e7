"""Invented families by the hundred thousand, to try the product at full size.

Rows are written past the ORM, in batches, with everything the ORM would have filled in: versions, dates, searched
text. The history is left out: it tells of people's work.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus, Problem, StageEntry
from app.deadlines.engine import settle_all
from app.families.models import Category, Family, Income, Member, MemberRole, family_category
from app.journal.models import Contact, ContactKind, contact_goal
from app.kernel.likeness import known_words, searched
from app.kernel.orm import Record, Row, acting_as
from app.kernel.trigrams import learn
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.plans.rules import frozen, plan_number
from app.presets import load_presets
from app.procedures.kinds import Placement, PlanKind
from app.procedures.models import ClosingGround, ProcedureVersion, VersionStatus
from app.risks.models import RiskAssessment, RiskFactor, RiskLevel, assessed_factor
from app.risks.rules import proposed_level
from app.signals.models import Signal, SignalSource, SignalStatus
from app.territory.models import Municipality, Organisation, OrganisationKind, Precinct, Staff

BATCH = 1_000  # families in memory at once
PER_ORGANISATION = 2_000

_WORDS: Any = yaml.safe_load((Path(__file__).parent / "data" / "invented.yaml").read_text(encoding="utf-8"))
_SURNAMES, _BOYS, _GIRLS, _FATHERS, _STREETS = (
    _WORDS[key].split() for key in ("surnames", "boys", "girls", "fathers", "streets")
)
_INCOMES, _PROBLEMS, _GOALS, _PARENTS, _SPECIALISTS, _TERMS, _EVENTS, _RESULTS = (
    _WORDS[key] for key in ("incomes", "problems", "goals", "parents", "specialists", "terms", "events", "results")
)
_KINDS, _SOURCES = tuple(ContactKind), tuple(SignalSource)
_STATUSES = {
    PlanStatus.DRAFT: 10,
    PlanStatus.AGREED: 5,
    PlanStatus.APPROVED: 5,
    PlanStatus.IN_FORCE: 60,
    PlanStatus.FULFILLED: 15,
    PlanStatus.CANCELLED: 5,
}

_T = TypeVar("_T")
_Values: TypeAlias = dict[str, Any]


def generate(target: Session | Engine, families: int, seed: int = 1) -> dict[str, int]:
    """Add invented families with their cases, plans and journals; returns the numbers of rows by table.

    With an engine the work is committed, with a session that is the caller's. The same seed gives the same
    families in the same database on the same day. Missing dictionaries, organisations and staff are added first.
    """
    if isinstance(target, Engine):
        with Session(target) as session:
            counts = generate(session, families, seed)
            session.commit()
            return counts
    with acting_as(target):
        load_presets(target)
        chance = random.Random(seed)
        places = _places(target, families, chance)
        writer = _Writer(target.connection())
        story = _Families(target, writer, places, chance)
        for done in range(families):
            story.family()
            if done % BATCH == BATCH - 1:
                writer.flush()
        writer.flush()
        learn(writer.connection, writer.words)
        writer.move_sequences()
        settle_all(writer.connection)
        target.expire_all()
    return dict(writer.counts)


def _places(session: Session, families: int, chance: random.Random) -> list[Organisation]:
    """Organisations with staff enough for so many families; the first ones are those that are already there."""
    kept = list(session.scalars(select(Organisation).order_by(Organisation.id)))
    places = [place for place in kept if place.municipality_id and any(staff.works for staff in place.staff)]
    municipalities = session.scalars(select(Municipality).order_by(Municipality.id)).all()
    names = {place.name for place in kept}
    numbers = (n for n in count(1) if f"Центр сопровождения семей № {n}" not in names)
    while len(places) < max(3, families // PER_ORGANISATION):
        place = Organisation(
            name=f"Центр сопровождения семей № {next(numbers)}",
            kind=OrganisationKind.CENTRE,
            municipality=municipalities[len(places) % len(municipalities)],
        )
        place.staff = [
            Staff(name=_person(chance, chance.choice(_SURNAMES), False), position="Специалист по социальной работе")
            for _ in range(8)
        ]
        places.append(place)
        session.add(place)
    session.flush()
    return places


class _Writer:
    """Rows on their way into the tables: numbered here, completed, written batch by batch in order of need."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows: defaultdict[Table, list[_Values]] = defaultdict(list)
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.numbers: dict[type[Row], Iterator[int]] = {}
        self.searched: dict[type[Row], list[str]] = {}
        self.defaults: dict[type[Row], dict[str, Any]] = {}
        self.words: set[str] = set()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA cache_size=-65536")  # 64 MB: the indexes stay in memory

    def number(self, entity: type[Record]) -> int:
        """The next free number of an entity's table."""
        if entity not in self.numbers:
            c = entity.__table__.c
            self.numbers[entity] = count((self.connection.scalar(select(func.max(c.id))) or 0) + 1)
            self.searched[entity] = [name for name in entity.__admin__.search if name in c]
            self.defaults[entity] = {column.key: column.default for column in c if column.default is not None}
        return next(self.numbers[entity])

    def add(self, entity: type[Record], at: dt.datetime, *, id: int = 0, **values: Any) -> int:
        """A row of an entity, made at a moment; returns its number."""
        number = id or self.number(entity)
        words = searched(values.get(name) for name in self.searched[entity])
        values |= {"id": number, "created_at": at, "changed_at": at, "folded": words}
        if entity.__admin__.found is not None:
            self.words |= known_words(words)
        for name, default in self.defaults[entity].items():
            if name not in values:
                values[name] = default.arg(None) if default.is_callable else default.arg
        self.rows[entity.__table__].append(values)
        return number

    def link(self, table: Table, **values: int) -> None:
        self.rows[table].append(values)

    def flush(self) -> None:
        for table in Family.metadata.sorted_tables:  # a table after those that it points to
            if rows := self.rows.get(table):
                self.write(table, list(rows[0]), rows)
                self.counts[table.name] += len(rows)
                rows.clear()

    def write(self, table: Table, names: list[str], rows: list[_Values]) -> None:
        """Write rows by the driver's shortest way: the compiler's own costs more than the database's work."""
        columns = [self.stored(table.c[name].type, [row[name] for row in rows]) for name in names]
        quote = self.connection.dialect.identifier_preparer.quote
        into = f"{quote(table.name)} ({', '.join(map(quote, names))})"
        if self.connection.dialect.name == "postgresql":
            with self.connection.connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in zip(*columns, strict=True):
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(names))
            self.connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", list(zip(*columns, strict=True)))

    def stored(self, type_: Any, values: list[Any]) -> list[Any]:
        """Values of a column as the driver takes them; equal ones, such as days, are converted once."""
        dialect = self.connection.dialect
        convert = type_.dialect_impl(dialect).bind_processor(dialect)
        if convert is None:
            return values
        known = {value: convert(value) for value in set(values)}
        return [known[value] for value in values]

    def move_sequences(self) -> None:
        """Let PostgreSQL count on from the numbers given here."""
        if self.connection.dialect.name != "postgresql":
            return
        for entity in self.numbers:
            name = f'"{entity.__tablename__}"'
            sequence = func.pg_get_serial_sequence(name, "id")
            last = select(func.max(entity.__table__.c.id)).scalar_subquery()
            self.connection.execute(select(func.setval(sequence, last)))


def _person(chance: random.Random, surname: str, man: bool) -> str:
    name = chance.choice(_BOYS if man else _GIRLS)
    return f"{surname}{'' if man else 'а'} {name} {chance.choice(_FATHERS)}{'вич' if man else 'вна'}"


class _Families:
    """Families one by one, each as likely as any other to be somewhere on its way."""

    def __init__(self, session: Session, writer: _Writer, places: list[Organisation], chance: random.Random) -> None:
        self.writer, self.chance, self.today = writer, chance, dt.date.today()
        precincts: defaultdict[int, list[int | None]] = defaultdict(lambda: [None])
        for precinct in session.scalars(select(Precinct)):
            precincts[precinct.municipality_id].append(precinct.id)
        self.places = [
            (place.id, place.municipality_id, precincts[place.municipality_id or 0],
             [(staff.id, staff.name) for staff in place.staff if staff.works])
            for place in places
        ]  # fmt: skip
        self.categories = list(session.scalars(select(Category.id).order_by(Category.id)))
        published = select(ProcedureVersion).where(ProcedureVersion.status == VersionStatus.PUBLISHED)
        self.versions = [
            (version.procedure_id, version.id, [stage.id for stage in version.stages])
            for version in session.scalars(published.order_by(ProcedureVersion.id))
        ]
        self.grounds = list(session.scalars(select(ClosingGround.id).order_by(ClosingGround.id)))
        self.factors: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        for factor in session.scalars(select(RiskFactor).order_by(RiskFactor.position)):
            self.factors[factor.factor_set_id].append((factor.id, factor.level.name))

    def day(self, first: int, last: int) -> dt.date:
        return self.today + dt.timedelta(days=self.chance.randint(first, last))

    def moment(self, day: dt.date) -> dt.datetime:
        return dt.datetime(day.year, day.month, day.day, 9 + self.chance.randrange(8), tzinfo=dt.UTC)

    def some(self, values: Sequence[_T], low: int, high: int) -> list[_T]:
        return self.chance.sample(values, min(len(values), self.chance.randint(low, high)))

    def family(self) -> None:
        chance, add = self.chance, self.writer.add
        organisation, municipality, precincts, staff = chance.choice(self.places)
        surname = chance.choice(_SURNAMES)
        opened = self.day(-1_400, -3)
        at = self.moment(opened)
        address = f"ул. {chance.choice(_STREETS)}, {chance.randint(1, 120)}, кв. {chance.randint(1, 200)}"
        phone = f"+7 900 {chance.randrange(10**7):07}"
        family = add(
            Family, at, name=surname + "ы", organisation_id=organisation, municipality_id=municipality,
            precinct_id=chance.choice(precincts), address=address, registered_address=address, phone=phone,
        )  # fmt: skip
        for category in self.some(self.categories, 0, 2):
            self.writer.link(family_category, family_id=family, category_id=category)
        self.members(family, at, surname, phone)
        for source in self.some(_INCOMES, 1, 3):
            add(Income, at, family_id=family, source=source, amount=Decimal(chance.randrange(20, 600) * 100))
        case = None
        if chance.random() < 0.5:
            case = self.case(family, opened, at, chance.choice(staff))
        if chance.random() < 0.4:
            self.signal(family, case, organisation, municipality, opened, address)

    def members(self, family: int, at: dt.datetime, surname: str, phone: str) -> None:
        chance = self.chance
        people: Iterator[tuple[MemberRole, str, bool, int, int]] = iter(
            [(MemberRole.PARENT, "мама", False, 20, 48)]
            + [(MemberRole.PARENT, "папа", True, 21, 55)] * (chance.random() < 0.7)
            + [
                (MemberRole.CHILD, "ребёнок", chance.random() < 0.5, 0, 17)
                for _ in range(chance.choice((1, 1, 2, 2, 3)))
            ]
            + [(MemberRole.RELATIVE, "бабушка", False, 50, 78)] * (chance.random() < 0.35)
        )
        for position, (role, kinship, man, young, old) in enumerate(people, start=1):
            self.writer.add(
                Member, at, family_id=family, position=position, name=_person(chance, surname, man), role=role,
                kinship=kinship, born_on=self.day(-old * 365 - 360, -young * 365 - 30),
                phone=phone if kinship == "мама" else None,
            )  # fmt: skip

    def case(self, family: int, opened: dt.date, at: dt.datetime, curator: tuple[int, str]) -> int:
        chance, add = self.chance, self.writer.add
        status = chance.choices(tuple(CaseStatus), (70, 5, 25))[0]
        closed = status is CaseStatus.CLOSED
        last = min(opened + dt.timedelta(days=chance.randint(60, 900)), self.today) if closed else self.today
        case = self.writer.number(Case)
        number = f"Г-{case}"
        procedure, edition, stages = chance.choice(self.versions)
        stage = chance.choice(stages)
        placement = chance.choice(tuple(Placement))
        add(
            Case, at, id=case, number=number, family_id=family, status=status, opened_on=opened,
            procedure_id=procedure, edition_id=edition, stage_id=stage, curator_id=curator[0], applied_on=opened,
            placement=placement, placed_on=opened,
            consent_on=opened if chance.random() < 0.9 else None, closed_on=last if closed else None,
            closing_ground_id=chance.choice(self.grounds) if closed else None,
            reason=f"{chance.choice(_PROBLEMS)}.",
        )  # fmt: skip
        add(StageEntry, at, case_id=case, stage_id=stage, since=opened)
        for place, problem in enumerate(self.some(_PROBLEMS, 1, 3), start=1):
            add(Problem, at, case_id=case, number=place, text=f"{problem}.")
        self.risk(family, opened, curator[0])
        goals = self.plan(case, number, opened, last, curator[1]) if chance.random() < 0.6 else []
        span = (last - opened).days
        for _ in range(chance.randint(1, 5)):
            contact = add(
                Contact, at, case_id=case, held_on=opened + dt.timedelta(days=chance.randint(0, span)),
                kind=chance.choice(_KINDS), event=chance.choice(_EVENTS), responsible=curator[1],
                result=chance.choice(_RESULTS),
            )  # fmt: skip
            for goal in self.some(goals, 1, 2):
                self.writer.link(contact_goal, contact_id=contact, goal_id=goal)
        return case

    def plan(self, case: int, number: str, opened: dt.date, last: dt.date, curator: str) -> list[int]:
        """A plan with its table; returns its goals."""
        chance, add = self.chance, self.writer.add
        status = chance.choices(tuple(_STATUSES), tuple(_STATUSES.values()))[0]
        made_on = min(opened + dt.timedelta(days=chance.randint(5, 40)), last)
        at = self.moment(made_on)
        approved_on = min(made_on + dt.timedelta(days=14), last) if frozen(status.name) else None
        plan = add(
            Plan, at, case_id=case, edition=1, number=plan_number(number, 1), kind=PlanKind.FAMILY, status=status,
            made_on=made_on, nature=f"{chance.choice(_PROBLEMS)}, и семья не знала, куда обратиться.",
            main_goal="Семья справляется сама и знает, к кому обратиться.",
            agreed_on=None if status is PlanStatus.DRAFT else made_on, approved_on=approved_on,
            until=made_on + dt.timedelta(days=365),
        )  # fmt: skip
        goals = []
        for place, words in enumerate(self.some(_GOALS, 2, 3), start=1):
            goal = add(Goal, at, plan_id=plan, number=place, text=f"{words}.")
            goals.append(goal)
            for position in range(1, chance.randint(2, 5)):
                self.activity(goal, position, made_on, last, curator, at)
        return goals

    def activity(
        self, goal: int, position: int, made_on: dt.date, last: dt.date, curator: str, at: dt.datetime
    ) -> None:
        chance = self.chance
        whose = chance.randrange(3)
        parents = chance.choice(_PARENTS) if whose != 0 else None
        specialists = chance.choice(_SPECIALISTS) if whose != 1 else None
        dated = chance.random() < 0.6
        due_on = made_on + dt.timedelta(days=chance.randint(7, 300)) if dated else None
        done = chance.random() < 0.7 and (due_on or made_on) <= last
        self.writer.add(
            Activity, at, goal_id=goal, position=position, parents_action=parents, specialists_action=specialists,
            term=f"до {due_on:%d.%m.%Y}" if due_on else chance.choice(_TERMS), due_on=due_on,
            responsible="Родители" if whose == 1 else f"Родители; {curator}" if whose == 2 else curator,
            done_on=(due_on or last) if done else None, result="Сделано." if done else None,
            title=specialists or parents or "",
        )  # fmt: skip

    def risk(self, family: int, opened: dt.date, staff: int) -> None:
        chance = self.chance
        factor_set = chance.choice(list(self.factors))
        for days in range(0, 400, 200)[: chance.randint(1, 2)]:
            day = opened + dt.timedelta(days=days)
            found = self.some(self.factors[factor_set], 1, 4)
            level = RiskLevel[proposed_level(name for _, name in found) or "LOW"]
            if day <= self.today:
                assessment = self.writer.add(
                    RiskAssessment, self.moment(day), family_id=family, assessed_on=day, factor_set_id=factor_set,
                    proposed=level, level=level, staff_id=staff,
                )  # fmt: skip
                for factor, _ in found:
                    self.writer.link(assessed_factor, assessment_id=assessment, factor_id=factor)

    def signal(
        self, family: int, case: int | None, organisation: int, municipality: int | None, day: dt.date, address: str
    ) -> None:
        chance = self.chance
        status = SignalStatus.CONFIRMED if case else chance.choice((SignalStatus.ONE_OFF, SignalStatus.CHECKING))
        number = self.writer.number(Signal)
        at = self.moment(day)
        self.writer.add(
            Signal, at, id=number, number=f"СГ-{number}", received_at=at, source=chance.choice(_SOURCES),
            reporter="Специалист", content=f"{chance.choice(_PROBLEMS)}.", address=address,
            organisation_id=organisation, municipality_id=municipality, risk=chance.choice(tuple(RiskLevel)),
            status=status, family_id=family, case_id=case, decision="Семье позвонили.",
        )  # fmt: skip
