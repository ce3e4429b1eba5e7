"""The pages of a family, a case and a plan: what they tell, to whom, at what cost; a contact written down in place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.cases.models import Case, CaseStatus
from app.families.models import Family, MemberRole
from app.families.models import Member as Person_
from app.journal.models import Contact
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.risks.models import RiskAssessment, RiskLevel
from app.roles import CURATOR, SECRETARY, SUPERVISOR
from app.territory.models import Organisation, Staff
from tests.pages import form
from tests.records import Maker
from tests.running import Person, login, statements, working

TODAY = dt.date.today()
FAMILY_PAGE = 16  # who asks, the family and its categories, and one for each block; the goals of contacts are one more
CASE_PAGE = 30
PLAN_PAGE = 5


class Story(NamedTuple):
    curator: Person
    family: int
    case: int
    plan: int
    goal: int


@pytest.fixture
def story(app: Flask, make_user: Callable[..., Person]) -> Story:
    """A family with everything around it."""
    curator = make_user(CURATOR, organisation="Искорка", municipality="Пермь", name="Лугова Вера")
    with working(app) as session:
        staff = session.get_one(Staff, curator.staff_id)
        family = Family(
            name="Ёлкины", organisation=session.get_one(Organisation, curator.organisation_id), phone="+7 900 000-00-01"
        )
        session.add(family)
        session.flush()
        maker = Maker(session, Staff=staff, Organisation=family.organisation, Family=family)
        maker.new(Person_, name="Ёлкина Мама", role=MemberRole.PARENT)
        maker.new(Person_, name="Ёлкин Тимур", role=MemberRole.CHILD, diagnosis="ДЦП", born_on=TODAY.replace(year=2018))
        case = maker.new(
            Case, status=CaseStatus.OPEN, opened_on=TODAY - dt.timedelta(90), closed_on=None, closing_ground=None,
            curator=staff, consent_on=None,
        )  # fmt: skip
        maker.at["Case"] = case
        for days, level in ((160, RiskLevel.HIGH), (10, RiskLevel.MEDIUM)):
            maker.at["RiskAssessment"] = maker.new(RiskAssessment, assessed_on=TODAY - dt.timedelta(days), level=level)
        plan = Plan(case=case, number="П1", status=PlanStatus.IN_FORCE, approved_on=TODAY, main_goal="Мальчик учится")
        goal = Goal(plan=plan, number=1, text="Поездки на лечение")
        session.add_all([plan, goal])
        for title, due, done in (("Такси", -3, None), ("Справка", -9, TODAY), ("Врач", 5, None)):
            due_on = TODAY + dt.timedelta(due)
            session.add(Activity(goal=goal, specialists_action=title, title=title, due_on=due_on, done_on=done))
        session.flush()
        maker.at |= {"Plan": plan, "Goal": goal, "Activity": goal.activities[0]}
        maker.every()
        session.commit()
        return Story(curator, family.id, case.id, plan.id, goal.id)


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_family_is_told_children_first(app: Flask, story: Story) -> None:
    page = login(app.test_client(), story.curator).get(f"/family/{story.family}").text
    said = words(page)
    assert said.index("Ёлкин Тимур") < said.index("Ёлкина Мама") < said.index("Work with the family")
    assert "ДЦП" in said and 'href="tel:+79000000001"' in page
    assert "Risk fell from high to medium in 5 months" in said
    assert "1 of 3 done" in said and "overdue: 1" in said and "3 days late" in said
    assert "not on file" in said, "the consent"
    for path in (
        f"/risk-assessment/add?family={story.family}",
        f"/plan/{story.plan}/table",
        f"/monitoring/add?case={story.case}",
        f"/case/{story.case}/print/social-card.pdf",
    ):
        assert path in page, path


def test_a_baby_is_some_months_old(app: Flask, story: Story) -> None:
    with working(app) as session:
        child = session.scalars(select(Person_).where(Person_.name == "Ёлкин Тимур")).one()
        child.born_on = TODAY - dt.timedelta(100)
        session.commit()
    assert "Ёлкин Тимур 3 months" in words(login(app.test_client(), story.curator).get(f"/family/{story.family}").text)


def test_what_is_not_filled_in_is_named_in_one_line(app: Flask, story: Story) -> None:
    said = words(login(app.test_client(), story.curator).get(f"/family/{story.family}").text)
    assert re.search(r"Not filled in: [^:]*Registered address", said)


def test_a_case_and_a_plan_are_told_too(app: Flask, story: Story) -> None:
    client = login(app.test_client(), story.curator)
    case = words(client.get(f"/case/{story.case}").text)
    for told in (
        "Ёлкин Тимур",
        "1 of 3 done",
        "Next monitoring",
        "Monitoring reviews",
        "Commission",
        "Team",
        "All details",
    ):
        assert told in case, told
    plan = words(client.get(f"/plan/{story.plan}").text)
    assert "Мальчик учится" in plan and "1 of 3 done" in plan and "Ёлкины" in plan


@pytest.mark.parametrize(
    ("path", "most"),
    [("/family/{0.family}", FAMILY_PAGE), ("/case/{0.case}", CASE_PAGE), ("/plan/{0.plan}", PLAN_PAGE)],
)
def test_a_page_costs_few_statements(path: str, most: int, app: Flask, story: Story) -> None:
    client = login(app.test_client(), story.curator)
    client.get(path.format(story))
    with statements(app) as sent:
        assert client.get(path.format(story)).status_code == 200
    assert len(sent) <= most, "\n".join(sent)


def test_a_block_stands_only_for_whoever_may_list_it(app: Flask, story: Story, make_user: Any) -> None:
    """A role of the administrator's own making that may open families and cases and nothing of the work."""
    from flask_appbuilder.security.sqla.models import Role

    from app.kernel.declare import Reach
    from app.kernel.grants import Holding, change_role

    with working(app) as session:
        session.add(role := Role(name="Приёмная"))
        session.flush()
        grants = {(name, entity) for entity in ("Family", "Case") for name in ("can_list", "can_show")}
        change_role(session, role.id, Holding(frozenset(grants), frozenset({Reach.ORGANISATION})))
        session.commit()
    reception = make_user("Приёмная", organisation="Искорка")
    client = login(app.test_client(), reception)
    for path in (f"/family/{story.family}", f"/case/{story.case}"):
        said = words(client.get(path).text)
        assert "Ёлкин" in said
        for hidden in ("Ёлкин Тимур", "ДЦП", "Work with the family", "1 of 3 done", "Risk fell", "Слово event"):
            assert hidden not in said, (path, hidden)
    assert "Write down" in words(login(app.test_client(), story.curator).get(f"/family/{story.family}").text)
    secretary = make_user(SECRETARY, organisation="Комиссия", municipality="Пермь")
    assert "Write down" not in words(login(app.test_client(), secretary).get(f"/case/{story.case}").text)


def test_a_story_out_of_reach_is_not_there(app: Flask, story: Story, make_user: Any) -> None:
    client = login(app.test_client(), make_user(SUPERVISOR, organisation="Другая"))
    for path in ("/family/{0.family}", "/case/{0.case}", "/plan/{0.plan}"):
        assert client.get(path.format(story)).status_code == 404
        assert client.get(path.format(story)).text == client.get("/family/999999").text


def posted(page: str, **typed: Any) -> MultiDict[str, str]:
    """The form for a contact as it stands on the page, with what was typed."""
    pairs = form(page)
    for name, value in typed.items():
        pairs.setlist(name, value if isinstance(value, list) else [value])
    return pairs


@pytest.mark.parametrize("path", ["/family/{0.family}", "/case/{0.case}"])
def test_a_contact_is_written_down_without_a_script_too(path: str, app: Flask, story: Story) -> None:
    client, home = login(app.test_client(), story.curator), path.format(story)
    page = client.get(home).text
    data = posted(page, event="Мама звонила сама", goals=[str(story.goal)], result="Договорились")
    assert data["held_on"] == f"{TODAY}" and data["responsible"] == "Лугова Вера"
    answer = client.post("/contact/add", data=data)
    assert answer.location == home
    said = words(client.get(home).text)
    assert "Мама звонила сама" in said and "Договорились" in said
    with working(app) as session:
        contact = session.scalars(select(Contact).where(Contact.event == "Мама звонила сама")).one()
        assert contact.case_id == story.case and [goal.id for goal in contact.goals] == [story.goal]


def test_what_was_typed_wrongly_is_kept(app: Flask, story: Story) -> None:
    client = login(app.test_client(), story.curator)
    home = f"/family/{story.family}"
    answer = client.post("/contact/add", data=posted(client.get(home).text, event=" ", result="Придут в среду"))
    assert answer.status_code == 422
    assert form(answer.text)["result"] == "Придут в среду" and form(answer.text)["next"] == home
    assert "Fill in this field." in answer.text
