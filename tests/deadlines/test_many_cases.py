"""What concerns many cases at once: a corrected calendar, an unknown year, a procedure's first version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from app import cli
from app.cases.models import Case
from app.deadlines import engine
from app.deadlines.engine import settle_all, settle_marked, waiting
from app.deadlines.models import DayOff, Deadline, Unsettled
from app.families.models import Family
from app.kernel.bin import BinEntry
from app.kernel.writing import remove, save
from app.procedures import exchange
from app.procedures.kinds import Country
from app.procedures.models import Procedure, ProcedureVersion, VersionStatus
from app.roles import ADMINISTRATOR
from app.terms.calendars import KNOWN
from app.territory.models import Organisation
from tests.deadlines.test_flow import words
from tests.running import Person, login, working

PROCEDURE = """
code: many
name: Для многих
version:
  stages: [{number: 1, name: Работа}]
  requirements:
  - {kind: PAPER, name: Акт, event: APPLICATION, count: 10, unit: WORKING_DAY}
  - {kind: PAPER, name: Нескоро, event: APPLICATION, count: 1000, unit: WORKING_DAY}
"""
TODAY = dt.date.today()
WORKED = next(day for n in range(1, 8) if (day := TODAY + dt.timedelta(days=n)).weekday() == 2)  # a Wednesday ahead
CASES = 5


class Many:
    """Some cases, all with terms in working days, and an administrator."""

    def __init__(self, app: Flask, make_user: Callable[..., Person], *, published: bool) -> None:
        self.app = app
        self.client = login(app.test_client(), make_user(ADMINISTRATOR))
        with working(app) as session:
            version = exchange.load(session, exchange.parse(PROCEDURE))
            save(session, version.procedure, version, *version.stages, *version.requirements)
            if published:
                version.status, version.published_on = VersionStatus.PUBLISHED, TODAY
                save(session, version)
            self.version, self.cases = version.id, []
            session.add(organisation := Organisation(name="Искорка"))
            for number in range(CASES):
                family = Family(name=f"Семья {number}", organisation=organisation)
                case = Case(family=family, procedure=version.procedure, number=f"{number}", opened_on=TODAY,
                            applied_on=TODAY - dt.timedelta(days=number))  # fmt: skip
                save(session, family, case)
                session.commit()
                self.cases.append(case.id)

    def due(self) -> dict[int, dt.date]:
        with working(self.app) as session:
            c = Deadline.__table__.c
            return dict(session.execute(select(c.case_id, c.due_on).order_by(c.due_on.desc())).all())  # the nearest

    def waiting(self) -> set[int]:
        with working(self.app) as session:
            return set(session.scalars(select(Unsettled.case_id)))


@pytest.fixture
def many(app: Flask, make_user: Callable[..., Person]) -> Many:
    return Many(app, make_user, published=True)


def test_a_corrected_calendar_settles_a_portion_and_the_rest_later(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PORTION", 2)
    before = many.due()
    saved = many.client.post("/day-off/add", data={"country": "RU", "day": f"{WORKED}", "name": "Указ"})
    assert saved.status_code == 302
    left = many.waiting()
    assert len(left) == CASES - 2
    assert "The terms of 3 more cases are counted anew when they are opened, or at night." in words(
        many.client.get(saved.location).text
    )
    now = many.due()
    assert {case for case in many.cases if now[case] == before[case]} == left, "the others are later by a day"
    assert "Terms to be counted anew 3 cases wait for it" in words(many.client.get("/").text)
    # Whoever looks at a case finds it right.
    opened, term = sorted(left)[:2]
    assert many.client.get(f"/case/{opened}").status_code == 200
    with working(many.app) as session:
        wanted = select(Deadline.id).where(Deadline.case_id == term).order_by(Deadline.due_on)
        pk = session.scalars(wanted).first()
    page = many.client.get(f"/deadline/{pk}", follow_redirects=True)
    assert page.status_code == 200 and f"{WORKED:%d.%m.%Y}" in words(page.text), "the day off is named"
    assert many.waiting() == left - {opened, term}
    # The rest at night.
    with working(many.app) as session:
        assert settle_marked(session.connection()) == 1
        session.commit()
        assert settle_all(session.connection()) == 0 and waiting(session.connection()) == 0
    assert "wait for it" not in words(many.client.get("/").text)
    assert all(many.due()[case] > before[case] for case in many.cases)


def test_the_command_settles_what_waits(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PORTION", 0)
    monkeypatch.setattr(cli, "ready_app", lambda: many.app)
    with working(many.app) as session:
        save(session, DayOff(country=Country.RU, day=WORKED))
        session.commit()
    assert many.waiting() == set(many.cases)
    told = CliRunner().invoke(cli.main, ["terms"], catch_exceptions=False)
    assert "Пересчитано случаев: 5" in told.output and many.waiting() == set()
    assert "Пересчитано случаев: 0" in CliRunner().invoke(cli.main, ["terms"], catch_exceptions=False).output


def test_a_day_that_is_moved_or_taken_away_counts_as_it_did(many: Many) -> None:
    before = many.due()
    with working(many.app) as session:
        save(session, day := DayOff(country=Country.RU, day=WORKED))
        session.commit()
        later = many.due()
        day.day = WORKED + dt.timedelta(days=3000)  # beyond every term: the day that it was is worked again
        save(session, day)
        session.commit()
        assert many.due() == before != later
        day.day = WORKED
        save(session, day)
        session.commit()
        assert many.due() == later
        remove(session, day)
        session.commit()
        assert many.due() == before and settle_all(session.connection()) == 0


def test_a_day_put_back_out_of_the_bin_counts_again(many: Many) -> None:
    assert many.client.post("/day-off/add", data={"country": "RU", "day": f"{WORKED}"}).status_code == 302
    later = many.due()
    with working(many.app) as session:
        (pk,) = session.scalars(select(DayOff.id))
    assert many.client.post(f"/day-off/{pk}/delete").status_code == 302
    assert many.due() != later
    with working(many.app) as session:
        (entry,) = session.scalars(select(BinEntry.id))
    assert many.client.post("/bin/restore", data={"entry": f"{entry}"}).status_code == 302
    assert many.due() == later


def test_another_country_counts_by_its_own_calendar(many: Many) -> None:
    with working(many.app) as session:
        session.scalars(select(Procedure).where(Procedure.code == "many")).one().country = Country.KZ
        session.commit()
        assert settle_all(session.connection()) == 0


def test_what_is_marked_is_not_forgotten_by_a_look_before(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks are taken off before the calendar is read: one that is set meanwhile stays."""
    order: list[str] = []
    read = engine.calendars
    monkeypatch.setattr(engine, "calendars", lambda connection: order.append("calendars") or read(connection))
    with working(many.app) as session:
        connection = session.connection()
        take = connection.execute

        def noted(statement: Any, *rest: Any, **more: Any) -> Any:
            if getattr(statement, "is_delete", False) and statement.table.name == "unsettled":
                order.append("marks")
            return take(statement, *rest, **more)

        monkeypatch.setattr(connection, "execute", noted)
        engine.settle(connection, many.cases)
    assert order == ["marks", "calendars"]


def test_an_unknown_year_is_told_on_the_desk_and_in_the_calendar(many: Many) -> None:
    unknown = max(many.due().values())
    with working(many.app) as session:
        far = max(session.scalars(select(Deadline.due_on)))
    assert far.year not in KNOWN and unknown <= far
    desk = words(many.client.get("/").text)
    assert f"Days off of {far.year} are not known: Russia" in desk and "an estimate" in desk
    for view in ("", "&view=week"):
        page = words(many.client.get(f"/calendar/?on={far.year}-03-10{view}").text)
        assert f"Days off of {far.year} are not known for certain yet" in page
        assert "are not known for certain" not in words(many.client.get(f"/calendar/?on=2026-11-10{view}").text)


def test_the_first_version_offers_to_take_the_open_cases_in(app: Flask, make_user: Callable[..., Person]) -> None:
    many = Many(app, make_user, published=False)
    desk = words(many.client.get("/").text)
    assert "Для многих 5 cases without a version: no terms" in desk and many.due() == {}
    asked = words(many.client.get(f"/procedure-version/{many.version}/publish").text)
    assert "5 open cases run under no version yet" in asked
    published = many.client.post(f"/procedure-version/{many.version}/publish")
    assert published.location.endswith(f"/procedure-version/{many.version}/move")
    assert f"/procedure-version/{many.version}/move" in many.client.get("/").text, "the desk leads there"
    with working(app) as session:
        late = session.get_one(Case, many.cases[0])
        late.applied_on = TODAY - dt.timedelta(days=60)
        save(session, late)
        session.commit()
    preview = words(many.client.get(published.location).text)
    assert "opened before the procedure had a version" in preview and "1 overdue at once" in preview
    assert many.due() == {}, "to look moves nothing"
    moved = many.client.post(published.location, data={"case": many.cases[:4]})
    assert moved.status_code == 302 and len(many.due()) == 4
    assert "Для многих 1 case without a version: no terms" in words(many.client.get("/").text)


def test_the_next_version_leads_to_itself(many: Many) -> None:
    """Nobody is sent to a move of cases that run under the version before."""
    with working(many.app) as session:
        before = session.get_one(ProcedureVersion, many.version)
        draft = exchange.load(session, exchange.parse(exchange.dump(before)))
        save(session, draft, *draft.stages, *draft.requirements)
        session.commit()
        draft_id = draft.id
    published = many.client.post(f"/procedure-version/{draft_id}/publish")
    assert published.location.endswith(f"/procedure-version/{draft_id}")
