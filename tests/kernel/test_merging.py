"""Two families that are one: what the preview says, what a merge moves, and that all of it can be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import delete, select, update

from app.cases.models import Case
from app.families.models import Category, Family, Income, Member
from app.kernel.bin import BinEntry
from app.kernel.declare import Reach
from app.kernel.grants import Holding, change_role, role_holdings
from app.kernel.history import Change
from app.kernel.orm import Row
from app.risks.models import RiskAssessment
from app.roles import CURATOR, SUPERVISOR
from app.signals.models import Signal
from tests.pages import form
from tests.records import Maker
from tests.running import Person, login, working


@pytest.fixture
def person(make_user: Callable[..., Person]) -> Person:
    return make_user(SUPERVISOR, organisation="Искорка", municipality="Пермь")


@pytest.fixture
def client(app: Flask, person: Person) -> FlaskClient:
    return login(app.test_client(), person)


@pytest.fixture
def pair(app: Flask, person: Person) -> tuple[int, int]:
    """The family that stays knows little; the one entered a second time has everything that a family can have."""
    with working(app) as session:
        this = Family(name="Ёлкины", organisation_id=person.organisation_id, phone="8-900", address="Лесная, 1, кв. 2")
        this.members.append(Member(name="Елкин Пётр"))
        this.categories = [Category(name="Многодетная"), shared := Category(name="Приёмная")]
        session.add(this)
        session.flush()
        other = Family(
            name="Ёлкины (дубль)", organisation_id=person.organisation_id, address="Лесная, 1", notes="Просили помочь"
        )
        other.categories = [shared, Category(name="Неполная")]
        other.members = [Member(name="Ёлкин Пётр"), Member(name="Ёлкина Анна")]
        other.incomes = [Income(source="Пенсия", amount=9000)]
        session.add(other)
        session.flush()
        maker = Maker(session, Family=other)
        for entity in (Case, RiskAssessment):
            maker.one(entity)
        maker.new(Signal, organisation=other.organisation)
        session.commit()
        return this.id, other.id


def everything(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, but for the history, the bin, and what each write counts up."""
    aside = {"change", "bin_entry", "bin_place", "sign_in"}
    upkeep = {"version", "changed_at", "changed_by_id"}
    found = {}
    with working(app) as session:
        for table in Row.metadata.sorted_tables:
            if table.name not in aside:
                columns = [column for column in table.columns if column.key not in upkeep]
                found[table.name] = sorted(map(repr, session.execute(select(*columns))))
    return found  # type: ignore[return-value]


def preview(client: FlaskClient, this: int, other: int) -> tuple[str, Any]:
    page = client.get(f"/family/{this}/merge?with={other}")
    assert page.status_code == 200
    return page.text, form(page.text, "merge-form")


def merge(client: FlaskClient, this: int, other: int, **chosen: str) -> Any:
    typed = preview(client, this, other)[1].to_dict() | {f"field-{name}": which for name, which in chosen.items()}
    return client.post(f"/family/{this}/merge", data=typed)


def family(app: Flask, id_: int) -> dict[str, Any]:
    with working(app) as session:
        found = session.get_one(Family, id_)
        return {
            "name": found.name,
            "phone": found.phone,
            "address": found.address,
            "notes": found.notes,
            "categories": sorted(one.name for one in found.categories),
            "members": sorted(one.name for one in found.members),
            "incomes": len(found.incomes),
            **{
                entity.__tablename__: len(session.scalars(select(entity).where(entity.family_id == id_)).all())
                for entity in (Case, RiskAssessment, Signal)
            },
        }


def test_the_preview_shows_both_and_proposes_what_says_more(client: FlaskClient, pair: tuple[int, int]) -> None:
    page, proposed = preview(client, *pair)
    assert proposed["field-name"] == "other" and proposed["field-address"] == "this"
    assert proposed["field-phone"] == "this" and proposed["field-notes"] == "other"
    assert proposed["field-categories"] == "both"
    for words in ("Cases: 1", "Family members: 2", "Income sources: 1", "Signals: 1"):
        assert words in page
    assert "Family member: Ёлкин Пётр" in page, "ё and е are one letter to whoever types a name"
    assert "Family member: Ёлкина Анна" not in page
    assert "Family" in client.get(f"/family/{pair[0]}/merge").text


def test_everything_goes_over_and_is_undone(app: Flask, client: FlaskClient, pair: tuple[int, int]) -> None:
    before = everything(app)
    answer = merge(client, *pair, name="this", notes="other", address="both")
    assert answer.location == f"/family/{pair[0]}"
    assert family(app, pair[0]) == {
        "name": "Ёлкины",
        "phone": "8-900",
        "address": "Лесная, 1, кв. 2\nЛесная, 1",
        "notes": "Просили помочь",
        "categories": sorted(["Многодетная", "Неполная", "Приёмная"]),
        "members": sorted(["Елкин Пётр", "Ёлкин Пётр", "Ёлкина Анна"]),
        "incomes": 1,
        "case": 1,
        "risk_assessment": 1,
        "signal": 1,
    }
    page = client.get(answer.location).text
    assert client.get(f"/family/{pair[1]}").status_code == 404 and "Ёлкины (дубль)" in page
    with working(app) as session:
        lines = session.execute(select(Change.entity, Change.field, Change.old, Change.new)).all()
        case = session.scalars(select(Case.id)).one()
    assert ("case", "family_id", str(pair[1]), str(pair[0])) in [tuple(line) for line in lines] and case
    answer = client.post("/bin/restore", data=form(page, "undo"))
    assert answer.location == f"/family/{pair[1]}"
    assert everything(app) == before


def test_a_value_that_is_put_into_its_usual_form_is_taken_back_too(
    app: Flask, client: FlaskClient, pair: tuple[int, int]
) -> None:
    with working(app) as session:  # kept before numbers were checked
        session.execute(update(Family.__table__).where(Family.id == pair[1]).values(phone="8-912-000-00-00"))
        session.commit()
    before = everything(app)
    answer = merge(client, *pair, phone="other")
    assert family(app, pair[0])["phone"] == "+7 912 000-00-00"
    page = client.get(answer.location).text
    client.post("/bin/restore", data=form(page, "undo"))
    assert everything(app) == before


def test_what_has_changed_since_stays_and_is_told(app: Flask, client: FlaskClient, pair: tuple[int, int]) -> None:
    merge(client, *pair, notes="other")
    with working(app) as session:
        session.get_one(Family, pair[0]).notes = "Уже помогли"
        anna = session.scalars(select(Member).where(Member.name == "Ёлкина Анна")).one()
        session.delete(anna)
        session.commit()
        entry = session.scalars(select(BinEntry.id).where(BinEntry.entity == "family")).one()
    page = client.post("/bin/restore", data={"entry": entry}, follow_redirects=True).text
    assert "Changed since the merge and left as it is: Additional information." in page
    assert "1 record was deleted or moved since" in page
    assert family(app, pair[0])["notes"] == "Уже помогли" and family(app, pair[1])["members"] == ["Ёлкин Пётр"]


def test_when_the_one_that_stayed_is_gone_too(app: Flask, client: FlaskClient, pair: tuple[int, int]) -> None:
    with working(app) as session:
        for entity in (Signal, RiskAssessment, Case):
            session.execute(delete(entity.__table__))
        session.commit()
    merge(client, *pair)
    client.post(f"/family/{pair[0]}/delete", follow_redirects=True)
    with working(app) as session:
        entry = session.scalars(select(BinEntry.id).where(BinEntry.record_id == pair[1], BinEntry.entity == "family"))
        entry = entry.one()
    page = client.post("/bin/restore", data={"entry": entry}, follow_redirects=True).text
    assert "is not there any more, so nothing was moved back" in page
    assert family(app, pair[1])["members"] == []


def test_a_member_takes_the_links_of_the_other_with_him(app: Flask, client: FlaskClient, person: Person) -> None:
    """Whatever names him: links of other records are exchanged, and given back."""
    from app.kernel.merging import pointers
    from app.kernel.schema import schema_of

    with working(app) as session:
        own = Family(name="Ёлкины", organisation_id=person.organisation_id)
        own.members = [Member(name="Ёлкин Пётр"), Member(name="Ёлкин П.")]
        session.add(own)
        session.flush()
        own_id, (this, other) = own.id, (member.id for member in own.members)
        session.commit()
    with working(app) as session:
        maker = Maker(session, Member=session.get_one(Member, other), Family=session.get_one(Family, own_id))
        for pointer in pointers(schema_of(Member)):
            maker.new(pointer.schema.entity)
        session.commit()
        pointing = sum(pointer.number(session, other) for pointer in pointers(schema_of(Member)))
    before = everything(app)
    page = client.get(f"/member/{this}/merge?with={other}").text
    answer = client.post(f"/member/{this}/merge", data=form(page, "merge-form"))
    assert answer.location == f"/member/{this}"
    with working(app) as session:
        assert session.get(Member, other) is None
        assert sum(pointer.number(session, this) for pointer in pointers(schema_of(Member))) == pointing
    page = client.get(answer.location).text
    assert client.post("/bin/restore", data=form(page, "undo")).status_code == 302
    assert everything(app) == before


def test_who_sees_families_by_his_cases_alone_merges_and_undoes_too(
    app: Flask, client: FlaskClient, person: Person, pair: tuple[int, int]
) -> None:
    """While its cases are on their way a family is out of his reach; when all is in its place it is not."""
    with working(app) as session:
        id_ = session.scalars(select(Role.id).where(Role.name == SUPERVISOR)).one()
        change_role(session, id_, Holding(role_holdings(session, [id_])[id_].permissions, frozenset({Reach.OWN})))
        Maker(session, Family=session.get_one(Family, pair[0])).one(Case)
        session.execute(update(Case.__table__).values(curator_id=person.staff_id))
        session.commit()
    before = everything(app)
    answer = merge(client, *pair)
    assert answer.location == f"/family/{pair[0]}", answer.text
    answer = client.post("/bin/restore", data=form(client.get(answer.location).text, "undo"))
    assert answer.location == f"/family/{pair[1]}"
    assert client.get(answer.location).status_code == 200 and everything(app) == before


def test_somebody_has_changed_one_of_them_meanwhile(app: Flask, client: FlaskClient, pair: tuple[int, int]) -> None:
    typed = preview(client, *pair)[1]
    with working(app) as session:
        session.get_one(Family, pair[1]).notes = "Новое"
        session.commit()
    answer = client.post(f"/family/{pair[0]}/merge", data=typed)
    assert answer.status_code == 409 and "Somebody has changed one of the two" in answer.text and "Новое" in answer.text
    assert client.post(f"/family/{pair[0]}/merge", data=form(answer.text, "merge-form")).status_code == 302


def test_with_itself_with_nobody_and_with_nonsense(app: Flask, client: FlaskClient, pair: tuple[int, int]) -> None:
    this, other = pair
    assert client.get(f"/family/{this}/merge?with={this}").status_code == 422
    assert client.get(f"/family/{this}/merge?with=999999").status_code == 404
    assert client.get(f"/family/{this}/merge?with=x").status_code == 400
    typed = preview(client, this, other)[1].to_dict() | {"field-name": "neither"}
    assert client.post(f"/family/{this}/merge", data=typed).status_code == 400
    assert client.post(f"/family/{this}/merge").status_code == 200, "nothing chosen: the question again"
    assert merge(client, this, other).status_code == 302
    assert client.post(f"/family/{this}/merge", data=typed | {"field-name": "this"}).status_code == 404, (
        "merged already"
    )


def test_nobody_merges_what_he_does_not_see_or_may_not_delete(
    app: Flask, client: FlaskClient, pair: tuple[int, int], signed_in: Callable[..., FlaskClient],
    make_user: Callable[..., Person],
) -> None:  # fmt: skip
    stranger = make_user(SUPERVISOR, organisation="Родник")
    theirs = login(app.test_client(), stranger)
    with working(app) as session:
        session.add(own := Family(name="Чужие", organisation_id=stranger.organisation_id))
        session.commit()
        own_id = own.id
    there, nowhere = (theirs.get(f"/family/{own_id}/merge?with={id_}") for id_ in (pair[0], 999_999))
    assert there.status_code == nowhere.status_code == 404 and there.data == nowhere.data
    assert client.get(f"/family/{pair[0]}/merge?with={own_id}").status_code == 404
    curator = signed_in(CURATOR, organisation="Искорка")
    assert curator.get(f"/family/{pair[0]}/merge").status_code == 403
    assert "/merge" in client.get(f"/family/{pair[0]}").text


def test_what_one_does_not_see_is_not_moved_in_silence(
    app: Flask, client: FlaskClient, pair: tuple[int, int], make_user: Callable[..., Person]
) -> None:
    with working(app) as session:
        signal = session.scalars(select(Signal)).one()
        other = make_user(SUPERVISOR, organisation="Родник", municipality="Озёрск")
        signal.organisation_id, signal.municipality_id = other.organisation_id, None
        session.commit()
    page = client.get(f"/family/{pair[0]}/merge?with={pair[1]}")
    assert (
        page.status_code == 422
        and "ask the administrator" in page.text
        and "Signals" not in page.text.split("<main")[1]
    )
