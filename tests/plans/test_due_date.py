"""Which terms written in words have a day of their own. The plan of the table was made on 20.02.2018."""

from __future__ import annotations

import datetime as dt

import pytest

from app.plans.rules import due_date

MADE_ON = dt.date(2018, 2, 20)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        # dates
        ("15.03.2018", "2018-03-15"),
        ("до 15.03.2018", "2018-03-15"),
        ("До 15.03.2018 г.", "2018-03-15"),
        ("не позднее 5.4.2018", "2018-04-05"),
        ("к 01.09.2018", "2018-09-01"),
        ("с 01.03.2018 по 31.03.2018", "2018-03-31"),
        ("01.03.2018 – 15.03.2018", "2018-03-15"),
        ("до 15 марта", "2018-03-15"),
        ("15 мая 2019 года", "2019-05-15"),
        # periods from the day the plan was made
        ("В течение 1 месяца", "2018-03-20"),
        ("в течение месяца", "2018-03-20"),
        ("В течение 1 недели", "2018-02-27"),
        ("в течение 2 недель", "2018-03-06"),
        ("в течение 10 дней", "2018-03-02"),
        ("в течение 10 календарных дней", "2018-03-02"),
        ("в течение 3-х месяцев", "2018-05-20"),
        ("в течение года", "2019-02-20"),
        # months
        ("Февраль", "2018-02-28"),
        ("Март", "2018-03-31"),
        ("  март ", "2018-03-31"),
        ("в мае", "2018-05-31"),
        ("Май", "2018-05-31"),
        ("до конца августа", "2018-08-31"),
        ("Март-апрель 2018 г.", "2018-04-30"),
        ("декабрь 2019", "2019-12-31"),
        # a month that has passed may be the next year's or a slip: nobody knows
        ("Январь", None),
        ("январь 2018", "2018-01-31"),
        ("ноябрь-январь", None),
        ("10 января", None),
        ("до марта", None),
        # working days need the production calendar
        ("в течение 10 рабочих дней", None),
        # events and habits
        ("По мере необходимости", None),
        ("Постоянно", None),
        ("По заявлению", None),
        ("по заявлению, 2 раза в год", None),
        ("После получения консультации", None),
        ("После обучения", None),
        ("Август; После заключения договора", None),
        ("В период проведения занятий", None),
        ("В течение реализации программы обучения", None),
        ("По дате назначения", None),
        ("По датам мероприятий", None),
        # slips
        ("31.02.2018", None),
        ("30 февраля", None),
        ("99.99.9999", None),
        ("15.03.18", None),
        ("", None),
        (None, None),
    ],
)
def test_due_date(term, expected):
    assert due_date(term, MADE_ON) == (dt.date.fromisoformat(expected) if expected else None)


def test_a_month_after_the_last_day_of_a_long_one():
    assert due_date("в течение 1 месяца", dt.date(2024, 1, 31)) == dt.date(2024, 2, 29)
    assert due_date("в течение месяца", dt.date(2023, 12, 31)) == dt.date(2024, 1, 31)
