"""Two families of two organisations, and somebody who keeps each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.families.models import Family, Income, Member
from app.kernel.grants import Grant, Holding, change_role, role_holdings
from app.roles import SUPERVISOR
from app.territory.models import Organisation
from tests.running import Person, login, working


@dataclass(frozen=True)
class Keeper:
    """Who keeps a family, in his browser; and its numbers."""

    client: FlaskClient
    person: Person
    organisation: int
    family: int
    member: int
    income: int


@pytest.fixture
def keepers(app: Flask, make_user: Callable[..., Person]) -> tuple[Keeper, Keeper]:
    """The keepers of the Ёлкины and of the Сосновы: neither may know anything of the other's family."""
    found = []
    for surname, organisation in (("Ёлкин", "Искорка"), ("Соснов", "Родник")):
        person = make_user(SUPERVISOR, organisation=organisation, municipality="Пермь")
        with working(app) as session:
            place = session.scalars(select(Organisation).where(Organisation.name == organisation)).one()
            family = Family(name=f"{surname}ы", organisation=place, address=f"улица {surname}а")
            family.members.append(Member(name=f"{surname} Иван", diagnosis=f"тайна {surname}ых"))
            family.incomes.append(Income(source=f"пособие {surname}ых", amount=6800))
            session.add(family)
            session.commit()
            numbers = place.id, family.id, family.members[0].id, family.incomes[0].id
        found.append(Keeper(login(app.test_client(), person), person, *numbers))
    return found[0], found[1]


@pytest.fixture
def withdraw(app: Flask) -> Callable[..., None]:
    """``withdraw("Руководитель", ("can_show", "Member"))``: the administrator has taken these from the role."""

    def take(role: str, *grants: Grant) -> None:
        with working(app) as session:
            id_ = session.scalars(select(Role.id).where(Role.name == role)).one()
            held = role_holdings(session, [id_])[id_]
            assert held.permissions >= set(grants)
            change_role(session, id_, Holding(held.permissions - set(grants), held.reaches))
            session.commit()

    return take
