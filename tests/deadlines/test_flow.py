"""A case on its way through the stages, asked through its screens."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import Case, CaseStatus, StageEntry
from app.deadlines.models import Deadline, Mark
from app.kernel.writing import save
from app.procedures import exchange
from app.procedures.kinds import Placement
from app.procedures.models import ClosingGround, Requirement, VersionStatus
from app.roles import ADMINISTRATOR, CURATOR, SUPERVISOR
from app.territory.models import Staff
from tests.deadlines.test_engine import Desk
from tests.running import Person, login, working

Door = Callable[..., Any]


def words(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


class Flow:
    """A case, its stages and requirements by name, and browsers of those who work on it."""

    def __init__(self, app: Flask, make_user: Callable[..., Person]) -> None:
        self.app = app
        people = {role: make_user(role, organisation="Искорка") for role in (CURATOR, SUPERVISOR, ADMINISTRATOR)}
        self.clients: dict[str, FlaskClient] = {
            role: login(app.test_client(), one.login) for role, one in people.items()
        }
        with working(app) as session:
            curator = session.scalars(select(Staff).where(Staff.user_id == people[CURATOR].id)).one()
            desk = Desk(session)
            desk.case.family.organisation, desk.case.curator = curator.organisation, curator
            desk.case.applied_on = dt.date.today() - dt.timedelta(days=40)
            desk.save(desk.case.family, desk.case, desk.maker.new(ClosingGround))
            self.case, self.version = desk.case.id, desk.version.id
            self.stages = {stage.name: stage.id for stage in desk.version.stages}
            self.requirements = {one.name: one.id for one in desk.version.requirements}

    def go(self, role: str, stage: str, reason: str = "") -> Any:
        return self.clients[role].post(f"/case/{self.case}/flow", data={"stage": self.stages[stage], "reason": reason})

    def at(self) -> str:
        with working(self.app) as session:
            stage = session.get_one(Case, self.case).stage
            return stage.name if stage else ""


@pytest.fixture
def flow(app: Flask, make_user: Callable[..., Person]) -> Flow:
    return Flow(app, make_user)


def test_the_page_of_a_case_tells_the_line_and_what_is_missed(flow: Flow) -> None:
    page = words(flow.clients[CURATOR].get(f"/case/{flow.case}").text)
    assert "1. Договор" in page and "2. Работа" in page and "1 missed" in page
    line = words(flow.clients[CURATOR].get(f"/case/{flow.case}/flow").text)
    assert "Акт" in line and "1 thing lacking" in line


def test_what_is_lacking_stops_a_curator_and_asks_a_supervisor_for_a_reason(flow: Flow) -> None:
    assert flow.go(CURATOR, "Работа", "Надо").status_code == 403
    refused = flow.go(SUPERVISOR, "Работа")
    assert refused.status_code == 422 and "say why" in words(refused.text)
    assert flow.at() == "Договор"
    assert flow.go(SUPERVISOR, "Работа", "Семья уехала, акт составят позже").status_code == 302
    assert flow.at() == "Работа"
    with working(flow.app) as session:
        last = session.scalars(select(StageEntry).order_by(StageEntry.id.desc()).limit(1)).one()
        assert last.reason == "Семья уехала, акт составят позже" and last.since == dt.date.today()
        due = session.scalars(select(Deadline).join(Requirement).where(Requirement.name == "План")).all()
        assert [one.event_on for one in due] == [dt.date.today()], "the term of the new stage has begun"


def test_a_mark_lets_the_curator_go_on(flow: Flow) -> None:
    client = flow.clients[CURATOR]
    data = {"requirement": flow.requirements["Акт"], "done_on": f"{dt.date.today()}", "kind": "DONE", "note": "№ 7"}
    assert client.post(f"/case/{flow.case}/mark", data=data).status_code == 302
    with working(flow.app) as session:
        assert session.scalars(select(Mark.note)).one() == "№ 7"
    assert flow.go(CURATOR, "Работа").status_code == 302
    assert flow.at() == "Работа"


def test_to_waive_something_needs_a_reason(flow: Flow) -> None:
    data = {"requirement": flow.requirements["Акт"], "done_on": f"{dt.date.today()}", "kind": "WAIVED", "note": ""}
    answer = flow.clients[CURATOR].post(f"/case/{flow.case}/mark", data=data)
    assert answer.status_code == 422 and "is not needed" in words(answer.text)


def test_why_this_date(flow: Flow) -> None:
    with working(flow.app) as session:
        term = session.scalars(select(Deadline).join(Requirement).where(Requirement.name == "Акт")).one()
        applied, due = f"{term.event_on:%d.%m.%Y}", f"{term.due_on:%d.%m.%Y}"
    page = words(flow.clients[CURATOR].get(f"/deadline/{term.id}").text)
    assert f"Counted from: Application, {applied}. Term: 10 working days. Days off that do not count:" in page
    assert f"The last day in time: {due}." in page


def test_cases_are_moved_to_another_version_only_after_it_was_seen_what_changes(flow: Flow) -> None:
    admin = flow.clients[ADMINISTRATOR]
    made = admin.post(f"/procedure-version/{flow.version}/next")
    newer = int(made.location.rpartition("/")[2])
    with working(flow.app) as session:
        shorter = session.scalars(select(Requirement).where(Requirement.edition_id == newer, Requirement.name == "Акт"))
        (act,) = shorter
        act.count = 20
        save(session, act)
        session.commit()
        before = session.scalars(select(Deadline.due_on).where(Deadline.done_on.is_(None))).all()
    assert "publish this one first" in words(admin.get(f"/procedure-version/{newer}/move").text)
    assert admin.post(f"/procedure-version/{newer}/publish").status_code == 302
    preview = admin.get(f"/procedure-version/{newer}/move")
    assert "Акт (" in preview.text
    with working(flow.app) as session:
        case = session.get_one(Case, flow.case)
        assert case.edition_id == flow.version, "to look moves nothing"
        assert session.scalars(select(Deadline.due_on).where(Deadline.done_on.is_(None))).all() == before
    assert admin.post(f"/procedure-version/{newer}/move", data={"case": flow.case}).status_code == 302
    with working(flow.app) as session:
        case = session.get_one(Case, flow.case)
        assert case.edition_id == newer and case.stage is not None and case.stage.edition_id == newer
        assert case.edition is not None and case.edition.status is VersionStatus.PUBLISHED


def test_a_closed_case_is_opened_again_as_a_new_one(flow: Flow) -> None:
    client = flow.clients[CURATOR]
    with working(flow.app) as session:
        case = session.get_one(Case, flow.case)
        case.status, case.closed_on, case.placement = CaseStatus.CLOSED, dt.date.today(), Placement.PARENTS
        case.closing_ground = session.scalars(select(ClosingGround).limit(1)).one()
        save(session, case)
        session.commit()
    assert f"/case/{flow.case}/reopen" in client.get(f"/case/{flow.case}").text
    assert client.post(f"/case/{flow.case}/reopen", data={"reason": ""}).status_code == 422
    assert client.post(f"/case/{flow.case}/reopen", data={"reason": "Мама снова одна"}).status_code == 302
    with working(flow.app) as session:
        again = session.scalars(select(Case).where(Case.previous_id == flow.case)).one()
        assert (again.status, again.reason, again.placement) == (CaseStatus.OPEN, "Мама снова одна", Placement.PARENTS)
        assert again.stage is not None and again.stage.number == 1


def test_a_published_version_and_its_file_are_one(flow: Flow) -> None:
    told = flow.clients[ADMINISTRATOR].get(f"/procedure-version/{flow.version}/file.yaml").text
    assert exchange.parse(told)["version"]["stages"][0]["name"] == "Договор"
