"""A plan that was cancelled: what it had kept by then is kept. Examples that a lawyer can read, and an oracle."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deadlines.rules import Rule, Standing, expected
from app.plans import life
from app.plans.models import Plan, PlanStatus
from app.terms.calendars import shipped
from app.terms.rules import Calendar, Phase, Span, Term, Unit
from tests.deadlines.test_engine import TODAY, Desk, day, desk  # noqa: F401
from tests.terms.test_examples import day as read

EXAMPLES = list(csv.DictReader(Path(__file__).with_name("cancelled_plans.csv").open(encoding="utf-8"), delimiter=";"))
START = dt.date(2026, 3, 2)
ONE = dt.timedelta(days=1)
UNITS = {"10 дней": Term(10, Unit.DAY), "10 рабочих дней": Term(10, Unit.WORKING_DAY)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: " ".join(one.values()))
def test_an_example(example: dict[str, str]) -> None:
    made, cancelled, new = (example[name] for name in ("план составлен", "план отменён", "новый план"))
    alive = [read(one) for one in ([] if cancelled else [made]) + ([new] if new else [])]
    gone = [Span(read(made), read(cancelled))] if cancelled else []
    case = Standing({"APPLICATION": [read(example["срок отсчитан от"])], "PLAN": alive}, withdrawn={"PLAN": gone})
    rule = Rule(1, "APPLICATION", term=UNITS[example["правило"]], proof="PLAN")
    (one,) = expected(rule, case, shipped("RU"))
    assert one.due_on == read(example["последний день"])
    assert one.done_on == (None if example["выполнено"] == "нет" else read(example["выполнено"]))


plans = st.lists(st.tuples(st.integers(-3, 30), st.none() | st.integers(0, 30)), max_size=5)


def walked(made: list[tuple[dt.date, dt.date | None]], last: dt.date) -> dt.date | None:
    """Day by day: at the end of the last day somebody looks which plans there are; later he waits for the first."""
    on_the_table: list[dt.date] = []
    today = START - 3 * ONE
    while today <= last:
        on_the_table += [begin for begin, _end in made if begin == today]
        for begin, end in made:
            if end == today and begin in on_the_table:
                on_the_table.remove(begin)
        today += ONE
    while not on_the_table and today < START + 99 * ONE:
        on_the_table += [begin for begin, _end in made if begin == today]
        today += ONE
    return min(on_the_table, default=None)


@given(plans, st.integers(1, 20))
def test_a_plan_keeps_the_term_when_it_stands_at_its_end(drawn: list[tuple[int, int | None]], length: int) -> None:
    made = [(START + n * ONE, None if more is None else START + (n + more) * ONE) for n, more in drawn]
    alive = sorted({begin for begin, end in made if end is None})
    gone = [Span(*one) for one in sorted((begin, end) for begin, end in made if end is not None)]
    case = Standing({"APPLICATION": [START], "PLAN": alive}, withdrawn={"PLAN": gone})
    (one,) = expected(Rule(1, "APPLICATION", term=Term(length, Unit.DAY), proof="PLAN"), case, Calendar())
    assert one.done_on == walked(made, START + length * ONE)


REVIEWS = Rule(1, "PLAN_IN_FORCE", phases=(Phase(Term(3, Unit.MONTH)),), proof="MONITORING")


def told(**values: list[dt.date]) -> list[tuple[str, str, str]]:
    """Reviews of a plan that was in force from 10.01.2026 and cancelled on 01.09.2026: due, done, ended."""
    gone = {"PLAN_IN_FORCE": [Span(dt.date(2026, 1, 10), dt.date(2026, 9, 1))]}
    found = expected(REVIEWS, Standing(values, withdrawn=gone), Calendar())
    return [tuple(f"{one:%d.%m.%Y}" if one else "" for one in (e.due_on, e.done_on, e.ended_on)) for e in found]  # type: ignore[misc]


def test_reviews_of_a_cancelled_plan_stay_and_none_is_waited_for() -> None:
    first, second = dt.date(2026, 4, 8), dt.date(2026, 7, 10)
    kept = [("10.04.2026", "08.04.2026", ""), ("10.07.2026", "10.07.2026", "")]
    assert told(MONITORING=[first, second]) == kept
    assert told(MONITORING=[first]) == [kept[0], ("10.07.2026", "", "01.09.2026")], "what was missed is told as missed"
    assert told(MONITORING=[first, second, dt.date(2026, 9, 20)]) == kept, "nothing is reviewed after the plan"
    again = told(MONITORING=[first, second], PLAN_IN_FORCE=[dt.date(2026, 10, 1)])
    assert again == [*kept, ("01.01.2027", "", "")], "the next plan has reviews of its own"


def test_a_plan_in_force_before_it_goes_on() -> None:
    one = told(MONITORING=[dt.date(2026, 4, 8)], PLAN_IN_FORCE=[dt.date(2026, 1, 9)])
    assert one == [("09.04.2026", "08.04.2026", ""), ("09.07.2026", "", "")]


def test_cancelling_a_plan_takes_nothing_back_that_it_kept(desk: Desk) -> None:  # noqa: F811
    """In the records: the term «План» of the second stage is kept by any plan."""
    desk.case.enter(desk.version.stages[1], day(60))
    desk.save(desk.case)
    (due,) = desk.terms("План")
    assert due.due_on == day(18) and due.done_on is None
    desk.save(plan := Plan(case=desk.case, made_on=day(30), goals=[]))
    assert [one.done_on for one in desk.terms("План")] == [day(30)]
    life.move(desk.session, plan, PlanStatus.CANCELLED, {})
    desk.session.commit()
    assert plan.cancelled_on == TODAY
    assert [one.done_on for one in desk.terms("План")] == [day(30)], "it was made in time, and is"
    plan.cancelled_on = day(20)
    desk.save(plan)
    assert [one.done_on for one in desk.terms("План")] == [None], "there was time left for another one"
