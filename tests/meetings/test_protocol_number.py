"""Two protocols of one commission do not bear one number in one year."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.kernel.writing import Refused, save
from models import Commission, Meeting
from tests.records import Maker
from tests.running import working

FIRST = {"number": "7", "held_on": dt.date(2026, 3, 2)}


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"held_on": dt.date(2026, 12, 31)}, True),
        ({"held_on": dt.date(2027, 1, 1)}, False),  # numbers begin anew with the year
        ({"held_on": dt.date(2026, 12, 31), "number": "8"}, False),
    ],
)
def test_a_number_is_given_once_a_year(app: Flask, changed: dict[str, object], refused: bool) -> None:
    with working(app) as session:
        maker = Maker(session)
        maker.new(Meeting, **FIRST)
        again = FIRST | changed
        if refused:
            with pytest.raises(Refused, match="number"):
                maker.new(Meeting, **again)
        else:
            maker.new(Meeting, **again)
        maker.new(Meeting, **again | {"commission": maker.new(Commission)})


def test_a_meeting_keeps_its_own_number_when_it_is_saved_again(app: Flask) -> None:
    with working(app) as session:
        meeting = Maker(session).new(Meeting, **FIRST)
        meeting.place = "Зал"
        save(session, meeting)
