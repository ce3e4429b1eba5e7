"""A commission's member sees what his own commissions discuss, and no more of the same family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kernel.orm import acting_as
from app.meetings.papers import protocol_paper
from app.roles import COMMISSIONER, CURATOR
from models import AgendaItem, Case, Commission, CommissionMember, Contact, Meeting, Plan, Staff
from tests.records import Maker
from tests.running import Person, login, working


@dataclass
class Agendas:
    """Two cases of one family: the old one was discussed by others; the new one here and there."""

    member: FlaskClient
    curator: Person
    new: int
    old: int
    here: int
    there: int
    meeting: int


@pytest.fixture
def agendas(app: Flask, make_user: Callable[..., Person]) -> Agendas:
    person = make_user(COMMISSIONER, organisation="Искорка", municipality="Пермь")
    curator = make_user(CURATOR, organisation="Искорка", municipality="Пермь")
    with working(app) as session:
        maker = Maker(session)
        old, new = maker.new(Case), maker.one(Case)
        new.curator_id = curator.staff_id
        maker.new(Plan, case=old)
        maker.new(Contact, case=old, goals=[])
        stranger = maker.new(Case, family=maker.new(type(new.family)))
        ours, theirs = maker.one(Commission), maker.new(Commission)
        ours.municipality_id = curator.municipality_id
        maker.new(CommissionMember, commission=ours, staff=session.get_one(Staff, person.staff_id))
        here, there = maker.one(Meeting), maker.new(Meeting, commission=theirs)
        first = maker.new(AgendaItem, meeting=here, case=stranger, position=1)
        item = maker.new(AgendaItem, meeting=here, case=new, position=2)
        other = maker.new(AgendaItem, meeting=there, case=new, position=1)
        maker.new(AgendaItem, meeting=there, case=old, position=2)
        session.commit()
        assert first.id
        return Agendas(login(app.test_client(), person), curator, new.id, old.id, item.id, other.id, here.id)


def seen(client: FlaskClient, path: str) -> int:
    return client.get(path).status_code


def test_another_case_of_the_family_is_as_if_it_were_not_there(agendas: Agendas) -> None:
    member = agendas.member
    assert (seen(member, f"/case/{agendas.new}"), seen(member, f"/case/{agendas.old}")) == (200, 404)
    assert member.get(f"/case/{agendas.old}").data == member.get("/case/999999").data


def test_what_belongs_to_the_other_case_is_not_seen_either(app: Flask, agendas: Agendas) -> None:
    with working(app) as session:
        hidden = {
            entity.__tablename__: session.scalars(select(entity.id).where(entity.case_id == agendas.old)).one()
            for entity in (Plan, Contact)
        }
    assert {seen(agendas.member, f"/{name}/{id_}") for name, id_ in hidden.items()} == {404}


def test_a_question_of_another_commission_about_the_same_case_is_not_seen(agendas: Agendas) -> None:
    member = agendas.member
    assert (seen(member, f"/agenda-item/{agendas.here}"), seen(member, f"/agenda-item/{agendas.there}")) == (200, 404)


def test_who_sees_a_part_of_the_questions_prints_an_extract_with_their_own_numbers(
    app: Flask, agendas: Agendas
) -> None:
    from flask_appbuilder.security.sqla.models import User

    from app.kernel.access import load_viewer

    with working(app) as session:
        whole = protocol_paper(session.get_one(Meeting, agendas.meeting))
        viewer = load_viewer(session, session.get_one(User, agendas.curator.id))
        session.expunge_all()
        with acting_as(session, viewer):
            part = protocol_paper(session.get_one(Meeting, agendas.meeting))
    assert whole["title"] == "Протокол заседания" and [one["number"] for one in whole["questions"]] == [1, 2]
    assert part["title"] == "Выписка из протокола заседания" and [one["number"] for one in part["questions"]] == [2]
