"""The calendar's page: what stands on it for whom, and moving what may be moved."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.deadlines.models import DayOff
from app.meetings.models import Meeting
from app.plans.models import Activity, Plan, PlanStatus
from app.procedures.kinds import Country
from app.roles import ANALYST
from tests.calendar.conftest import MARK, SOON, TODAY, World
from tests.running import login, statements, working

WEEK = f"/calendar/?view=week&on={SOON}"


def stands(page: str, day: dt.date) -> set[str]:
    """The addresses of what stands on a day of the page."""
    (cell,) = re.findall(rf'data-day="{day}".*?</td>', page, re.S)
    return set(re.findall(r'<a href="(/[a-z]+/\d+)"', cell))


def moved(client: FlaskClient, path: str, was: dt.date, on: dt.date, **more: str) -> str:
    answer = client.post(path, data={"was": f"{was}", "on": f"{on}", "next": WEEK, **more})
    assert answer.status_code == 302 and answer.location == WEEK
    return client.get(WEEK).text


@pytest.mark.parametrize("view", ["week", "month"])
def test_everything_of_a_day_stands_on_it(view: str, app: Flask, world: World) -> None:
    client = login(app.test_client(), world.curator)
    page = client.get(f"/calendar/?view={view}&on={SOON}").text
    assert stands(page, SOON) == {
        f"/deadline/{world.deadline}", f"/meeting/{world.meeting}",
        f"/activity/{world.draft}", f"/activity/{world.firm}",
    }  # fmt: skip
    assert f"{MARK}ы" in page and "Row of a plan" in page
    assert f'href="/deadline/{world.deadline}"' not in client.get(f"/calendar/?on={SOON + dt.timedelta(70)}").text


def test_what_is_out_of_reach_is_not_there(app: Flask, world: World) -> None:
    page = login(app.test_client(), world.colleague).get(WEEK).text
    assert stands(page, SOON) == {f"/meeting/{world.meeting}"}, "sittings of the municipality are everybody's"
    assert f"{MARK}ы" not in page and f"/deadline/{world.deadline}" not in page


def test_one_curator_is_looked_at_apart(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.supervisor)
    assert f"/deadline/{world.deadline}" in stands(client.get(f"{WEEK}&curator={world.curator.staff_id}").text, SOON)
    assert stands(client.get(f"{WEEK}&curator={world.colleague.staff_id}").text, SOON) == set()
    assert client.get(f"{WEEK}&curator=999999").status_code == 404
    own = login(app.test_client(), world.curator).get(f"{WEEK}&curator={world.curator.staff_id}").text
    assert f"/meeting/{world.meeting}" in stands(own, SOON), "his case is heard there"
    sits = login(app.test_client(), world.member).get(f"{WEEK}&curator={world.member.staff_id}").text
    assert stands(sits, SOON) == {f"/meeting/{world.meeting}"}


def test_a_full_day_of_a_month_leads_to_its_week(app: Flask, world: World) -> None:
    with working(app) as session:
        row = session.get_one(Activity, world.draft)
        session.add_all(
            Activity(goal_id=row.goal_id, specialists_action="Ещё", title="Ещё", due_on=SOON) for _ in range(4)
        )
        session.commit()
    client = login(app.test_client(), world.curator)
    page = client.get(f"/calendar/?on={SOON}").text
    assert len(stands(page, SOON)) == 5 and "and 3 more" in page
    assert len(stands(client.get(WEEK).text, SOON)) == 8


def test_no_words_come_by_its_address(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.curator)
    for wrong in ("q=Ёлкины", "view=year", "on=завтра", "on=0001-01-01", "curator=x", "curator=1&curator=2"):
        assert client.get(f"/calendar/?{wrong}").status_code == 400, wrong
    assert all(MARK not in path for path in re.findall(r'(?:href|action)="([^"]*)"', client.get(WEEK).text))


def test_days_off_are_those_of_the_production_calendar(app: Flask, world: World) -> None:
    with working(app) as session:
        session.add(DayOff(country=Country.RU, day=SOON, worked=SOON.weekday() > 4))
        session.commit()
    page = login(app.test_client(), world.curator).get(WEEK).text
    assert ('class="cal-off' in page.partition(f'data-day="{SOON}"')[0].rpartition("<td ")[2]) is (SOON.weekday() < 5)


def test_it_costs_few_statements(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.supervisor)
    client.get(WEEK)
    with statements(app) as sent:
        client.get(WEEK)
    assert len(sent) <= 8, sent


def test_a_row_of_a_plan_is_moved_and_taken_back(app: Flask, world: World) -> None:
    with working(app) as session:
        session.get_one(Activity, world.draft).term = f"до {SOON:%d.%m.%Y}"
        session.commit()
    client, path, later = (
        login(app.test_client(), world.curator),
        f"/calendar/activity/{world.draft}",
        SOON + dt.timedelta(1),
    )
    page = moved(client, path, SOON, later)
    assert f"from {SOON:%d.%m.%Y} to {later:%d.%m.%Y}" in page
    with working(app) as session:
        row = session.get_one(Activity, world.draft)
        assert row.due_on == later and row.term == f"{later:%d.%m.%Y}", "the words of the plan follow"
    (form,) = re.findall(rf'<form method="post" action="{path}" class="d-inline undo">.*?</form>', page, re.S)
    back = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert client.post(path, data=back).status_code == 302
    with working(app) as session:
        row = session.get_one(Activity, world.draft)
        assert row.due_on == SOON and row.term == f"до {SOON:%d.%m.%Y}"


def test_words_that_name_no_day_stay(app: Flask, world: World) -> None:
    with working(app) as session:
        session.get_one(Activity, world.draft).term = "По мере необходимости"
        session.commit()
    moved(login(app.test_client(), world.curator), f"/calendar/activity/{world.draft}", SOON, TODAY)
    with working(app) as session:
        assert session.get_one(Activity, world.draft).term == "По мере необходимости"


def test_a_row_of_an_approved_plan_is_not_moved(app: Flask, world: World) -> None:
    client = login(app.test_client(), world.curator)
    page = client.get(WEEK).text
    assert f"/calendar/activity/{world.draft}" in page and f"/calendar/activity/{world.firm}" not in page
    assert "The plan is approved" in moved(client, f"/calendar/activity/{world.firm}", SOON, TODAY)
    with working(app) as session:
        assert session.get_one(Activity, world.firm).due_on == SOON
        plan = session.scalars(select(Plan).where(Plan.status == PlanStatus.DRAFT)).one()
        plan.status = PlanStatus.CANCELLED
        session.commit()
    assert stands(client.get(WEEK).text, SOON) >= {f"/activity/{world.firm}"}
    assert f"/activity/{world.draft}" not in stands(client.get(WEEK).text, SOON), "a cancelled plan binds nobody"


def test_a_meeting_is_moved_by_whoever_keeps_it_and_while_it_is_ahead(app: Flask, world: World) -> None:
    path, later = f"/calendar/meeting/{world.meeting}", SOON + dt.timedelta(1)
    keeper, curator = login(app.test_client(), world.secretary), login(app.test_client(), world.curator)
    assert curator.post(path, data={"was": f"{SOON}", "on": f"{later}"}).status_code == 403
    assert path not in curator.get(WEEK).text and path in keeper.get(WEEK).text
    assert "The meeting is moved" in moved(keeper, path, SOON, later)
    with working(app) as session:
        session.get_one(Meeting, world.meeting).held_on = TODAY - dt.timedelta(1)
        session.commit()
    assert "has been held" in moved(keeper, path, TODAY - dt.timedelta(1), later)


def test_two_who_move_the_same(app: Flask, world: World) -> None:
    path, later = f"/calendar/activity/{world.draft}", SOON + dt.timedelta(1)
    one, other = (login(app.test_client(), world.curator) for _ in range(2))
    moved(one, path, SOON, later)
    assert "moved it meanwhile" in moved(other, path, SOON, TODAY)
    with working(app) as session:
        assert session.get_one(Activity, world.draft).due_on == later


def test_what_is_out_of_reach_is_not_moved(app: Flask, world: World) -> None:
    data = {"was": f"{SOON}", "on": f"{TODAY}"}
    colleague = login(app.test_client(), world.colleague)
    assert colleague.post(f"/calendar/activity/{world.draft}", data=data).status_code == 404
    assert colleague.post(f"/calendar/activity/{world.draft}", data={"on": "x"}).status_code in (400, 404)
    outward = login(app.test_client(), world.curator).post(
        f"/calendar/activity/{world.draft}", data=data | {"next": "https://example.org/"}
    )
    assert outward.location == "/"


def test_a_term_is_put_off_and_not_moved(app: Flask, world: World) -> None:
    page = login(app.test_client(), world.curator).get(WEEK).text
    assert f"/delay/add?case={world.case}&amp;deadline={world.deadline}" in page
    assert f"/calendar/deadline/{world.deadline}" not in page


def test_who_has_no_terms_has_no_calendar(app: Flask, world: World, signed_in: object) -> None:
    client = signed_in(ANALYST)  # type: ignore[operator]
    assert client.get("/calendar/").status_code == 403 and "/calendar/" not in client.get("/").text
