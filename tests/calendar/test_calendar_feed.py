"""The link for other calendars: whose days it tells, that it tells no name, and that other programs can read it."""

from __future__ import annotations

import datetime as dt
import re

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.calendar.models import CalendarLink
from app.calendar.views import MOST_AN_HOUR
from app.cases.models import Case
from app.deadlines.engine import settle_all
from app.deadlines.models import Mark
from app.kernel.access import digest
from app.kernel.orm import now
from app.kernel.users import set_active, set_password, set_roles
from app.kernel.writing import save
from app.meetings.models import CommissionMember
from app.territory.models import Staff
from tests.calendar.conftest import MARK, SOON, TODAY, World, ask
from tests.running import PASSWORD, Person, login, statements, working


def make(client: FlaskClient) -> str:
    """The path of a new link."""
    page = client.post("/account/calendar", data={"do": "make"}).text
    (address,) = re.findall(r'value="http://localhost(/calendar/feed/[^"]+)"', page)
    return address


def feed_of(app: Flask, person: Person) -> str:
    return make(login(app.test_client(), person))


def events(text: str) -> list[tuple[dt.date, str]]:
    calendar = icalendar.Calendar.from_ical(text)
    return sorted((event.decoded("dtstart"), str(event["summary"])) for event in calendar.walk("VEVENT"))


def test_it_tells_ones_own_days_without_a_name(app: Flask, world: World) -> None:
    answer = app.test_client().get(feed_of(app, world.curator))
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    assert events(answer.text) == [
        (SOON, "Meeting of a commission"),
        (SOON, "Row of a plan · 2026/77"),
        (SOON, "Row of a plan · 2026/77"),
        (SOON, "Term of a case · 2026/77"),
    ]
    assert MARK not in answer.text and "Искорка" not in answer.text and "Иванова" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_is_a_calendar_by_the_standard(app: Flask, world: World) -> None:
    with working(app) as session:
        session.get_one(Case, world.case).number = "2026/77, «Я»; особое\\дело " + "очень длинный номер " * 6
        session.commit()
    address = feed_of(app, world.curator)
    raw = app.test_client().get(address).data
    assert raw.endswith(b"END:VCALENDAR\r\n") and b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    calendar = icalendar.Calendar.from_ical(raw)
    found = list(calendar.walk("VEVENT"))
    assert any(str(event["summary"]).endswith("особое\\дело " + "очень длинный номер " * 5 + "очень длинный номер ")
               for event in found)  # fmt: skip
    for event in found:
        assert not event.errors and {"UID", "DTSTAMP", "DTSTART", "DTEND"} <= set(event)
        assert event.decoded("dtend") - event.decoded("dtstart") == dt.timedelta(days=1)
    uids = [str(event["uid"]) for event in found]
    assert len(set(uids)) == len(uids)
    again = icalendar.Calendar.from_ical(app.test_client().get(address).data)
    assert [str(event["uid"]) for event in again.walk("VEVENT")] == uids, "the same things are known again"


def test_it_reaches_from_a_month_back_to_half_a_year_ahead(app: Flask, world: World) -> None:
    with working(app) as session:
        case = session.get_one(Case, world.case)
        assert case.edition is not None
        session.add_all(more := [ask(case.edition, day) for day in (5, -31, -30, 180, 181)])
        session.flush()
        save(session, case, Mark(case=case, requirement=more[0], done_on=TODAY))
        settle_all(session.connection())
        session.commit()
    found = events(app.test_client().get(feed_of(app, world.curator)).text)
    days = [(day - TODAY).days for day, words in found if words.startswith("Term")]
    assert days == [-30, 2, 180]


def test_it_tells_nobody_elses_days(app: Flask, world: World) -> None:
    for person in (world.colleague, world.supervisor):
        assert events(app.test_client().get(feed_of(app, person)).text) == [], "in reach, perhaps, and not his own"
    assert events(app.test_client().get(feed_of(app, world.member)).text) == [(SOON, "Meeting of a commission")]
    address = feed_of(app, world.member)
    with working(app) as session:
        session.scalars(select(CommissionMember)).one().until = TODAY
        session.commit()
    assert events(app.test_client().get(address).text) == []


def test_it_speaks_the_language_of_its_owner(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.curator)
    address = make(client)
    client.post("/account/locale", data={"locale": "kk"})
    assert (SOON, "Комиссия отырысы") in events(app.test_client().get(address).text)


def test_a_case_that_passes_to_another_passes_out_of_it(app: Flask, world: World) -> None:
    address = feed_of(app, world.curator)
    with working(app) as session:
        session.get_one(Case, world.case).curator = session.get_one(Staff, world.colleague.staff_id)
        session.commit()
    assert events(app.test_client().get(address).text) == []


def test_a_wrong_or_withdrawn_secret_is_no_address(app: Flask, world: World) -> None:
    client, stranger = login(app.test_client(), world.curator), app.test_client()
    first = make(client)
    assert stranger.get("/calendar/feed/guess.ics").status_code == 404
    assert client.get("/calendar/feed/guess.ics").status_code == 404, "nor with a session"
    second = make(client)
    assert stranger.get(first).status_code == 404 and stranger.get(second).status_code == 200
    assert "taken away" in client.post("/account/calendar", data={"do": "remove"}, follow_redirects=True).text
    assert stranger.get(second).status_code == 404


def test_only_a_digest_is_kept_and_the_link_is_shown_once(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.curator)
    secret = make(client).rpartition("/")[2].removesuffix(".ics")
    page = client.get("/account/calendar").text
    assert secret not in page and "It cannot be shown again" in page
    with working(app) as session:
        assert session.scalars(select(CalendarLink.digest)).all() == [digest(secret)]
    with statements(app) as sent:
        app.test_client().get(f"/calendar/feed/{secret}.ics")
    assert len(sent) <= 6 and all(secret not in statement for statement in sent)


@pytest.mark.parametrize("how", ["off", "no role", "one-time password"])
def test_whoever_may_not_come_in_is_told_nothing(how: str, app: Flask, world: World) -> None:
    address = feed_of(app, world.curator)
    with working(app) as session:
        if how == "off":
            set_active(session, world.curator.id, False)
        elif how == "no role":
            set_roles(session, world.curator.id, set())
        else:
            set_password(session, world.curator.id, PASSWORD, must_change=True)
        session.commit()
    assert app.test_client().get(address).status_code == 404


def test_a_program_that_never_stops_asking_waits(app: Flask, world: World) -> None:
    address, client = feed_of(app, world.curator), app.test_client()
    with working(app) as session:
        session.scalars(select(CalendarLink)).one().asked = MOST_AN_HOUR - 1
        session.commit()
    assert client.get(address).status_code == 200
    refused = client.get(address)
    assert refused.status_code == 429 and refused.headers["Retry-After"] and not refused.data
    with working(app) as session:
        session.scalars(select(CalendarLink)).one().since = now() - dt.timedelta(hours=2)
        session.commit()
    assert client.get(address).status_code == 200
