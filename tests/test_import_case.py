"""A case brought in from a workbook: all of it, once, and nothing of a workbook with a mistake."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus, Problem
from app.families.models import Family, Income, Member, MemberRole
from app.journal.case_workbook import KINDS, ROLES, ImportReport, import_case
from app.journal.models import Contact, ContactKind, Monitoring, MonitoringResult
from app.kernel.declare import Reach, Viewer
from app.kernel.history import Change
from app.kernel.orm import acting_as
from app.kernel.writing import AHEAD, save
from app.plans.life import revise
from app.plans.models import FROZEN_FAULT, Activity, Goal, Plan, PlanStatus
from app.presets import load_presets
from app.territory.models import Municipality, Organisation, Region, Staff
from models import ENTITIES
from tests import plain, workbooks
from tests.workbooks import ACTIVITIES, REAL, Sheets, as_file, full


@pytest.fixture
def db(request: pytest.FixtureRequest) -> Iterator[Session]:
    with plain.database(getattr(request, "param", "sqlite")) as session:
        load_presets(session)
        session.add(Organisation(name="Фонд «Рядом»"))
        session.commit()
        yield session


on_both_databases = pytest.mark.parametrize("db", plain.BOTH, indirect=True)


@pytest.fixture
def organisation(db: Session) -> Organisation:
    return db.scalars(select(Organisation)).one()


def bring(db: Session, sheets: Sheets, **options: Any) -> ImportReport:
    organisation = db.scalars(select(Organisation).order_by(Organisation.id)).first()
    report = import_case(db, as_file(sheets), **{"organisation": organisation, **options})
    db.commit()
    return report


def rows(db: Session) -> dict[str, int]:
    return {entity.__name__: db.scalar(select(func.count(entity.id))) for entity in ENTITIES}


def counts(report: ImportReport) -> dict[str, tuple[int, int, int, int]]:
    return {
        name: (count.added, count.changed, count.unchanged, count.only_here) for name, count in report.counts.items()
    }


def edited(sheet: str, row: int, column: int, value: Any) -> Sheets:
    """The full workbook with one cell changed; rows are counted as on the screen, columns from zero."""

    def change(sheets: Sheets) -> None:
        sheets[sheet][row - 1][column] = value

    return workbooks.changed(change)


FIRST = {
    "Family": (1, 0, 0, 0),
    "Case": (1, 0, 0, 0),
    "Member": (5, 0, 0, 0),
    "Income": (3, 0, 0, 0),
    "Problem": (6, 0, 0, 0),
    "Plan": (1, 0, 0, 0),
    "Goal": (6, 0, 0, 0),
    "Activity": (42, 0, 0, 0),
    "Contact": (104, 0, 0, 0),  # 108 rows, of which five are one meeting under five goals
    "Monitoring": (2, 0, 0, 0),
    "MonitoringResult": (12, 0, 0, 0),
}
SECOND = {name: (0, 0, added, 0) for name, (added, *_) in FIRST.items()}


def with_change(entity: str) -> dict[str, tuple[int, int, int, int]]:
    """The counts of a second time with one record changed."""
    return SECOND | {entity: (0, 1, SECOND[entity][2] - 1, 0)}


@on_both_databases
def test_everything_is_brought_in(db):
    report = bring(db, full())
    assert report.accepted
    assert counts(report) == FIRST
    assert report.changes == []
    case = db.scalars(select(Case)).one()
    assert report.case_id == case.id
    family, plan = case.family, db.scalars(select(Plan)).one()
    assert (case.number, family.name, str(case.opened_on)) == ("П-2018/07", "Сосновы", "2018-02-20")
    assert (case.procedure.code, case.status) == ("iskorka", CaseStatus.OPEN)
    assert family.municipality.region.name == "Челябинская область"
    assert [category.name for category in family.categories] == ["Семья с ребёнком-инвалидом"]
    assert family.living_conditions == "Комната в квартире бабушки.\nПятый этаж, лифта нет."
    assert [(member.name, member.role) for member in family.members][:3] == [
        ("Соснова Варя", MemberRole.CHILD),
        ("Соснова Ирина", MemberRole.PARENT),
        ("Соснов Егор", MemberRole.RELATIVE),
    ]
    assert family.members[3].born_on == dt.date(1955, 5, 1)
    assert family.income == Decimal("20600.00")
    assert (plan.number, plan.edition, plan.status) == ("П-2018/07-П1", 1, PlanStatus.DRAFT)
    assert (plan.made_on, plan.case_id) == (case.opened_on, case.id)
    assert plan.nature == "Мама растит ребёнка одна и не знает, куда обратиться."
    assert plan.main_goal == "Семья справляется сама и знает, кто рядом."
    assert tuple(len(goal.activities) for goal in plan.goals) == ACTIVITIES
    assert [activity.position for activity in plan.goals[2].activities] == list(range(1, 14))
    assert {activity.term: str(activity.due_on) for activity in plan.goals[1].activities} == {
        "Март": "2018-03-31",
        "По мере необходимости": "None",
        "до 15.04.2018": "2018-04-15",
        "В течение 1 месяца": "2018-03-20",
        "После обучения": "None",
        "Постоянно": "None",
    }
    meeting = db.scalars(select(Contact).where(Contact.event == "общая встреча")).one()
    assert meeting.kind is ContactKind.INTERAGENCY
    assert [goal.number for goal in meeting.goals] == [2, 3, 4, 5, 6]
    assert [result.problem.number for result in db.scalars(select(Monitoring)).first().results] == list(range(1, 7))


@pytest.mark.parametrize(
    ("sheet", "columns"),
    [
        ("План", (Activity.parents_action, Activity.specialists_action, Activity.term, Activity.responsible)),
        ("Журнал работы", (Contact.event, Contact.responsible, Contact.result)),
        ("Мониторинг", (MonitoringResult.result,)),
        ("Цели", (Goal.text,)),
        ("Проблемы", (Problem.text,)),
    ],
)
@pytest.mark.parametrize("source", ["invented", "real"])
def test_every_text_is_kept_to_the_letter(db, organisation, sheet, columns, source):
    if source == "real" and not REAL.exists():
        pytest.skip("the real workbook is not beside this repository")
    file = REAL if source == "real" else as_file(full())
    import_case(db, file, organisation=organisation)
    kept = {text for column in columns for text in db.scalars(select(column)) if text}
    words = workbooks.texts(file, sheet)
    if sheet == "Журнал работы":
        words = {word for word in words if word not in KINDS and not word.replace(".", "").isdigit()}
    if sheet == "Мониторинг":
        words = {word for word in words if not word.replace(".", "").isdigit()}
    assert words
    assert words <= kept


@on_both_databases
@pytest.mark.skipif(not REAL.exists(), reason="the real workbook is not beside this repository")
def test_the_real_workbook(db, organisation):
    report = import_case(db, REAL, organisation=organisation)
    db.commit()
    assert counts(report) == FIRST | {"Contact": (108, 0, 0, 0)}
    assert [remark.column for remark in report.warnings] == ["Куратор"]
    case = db.scalars(select(Case)).one()
    plan = db.scalars(select(Plan)).one()
    assert (case.number, str(case.opened_on), case.status) == ("И-2018/01", "2018-02-20", CaseStatus.OPEN)
    assert (case.procedure.code, case.curator) == ("iskorka", None)
    assert case.family.income == Decimal("20600.00")
    assert case.family.living_conditions
    assert plan.nature
    assert plan.main_goal
    assert (plan.edition, plan.status) == (1, PlanStatus.DRAFT)
    assert tuple(len(goal.activities) for goal in plan.goals) == ACTIVITIES
    assert db.scalar(select(func.count(MonitoringResult.id))) == 12
    again = import_case(db, REAL, organisation=organisation)
    assert again.changed_nothing
    assert counts(again) == SECOND | {"Contact": (0, 0, 108, 0)}


@on_both_databases
def test_the_same_workbook_twice_changes_nothing(db):
    bring(db, full())
    before = rows(db)
    report = bring(db, full())
    assert report.changed_nothing
    assert counts(report) == SECOND
    assert (report.changes, report.only_here) == ([], [])
    assert rows(db) == before  # the history has no new line either


def test_rows_in_another_order_are_the_same_rows(db):
    bring(db, full())

    def shuffle(sheets: Sheets) -> None:
        for title in ("Доходы", "Проблемы", "Цели", "Журнал работы", "Мониторинг"):
            sheets[title][1:] = sheets[title][:0:-1]
        sheets["Журнал работы"] = [row[::-1] for row in sheets["Журнал работы"]]

    assert counts(bring(db, workbooks.changed(shuffle))) == SECOND


def test_a_sheet_that_is_missing_is_told(db):
    report = bring(db, workbooks.changed(lambda sheets: sheets.pop("План")))
    assert report.accepted
    assert ("План", "The sheet is missing.") in [(one.sheet, one.reason) for one in report.warnings]


@pytest.mark.parametrize(("sheet", "column"), [("Журнал работы", 1), ("Мониторинг", 0), ("Семья", 8)])
def test_what_has_happened_is_not_dated_in_the_future(db, sheet, column):
    report = bring(db, edited(sheet, 2, column, "01.01.2099"))
    assert not report.accepted
    assert report.mistakes[0].reason == AHEAD and (report.mistakes[0].sheet, report.mistakes[0].row) == (sheet, 2)


@on_both_databases
def test_a_trial_says_what_would_be_and_leaves_nothing(db):
    before = rows(db)
    trial = bring(db, full(), dry_run=True)
    assert (trial.dry_run, trial.accepted, trial.case_id) == (True, True, None)
    assert rows(db) == before
    assert counts(trial) == counts(bring(db, full()))

    trial = bring(db, edited("Проблемы", 3, 1, "Иначе сказано."), dry_run=True)
    assert counts(trial) == with_change("Problem")
    assert "Иначе сказано." not in set(db.scalars(select(Problem.text)))


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "entity", "field"),
    [
        ("Семья", 2, 1, "Сосновы-Еловы", "Family", "name"),
        ("Семья", 2, 4, "ул. Новая, 1", "Family", "address"),
        ("Семья", 2, 5, "Многодетная семья", "Family", "categories"),
        ("Семья", 2, 7, "Иная цель.", "Plan", "main_goal"),
        ("Семья", 2, 8, "21.02.2018", "Case", "opened_on"),
        ("Члены семьи", 3, 1, "01.03.1985", "Member", "born_on"),
        ("Члены семьи", 2, 5, "Школа", "Member", "occupation"),
        ("Доходы", 2, 1, 7000, "Income", "amount"),
        ("Проблемы", 4, 1, "Иначе сказано.", "Problem", "text"),
        ("Цели", 4, 1, "Иначе сказано.", "Goal", "text"),
        ("План", 2, 4, "Апрель", "Activity", "term"),
        ("План", 9, 1, "Иное дело родителей", "Activity", "parents_action"),
        ("Журнал работы", 2, 5, "Отмечено позже.", "Contact", "result"),
        ("Журнал работы", 7, 4, "Мама", "Contact", "responsible"),
        ("Мониторинг", 5, 2, "Иначе сказано.", "MonitoringResult", "result"),
    ],
)
def test_a_changed_cell_changes_that_field_alone(db, sheet, row, column, value, entity, field):
    bring(db, full())
    before = rows(db)
    report = bring(db, edited(sheet, row, column, value))
    assert report.accepted
    assert counts(report) == with_change(entity)
    assert field in [change.field for change in report.changes]
    assert {change.entity for change in report.changes} == {entity}
    assert {name: n for name, n in rows(db).items() if name != "Change"} == {
        name: n for name, n in before.items() if name != "Change"
    }
    assert bring(db, edited(sheet, row, column, value)).changed_nothing


def test_a_term_put_in_other_words_takes_its_day_along(db):
    bring(db, full())
    bring(db, edited("План", 2, 4, "По мере необходимости"))
    first = db.scalars(select(Goal).where(Goal.number == 1)).one().activities[0]
    assert (first.term, first.due_on) == ("По мере необходимости", None)


@on_both_databases
def test_new_rows_are_added(db):
    bring(db, full())

    def grow(sheets: Sheets) -> None:
        sheets["Члены семьи"].append(["Соснова Майя", "02.02.2024", "сестра", "Ребёнок", None, None])
        sheets["Проблемы"].append([7, "Новая трудность."])
        sheets["Цели"].append([7, "Новая цель."])
        sheets["План"].append([7, None, "Новое дело", "Социальный тьютор", "Май"])
        sheets["Журнал работы"].append([7, "01.12.2018", "Письмо", "письмо", None, None])
        sheets["Мониторинг"].append(["01.03.2019", 7, "Начато."])

    report = bring(db, workbooks.changed(grow))
    added = {name: count.added for name, count in report.counts.items() if count.added}
    assert added == dict.fromkeys(
        ("Member", "Problem", "Goal", "Activity", "Contact", "Monitoring", "MonitoringResult"), 1
    )
    assert not any(count.changed for count in report.counts.values())


def test_a_row_put_between_others_moves_them_and_keeps_their_marks(db):
    bring(db, full())
    goal = db.scalars(select(Goal).where(Goal.number == 1)).one()
    goal.activities[3].done_on = dt.date(2018, 5, 1)
    marked = goal.activities[3].title
    db.commit()
    row = [1, None, "Дело, о котором забыли", "Социальный тьютор", "Март"]
    report = bring(db, workbooks.changed(lambda sheets: sheets["План"].insert(2, row)))
    assert counts(report)["Activity"] == (1, 4, 38, 0)
    assert {change.field for change in report.changes} == {"position"}
    db.expire_all()
    assert [activity.title for activity in goal.activities][1] == "Дело, о котором забыли"
    assert [activity.title for activity in goal.activities if activity.done_on] == [marked]


def test_what_only_the_database_has_stays_and_is_named(db):
    bring(db, full())

    def shrink(sheets: Sheets) -> None:
        for title in ("Члены семьи", "Доходы", "План", "Журнал работы", "Мониторинг"):
            del sheets[title][-1]

    before = rows(db)
    report = bring(db, workbooks.changed(shrink))
    assert report.changed_nothing
    assert rows(db) == before
    assert [entity for entity, _ in report.only_here] == ["Member", "Income", "Activity", "MonitoringResult"]
    assert ("Member", "Соснова Ольга") in report.only_here


def test_an_empty_cell_erases_nothing(db):
    bring(db, full())
    report = bring(db, edited("Семья", 2, 4, None))
    assert report.changed_nothing
    assert db.scalars(select(Family)).one().address == "ул. Лесная, 4"


def test_a_birth_date_learnt_later_is_the_same_person_and_another_one_is_not(db):
    bring(db, full())
    assert counts(bring(db, edited("Члены семьи", 4, 1, "03.03.1950")))["Member"] == (0, 1, 4, 0)
    grandson = ["Соснов Егор", "04.04.2015", "внук", "Ребёнок", None, None]
    report = bring(db, workbooks.changed(lambda sheets: sheets["Члены семьи"].append(grandson)))
    assert counts(report)["Member"] == (1, 0, 5, 0)
    assert db.scalar(select(func.count(Member.id)).where(Member.name == "Соснов Егор")) == 2


def test_a_repeated_row_of_the_journal_is_entered_once_and_named(db):
    repeated = full()["Журнал работы"][3]
    report = bring(db, workbooks.changed(lambda sheets: sheets["Журнал работы"].append(repeated)))
    assert report.counts["Contact"].added == 104
    remark = report.warnings[-1]
    assert (remark.sheet, remark.row, remark.facts) == ("Журнал работы", 110, {"row": "4"})


# --- The plan's life ---


def approve(db: Session) -> None:
    plan = db.scalars(select(Plan)).one()
    plan.status, plan.approved_on = PlanStatus.APPROVED, dt.date(2018, 3, 1)
    save(db, plan)
    db.commit()


@on_both_databases
def test_an_approved_plan_may_be_repeated_but_not_changed(db):
    bring(db, full())
    approve(db)
    assert bring(db, full()).changed_nothing
    before = rows(db)

    def change(sheets: Sheets) -> None:
        sheets["Семья"][1][7] = "Иная цель."
        sheets["Цели"].append([7, "Ещё одна цель."])
        sheets["План"][3][4] = "Июль"
        sheets["План"].append([7, "Ещё дело", None, None, None])
        sheets["Журнал работы"][1][5] = "Иначе."

    report = bring(db, workbooks.changed(change))
    assert [(at.sheet, at.row, at.column, at.reason) for at in report.mistakes] == [
        ("Семья", 2, "Основная цель", FROZEN_FAULT),
        ("План", 4, "Срок выполнения", FROZEN_FAULT),
        ("Цели", 8, "№", FROZEN_FAULT),
        ("План", 44, "Действия родителей", FROZEN_FAULT),
    ]
    assert rows(db) == before
    # The journal of an approved plan goes on.
    assert counts(bring(db, edited("Журнал работы", 2, 5, "Иначе.")))["Contact"] == (0, 1, 103, 0)


def test_the_next_version_of_the_plan_is_the_one_that_is_compared(db):
    bring(db, full())
    approve(db)
    second = revise(db, db.scalars(select(Plan)).one(), "Семья просит иначе.")
    db.commit()
    assert bring(db, full()).changed_nothing
    report = bring(db, edited("План", 2, 4, "Июнь"))
    assert counts(report) == with_change("Activity")
    assert second.goals[0].activities[0].term == "Июнь"


def test_the_card_may_say_that_the_plan_is_approved(db):
    def approved(sheets: Sheets) -> None:
        sheets["Семья"][0] += ["Статус плана", "Дата утверждения плана"]
        sheets["Семья"][1] += ["утвержден", "01.03.2018"]

    assert bring(db, workbooks.changed(approved)).accepted
    plan = db.scalars(select(Plan)).one()
    assert (plan.status, plan.approved_on) == (PlanStatus.APPROVED, dt.date(2018, 3, 1))
    assert bring(db, workbooks.changed(approved)).changed_nothing
    plan.status = PlanStatus.IN_FORCE
    db.commit()
    report = bring(db, workbooks.changed(approved))
    assert [remark.column for remark in report.warnings] == ["Куратор", "Статус плана"]
    assert plan.status is PlanStatus.IN_FORCE


def test_a_card_alone_makes_a_case_without_a_plan(db):
    sheets = {"Семья": [["Номер дела", "Семья (фамилия)", "Дата открытия случая"], ["7", "Ивовы", "01.02.2024"]]}
    assert counts(bring(db, sheets)) == {"Family": (1, 0, 0, 0), "Case": (1, 0, 0, 0)}
    assert rows(db)["Plan"] == 0


# --- Whom and where ---


def staff(db: Session, *people: tuple[str, str]) -> list[Staff]:
    organisation = db.scalars(select(Organisation)).first()
    made = [Staff(name=name, position=position, organisation=organisation) for name, position in people]
    db.add_all(made)
    db.commit()
    return made


def test_the_curator_is_found_by_name(db):
    _, second = staff(db, ("Липова Нина", "Социальный тьютор"), ("Дубов Олег", "Социальный тьютор"))
    report = bring(db, edited("Семья", 2, 9, "дубов  олег"))
    assert db.scalars(select(Case)).one().curator is second
    assert report.warnings == []


def test_the_curator_is_found_by_a_position_that_one_person_holds(db):
    (only,) = staff(db, ("Липова Нина", "социальный тьютор"))
    assert bring(db, full()).warnings == []
    assert db.scalars(select(Case)).one().curator is only


def test_a_position_that_several_hold_leaves_the_chosen_curator(db):
    first, second = staff(db, ("Липова Нина", "Социальный тьютор"), ("Дубов Олег", "Социальный тьютор"))
    report = bring(db, full(), curator=first)
    assert db.scalars(select(Case)).one().curator is first
    assert [remark.column for remark in report.warnings] == ["Куратор"]
    # A case that somebody leads is not handed over by a workbook that names nobody.
    assert bring(db, full(), curator=second).changed_nothing
    assert db.scalars(select(Case)).one().curator is first


@pytest.mark.parametrize(
    ("name", "region", "warned"),
    [
        ("челябинский  городской округ", "Челябинская область", False),
        ("Верхнеозёрский округ", "Не указан", True),
    ],
)
def test_the_municipality_is_found_or_added(db, name, region, warned):
    report = bring(db, edited("Семья", 2, 2, name))
    assert db.scalars(select(Family)).one().municipality.region.name == region
    assert ("Муниципальное образование" in [remark.column for remark in report.warnings]) is warned
    assert bring(db, edited("Семья", 2, 2, name)).changed_nothing


def test_a_municipality_of_the_presets_gets_its_region_even_where_they_were_not_loaded(db):
    for region in db.scalars(select(Region)):
        db.delete(region)
    db.commit()
    bring(db, full())
    municipality = db.scalars(select(Municipality)).one()
    assert (municipality.name, municipality.region.name) == (
        "Челябинский городской округ",
        "Челябинская область",
    )


def test_several_categories_are_divided_by_semicolons(db):
    names = "многодетная семья; Семья лесника;  Семья с ребенком-инвалидом"
    bring(db, edited("Семья", 2, 5, names))
    assert sorted(category.name for category in db.scalars(select(Family)).one().categories) == [
        "Многодетная семья", "Семья лесника", "Семья с ребёнком-инвалидом",
    ]  # fmt: skip


def test_a_namesake_is_pointed_out(db, organisation):
    db.add(Family(name="СОСНОВЫ", organisation=organisation))
    db.commit()
    assert "Семья (фамилия)" in [remark.column for remark in bring(db, full()).warnings]


@on_both_databases
def test_a_number_of_another_organisation_is_refused(db):
    bring(db, full())
    other = Organisation(name="Центр")
    db.add(other)
    db.commit()
    before = rows(db)
    report = bring(db, full(), organisation=other)
    assert [(at.sheet, at.row, at.column, at.value) for at in report.mistakes] == [
        ("Семья", 2, "Номер дела", "П-2018/07")
    ]
    assert rows(db) == before
    viewer = Viewer(user_id=None, reaches=frozenset({Reach.ORGANISATION}), organisation_id=other.id)
    with acting_as(db, viewer):
        assert [at.column for at in bring(db, full(), organisation=other).mistakes] == ["Номер дела"]


@on_both_databases
def test_a_supervisor_brings_a_case_into_his_own_organisation(db, organisation):
    viewer = Viewer(reaches=frozenset({Reach.ORGANISATION}), organisation_id=organisation.id)
    with acting_as(db, viewer):
        assert bring(db, full()).accepted
        assert bring(db, full()).changed_nothing


def test_a_curator_brings_in_a_case_and_meets_it_again(db, organisation):
    (curator,) = staff(db, ("Липова Нина", "Социальный тьютор"))
    user = User(username="lipova", first_name="Нина", last_name="Липова", email="lipova@localhost", active=True)
    db.add(user)
    db.flush()
    curator.user_id = user.id
    db.commit()
    viewer = Viewer(
        user_id=user.id, staff_id=curator.id, organisation_id=organisation.id, reaches=frozenset({Reach.OWN})
    )
    with acting_as(db, viewer):
        assert bring(db, full()).accepted
        assert bring(db, full()).changed_nothing
        assert db.scalars(select(Family)).one().created_by_id == user.id


# --- Mistakes ---


def dropped(title: str) -> Sheets:
    return workbooks.changed(lambda sheets: sheets.pop(title))


def row_added(title: str, *row: Any) -> Sheets:
    return workbooks.changed(lambda sheets: sheets[title].append(list(row)))


def renamed(title: str, old: str, new: str) -> Sheets:
    def change(sheets: Sheets) -> None:
        head = sheets[title][0]
        head[head.index(old)] = new

    return workbooks.changed(change)


NO_NUMBER = "There is no such number on the sheet “{}”."


@pytest.mark.parametrize(
    ("sheets", "expected"),
    [
        (dropped("Семья"), [("Семья", None, "", "", "The sheet is missing.")]),
        (
            row_added("Семья", "2", "Вторые", None, None, None, None, None, None, "01.01.2018"),
            [("Семья", None, "", "", "The sheet needs exactly one row under its headings.")],
        ),
        (
            renamed("План", "Срок выполнения", "Сроки"),
            [("План", 1, "Сроки", "", "Unknown column.")],
        ),
        (
            renamed("Журнал работы", "Дата", "Когда"),
            [
                ("Журнал работы", 1, "Когда", "", "Unknown column."),
                ("Журнал работы", 1, "Дата", "", "The column is missing."),
            ],
        ),
        (edited("Семья", 2, 0, None), [("Семья", 2, "Номер дела", "", "The cell is empty.")]),
        (edited("Семья", 2, 8, "весной"), [("Семья", 2, "Дата открытия случая", "весной", "A date is")]),
        (
            edited("Члены семьи", 3, 3, "Сосед"),
            [("Члены семьи", 3, "Роль", "Сосед", "Ребёнок, Родитель, Родственник, Другое лицо.")],
        ),
        (
            edited("Члены семьи", 3, 1, "01.01.2099"),
            [("Члены семьи", 3, "Дата рождения", "2099-01-01", "The date of birth lies in the future.")],
        ),
        (edited("Доходы", 3, 1, "мало"), [("Доходы", 3, "Сумма, руб. в месяц", "мало", "A sum is expected")]),
        (edited("Проблемы", 3, 0, 1), [
            ("Проблемы", 3, "№", "1", "The number stands in row 2 already."),
            ("Мониторинг", 3, "Проблема №", "2", NO_NUMBER.format("Проблемы")),
            ("Мониторинг", 9, "Проблема №", "2", NO_NUMBER.format("Проблемы")),
        ]),
        (row_added("Цели", 6, "Снова шестая"), [("Цели", 8, "№", "6", "The number stands in row 7")]),
        (
            row_added("План", 9, "Дело", None, None, None),
            [("План", 44, "Цель №", "9", NO_NUMBER.format("Цели"))],
        ),
        (
            row_added("План", 2, None, None, "Родители", "Март"),
            [("План", 44, "Действия специалистов", "", "Say what the parents or the specialists do.")],
        ),
        (
            row_added("План", 2, "Дело", None, "Родители", "по" + "том " * 60),
            [("План", 44, "Срок выполнения", ("по" + "том " * 60)[:200], "The text is too long")],
        ),
        (
            row_added("Журнал работы", 7, "01.01.2018", "Письмо", "письмо", None, None),
            [("Журнал работы", 110, "Цель №", "7", NO_NUMBER.format("Цели"))],
        ),
        (
            edited("Журнал работы", 5, 2, "Телеграмма"),
            [("Журнал работы", 5, "Вид контакта", "Телеграмма", "Телефонный разговор, Посещение на дому")],
        ),
        (
            edited("Журнал работы", 5, 1, "31.06.2018"),
            [("Журнал работы", 5, "Дата", "31.06.2018", "There is no such day in the calendar.")],
        ),
        (
            edited("Журнал работы", 5, 3, "=A1"),
            [("Журнал работы", 5, "Мероприятие", "=A1", "There is a formula in the cell.")],
        ),
        (
            row_added("Мониторинг", "30.11.2018", 6, "Ещё раз"),
            [("Мониторинг", 14, "Проблема №", "6", "The number stands in row 13 already.")],
        ),
        (
            row_added("Мониторинг", "30.11.2018", 8, "Иное"),
            [("Мониторинг", 14, "Проблема №", "8", NO_NUMBER.format("Проблемы"))],
        ),
        (
            workbooks.changed(lambda sheets: sheets.update({"Письма": [["Кому"]]})),
            [("Письма", None, "", "", "Unknown sheet.")],
        ),
        (
            workbooks.changed(
                lambda sheets: (sheets["Семья"][0].append("Методика"), sheets["Семья"][1].append("x"))
            ),
            [("Семья", 2, "Методика", "x", "There is no such procedure.")],
        ),
    ],
)  # fmt: skip
def test_a_workbook_with_mistakes_is_refused_whole(db, sheets, expected):
    before = rows(db)
    report = bring(db, sheets)
    assert rows(db) == before
    assert [(at.sheet, at.row, at.column, at.value) for at in report.mistakes] == [row[:4] for row in expected]
    for mistake, (*_, words) in zip(report.mistakes, expected, strict=True):
        assert words in str(mistake)


def test_all_the_mistakes_of_all_the_sheets_at_once(db):
    def spoil(sheets: Sheets) -> None:
        sheets["Члены семьи"][1][3] = "Сосед"
        sheets["Доходы"][1][1] = "мало"
        sheets["План"][1][0] = 99
        sheets["Журнал работы"][1][2] = "Телеграмма"
        sheets["Мониторинг"][1][1] = 99

    report = bring(db, workbooks.changed(spoil))
    assert [mistake.sheet for mistake in report.mistakes] == [
        "Члены семьи", "Доходы", "Журнал работы", "План", "Мониторинг",
    ]  # fmt: skip


def test_no_workbook_at_all(db, organisation, tmp_path):
    path = tmp_path / "письмо.txt"
    path.write_text("Здравствуйте!", encoding="utf-8")
    report = import_case(db, path, organisation=organisation)
    assert [str(mistake) for mistake in report.mistakes] == ["The file is not an XLSX workbook."]


def test_a_journal_of_thousands_of_rows_is_soon_read(db):
    def grow(sheets: Sheets) -> None:
        for n in range(5_000):
            day = dt.date(2018, 3, 1) + dt.timedelta(days=n % 900)
            sheets["Журнал работы"].append([n % 6 + 1, f"{day:%d.%m.%Y}", "Письмо", f"письмо {n}", "Мама", "Ответ."])

    sheets = workbooks.changed(grow)
    started = time.process_time()
    assert bring(db, sheets).counts["Contact"].added == 5_104
    assert bring(db, sheets).changed_nothing
    assert time.process_time() - started < 60


def test_the_labels_cover_every_value():
    assert set(ROLES.values()) == set(MemberRole)
    assert set(KINDS.values()) == set(ContactKind)


def test_the_history_tells_of_the_import(db):
    bring(db, full())
    told = set(db.scalars(select(Change.entity)))
    assert {"family", "case", "activity", "contact", "monitoring_result"} <= told
    assert db.scalar(select(func.count(Income.id))) == 3
