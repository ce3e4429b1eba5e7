"""Cases pass from hand to hand: by the screen, by the form, back, and not at all; each time the history tells of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import Case, CaseStatus
from app.families.models import Family
from app.handover.models import Absence, Handover, HandoverReason, HandoverState
from app.kernel.history import Change
from app.procedures.models import Procedure
from app.risks.models import FactorSet, RiskAssessment, RiskLevel
from app.roles import ADMINISTRATOR, CURATOR, SUPERVISOR
from app.signals.models import Signal
from app.territory.models import Staff
from tests.pages import form
from tests.running import Person, login, working

TODAY = dt.date.today()


@dataclass
class Place:
    """An organisation: a supervisor, and three curators, of whom the first leads two cases and the second one."""

    app: Flask
    supervisor: Person
    first: Person
    second: Person
    third: Person
    cases: list[int]

    def client(self, person: Person) -> FlaskClient:
        return login(self.app.test_client(), person)

    def staff(self, person: Person) -> int:
        assert person.staff_id is not None
        return person.staff_id

    def curator_of(self, case_id: int) -> int | None:
        with working(self.app) as session:
            return session.get_one(Case, case_id).curator_id

    def handovers(self) -> list[dict[str, Any]]:
        with working(self.app) as session:
            return [
                {"case": one.case_id, "giver": one.giver_id, "receiver": one.receiver_id, "state": one.state,
                 "reason": one.reason, "temporary": one.temporary, "read": one.read_on, "by": one.done_by}
                for one in session.scalars(select(Handover).order_by(Handover.id))
            ]  # fmt: skip

    def post(self, client: FlaskClient, path: str, **data: Any) -> Any:
        with working(self.app) as session:
            versions = {f"version-{one.id}": one.version for one in session.scalars(select(Case))}
        return client.post(path, data=versions | {"reason": "ABSENCE", "day": f"{TODAY}"} | data)


@pytest.fixture
def place(app: Flask, make_user: Callable[..., Person]) -> Place:
    at = {"organisation": "Искорка", "municipality": "Пермь"}
    supervisor = make_user(SUPERVISOR, name="Главная Анна", **at)
    first, second, third = (
        make_user(CURATOR, name=name, **at) for name in ("Первая Анна", "Вторая Вера", "Третья Зоя")
    )
    with working(app) as session:
        procedure, factors = Procedure(name="Своя", code="own"), FactorSet(name="Своё")
        cases = []
        for number, (person, level) in enumerate(((first, "HIGH"), (first, "LOW"), (second, "MEDIUM")), 1):
            family = Family(name=f"Семья{number}", organisation_id=first.organisation_id,
                            municipality_id=first.municipality_id)  # fmt: skip
            case = Case(number=f"2026/{number:02}", family=family, procedure=procedure, curator_id=person.staff_id)
            risk = RiskAssessment(
                family=family, factor_set=factors, level=RiskLevel[level], assessed_on=TODAY, reason="Так"
            )
            session.add_all([family, case, risk])
            cases.append(case)
        session.commit()
        return Place(app, supervisor, first, second, third, [case.id for case in cases])


# --- The load ---------------------------------------------------------------------------------------------


def test_the_load_of_each_and_the_lists_behind_it(place: Place) -> None:
    client = place.client(place.supervisor)
    page = client.get("/workload/").text
    rows = re.findall(r'<tr>\s*<th scope="row".*?</tr>', page, re.DOTALL)
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).split() for row in rows]
    assert [row[:5] for row in told] == [
        ["Первая", "Анна", "2", "1", "6"], ["Вторая", "Вера", "1", "0", "2"], ["Третья", "Зоя", "0", "0", "0"],
    ]  # fmt: skip
    numbers = [(path.replace("&amp;", "&"), int(count)) for path, count in
               re.findall(r'href="([^"]+)" data-count="(\d+)"', page)]  # fmt: skip
    assert len(numbers) == 6
    for path, count in numbers:
        heading = re.search(r'page-title me-auto">[^<]*<span[^>]*>([^<]+)<', client.get(path).text)
        assert heading and int(heading.group(1)) == count, path


def test_who_is_away_is_told_and_not_suggested(place: Place) -> None:
    client = place.client(place.supervisor)
    assert "Третья Зоя" in client.get(f"/workload/{place.first.staff_id}").text
    added = client.post("/absence/add", data={"staff": place.third.staff_id, "since": f"{TODAY}", "reason": "ILLNESS"})
    assert added.status_code == 302
    assert "away" in client.get("/workload/").text
    page = client.get(f"/workload/{place.first.staff_id}").text
    assert "Третья Зоя" not in page and "Вторая Вера" in page
    assert "of those who work in the family" in page, "and the reason is told"


def test_an_absence_ends_after_it_begins_and_nobody_stands_in_for_himself(place: Place) -> None:
    client, own = place.client(place.supervisor), place.first.staff_id
    wrong = {
        "staff": own,
        "since": f"{TODAY}",
        "until": f"{TODAY - dt.timedelta(1)}",
        "stand_in": own,
        "reason": "TRIP",
    }
    page = client.post("/absence/add", data=wrong)
    assert page.status_code == 422
    assert "ends before it begins" in page.text and "stands in for himself" in page.text


# --- Handing over -----------------------------------------------------------------------------------------


def test_all_cases_pass_as_suggested_after_a_question(place: Place) -> None:
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    asked = place.post(client, path, ticked=[place.cases[0], place.cases[1]])
    assert asked.status_code == 200 and place.handovers() == [], "the first post only asks"
    answer = client.post(path, data=form(asked.text, "hand-over"))
    assert answer.status_code == 302
    # The heavy one to who has nothing; then she has 5, and the other 2.
    assert place.curator_of(place.cases[0]) == place.staff(place.third)
    assert place.curator_of(place.cases[1]) == place.staff(place.second)
    told = place.handovers()
    assert [(one["giver"], one["reason"], one["by"]) for one in told] == [
        (place.staff(place.first), HandoverReason.ABSENCE, "Главная Анна")
    ] * 2
    with working(place.app) as session:
        lines = session.scalars(select(Change).where(Change.entity == "case", Change.field == "curator_id")
                                .order_by(Change.id.desc()).limit(2)).all()  # fmt: skip
    assert {line.old for line in lines} == {str(place.first.staff_id)} and {line.user for line in lines} == {
        "Главная Анна"
    }


def test_one_case_passes_to_whom_it_is_given(place: Place) -> None:
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    done = place.post(client, path, ticked=place.cases[1], receiver=place.third.staff_id, sure="1")
    assert done.status_code == 302
    assert [place.curator_of(id_) for id_ in place.cases] == [
        place.staff(place.first), place.staff(place.third), place.staff(place.second),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"ticked": []}, 422, "Tick at least one"),
        ({"receiver": "0"}, 422, "Choose a value"),
        ({"receiver": "999"}, 422, "not there any more"),
        ({"until": f"{TODAY - dt.timedelta(1)}", "temporary": "1"}, 422, "ends before"),
        ({"day": "вчера"}, 422, "A date is expected"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_passes(place: Place, wrong: dict[str, Any], status: int, words: str) -> None:
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    answer = place.post(client, path, **{"ticked": place.cases[:2], "sure": "1"} | wrong)
    assert answer.status_code == status and words in answer.text
    assert place.handovers() == [] and place.curator_of(place.cases[0]) == place.first.staff_id


def test_all_or_none(place: Place) -> None:
    """One case is hers already: neither passes."""
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    with working(place.app) as session:
        session.get_one(Staff, place.third.staff_id).works = False
        session.commit()
    answer = place.post(client, path, ticked=place.cases[:2], receiver=place.third.staff_id, sure="1")
    assert answer.status_code == 422 and "does not work here any more" in answer.text
    assert place.handovers() == []


def test_a_case_that_somebody_has_changed_meanwhile_is_looked_at_again(place: Place) -> None:
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    data = {
        "ticked": place.cases[0],
        "receiver": place.third.staff_id,
        "reason": "LOAD",
        "day": f"{TODAY}",
        "sure": "1",
    }
    with working(place.app) as session:
        version = session.get_one(Case, place.cases[0]).version
        session.get_one(Case, place.cases[0]).reason = "Иначе"
        session.commit()
    answer = client.post(path, data=data | {f"version-{place.cases[0]}": version})
    assert answer.status_code == 409 and place.handovers() == []


def test_a_case_that_nobody_leads_is_given_to_somebody(place: Place) -> None:
    with working(place.app) as session:
        session.get_one(Case, place.cases[0]).curator = None
        session.commit()
    client = place.client(place.supervisor)
    assert "/workload/0" in client.get("/workload/").text
    assert (
        place.post(client, "/workload/0", ticked=place.cases[0], receiver=place.third.staff_id, sure="1").status_code
        == 302
    )
    assert place.handovers()[0]["giver"] is None and place.curator_of(place.cases[0]) == place.third.staff_id


# --- Who is told, and the way back ------------------------------------------------------------------------


def hand(place: Place, **how: Any) -> int:
    """The first case passes to the third curator; the number of the hand-over."""
    client, path = place.client(place.supervisor), f"/workload/{place.first.staff_id}"
    given = {"ticked": place.cases[0], "receiver": place.third.staff_id, "sure": "1"} | how
    assert place.post(client, path, **given).status_code == 302
    with working(place.app) as session:
        return max(session.scalars(select(Handover.id)))


def test_who_receives_is_told_on_the_desk_and_confirms(place: Place) -> None:
    id_ = hand(place)
    receiver = place.client(place.third)
    desk = receiver.get("/").text
    assert "Cases handed over to you" in desk and f"/handover/{id_}" in desk and "Первая Анна" in desk
    assert "I have read it" in receiver.get(f"/handover/{id_}").text
    assert place.client(place.supervisor).post(f"/workload/read/{id_}").status_code == 403, "nobody reads for another"
    assert receiver.post(f"/workload/read/{id_}").status_code == 302
    assert place.handovers()[0]["read"] == TODAY
    assert f"/handover/{id_}" not in receiver.get("/").text
    assert "Первая Анна" in receiver.get(f"/case/{place.cases[0]}").text, "the page of the case tells of it"


def test_until_it_is_read_it_can_be_undone(place: Place) -> None:
    id_, client, path = hand(place), place.client(place.supervisor), f"/workload/{place.first.staff_id}/undo"
    assert "Undo" in client.get(f"/handover/{id_}").text
    assert client.post(path, data={"ticked": id_}).status_code == 302
    assert place.curator_of(place.cases[0]) == place.first.staff_id
    assert [one["state"] for one in place.handovers()] == [HandoverState.UNDONE], "and no hand-over back is told of"
    client.post(path, data={"ticked": id_})
    assert place.curator_of(place.cases[0]) == place.first.staff_id and len(place.handovers()) == 1

    id_ = hand(place)
    place.client(place.third).post(f"/workload/read/{id_}")
    answer = client.post(path, data={"ticked": id_}, follow_redirects=True)
    assert "has read of it" in answer.text and place.curator_of(place.cases[0]) == place.third.staff_id


def test_what_was_given_for_a_time_comes_back(place: Place) -> None:
    past = TODAY - dt.timedelta(1)
    id_ = hand(place, temporary="1", day=f"{past - dt.timedelta(9)}", until=f"{past}")
    client = place.client(place.supervisor)
    assert "Time to return cases" in client.get("/").text
    assert client.post(f"/workload/{place.first.staff_id}/return", data={"ticked": id_}).status_code == 302
    assert place.curator_of(place.cases[0]) == place.first.staff_id
    assert [(one["state"], one["reason"]) for one in place.handovers()] == [
        (HandoverState.RETURNED, HandoverReason.ABSENCE), (HandoverState.IN_FORCE, HandoverReason.RETURN),
    ]  # fmt: skip
    assert "Time to return cases" not in re.sub(r"Nothing waits here.*", "", client.get("/").text)
    assert "Cases handed over to you" in place.client(place.first).get("/").text, "who has it back is told too"


def test_what_was_given_for_good_does_not_come_back_by_that_button(place: Place) -> None:
    id_, client = hand(place), place.client(place.supervisor)
    client.post(f"/workload/{place.first.staff_id}/return", data={"ticked": id_})
    assert place.curator_of(place.cases[0]) == place.third.staff_id


def test_a_case_that_has_moved_on_is_not_brought_back(place: Place) -> None:
    id_ = hand(place, temporary="1")
    with working(place.app) as session:
        session.get_one(Case, place.cases[0]).curator_id = place.second.staff_id
        session.commit()
    client = place.client(place.supervisor)
    for way in ("return", "undo"):
        answer = client.post(f"/workload/{place.first.staff_id}/{way}", data={"ticked": id_}, follow_redirects=True)
        assert "has passed to somebody else" in answer.text
    assert place.curator_of(place.cases[0]) == place.second.staff_id


# --- Other doors ------------------------------------------------------------------------------------------


def edited(client: FlaskClient, case_id: int, curator: int | None) -> Any:
    opened = form(client.get(f"/case/{case_id}/edit").text, "record-form")
    opened["curator"] = str(curator or "")
    return client.post(f"/case/{case_id}/edit", data=opened)


def test_a_change_in_the_form_of_the_case_leaves_a_hand_over_too(place: Place) -> None:
    assert edited(place.client(place.supervisor), place.cases[0], place.second.staff_id).status_code == 302
    (told,) = place.handovers()
    assert (told["giver"], told["receiver"]) == (place.first.staff_id, place.second.staff_id)
    assert told["by"] == "Главная Анна"


def test_so_does_one_for_several_ticked_cases(place: Place) -> None:
    with working(place.app) as session:
        for id_ in place.cases[:2]:
            session.get_one(Case, id_).curator_id = place.third.staff_id
        session.commit()
    assert [one["receiver"] for one in place.handovers()] == [place.third.staff_id] * 2


def test_a_curator_does_not_hand_over_himself(place: Place) -> None:
    answer = edited(place.client(place.first), place.cases[0], place.second.staff_id)
    assert answer.status_code == 422 and "handed over by the supervisor" in answer.text
    assert place.curator_of(place.cases[0]) == place.first.staff_id and place.handovers() == []


def test_the_form_of_a_case_and_the_opening_from_a_signal_suggest_whom_to_appoint(place: Place) -> None:
    client = place.client(place.supervisor)
    assert "Третья Зоя" in client.get(f"/case/{place.cases[0]}/edit").text
    assert "Suggested:" not in client.get("/case/add").text, "nothing is known of the family yet"
    with working(place.app) as session:
        signal = Signal(number="С-1", content="Помогите", organisation_id=place.first.organisation_id)
        session.add(signal)
        session.commit()
        id_ = signal.id
    page = client.get(f"/signal/{id_}/open-case").text
    assert "Suggested:" in page and "Третья Зоя" in page


def test_dismissed_his_cases_wait_on_the_desk_and_his_account_is_told_of(
    place: Place, make_user: Callable[..., Person]
) -> None:
    with working(place.app) as session:
        session.get_one(Staff, place.first.staff_id).works = False
        session.commit()
    desk = place.client(place.supervisor).get("/").text
    assert "The curator is away" in desk and "Первая Анна is away" in desk
    assert "works here no more" in place.client(place.supervisor).get(f"/workload/{place.first.staff_id}").text
    administrator = place.client(make_user(ADMINISTRATOR))
    assert "Accounts of those who work here no more" in administrator.get("/").text


def test_a_closed_case_is_not_handed_over(place: Place) -> None:
    with working(place.app) as session:
        session.get_one(Case, place.cases[0]).status = CaseStatus.CLOSED
        session.commit()
    page = place.client(place.supervisor).get(f"/workload/{place.first.staff_id}").text
    assert "2026/02" in page and "2026/01" not in page


# --- Who sees what ----------------------------------------------------------------------------------------


def test_another_organisation_sees_and_moves_nothing(place: Place, make_user: Callable[..., Person]) -> None:
    id_ = hand(place)
    other = place.client(make_user(SUPERVISOR, organisation="Берег", municipality="Соликамск", name="Чужой"))
    assert "Первая" not in other.get("/workload/").text
    assert other.get(f"/workload/{place.first.staff_id}").status_code == 404
    assert other.get(f"/handover/{id_}").status_code == 404
    assert place.post(other, "/workload/0", ticked=place.cases[0], receiver=1, sure="1").status_code == 422
    other.post(f"/workload/{place.first.staff_id}/undo", data={"ticked": id_})
    assert place.curator_of(place.cases[0]) == place.third.staff_id
    assert other.post(f"/workload/read/{id_}").status_code == 404


def test_why_somebody_is_away_is_no_curators_business(place: Place) -> None:
    with working(place.app) as session:
        session.add(Absence(staff_id=place.first.staff_id, since=TODAY))
        session.commit()
    client = place.client(place.second)
    assert client.get("/absence/").status_code == 403
