"""«Сегодня»: every number is that of the list behind it, for every role; few statements; words for a newcomer."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import Case, CaseStatus
from app.demo import LOGINS
from app.demo import PASSWORD as SHOWN_TO_ALL
from app.families.models import Family
from app.journal.models import Contact
from app.kernel.query import reader
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.risks.models import RiskAssessment, RiskLevel
from app.roles import ADMINISTRATOR, ANALYST, COMMISSIONER, CURATOR, SECRETARY, SPECIALIST, SUPERVISOR
from app.territory.models import Organisation, Staff
from tests.records import Maker
from tests.running import Person, login, statements, working
from tests.standing import standing  # noqa: F401

TODAY = dt.date.today()
MOST = {
    ADMINISTRATOR: 16, SUPERVISOR: 24, CURATOR: 16, SPECIALIST: 16, SECRETARY: 9, COMMISSIONER: 5, ANALYST: 5,
}  # fmt: skip


LOGIN = {role: name for name, role in LOGINS.items()}


def demonstration(app: Flask) -> None:
    from app.demo import load_demo
    from app.kernel import files
    from app.presets import load_presets

    with working(app) as session:
        load_presets(session)
        load_demo(session, files.folder_of(app.config))
        session.commit()


@pytest.fixture
def demo(standing: Callable[..., tuple[Flask, Any]]) -> Flask:  # noqa: F811
    return standing("demonstration", demonstration)[0]


def numbers(page: str) -> list[tuple[str, int]]:
    """The numbers of a page and the addresses that they open."""
    found = re.findall(r'href="([^"]+)" data-count="(\d+)"', page)
    return [(path.replace("&amp;", "&"), int(count)) for path, count in found]


def total(page: str) -> int:
    """How many records a list says it has."""
    (count,) = re.findall(r'page-title me-auto">[^<]*<span[^>]*>([^<]+)<', page)
    return int(re.sub(r"\D", "", count))


@pytest.mark.parametrize("role", MOST)
def test_every_number_is_that_of_the_list_it_opens(role: str, demo: Flask) -> None:
    client = login(demo.test_client(), LOGIN[role], SHOWN_TO_ALL)
    page = client.get("/")
    assert page.status_code == 200
    found = numbers(page.text)
    assert [(path, count, total(client.get(path).text)) for path, count in found] == [
        (path, count, count) for path, count in found
    ]
    if role in (CURATOR, SUPERVISOR, SECRETARY, COMMISSIONER):
        assert any(count for _path, count in found), "the demonstration has work for everybody"


@pytest.mark.parametrize("role", MOST)
def test_it_costs_few_statements(role: str, demo: Flask) -> None:
    client = login(demo.test_client(), LOGIN[role], SHOWN_TO_ALL)
    client.get("/")
    with statements(demo) as sent:
        client.get("/")
    assert len(sent) <= MOST[role], sent


def test_a_newcomer_is_told_where_to_begin(signed_in: Callable[..., FlaskClient]) -> None:
    page = signed_in(CURATOR, organisation="Искорка").get("/").text
    assert "Write down the first signal" in page and "/signal/add" in page


@pytest.fixture
def case(app: Flask, make_user: Callable[..., Person]) -> tuple[Person, int]:
    """An open case of a curator, opened half a year ago; nothing else."""
    curator = make_user(CURATOR, organisation="Искорка")
    with working(app) as session:
        staff = session.get_one(Staff, curator.staff_id)
        organisation = session.get_one(Organisation, curator.organisation_id)
        family = Family(name="Ёлкины", organisation=organisation)
        maker = Maker(session, Staff=staff, Organisation=organisation, Family=family)
        made = maker.new(
            Case, status=CaseStatus.OPEN, opened_on=TODAY - dt.timedelta(180), closed_on=None, closing_ground=None,
            curator=staff, consent_on=TODAY,
        )  # fmt: skip
        session.commit()
        return curator, made.id


def test_a_line_names_the_family_and_says_how_late(app: Flask, case: tuple[Person, int]) -> None:
    curator, case_id = case
    with working(app) as session:
        plan = Plan(case_id=case_id, number="П1", status=PlanStatus.IN_FORCE, approved_on=TODAY)
        goal = Goal(plan=plan, number=1, text="Цель")
        late = Activity(goal=goal, specialists_action="Позвонить", title="Позвонить", due_on=TODAY - dt.timedelta(3))
        session.add_all([plan, goal, late])
        session.commit()
    client = login(app.test_client(), curator)
    page = client.get("/").text
    assert "Ёлкины" in page and "3 days late" in page and "Позвонить" in page
    with working(app) as session:
        session.get_one(Plan, session.scalars(select(Plan.id)).one()).status = PlanStatus.REVISED
        session.commit()
    assert "3 days late" not in client.get("/").text, "a plan of the past binds nobody"


@pytest.mark.parametrize(
    ("level", "days", "quiet"),
    [
        (RiskLevel.HIGH, 7, False),
        (RiskLevel.HIGH, 8, True),
        (RiskLevel.MEDIUM, 8, False),
        (RiskLevel.MEDIUM, 31, True),
        (RiskLevel.LOW, 31, False),
        (RiskLevel.LOW, 91, True),
        (None, 30, False),
        (None, 31, True),
        (RiskLevel.LOW, None, True),  # never a contact: counted from the opening
    ],
)
def test_how_long_a_family_may_be_without_a_contact(
    level: RiskLevel | None, days: int | None, quiet: bool, app: Flask, case: tuple[Person, int]
) -> None:
    _curator, case_id = case
    with working(app) as session:
        found = session.get_one(Case, case_id)
        maker = Maker(session, Case=found, Family=found.family)
        if level is not None:
            # An older assessment and an older contact say nothing any more.
            for day, one in ((TODAY - dt.timedelta(200), RiskLevel.MEDIUM), (TODAY - dt.timedelta(100), level)):
                maker.new(RiskAssessment, assessed_on=day, level=one)
        if days is not None:
            for ago in (days + 50, days):
                session.add(Contact(case_id=case_id, held_on=TODAY - dt.timedelta(ago), event="Звонок"))
        session.flush()
        line = reader(session, Case).one(case_id, ("quiet", "risk", "last_contact"))
        assert line is not None
        assert line["risk"] is level
        assert line["last_contact"] == (TODAY - dt.timedelta(days) if days is not None else None)
        assert bool(line["quiet"]) is quiet


def test_an_analyst_has_the_numbers_of_his_organisation_and_not_a_name(
    app: Flask, case: tuple[Person, int], make_user: Callable[..., Person]
) -> None:
    _curator, case_id = case
    with working(app) as session:
        found = session.get_one(Case, case_id)
        maker = Maker(session, Case=found, Family=found.family)
        for ago, level in ((200, RiskLevel.HIGH), (1, RiskLevel.LOW)):
            maker.new(RiskAssessment, assessed_on=TODAY - dt.timedelta(ago), level=level)
        found.opened_on = TODAY
        session.commit()

    def figures(organisation: str) -> tuple[dict[str, list[int]], str]:
        person = make_user(ANALYST, organisation=organisation)
        page = login(app.test_client(), person).get("/").text.partition('class="figures"')[2]
        lines = re.findall(r'fw-normal">([^<]*)</th>((?:<td[^>]*>[^<]*</td>)+)</tr>', page)
        return {title: [int(n) for n in re.findall(r">(\d+)<", cells)] for title, cells in lines}, page

    own, page = figures("Искорка")
    assert own["Open cases"] == own["Open cases at low risk"] == [1] and own["Cases opened"] == [1, 0]
    assert own["Families whose risk has fallen since the first assessment"] == [1]
    assert "Ёлкины" not in page and "data-count" not in page, "there is no list behind them for him"
    supervisor = login(app.test_client(), make_user(SUPERVISOR, organisation="Искорка"))
    figures_of_his = supervisor.get("/").text.partition('class="figures"')[2]
    assert '<a href="/case/?status=OPEN" data-count="1">' in figures_of_his, "his list has the same lines"
    others, _page = figures("Берег")
    assert others["Open cases"] == [0] and others["Cases opened"] == [0, 0]


def test_the_administrator_is_told_of_the_last_copy(
    signed_in: Callable[..., FlaskClient], app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "RYADOM_DATA", tmp_path)
    client = signed_in(ADMINISTRATOR)
    assert "No copy has been made" in client.get("/").text
    note = tmp_path / "last-backup"
    note.write_text((dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).isoformat())
    page = client.get("/").text
    assert "last made" in page and "long ago" not in page
    note.write_text((dt.datetime.now(dt.UTC) - dt.timedelta(days=3)).isoformat())
    assert "long ago" in client.get("/").text
