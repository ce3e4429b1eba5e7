"""Each term by the day of the place where its case is led: lists, pages, the calendar, what may be written down."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases.models import Case
from app.deadlines.engine import settle_all
from app.deadlines.models import Deadline, DeadlineState
from app.families.models import Family
from app.kernel import clock, query
from app.kernel.schema import schema_of
from app.kernel.writing import save
from app.procedures import exchange
from app.procedures.models import ProcedureVersion, Requirement, VersionStatus
from app.roles import ADMINISTRATOR, CURATOR
from app.signals.models import Signal
from app.territory.kinds import Zone
from app.territory.models import Organisation, Staff
from tests import pages
from tests.deadlines.test_flow import words
from tests.running import Person, login, working

EXAMPLES = list(csv.DictReader(Path(__file__).with_name("places.csv").open(encoding="utf-8"), delimiter=";"))
PROCEDURE = """
code: places
name: Везде одна
version:
  stages: [{number: 1, name: Работа}]
  requirements:
  - {kind: ACTION, name: Откликнуться, event: SIGNAL, count: 1, unit: DAY}
  - {kind: PAPER, name: Акт, event: APPLICATION, count: 10, unit: DAY}
"""
# In Moscow and Novgorod it is still Wednesday, nine in the evening; in Angarsk Thursday, two in the morning.
NIGHT = dt.datetime(2026, 11, 25, 18, tzinfo=dt.UTC)
WEDNESDAY, THURSDAY = dt.date(2026, 11, 25), dt.date(2026, 11, 26)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dt.datetime], None]]:
    """Another moment than now."""

    def set_clock(moment: dt.datetime) -> None:
        query._made.cache_clear()  # statements hold the day that they were made on
        monkeypatch.setattr(clock, "day_in", lambda place: moment.astimezone(place).date())

    yield set_clock
    query._made.cache_clear()


def published(session: Any) -> ProcedureVersion:
    version = exchange.load(session, exchange.parse(PROCEDURE))
    save(session, version.procedure, version, *version.stages, *version.requirements)
    version.status, version.published_on = VersionStatus.PUBLISHED, dt.date(2026, 1, 1)
    save(session, version)
    return version


class Country:
    """A case in Angarsk and one in Novgorod, with the same days; each has a curator."""

    def __init__(self, app: Flask, make_user: Callable[..., Person]) -> None:
        self.app = app
        self.people = {place: make_user(CURATOR, organisation=place) for place in ("Ангарск", "Новгород")}
        self.admin = login(app.test_client(), make_user(ADMINISTRATOR))
        self.cases: dict[str, int] = {}
        with working(app) as session:
            version = published(session)
            for place, person in self.people.items():
                organisation = session.get_one(Organisation, person.organisation_id)
                organisation.zone = Zone.IRKUTSK if place == "Ангарск" else None
                case = Case(
                    family=Family(name=f"{place}ские", organisation=organisation), procedure=version.procedure,
                    number=place, curator=session.get_one(Staff, person.staff_id), opened_on=dt.date(2026, 11, 15),
                    applied_on=dt.date(2026, 11, 15),
                )  # fmt: skip
                save(session, organisation, case.family, case)
                session.commit()
                self.cases[place] = case.id

    def client(self, place: str) -> Any:
        return login(self.app.test_client(), self.people[place])


@pytest.fixture
def country(app: Flask, make_user: Callable[..., Person], at: Callable[[dt.datetime], None]) -> Country:
    at(NIGHT)
    return Country(app, make_user)


@pytest.mark.parametrize("zone", Zone)
def test_every_zone_is_known_and_says_how_far_it_is(zone: Zone) -> None:
    moment = dt.datetime(2026, 11, 25, 12, tzinfo=ZoneInfo(zone.key))
    offset = moment.utcoffset()
    assert offset is not None and f"(UTC+{offset.total_seconds() / 3600:.0f})" in zone.value


def test_one_term_is_overdue_where_the_day_is_over(country: Country) -> None:
    """Both are due on Wednesday: in Angarsk that was yesterday."""
    overdue, today = (country.admin.get(f"/deadline/?tab={tab}").text for tab in ("overdue", "today"))
    assert "Ангарские" in overdue or "Ангарск" in overdue
    assert "Новгород" not in overdue and "Новгород" in today and "Ангарск" not in today
    shown = words(country.admin.get(f"/case/{country.cases['Ангарск']}").text)
    assert "25.11.2026 · 1 day late" in shown
    assert "day late" not in words(country.admin.get(f"/case/{country.cases['Новгород']}").text)
    calendar = country.admin.get("/calendar/?view=week&on=2026-11-25").text
    late = [part.split("</li>")[0] for part in calendar.split("<li ") if "cal-late" in part.split(">")[0]]
    assert len(late) == 1 and "Ангарск" in late[0]
    assert country.admin.get(f"/case/{country.cases['Ангарск']}/flow").status_code == 200


def test_the_desk_begins_its_day_where_its_reader_works(country: Country) -> None:
    there, here = (words(country.client(place).get("/").text) for place in ("Ангарск", "Новгород"))
    assert "Thursday, 26 November" in there and "Overdue terms" in there and "1 day late" in there
    assert "Wednesday, 25 November" in here and "Today and this week Today Новгородские Акт" in here


def test_what_has_happened_has_happened_there(country: Country) -> None:
    """At two in the morning a contact of this day may be written down; in Novgorod that day has not come."""
    data = {"kind": "HOME", "event": "Визит", "held_on": f"{THURSDAY}"}
    for place, status in (("Ангарск", 302), ("Новгород", 422)):
        answer = country.client(place).post("/contact/add", data={**data, "case": country.cases[place]})
        assert answer.status_code == status, answer.text


def test_a_signal_belongs_to_a_day_of_its_place(app: Flask) -> None:
    """The examples of places.csv."""
    with working(app) as session:
        version = published(session)
        for number, example in enumerate(EXAMPLES):
            zone = Zone[example["пояс"]]
            moment = dt.datetime.strptime(example["момент там"], "%d.%m.%Y %H:%M").replace(tzinfo=ZoneInfo(zone.key))
            organisation = Organisation(name=f"{example['где']} {number}", zone=zone)
            family = Family(name="Т", organisation=organisation)
            save(session, case := Case(family=family, procedure=version.procedure, number=f"{number}"))
            signal = Signal(number=f"С-{number}", content="Шум", organisation=organisation, received_at=moment)
            signal.case = case
            session.add(signal)
            session.commit()
            wanted = Requirement.name == "Откликнуться", Deadline.case_id == case.id
            one = session.scalars(select(Deadline).join(Requirement).where(*wanted)).one()
            told = f"{one.event_on:%d.%m.%Y}", f"{one.due_on:%d.%m.%Y}"
            assert told == (example["день"], example["последний день"]), example
            assert one.zone is zone


def test_an_organisation_that_moves_takes_its_terms_along(country: Country) -> None:
    client, where = country.admin, country.people["Новгород"].organisation_id
    fields = pages.form(client.get(f"/organisation/{where}/edit").text)
    assert "Irkutsk, Angarsk, Ulan-Ude (UTC+8)" in client.get(f"/organisation/{where}/edit").text
    assert client.post(f"/organisation/{where}/edit", data={**fields.to_dict(), "zone": "KAMCHATKA"}).status_code == 302
    assert "Новгород" in client.get("/deadline/?tab=overdue").text
    with working(country.app) as session:
        assert settle_all(session.connection()) == 0, "and nothing is left to be written"


def test_a_zone_that_is_not_there_is_refused_in_words(country: Country) -> None:
    client, where = country.admin, country.people["Новгород"].organisation_id
    fields = pages.form(client.get(f"/organisation/{where}/edit").text)
    answer = client.post(f"/organisation/{where}/edit", data={**fields.to_dict(), "zone": "Mars/Olympus"})
    assert answer.status_code == 422 and "Choose a value from the list." in words(answer.text)


def test_the_states_of_a_term_by_place(country: Country, at: Callable[[dt.datetime], None]) -> None:
    """Hour by hour through three days, against whoever looks at a calendar on the wall there."""
    with working(country.app) as session:
        table = schema_of(Deadline).table
        for hours in range(0, 73, 3):
            moment = NIGHT + dt.timedelta(hours=hours - 30)
            at(moment)
            expression = Deadline.__dict__["state"].sql(table.c, None)
            for due, zone, state in session.execute(select(table.c.due_on, table.c.zone, expression)):
                wall = moment.astimezone(ZoneInfo(zone.key if zone else "Europe/Moscow")).date()
                sunday = wall + dt.timedelta(days=6 - wall.weekday())
                wanted = (
                    DeadlineState.OVERDUE if due < wall else DeadlineState.TODAY if due == wall
                    else DeadlineState.WEEK if due <= sunday else DeadlineState.AHEAD
                )  # fmt: skip
                assert state is wanted, (moment, zone)
