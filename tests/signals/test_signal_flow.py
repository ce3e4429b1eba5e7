"""From a report to its answer, by the screens: triage, the hour for urgent measures, three outcomes, three journals."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.cases.models import Case
from app.deadlines.engine import known
from app.kernel.orm import now
from app.procedures.kinds import Fact
from app.procedures.models import Procedure, ProcedureVersion
from app.risks.models import FactorSet, RiskAssessment, RiskFactor, RiskLevel
from app.roles import COMMISSIONER, CURATOR, SPECIALIST, SUPERVISOR
from app.signals.models import Signal, SignalStatus
from tests.running import Person, login, statements, working
from tests.signals.hours import with_an_hour

HOUR = dt.timedelta(hours=1)


@dataclass
class Place:
    """An organisation with a procedure that gives an hour, a criteria list, and a signal."""

    app: Flask
    client: FlaskClient
    head: FlaskClient
    me: Person
    chief: Person
    signal: int
    procedure: int
    factors: dict[str, int]

    def post(self, step: str, **data: Any) -> Any:
        seen = {"version": self.kept().version}  # of the page that the step was taken on
        return self.client.post(f"/signal/{self.signal}/{step}", data=seen | data)

    def triage(self, *levels: str, **data: Any) -> Any:
        ticked = [str(self.factors[level]) for level in levels]
        return self.post("triage", **{"factors": ticked, "procedure": str(self.procedure), **data})

    def kept(self) -> Signal:
        with working(self.app) as session:
            signal = session.get_one(Signal, self.signal)
            _ = signal.factors, signal.agreed_with, signal.case, signal.proposed
            session.expunge_all()
            return signal

    def set(self, **values: Any) -> None:
        with working(self.app) as session:
            for name, value in values.items():
                setattr(session.get_one(Signal, self.signal), name, value)
            session.commit()


@pytest.fixture
def place(app: Flask, make_user: Callable[..., Person]) -> Place:
    me = make_user(CURATOR, organisation="Тёплый дом", name="Лугова Вера")
    chief = make_user(SUPERVISOR, organisation="Тёплый дом", name="Старова Нина")
    with working(app) as session:
        procedure = with_an_hour(session, "kz")
        lists = FactorSet(name="Критерии")
        lists.factors = [
            RiskFactor(number=str(n), position=n, group="Г", name=f"Признак {level.name}", level=level)
            for n, level in enumerate(RiskLevel)
        ]
        signal = Signal(
            number="С-2026/014", content="Ребёнок один дома", reporter="Соседка", address="Ул. Садовая, 5",
            phone="+7 900 000-00-01", organisation_id=me.organisation_id, staff_id=me.staff_id,
        )  # fmt: skip
        session.add_all([lists, signal])
        session.commit()
        factors = {factor.level.name: factor.id for factor in lists.factors}
        ids = signal.id, procedure.id
    return Place(app, login(app.test_client(), me), login(app.test_client(), chief), me, chief, *ids, factors)


def buttons(page: str) -> list[str]:
    return re.findall(r'href="/signal/\d+/(triage|agree|open-case|one-off|unconfirmed)"', page)


# --- Triage -----------------------------------------------------------------------------------------------


def test_two_people_triage_one_signal_and_the_second_sees_both(place: Place) -> None:
    """He keeps what he has ticked, sees what was saved and by whom, and his next save is a knowing one."""
    opened = place.kept().version
    place.set(staff_id=None)
    first = place.head.post(
        f"/signal/{place.signal}/triage",
        data={"version": opened + 1, "factors": [place.factors["LOW"]], "procedure": place.procedure},
    )
    assert first.status_code == 302
    answer = place.triage("HIGH", version=opened + 1, urgent_measures="Выезд сейчас")
    assert answer.status_code == 409
    page = answer.text
    assert "Someone else has changed this record" in page and "Старова Нина" in page
    assert "Признак LOW" in page and 'data-take="factors"' in page and 'data-take="urgent_measures"' in page
    assert "Выезд сейчас" in page
    assert re.search(rf'value="{place.factors["HIGH"]}" data-level="HIGH" checked', page)
    assert place.kept().risk is RiskLevel.LOW, "nothing was overwritten"
    seen = re.search(r'name="version" value="(\d+)"', page)
    assert seen and int(seen[1]) == place.kept().version
    assert place.triage("HIGH", urgent_measures="Выезд сейчас").status_code == 302
    assert place.kept().risk is RiskLevel.HIGH


def test_what_was_mistyped_does_not_hide_that_another_has_saved(place: Place) -> None:
    opened = place.kept().version
    page = place.triage(version=opened).text
    assert f'name="version" value="{opened}"' in page and "Mark at least one fact" in page


def test_the_list_of_criteria_is_the_one_that_the_procedure_names(place: Place) -> None:
    with working(place.app) as session:
        other = FactorSet(name="Список методики", factors=[])
        other.factors.append(RiskFactor(number="1", group="Г", name="Признак методики", level=RiskLevel.HIGH))
        session.add(other)
        session.flush()
        version = session.scalars(select(ProcedureVersion)).one()
        session.execute(
            update(ProcedureVersion).where(ProcedureVersion.id == version.id).values(factor_set_id=other.id)
        )
        session.commit()
    assert "Признак методики" in place.client.get(f"/signal/{place.signal}/triage").text


def test_the_highest_fact_gives_the_level_and_high_starts_the_hour(place: Place) -> None:
    assert buttons(place.client.get(f"/signal/{place.signal}").text) == ["open-case", "triage"]
    before = now()
    assert place.triage("LOW", "HIGH").status_code == 302
    kept = place.kept()
    assert kept.risk is RiskLevel.HIGH and kept.status is SignalStatus.CHECKING
    assert {factor.level.name for factor in kept.factors} == {"LOW", "HIGH"}
    assert kept.triaged_at is not None and before <= kept.triaged_at <= now()
    assert kept.urgent_due_at == kept.triaged_at + HOUR
    page = place.client.get(f"/signal/{place.signal}").text
    assert buttons(page.split("<main")[1]) == ["agree", "open-case", "triage", "unconfirmed"]


def test_another_level_needs_a_reason_and_none_at_all_is_no_triage(place: Place) -> None:
    answer = place.triage("HIGH", risk="LOW")
    assert answer.status_code == 422 and "differs from the proposed" in answer.text
    assert place.kept().risk is None
    assert place.triage().status_code == 422
    assert place.triage("HIGH", risk="LOW", risk_reason="Мать уже вернулась").status_code == 302
    assert place.kept().urgent_due_at is None


def test_the_moment_follows_the_level(place: Place) -> None:
    place.triage("HIGH")
    long_ago = now() - 2 * HOUR
    place.set(triaged_at=long_ago, urgent_due_at=long_ago + HOUR)
    place.triage("HIGH", "LOW", urgent_measures="Вызвана полиция")
    assert place.kept().urgent_due_at == long_ago + HOUR, "the hour does not begin anew while the level is the same"
    place.triage("LOW")
    assert place.kept().urgent_due_at is None
    place.triage("HIGH")
    kept = place.kept()
    assert kept.urgent_due_at is not None and kept.urgent_due_at > now()


def test_without_hours_in_the_procedure_nothing_is_counted(place: Place) -> None:
    with working(place.app) as session:
        session.add(other := Procedure(name="Без часа", code="none"))
        session.commit()
        other_id = other.id
    place.triage("HIGH", procedure=str(other_id))
    assert place.kept().urgent_due_at is None
    place.triage("HIGH")
    assert place.kept().urgent_due_at is not None, "another procedure, another term"


def test_the_procedure_is_the_only_one_or_the_one_used_here_last(place: Place) -> None:
    def proposed() -> list[str]:
        page = place.client.get(f"/signal/{place.signal}/triage").text
        return re.findall(r'<option value="(\d+)" selected', page.split('name="procedure"')[1].split("</select>")[0])

    assert proposed() == [str(place.procedure)]
    with working(place.app) as session:
        other = with_an_hour(session, "second")
        session.commit()
        other_id = other.id
    assert proposed() == []
    with working(place.app) as session:
        session.add(Signal(number="С-1", content="О", organisation_id=place.me.organisation_id, procedure_id=other_id))
        session.commit()
    assert proposed() == [str(other_id)]


def test_the_level_chosen_in_the_ordinary_form_starts_the_hour_too(place: Place) -> None:
    place.client.post("/signal/add", data={"content": "О", "source": "FAMILY", "risk": "HIGH", "status": "NEW",
                                           "received_at": "2026-03-01T10:00",
                                           "organisation": str(place.me.organisation_id)})  # fmt: skip
    with working(place.app) as session:
        signal = session.scalars(select(Signal).where(Signal.content == "О")).one()
        assert signal.procedure_id == place.procedure
        assert signal.triaged_at is not None and signal.urgent_due_at == signal.triaged_at + HOUR


# --- The hour ---------------------------------------------------------------------------------------------


def test_the_banner_is_for_the_handler_and_the_supervisor_alone(
    place: Place, signed_in: Callable[..., FlaskClient]
) -> None:
    place.triage("HIGH")
    colleague = signed_in(CURATOR, organisation="Тёплый дом")
    strangers = [signed_in(role, organisation="Иной дом") for role in (SUPERVISOR, CURATOR, COMMISSIONER)]
    for client in (place.client, place.head):
        page = client.get("/family/").text
        assert "Signal С-2026/014: agree urgent measures" in page and "1 h left" in page
        strip = page.split('class="urgent-strip')[1].split("</aside>")[0]
        assert "Садовая" not in strip and "Ребёнок" not in strip and "Соседка" not in strip
    for client in (colleague, *strangers):
        assert "urgent-strip" not in client.get("/account/password").text
    assert "1 h left" in place.head.get("/").text.split("<main")[1], "the desk counts too"
    place.set(urgent_due_at=now() - dt.timedelta(minutes=64, seconds=30))
    assert "1 h 5 min late" in place.client.get("/family/").text
    place.set(status=SignalStatus.UNCONFIRMED, decision="Ошибка")
    assert "urgent-strip" not in place.client.get("/family/").text


def test_the_banner_costs_one_statement(place: Place) -> None:
    place.triage("HIGH")
    place.client.get("/family/")
    with statements(place.app) as sent:
        place.client.get("/family/")
    asked = [one for one in sent if one.startswith("SELECT signal.id, signal.number")]
    assert len(asked) == 1 and len(sent) <= 8, sent


def test_the_supervisor_agrees_by_one_button_and_the_handler_names_him(place: Place) -> None:
    place.triage("HIGH", urgent_measures="Ребёнок у бабушки")
    answer = place.post("agree", urgent_measures="Ребёнок у бабушки")
    assert answer.status_code == 422, "the handler says with whom"
    page = place.head.get(f"/signal/{place.signal}/agree").text
    assert f'<option value="{place.chief.staff_id}" selected' in page and "late_reason" not in page
    assert place.post("agree", urgent_measures="У бабушки", agreed_with=str(place.chief.staff_id)).status_code == 302
    kept = place.kept()
    assert kept.agreed_at is not None and kept.agreed_with_id == place.chief.staff_id
    assert kept.urgent_measures == "У бабушки"
    assert "urgent-strip" not in place.head.get("/family/").text
    assert "no urgent measures" in place.head.get(f"/signal/{place.signal}/agree", follow_redirects=True).text


def test_late_is_told_with_its_reason_and_nothing_is_refused(place: Place) -> None:
    place.triage("HIGH")
    place.set(urgent_due_at=now() - HOUR)
    assert "late_reason" in place.client.get(f"/signal/{place.signal}/agree").text
    data = {"urgent_measures": "Выезд", "agreed_with": str(place.chief.staff_id), "late_reason": "Не было связи"}
    assert place.post("agree", **data).status_code == 302
    kept = place.kept()
    assert kept.late_reason == "Не было связи" and kept.agreed_at > kept.urgent_due_at  # type: ignore[operator]


def test_high_again_is_agreed_again(place: Place) -> None:
    place.triage("HIGH")
    place.post("agree", urgent_measures="Выезд", agreed_with=str(place.chief.staff_id))
    place.triage("LOW")
    assert place.kept().agreed_at is not None
    place.triage("HIGH")
    assert place.kept().agreed_at is None


def test_a_colleague_elsewhere_finds_no_signal(place: Place, signed_in: Callable[..., FlaskClient]) -> None:
    other = signed_in(SPECIALIST, organisation="Иной дом")
    for step in ("triage", "agree", "one-off", "unconfirmed"):
        assert other.get(f"/signal/{place.signal}/{step}").status_code == 404


# --- Outcomes ---------------------------------------------------------------------------------------------


def test_everything_typed_comes_into_the_case(place: Place) -> None:
    place.triage("HIGH", "LOW", risk="MEDIUM", risk_reason="Бабушка рядом")
    page = place.client.get(f"/signal/{place.signal}/open-case").text
    assert f'value="{place.procedure}" selected' in page.split('name="procedure"')[1].split("</select>")[0]
    answer = place.post("open-case", family_name="Ёлкины", child_name="Ёлкин Тимур", procedure=str(place.procedure),
                        curator=str(place.me.staff_id))  # fmt: skip
    assert answer.status_code == 302, answer.text
    with working(place.app) as session:
        case = session.scalars(select(Case)).one()
        assert case.reason == "Ребёнок один дома\nFrom whom: Соседка" and case.procedure_id == place.procedure
        assert (case.family.address, case.family.phone) == ("Ул. Садовая, 5", "+7 900 000-00-01")
        assessed = session.scalars(select(RiskAssessment)).one()
        assert assessed.family is case.family and assessed.level is RiskLevel.MEDIUM
        assert assessed.proposed is RiskLevel.HIGH and assessed.reason == "Бабушка рядом"
        assert {factor.id for factor in assessed.factors} == {place.factors["HIGH"], place.factors["LOW"]}
        assert session.get_one(Signal, place.signal).status is SignalStatus.CONFIRMED


def test_the_case_knows_that_urgent_measures_were_agreed(place: Place) -> None:
    place.triage("HIGH")
    place.post("agree", urgent_measures="Выезд", agreed_with=str(place.chief.staff_id))
    place.post("open-case", family_name="Ёлкины", procedure=str(place.procedure), curator=str(place.me.staff_id))
    with working(place.app) as session:
        case = session.scalars(select(Case)).one()
        facts = known(session.connection(), lambda column: column == case.id)[case.id].standing.facts
        assert len(facts[Fact.SIGNAL_HIGH.name]) == len(facts[Fact.URGENT_AGREED.name]) == 1


@pytest.mark.parametrize(
    ("step", "status", "tab", "title"),
    [
        ("one-off", SignalStatus.ONE_OFF, "visitors", "Journal of visitors"),
        ("unconfirmed", SignalStatus.UNCONFIRMED, "unconfirmed", "Journal of unconfirmed requests"),
    ],
)
def test_the_other_outcomes_have_journals_of_their_own(
    step: str, status: SignalStatus, tab: str, title: str, place: Place
) -> None:
    place.triage("LOW")
    assert step in buttons(place.client.get(f"/signal/{place.signal}").text)
    assert place.post(step, assessed_on="2026-03-02").status_code == 422, "what was done is told"
    told = {"assessed_on": "2026-03-02", "assessment": "Нужны дрова", "decision": "Передан уголь"}
    assert place.post(step, **told).status_code == 302
    kept = place.kept()
    assert (kept.status, kept.decision, kept.assessment) == (status, "Передан уголь", "Нужны дрова")
    assert kept.assessed_on == dt.date(2026, 3, 2)
    assert buttons(place.client.get(f"/signal/{place.signal}").text) == []
    page = place.client.get(f"/signal/?tab={tab}").text
    assert "С-2026/014" in page and "Передан уголь" in page and title in page
    assert f"print/{tab}.pdf" in page and "print/journal.pdf" not in page
    paper = place.client.get(f"/signal/print/{tab}.pdf?tab={tab}")
    assert paper.status_code == 200 and paper.data.startswith(b"%PDF")
    assert place.client.get(f"/signal/print/{tab}.docx?tab={tab}").status_code == 200
