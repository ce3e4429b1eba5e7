"""Procedures as files: the six that are shipped, and what is said of a file that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.orm import Session

from app.presets import PROCEDURES, load_presets, preset
from app.procedures import exchange
from app.procedures.exchange import Unreadable
from app.procedures.kinds import Fact, Placement, Time, Unit
from app.procedures.models import Procedure, ProcedureVersion, Requirement
from tests import plain

# domain.md, section 3: what each practice asks for, as (event, count, unit) by the id of its row, and how many rows of
# the file say it: one for each paper or placement that the row of the document names.
TERMS: dict[str, dict[str, tuple[int, tuple[str, int, str] | None]]] = {
    "iskorka": {"ISK-T1": (1, ("PLAN_IN_FORCE", 3, "MONTH"))},
    "kz-phc": {
        "KZ-T1": (1, ("SIGNAL_HIGH", 1, "HOUR")),
        "KZ-T2": (1, ("OPENED", 6, "WEEK")),
        "KZ-T3": (3, ("OPENED", 1, "WEEK")),
        "KZ-T4": (1, ("OPENED", 1, "MONTH")),
        "KZ-T5": (2, ("OPENED", 1, "MONTH")),
        "KZ-T6": (2, ("PLAN_IN_FORCE", 6, "MONTH")),
        "KZ-T7": (1, ("CLOSED", 1, "MONTH")),
    },
    "perm": {"PRM-T1": (1, ("APPLICATION", 10, "DAY")), "PRM-T2": (1, None)},
    "angarsk-tzhs": {
        "ANG-T1": (4, ("APPLICATION", 1, "WORKING_DAY")),
        "ANG-T2": (8, ("APPLICATION", 10, "WORKING_DAY")),
        "ANG-T6": (1, ("OPENED", 1, "MONTH")),
        "ANG-T8": (1, ("FAMILY_CHANGED", 7, "WORKING_DAY")),
        "ANG-T9": (1, None),
    },
    "angarsk-sop": {
        "ANG-T3": (3, ("ORDER", 5, "WORKING_DAY")),
        "ANG-T4": (3, ("OPENED", 1, "WORKING_DAY")),
        "ANG-T5": (4, ("OPENED", 10, "WORKING_DAY")),
        "ANG-T6": (1, ("OPENED", 1, "MONTH")),
        "ANG-T7": (2, ("OPENED", 1, "HALF_YEAR")),
        "ANG-T8": (1, ("FAMILY_CHANGED", 7, "WORKING_DAY")),
    },
    "novgorod": {},
}
# domain.md, section 2: stages as the documents number them, else by order.
STAGES = {
    "iskorka": [f"ISK-{n}" for n in range(1, 8)],
    "kz-phc": [f"KZ-{n}" for n in range(1, 5)],
    "perm": [f"PRM-{n}" for n in range(1, 6)],
    "angarsk-tzhs": ["ANG-I", "ANG-II", "ANG-III"],
    "angarsk-sop": ["ANG-I", "ANG-II", "ANG-III"],
    "novgorod": [f"NOV-{n}" for n in range(1, 6)],
}
ROWS = ("stages", "plan_rules", "commission_steps", "requirements")


@pytest.fixture(scope="module")
def db() -> Iterator[Session]:
    with plain.database() as session:
        load_presets(session)
        session.commit()
        yield session


def shipped(db: Session, code: str) -> ProcedureVersion:
    return db.query(ProcedureVersion).join(Procedure).filter(Procedure.code == code).one()


def rows(version: ProcedureVersion) -> list[Any]:
    return [row for name in ROWS for row in getattr(version, name)]


# --- The six ---


def test_every_file_in_the_folder_is_loaded() -> None:
    folder = Path(exchange.__file__).parent / "data"
    assert {path.stem for path in folder.glob("*.yaml")} == {*PROCEDURES, "closing_grounds"}
    assert set(TERMS) == set(STAGES) == set(PROCEDURES)
    assert [preset("procedures", code)["code"] for code in PROCEDURES] == list(PROCEDURES)


@pytest.mark.parametrize("code", PROCEDURES)
def test_a_file_says_the_same_when_it_comes_back(db: Session, code: str) -> None:
    version = shipped(db, code)
    told = exchange.dump(version)
    assert exchange.dump(exchange.load(db, exchange.parse(told))) == told
    again, file = yaml.safe_load(told), preset("procedures", code)
    assert sorted(again["version"]["grounds"]) == sorted(file["version"]["grounds"])
    for name in ROWS:
        assert len(again["version"][name]) == len(file["version"][name])
        for kept, written in zip(again["version"][name], file["version"][name], strict=True):
            assert kept.items() <= written.items(), name  # what stands at its default need not be said


@pytest.mark.parametrize("code", PROCEDURES)
def test_every_row_of_a_practice_stands_in_its_file(db: Session, code: str) -> None:
    version = shipped(db, code)
    assert [stage.source for stage in version.stages] == STAGES[code]
    found = {row.source for row in rows(version)}
    assert found <= {*STAGES[code], *TERMS[code]}, "a row of a file comes from a row of the document"
    for id_, (count, term) in TERMS[code].items():
        same = [row for row in rows(version) if row.source == id_]
        assert len(same) == count, id_
        if term is not None:
            event, number, unit = term
            assert (same[0].event, same[0].count, same[0].unit) == (Fact[event], number, Unit[unit]), id_
            if id_ != "KZ-T6":  # the second one is for high risk
                assert {(row.event, row.count, row.unit) for row in same} == {(Fact[event], number, Unit[unit])}, id_


@pytest.mark.parametrize("code", PROCEDURES)
def test_every_row_may_stand(db: Session, code: str) -> None:
    version = shipped(db, code)
    for row in [version, *rows(version)]:
        assert list(row.faults()) == [], row.name if hasattr(row, "name") else row
    assert version.grounds
    assert all(stage.entry and stage.leave for stage in version.stages)
    names = [requirement.name for requirement in version.requirements]
    assert len(set(names)) == len(names), "marks move to the next version by the name"


def one(db: Session, code: str, id_: str, placement: Placement | None = None) -> Requirement:
    return next(row for row in shipped(db, code).requirements if row.source == id_ and row.placement is placement)


def test_contacts_follow_the_placement(db: Session) -> None:
    """KZ-T3, KZ-T4, KZ-T5: a patronage family is visited and called."""
    version = shipped(db, "kz-phc")
    by_id = {id_: {row.placement for row in version.requirements if row.source == id_} for id_ in TERMS["kz-phc"]}
    assert by_id["KZ-T3"] == {Placement.PARENTS, Placement.GUARDIANS, Placement.PATRONAGE}
    assert by_id["KZ-T4"] == {Placement.RELATIVES}
    assert by_id["KZ-T5"] == {Placement.INSTITUTION, Placement.PATRONAGE}
    weekly = one(db, "kz-phc", "KZ-T3", Placement.PARENTS)
    assert (weekly.during, weekly.during_unit, weekly.then_count, weekly.then_unit) == (1, Unit.MONTH, 1, Unit.MONTH)
    assert weekly.proof is Fact.HOME_VISIT
    some = one(db, "kz-phc", "KZ-T4", Placement.RELATIVES)
    assert (some.during, some.during_unit, some.then_count) == (3, Unit.MONTH, None)
    assert one(db, "kz-phc", "KZ-T5", Placement.INSTITUTION).proof is Fact.PHONE_CALL


def test_what_is_not_a_length_of_time(db: Session) -> None:
    """KZ-T1, KZ-T7, PRM-T2, ANG-T9."""
    assert one(db, "kz-phc", "KZ-T1").proof is Fact.URGENT_AGREED
    version = shipped(db, "kz-phc")
    assert (version.follow_up_from, version.follow_up_to) == (3, 6)
    assert one(db, "kz-phc", "KZ-T7").time is Time.AFTER
    step = next(step for step in shipped(db, "perm").commission_steps if step.source == "PRM-T2")
    assert (step.sits_every, step.sits_unit) == (1, Unit.WEEK)
    rule = next(rule for rule in shipped(db, "angarsk-tzhs").plan_rules if rule.source == "ANG-T9")
    assert (rule.months_from, rule.months_to) == (3, 12)


def test_hours_are_the_signals_and_stand_at_no_stage_of_a_case(db: Session) -> None:
    for code in PROCEDURES:
        for requirement in shipped(db, code).requirements:
            assert (requirement.unit is Unit.HOUR) is (requirement.event is Fact.SIGNAL_HIGH)
            assert requirement.unit is not Unit.HOUR or requirement.stage is None


def test_the_example_of_the_guide_is_read(db: Session) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "procedures.md").read_text("utf-8")
    version = exchange.load(db, exchange.parse(guide.partition("```yaml\n")[2].partition("```")[0]))
    assert [list(row.faults()) for row in rows(version)] == [[]] * 7


# --- What is dumped ---


def test_a_procedure_that_is_out_of_use_comes_back_as_one(db: Session) -> None:
    with plain.database() as session:
        version = exchange.load(session, {"code": "x", "name": "X", "active": False, "version": {}})
        session.add(version)
        session.flush()
        assert version.procedure.active is False
        assert yaml.safe_load(exchange.dump(version))["active"] is False
        version.procedure.active = True
        assert "active" not in yaml.safe_load(exchange.dump(version))


# --- Files that are wrong ---

GOOD = """
code: probe
name: Пробная методика
version:
  grounds: [Переезд семьи]
  stages:
  - {number: 1, name: Начало}
  requirements:
  - {stage: 1, name: Акт, event: APPLICATION, count: 3, unit: DAY}
"""


def faults(db: Session, text: str) -> list[str]:
    with pytest.raises(Unreadable) as caught:
        exchange.load(db, exchange.parse(text))
    return [fault.message % dict(fault.values) for fault in caught.value.faults]


def test_the_good_one_is_read(db: Session) -> None:
    version = exchange.load(db, exchange.parse(GOOD))
    assert version.requirements[0].stage is version.stages[0]
    assert version.grounds[0].name == "Переезд семьи"


def test_a_ground_named_twice_is_one(db: Session) -> None:
    text = GOOD.replace("[Переезд семьи]", "[Переезд семьи, переезд семьи]")
    assert [ground.name for ground in exchange.load(db, exchange.parse(text)).grounds] == ["Переезд семьи"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("code: probe", "code: [", "not YAML"),
        ("code: probe", "code: 2026-02-31", "not YAML"),
        ("code: probe", "note: Без кода", "code: a value is missing"),
        ("code: probe", "code: ''", "code: a value is missing"),
        ("code: probe", "code: 5", "code: “5” is not a value of this kind"),
        ("code: probe", "code: probe\ncolour: red", "colour: there is no such name"),
        ("code: probe", "code: probe\nactive: 1", "active: “1” is not a value of this kind"),
        ("code: probe", f"code: {'я' * 201}", "is too long"),
        ("stage: 1", "stage: 2", "requirements[1].stage: “2” is not one of: 1"),
        ("stage: 1", "stage: [1]", "requirements[1].stage: “[…]” is not a value of this kind"),
        ("stage: 1", "stage: {a: 1}", "requirements[1].stage: “{…}” is not a value of this kind"),
        ("stage: 1", "stage: true", "requirements[1].stage: “True” is not a value of this kind"),
        ("event: APPLICATION", "event: APPLIED", "requirements[1].event: “APPLIED” is not one of: SIGNAL"),
        ("event: APPLICATION", "event: [APPLICATION]", "requirements[1].event: “[…]”"),
        ("count: 3", "count: three", "requirements[1].count: “three” is not a value of this kind"),
        ("count: 3", "count: 99999999999", "requirements[1].count: “99999999999” is too long"),
        ("count: 3", "count: 2026-01-01", "requirements[1].count: “2026-01-01”"),
        ("[Переезд семьи]", "[Переезд]", "version.grounds: “Переезд” is not one of"),
        ("[Переезд семьи]", "[[Переезд семьи]]", "version.grounds: “[…]” is not one of"),
        ("[Переезд семьи]", "Переезд семьи", "version.grounds: “Переезд семьи” is not a value of this kind"),
        ("number: 1, name: Начало", "name: Начало", "version.stages[1].number: a value is missing"),
        ("{number: 1, name: Начало}", "Начало", "version.stages[1]: names with values are expected here"),
        ("  - {number: 1, name: Начало}", "    number: 1", "version.stages: a list is expected here"),
        ("- {number: 1, name: Начало}", "- {number: 1, name: Начало}\n  - {number: 1, name: Снова}",
         "version.stages: there are several stages with the number 1"),
        (GOOD, "- 1", "names with values are expected here"),
        (GOOD, "", "names with values are expected here"),
        (GOOD, "x" * 1_000_001, "not YAML"),
        (GOOD, "!!python/object:os.system {}", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(db: Session, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    assert [fault for fault in faults(db, GOOD.replace(old, new)) if said in fault]


def test_everything_that_is_wrong_is_said_at_once(db: Session) -> None:
    told = faults(db, GOOD.replace("code: probe", "code: 1").replace("count: 3", "count: x").replace("DAY", "YEAR"))
    assert len([fault for fault in told if "probe" not in fault]) >= 3


def test_lists_within_lists_are_not_written_out(db: Session) -> None:
    """Each line refers ten times to the line before: written out it would fill the memory."""
    text = "a: &a [x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    assert faults(db, text + "code: *j\nname: *j\nversion: {}\n")
