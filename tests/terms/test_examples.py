"""The dated examples that a lawyer can read and correct: examples.csv beside this file."""

from __future__ import annotations

import csv
import datetime as dt
import re
from itertools import islice
from pathlib import Path

import pytest

from app.terms.calendars import shipped
from app.terms.rules import Phase, Term, Unit, due, occasions

EXAMPLES = list(csv.DictReader(Path(__file__).with_name("examples.csv").open(encoding="utf-8"), delimiter=";"))

MONTH, WEEK = Term(1, Unit.MONTH), Term(1, Unit.WEEK)
TERMS = {
    r"(\d+) рабочи[йх]+ д(?:ень|ней)": Unit.WORKING_DAY,
    r"(\d+) д(?:ень|ней)": Unit.DAY,
    r"(\d+) недель": Unit.WEEK,
    r"(\d+) месяц(?:а|ев)?": Unit.MONTH,
}
SCHEDULES = {
    "еженедельно": (Phase(WEEK),),
    "ежемесячно": (Phase(MONTH),),
    "ежемесячно три месяца": (Phase(MONTH, Term(3, Unit.MONTH)),),
    "ежеквартально": (Phase(Term(3, Unit.MONTH)),),
    "еженедельно в первый месяц, затем ежемесячно": (Phase(WEEK, MONTH), Phase(MONTH)),
}


def day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%d.%m.%Y").date()


def last_day(event: dt.date, rule: str, country: str) -> dt.date:
    """What the engine answers to a rule in the words of the file."""
    calendar = shipped(country)
    if rule == "полугодие":
        return due(event, Term(1, Unit.HALF_YEAR), calendar).day
    if repeated := re.fullmatch(r"(.+), (\d+)-й раз", rule):
        number = int(repeated[2])
        return next(islice(occasions(event, SCHEDULES[repeated[1]], calendar), number - 1, None))
    for words, unit in TERMS.items():
        if found := re.fullmatch(words, rule):
            return due(event, Term(int(found[1]), unit), calendar).day
    raise AssertionError(f"no such rule: {rule}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: " ".join(one.values()))
def test_an_example(example: dict[str, str]) -> None:
    event, expected = day(example["дата события"]), day(example["последний день"])
    assert last_day(event, example["правило"], example["календарь"]) == expected


def test_there_are_enough_of_them_and_of_every_practice() -> None:
    named = {example["строка"] for example in EXAMPLES}
    assert len(EXAMPLES) >= 200
    assert named >= {*(f"ANG-T{n}" for n in range(1, 10)), *(f"KZ-T{n}" for n in range(2, 8)), "PRM-T1", "ISK-T1"}
