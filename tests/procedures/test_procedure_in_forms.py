"""What a procedure says where its cases are worked on: kinds of plans, grounds, factors, lengths, what is needed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import Case
from app.cases.rules import months_from
from app.deadlines.models import Deadline, Mark, MarkKind
from app.families.models import Family
from app.kernel.writing import save
from app.meetings.models import Commission, Meeting
from app.plans import life
from app.plans.models import Plan, PlanStatus
from app.procedures import exchange
from app.procedures.kinds import CommissionKind, CommissionLevel, PlanKind
from app.procedures.models import ClosingGround, Procedure, ProcedureVersion, VersionStatus
from app.risks.models import FactorSet, RiskFactor, RiskLevel
from app.roles import ADMINISTRATOR, CURATOR, SECRETARY, SUPERVISOR
from app.territory.models import Staff
from tests.running import Person, login, working

TODAY = dt.date.today()
FILE = """
code: probe
name: Пробная методика
version:
  factor_set: Список методики
  grounds: [Цели достигнуты]
  stages:
  - {number: 1, name: Начало}
  - {number: 2, name: Работа}
  plan_rules:
  - {kind: SERVICES, months_from: 3, months_to: 12, source: ANG-T9}
  - {kind: ADAPTATION}
  commission_steps:
  - {number: 1, kind: FAMILY, level: MUNICIPAL, sits_every: 1, sits_unit: WEEK, source: PRM-T2}
  requirements:
  - {stage: 1, kind: PAPER, name: Карта подсудимого, optional: true, event: OPENED, count: 10, unit: WORKING_DAY}
  - {stage: 2, kind: PAPER, name: Впереди, optional: true, event: OPENED, count: 10, unit: DAY}
  - {kind: CONTROL, name: Отчёт в школу, optional: true, event: OPENED, count: 1, unit: MONTH, repeats: true}
"""


class Place:
    """Two cases of one family each: one under a version, one without; who works there."""

    def __init__(self, app: Flask, make_user: Callable[..., Person]) -> None:
        self.app = app
        at = {"organisation": "Искорка", "municipality": "Пермь"}
        self.people = {role: make_user(role, **at) for role in (CURATOR, SUPERVISOR, SECRETARY, ADMINISTRATOR)}
        self.clients: dict[str, FlaskClient] = {
            role: login(app.test_client(), one.login) for role, one in self.people.items()
        }
        me = self.people[CURATOR]
        with working(app) as session:
            lists = [FactorSet(name=name, factors=[]) for name in ("Другой список", "Список методики")]
            for one in lists:
                one.factors.append(RiskFactor(number="1", group="Г", name=f"Из: {one.name}", level=RiskLevel.HIGH))
            grounds = [ClosingGround(name="Цели достигнуты"), ClosingGround(name="Переезд")]
            session.add_all([*lists, *grounds])
            session.flush()
            version = exchange.load(session, exchange.parse(FILE))
            rows = [row for name in exchange.CHILDREN for row in getattr(version, name)]
            save(session, version.procedure, version, *rows)
            version.status = VersionStatus.PUBLISHED
            plain = Procedure(name="Без редакции", code="plain")
            save(session, version, plain)
            cases = []
            for procedure in (version.procedure, plain):
                family = Family(name="Ёлкины", organisation_id=me.organisation_id, municipality_id=me.municipality_id)
                case = Case(family=family, procedure=procedure, curator=session.get_one(Staff, me.staff_id), number="")
                case.opened_on = TODAY - dt.timedelta(days=60)
                save(session, family, case)
                cases.append(case)
            session.commit()
            self.case, self.free = (case.id for case in cases)
            self.family = cases[0].family_id
            self.version, self.edition = version.id, version.number
            self.grounds = {one.name: one.id for one in grounds}
            self.sets = {one.name: one.id for one in lists}
            self.requirements = {one.name: one.id for one in version.requirements}

    @property
    def curator(self) -> FlaskClient:
        return self.clients[CURATOR]

    def page(self, path: str, role: str = CURATOR) -> str:
        answer = self.clients[role].get(path)
        assert answer.status_code == 200, answer.status_code
        return str(answer.text)

    def plan(self, case: int, kind: str, **values: Any) -> Any:
        data = {"case": case, "kind": kind, "made_on": TODAY.isoformat(), **values}
        return self.curator.post("/plan/add", data=data)

    def close(self, case: int, ground: str) -> Any:
        with working(self.app) as session:
            one = session.get_one(Case, case)
            data = {
                "version": one.version, "number": one.number, "family": one.family_id, "procedure": one.procedure_id,
                "opened_on": one.opened_on.isoformat(), "curator": one.curator_id, "status": "CLOSED",
                "closed_on": TODAY.isoformat(), "closing_ground": self.grounds[ground],
            }  # fmt: skip
        return self.clients[SUPERVISOR].post(f"/case/{case}/edit", data=data)


@pytest.fixture
def place(app: Flask, make_user: Callable[..., Person]) -> Place:
    return Place(app, make_user)


def options(page: str, name: str) -> list[str]:
    """The values that a list of the form offers."""
    (inside,) = re.findall(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    return [value for value in re.findall(r'<option value="([^"]*)"', inside) if value]


def value(page: str, name: str) -> str:
    (found,) = re.findall(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    return str(found)


# --- Only what the version names ----------------------------------------------------------------------------


def test_a_plan_is_of_a_kind_that_the_version_names(place: Place) -> None:
    assert options(place.page(f"/plan/add?case={place.case}"), "kind") == ["SERVICES", "ADAPTATION"]
    assert options(place.page(f"/plan/add?case={place.free}"), "kind") == [kind.name for kind in PlanKind]
    refused = place.plan(place.case, "FAMILY")
    assert refused.status_code == 422 and "choose one of those in the list" in refused.text
    assert place.plan(place.case, "ADAPTATION").status_code == 302
    assert place.plan(place.free, "FAMILY").status_code == 302


def test_the_api_is_held_to_it_too(place: Place) -> None:
    body = {"case": place.case, "kind": "FAMILY", "made_on": TODAY.isoformat()}
    with_api = place.clients[ADMINISTRATOR]
    answer = with_api.post("/api/v1/plan/", json=body)
    assert answer.status_code == 422 and list(answer.get_json()["fields"]) == ["kind"]
    assert with_api.post("/api/v1/plan/", json=body | {"kind": "SERVICES"}).status_code == 201


def test_a_case_is_closed_on_a_ground_that_the_version_names(place: Place) -> None:
    head = place.clients[SUPERVISOR]
    ours, other = (str(place.grounds[name]) for name in ("Цели достигнуты", "Переезд"))
    assert options(head.get(f"/case/{place.case}/edit").text, "closing_ground") == [ours]
    assert 'data-choices="/closing-ground/choices"' in head.get(f"/case/{place.free}/edit").text
    refused = place.close(place.case, "Переезд")
    assert refused.status_code == 422 and "choose one of those in the list" in refused.text
    assert place.close(place.case, "Цели достигнуты").status_code == 302
    assert place.close(place.free, "Переезд").status_code == 302
    assert other not in options(head.get(f"/case/{place.case}/edit").text, "closing_ground")


def test_what_was_chosen_before_the_case_was_moved_stays(place: Place) -> None:
    """The case has a plan of a kind that its version does not make: it is worked on and revised as it is."""
    with working(place.app) as session:
        case = session.get_one(Case, place.case)
        plan = Plan(case=case, kind=PlanKind.FAMILY, made_on=TODAY, goals=[])
        save(session, plan)
        session.commit()
        id_, version = plan.id, plan.version
    page = place.page(f"/plan/{id_}/edit")
    assert options(page, "kind") == ["FAMILY", "SERVICES", "ADAPTATION"]
    data = {"version": version, "case": place.case, "kind": "FAMILY", "made_on": TODAY.isoformat(), "main_goal": "Цель"}
    assert place.curator.post(f"/plan/{id_}/edit", data=data).status_code == 302
    with working(place.app) as session:
        plan = session.get_one(Plan, id_)
        plan.status, plan.approved_on = PlanStatus.APPROVED, TODAY
        save(session, plan)
        assert life.revise(session, plan, "Новые сведения").kind is PlanKind.FAMILY


# --- How long a plan lasts (ANG-T9) -------------------------------------------------------------------------


def test_the_end_of_a_plan_is_proposed_and_a_later_one_is_told_and_not_refused(place: Place) -> None:
    last = months_from(TODAY, 12)
    page = place.page(f"/plan/add?case={place.case}")
    assert value(page, "until") == last.isoformat() and "by the procedure: up to 12 months" in page
    assert value(place.page(f"/plan/add?case={place.free}"), "until") == ""

    late = (last + dt.timedelta(days=1)).isoformat()
    data = {"case": place.case, "kind": "SERVICES", "made_on": TODAY.isoformat(), "until": late}
    told = place.curator.post("/plan/add/advice", data=data).get_json()["until"]
    assert f"Longer than the procedure allows: 12 months, until {last:%d.%m.%Y}." in told["hint"]
    early = place.curator.post("/plan/add/advice", data=data | {"until": TODAY.isoformat()}).get_json()["until"]
    assert "Shorter than the procedure asks: 3 months" in early["hint"]
    # Of a kind without a length nothing is said.
    assert place.curator.post("/plan/add/advice", data=data | {"kind": "ADAPTATION"}).get_json()["until"]["hint"] == ""

    saved = place.plan(place.case, "SERVICES", until=late)
    assert saved.status_code == 302, "nothing is blocked by a term"
    assert "Longer than the procedure allows" in place.page(saved.location)
    assert "Longer than the procedure allows" in place.page(f"{saved.location}/edit")


def test_what_is_offered_follows_the_case_that_is_chosen(place: Place) -> None:
    asked = {"kind": "FAMILY", "made_on": TODAY.isoformat()}
    found = place.curator.post("/plan/add/advice", data=asked | {"case": place.case}).get_json()
    assert [one for one, _words in found["kind"]["options"]] == ["FAMILY", "SERVICES", "ADAPTATION"], "and what stands"
    found = place.curator.post("/plan/add/advice", data=asked | {"case": place.case, "kind": "SERVICES"}).get_json()
    assert [one for one, _words in found["kind"]["options"]] == ["SERVICES", "ADAPTATION"]
    assert found["until"]["value"][0][0] == months_from(TODAY, 12).isoformat()


def test_of_a_case_out_of_reach_nothing_is_told(place: Place, signed_in: Callable[..., FlaskClient]) -> None:
    stranger = signed_in(CURATOR, organisation="Чужая")
    data = {"case": place.case, "kind": "SERVICES", "made_on": TODAY.isoformat()}
    found = stranger.post("/plan/add/advice", data=data).get_json()
    assert found["until"] == {"options": None, "hint": "", "value": None}
    assert len(found["kind"]["options"]) == len(PlanKind)
    risk = stranger.post("/risk-assessment/add/advice", data={"family": place.family}).get_json()
    assert risk["factor_set"] == {"options": None, "hint": "", "value": None}
    assert stranger.post(f"/case/{place.case}/edit/advice").status_code == 404


# --- The set of risk factors --------------------------------------------------------------------------------


def test_the_risk_of_a_case_is_assessed_by_the_set_of_its_procedure(place: Place) -> None:
    chosen = f'<option value="{place.sets["Список методики"]}" selected>Список методики</option>'
    assert chosen in place.page(f"/risk-assessment/add?family={place.family}")
    page = unescape(place.page(f"/case/{place.case}"))
    assert f"/risk-assessment/add?family={place.family}&next=/case/{place.case}&factor_set=" in page
    assert "&factor_set=" not in unescape(place.page(f"/case/{place.free}"))
    with working(place.app) as session:
        other = session.get_one(Case, place.free).family_id
    assert "selected>Список" not in place.page(f"/risk-assessment/add?family={other}")


def test_a_file_names_the_set_and_one_that_is_not_there_is_a_fault(place: Place) -> None:
    with working(place.app) as session:
        version = session.get_one(ProcedureVersion, place.version)
        assert "factor_set: Список методики\n" in exchange.dump(version)
        with pytest.raises(exchange.Unreadable) as caught:
            exchange.load(session, exchange.parse(FILE.replace("Список методики", "Нет такого")))
        (fault,) = caught.value.faults
        assert fault.values["place"] == "version.factor_set" and "Другой список" in fault.values["known"]


# --- What may be needed -------------------------------------------------------------------------------------


def say(place: Place, name: str, kind: str, **more: str) -> Any:
    data = {"requirement": place.requirements[name], "kind": kind, "next": f"/case/{place.case}", **more}
    return place.curator.post(f"/case/{place.case}/mark", data=data)


def terms(place: Place, name: str) -> list[Deadline]:
    with working(place.app) as session:
        wanted = select(Deadline).where(
            Deadline.case_id == place.case, Deadline.requirement_id == place.requirements[name]
        )
        return list(session.scalars(wanted))


def test_once_it_is_said_to_be_needed_its_term_runs_from_the_event(place: Place) -> None:
    page = place.page(f"/case/{place.case}")
    assert "Is it needed here?" in page and "Карта подсудимого" in page and "Отчёт в школу" in page
    assert "Впереди" not in page, "a stage ahead asks for nothing yet"
    assert terms(place, "Карта подсудимого") == []

    answer = say(place, "Карта подсудимого", "NEEDED")
    assert answer.status_code == 302 and answer.location == f"/case/{place.case}"
    (term,) = terms(place, "Карта подсудимого")
    assert term.event_on == TODAY - dt.timedelta(days=60) and term.due_on is not None and term.due_on < TODAY
    line = place.page(f"/case/{place.case}/flow")
    assert "needed here" in line and f'href="/deadline/{term.id}" class="late"' in line
    assert re.search(r"1 thing lacking", line), "what is needed is lacking until it is done"

    assert say(place, "Отчёт в школу", "WAIVED").status_code == 302, "of what may be left out no reason is asked"
    page = place.page(f"/case/{place.case}")
    assert "Is it needed here?" not in page and "1 missed" in page


def test_what_was_said_last_holds(place: Place) -> None:
    for kind, count in (("NEEDED", 1), ("WAIVED", 0), ("NEEDED", 1)):
        assert say(place, "Карта подсудимого", kind).status_code == 302
        assert len(terms(place, "Карта подсудимого")) == count
    assert say(place, "Карта подсудимого", "DONE", done_on=TODAY.isoformat()).status_code == 302
    (term,) = terms(place, "Карта подсудимого")
    assert term.done_on == TODAY
    assert say(place, "Карта подсудимого", "ELSE").status_code == 400
    with working(place.app) as session:
        assert [mark.kind for mark in session.scalars(select(Mark).order_by(Mark.id))] == [
            MarkKind.NEEDED, MarkKind.WAIVED, MarkKind.NEEDED, MarkKind.DONE,
        ]  # fmt: skip


def test_what_repeats_and_is_needed_goes_round(place: Place) -> None:
    assert say(place, "Отчёт в школу", "NEEDED").status_code == 302
    (term,) = terms(place, "Отчёт в школу")
    assert term.due_on == months_from(TODAY - dt.timedelta(days=60), 1)
    assert "At any stage, where it applies" in place.page(f"/case/{place.case}/flow")


# --- How often a commission sits (PRM-T2) -------------------------------------------------------------------


@pytest.fixture
def commission(place: Place) -> Iterator[int]:
    with working(place.app) as session:
        me = place.people[SECRETARY]
        body = {"organisation_id": me.organisation_id, "municipality_id": me.municipality_id}
        one = Commission(name="Детство. Семья", kind=CommissionKind.FAMILY, level=CommissionLevel.MUNICIPAL, **body)
        other = Commission(name="Консилиум", kind=CommissionKind.COUNCIL, level=CommissionLevel.MUNICIPAL, **body)
        session.add_all([one, other])
        session.commit()
        yield one.id


@pytest.mark.parametrize(
    ("held", "ahead", "named", "told"),
    [
        (None, None, None, "the next meeting is not appointed"),
        (3, None, None, "the next meeting is not appointed"),
        (3, 4, None, ""),
        (3, 5, None, "is later than the procedure asks"),
        (3, None, 4, ""),  # the protocol of the last one names the day
        (3, None, 30, "is later than the procedure asks"),
        (20, 1, None, "is later than the procedure asks"),
        (None, 7, None, ""),
    ],
)
def test_the_desk_tells_of_a_commission_that_is_to_sit(
    place: Place, commission: int, held: int | None, ahead: int | None, named: int | None, told: str
) -> None:
    with working(place.app) as session:
        if held is not None:
            next_on = TODAY + dt.timedelta(days=named) if named is not None else None
            day = TODAY - dt.timedelta(days=held)
            session.add(Meeting(commission_id=commission, number="1", held_on=day, next_on=next_on))
        if ahead is not None:
            session.add(Meeting(commission_id=commission, number="2", held_on=TODAY + dt.timedelta(days=ahead)))
        session.commit()
    for role in (SECRETARY, SUPERVISOR):
        page = place.page("/", role)
        assert (f'href="/commission/{commission}"' in page) == bool(told)
        assert told in page
        assert "Консилиум" not in page, "no procedure says how often it sits"
    assert "to appoint" not in place.page("/", CURATOR)


def test_of_a_procedure_not_in_use_nobody_is_reminded(place: Place, commission: int) -> None:
    with working(place.app) as session:
        session.get_one(ProcedureVersion, place.version).procedure.active = False
        session.commit()
    assert f'href="/commission/{commission}"' not in place.page("/", SECRETARY)


def test_how_often_it_sits_is_a_number_and_a_unit_of_days_and_more(place: Place) -> None:
    admin = place.clients[ADMINISTRATOR]
    draft = admin.post(f"/procedure-version/{place.version}/next").location.rpartition("/")[2]
    data = {"edition": draft, "number": "2", "kind": "COUNCIL", "level": "MUNICIPAL"}
    for more in (
        {"sits_every": "1"},
        {"sits_every": "1", "sits_unit": "HOUR"},
        {"sits_every": "0", "sits_unit": "DAY"},
    ):
        assert admin.post("/commission-step/add", data=data | more).status_code == 422, more
    assert admin.post("/commission-step/add", data=data | {"sits_every": "2", "sits_unit": "WEEK"}).status_code == 302
