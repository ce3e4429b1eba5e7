"""The bin: undoing a deletion, who sees what lies there, and erasing for good."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.cases.models import Case, Problem
from app.families.models import Category, Family, Income, Member
from app.kernel.bin import BinEntry, BinPlace
from app.kernel.files import FileKind
from app.kernel.history import Change, ChangeKind
from app.kernel.scans import Scan
from app.kernel.trigrams import similar_words
from app.kernel.writing import save
from app.meetings.models import Meeting
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.roles import ADMINISTRATOR, CURATOR, SECRETARY, SUPERVISOR
from app.territory.models import Organisation, Staff
from tests.pages import form
from tests.records import Maker
from tests.running import Person, login, working

ADMIN = "Администратор"
assert ADMIN == ADMINISTRATOR


@pytest.fixture
def made(app: Flask) -> dict[str, int]:
    """One record of each entity, tied to one another."""
    with working(app) as session:
        made = {name: record.id for name, record in Maker(session).every().items()}
        session.commit()
        return made


@pytest.fixture
def admin(made: dict[str, int], signed_in: Callable[..., FlaskClient]) -> FlaskClient:
    return signed_in(ADMIN)


def entries(app: Flask) -> list[Any]:
    with working(app) as session:
        return list(session.execute(select(BinEntry.__table__).order_by(BinEntry.id)))


def undo(client: FlaskClient, *ids: int, follow: bool = True, **more: str) -> Any:
    return client.post("/bin/restore", data={"entry": list(map(str, ids)), **more}, follow_redirects=follow)


def count(app: Flask, entity: Any) -> int:
    with working(app) as session:
        return int(session.scalar(select(func.count()).select_from(entity)) or 0)


def family_form(client: FlaskClient, id_: int, **more: str) -> dict[str, Any]:
    return dict(form(client.get(f"/family/{id_}/edit").text).to_dict(flat=False)) | {k: [v] for k, v in more.items()}


# --- Undoing at once ------------------------------------------------------------------------------------------


def test_rows_removed_in_a_form_come_back_by_the_button_of_the_message(
    app: Flask, admin: FlaskClient, made: dict[str, int]
) -> None:
    id_ = made["Family"]
    with working(app) as session:
        session.add(Member(family_id=id_, name="Лишний"))
        session.commit()
    typed = family_form(admin, id_, **{"members-1-deleted": "1", "incomes-0-deleted": "1"})
    page = admin.post(f"/family/{id_}/edit", data=typed, follow_redirects=True).text
    assert "Saved. 2 rows were deleted." in page
    assert count(app, Member) == 1 and count(app, Income) == 0
    assert {entry.entity for entry in entries(app)} == {"member", "income"}
    answer = admin.post("/bin/restore", data=form(page, "undo"))
    assert answer.location == f"/family/{id_}", "back to the page on which they were missed"
    assert count(app, Member) == 2 and count(app, Income) == 1 and entries(app) == []


def test_a_removed_row_has_its_lines_in_the_history(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    typed = family_form(admin, made["Family"], **{"incomes-0-deleted": "1"})
    admin.post(f"/family/{made['Family']}/edit", data=typed)
    with working(app) as session:
        kinds = set(session.scalars(select(Change.kind).where(Change.entity == "income", Change.record_id == 1)))
    assert ChangeKind.DELETED in kinds and ChangeKind.CHANGED not in kinds


def test_the_history_of_each_record_above_offers_what_was_deleted_from_it(
    app: Flask, admin: FlaskClient, made: dict[str, int]
) -> None:
    assert admin.delete(f"/api/v1/activity/{made['Activity']}").status_code == 204
    (entry,) = entries(app)
    for name in ("goal", "plan", "case", "family"):
        path = f"/{name}/{made[name.title()]}/history"
        page = admin.get(path).text
        assert "Deleted from here" in page and form(page, "undo").getlist("entry") == [str(entry.id)], name
    answer = admin.post("/bin/restore", data=form(page, "undo"))
    assert answer.location == path
    assert "Deleted from here" not in admin.get(path).text and count(app, Activity) == 1


def test_rows_and_goals_removed_from_the_plan_table_are_in_the_bin(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        maker = Maker(session)
        plan = maker.one(Plan)
        goal = maker.new(Goal, plan=plan)
        rows = [maker.new(Activity, goal=goal) for _ in range(2)]
        session.commit()
        plan_id, gone = plan.id, {goal.uid: goal.version} | {row.uid: row.version for row in rows}
        kept = {"goal": goal.id, "rows": {row.id for row in rows}}
    answer = admin.post(f"/plan/{plan_id}/table", json={"remove": gone})
    assert answer.status_code == 200, answer.text
    assert {entry.entity for entry in entries(app)} == {"activity", "goal"}
    ids = sorted((entry.id for entry in entries(app)), reverse=True)
    assert undo(admin, *ids).status_code == 200
    with working(app) as session:
        assert session.get(Goal, kept["goal"]) is not None
        assert set(session.scalars(select(Activity.id).where(Activity.goal_id == kept["goal"]))) == kept["rows"]


def scan(app: Flask, entity: str, record_id: int) -> None:
    """A signed paper of this record; no key of the database ties the two."""
    with working(app) as session:
        save(session, Scan(entity=entity, record_id=record_id, name="лист.pdf", kind=FileKind.PDF, length=9,
                           digest="0" * 64, attached_by="А"))  # fmt: skip
        session.commit()


def test_signed_papers_go_and_come_back_with_their_record(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    with working(app) as session:
        id_ = Maker(session, **{"Case": session.get_one(Case, made["Case"])}).new(Plan).id
        session.commit()
    scan(app, "plan", id_)
    admin.post(f"/plan/{id_}/delete")
    (entry,) = entries(app)
    assert count(app, Scan) == 0
    assert "Put back:" in undo(admin, entry.id).text and count(app, Scan) == 1


def test_several_ticked_records_come_back_together(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    with working(app) as session:
        session.add_all(one := [Category(name=name) for name in ("Первая", "Вторая")])
        session.commit()
        ids = [category.id for category in one]
    page = admin.post("/category/many/delete", data={"ticked": ids, "sure": "1"}, follow_redirects=True).text
    assert count(app, Category) == 1 and len(entries(app)) == 2
    assert admin.post("/bin/restore", data=form(page, "undo")).location.startswith("/category/")
    assert count(app, Category) == 3


def test_what_is_back_is_found_again_with_an_error_of_typing(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        maker = Maker(session)
        id_ = maker.new(Family, name="Журавлёвские").id
        session.commit()
    before = words_like(app, "журавлевсике")
    admin.post(f"/family/{id_}/delete")
    assert "журавлевские" in before and words_like(app, "журавлевсике") == []
    undo(admin, entries(app)[0].id)
    assert words_like(app, "журавлевсике") == before


def words_like(app: Flask, word: str) -> list[str]:
    with working(app) as session:
        return similar_words(session.connection(), word)


# --- What cannot be put back ----------------------------------------------------------------------------------


def test_a_value_that_is_taken_meanwhile_is_named_and_nothing_comes_back(
    app: Flask, admin: FlaskClient, made: dict[str, int]
) -> None:
    with working(app) as session:
        id_ = Maker(session).new(Category, name="Многодетная").id
        session.commit()
    admin.post(f"/category/{id_}/delete")
    (entry,) = entries(app)
    admin.post("/category/add", data={"name": "Многодетная"})
    page = undo(admin, entry.id).text
    assert "“Многодетная” cannot be put back. Name “Многодетная”: This value is taken by another record." in page
    assert [one.id for one in entries(app)] == [entry.id], "it stays in the bin"


def test_values_that_are_taken_together(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    with working(app) as session:
        problem = Maker(session, **{"Case": session.get_one(Case, made["Case"])}).new(Problem, number=7)
        session.commit()
        id_, text = problem.id, problem.text
    admin.delete(f"/api/v1/problem/{id_}")
    with working(app) as session:
        session.add(Problem(case_id=made["Case"], number=7, text=text))
        session.commit()
    page = undo(admin, entries(app)[0].id).text
    assert "There is such a record already." in page and count(app, Problem) == 2


def test_what_it_needs_is_named_when_it_is_in_the_bin_too(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    with working(app) as session:
        family = Maker(session, **{"Organisation": session.get_one(Organisation, made["Organisation"])}).new(
            Family, name="Берёзовы", categories=[]
        )
        member = Member(family=family, name="Берёзов Пётр")
        session.add(member)
        session.commit()
        family_id, member_id = family.id, member.id
    admin.post(f"/member/{member_id}/delete")
    admin.post(f"/family/{family_id}/delete")
    first, second = entries(app)
    page = undo(admin, first.id).text
    assert "“Берёзов Пётр” cannot be put back. It needs “Берёзовы” (Family), which is in the bin too" in page
    admin.post("/bin/empty", data={"entry": second.id, "word": "erase"})
    assert f"It needs “№ {family_id}” (Family), which is not there any more." in undo(admin, first.id).text


def test_twice_and_by_two_people(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    assert admin.post(f"/income/{made['Income']}/delete").status_code == 302
    assert admin.post(f"/income/{made['Income']}/delete").status_code == 404
    (entry,) = entries(app)
    assert "Put back:" in undo(admin, entry.id).text
    page = undo(admin, entry.id)
    assert page.status_code == 200 and "put back already, or erased for good" in page.text
    assert undo(admin, 2**31 - 1).status_code == 200
    assert undo(admin, follow=False, entry="x").status_code == 400
    assert count(app, Income) == 1


def test_two_at_the_same_moment(
    app: Flask, admin: FlaskClient, made: dict[str, int], signed_in: Callable[..., FlaskClient]
) -> None:
    """Both have read the entry; the one who comes second is told, and there is one record."""
    import threading

    admin.post(f"/income/{made['Income']}/delete")
    (entry,) = entries(app)
    clients = [signed_in(ADMIN) for _ in range(4)]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda client=client: answers.append(undo(client, entry.id).status_code))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == [200] * 4 and count(app, Income) == 1


def test_nothing_comes_back_into_an_approved_plan(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    admin.delete(f"/api/v1/activity/{made['Activity']}")
    (entry,) = entries(app)
    with working(app) as session:
        session.execute(update(Plan.__table__).values(status=PlanStatus.APPROVED, approved_on=dt.date(2026, 1, 1)))
        session.commit()
    page = undo(admin, entry.id).text
    assert "cannot be put back" in page and count(app, Activity) == 0 and len(entries(app)) == 1


def test_what_is_wrong_with_it_now_is_told(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    """Its number was given to another meanwhile; no rule of the database says that this may not be."""
    with working(app) as session:
        values = {"commission_id": made["Commission"], "number": "77", "held_on": dt.date(2026, 3, 1)}
        session.add(meeting := Meeting(**values))
        session.commit()
        id_ = meeting.id
        session.delete(meeting)
        session.add(Meeting(**values))
        session.commit()
    page = undo(admin, entries(app)[0].id).text
    assert "Put back:" in page and "has a protocol of this number in this year already" in page
    with working(app) as session:
        assert session.get(Meeting, id_) is not None


def test_the_author_who_is_gone_is_left_empty(
    app: Flask, admin: FlaskClient, made: dict[str, int], make_user: Callable[..., Person]
) -> None:
    from flask_appbuilder.security.sqla.models import User

    gone = make_user(ADMIN)
    client = login(app.test_client(), gone)
    client.post("/category/add", data={"name": "Временная"})
    with working(app) as session:
        id_ = session.scalars(select(Category.id).where(Category.name == "Временная")).one()
    client.post(f"/category/{id_}/delete")
    with working(app) as session:
        session.delete(session.get_one(User, gone.id))
        session.commit()
    undo(admin, entries(app)[0].id)
    with working(app) as session:
        assert session.get_one(Category, id_).created_by_id is None


def test_an_entry_from_before_a_change_of_the_schema(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    """A column that is no more is left out, one that is new takes its default."""
    admin.post(f"/income/{made['Income']}/delete")
    (entry,) = entries(app)
    kept = json.loads(entry.kept)
    kept["rows"]["income"][0]["of_old"] = "было"
    del kept["rows"]["income"][0]["folded"]
    with working(app) as session:
        session.execute(update(BinEntry.__table__).values(kept=json.dumps(kept)))
        session.commit()
    assert "Put back:" in undo(admin, entry.id).text and count(app, Income) == 1


# --- Who sees what --------------------------------------------------------------------------------------------


@pytest.fixture
def two(app: Flask, make_user: Callable[..., Person]) -> tuple[FlaskClient, FlaskClient, int]:
    """A supervisor who has deleted a member of a family, his colleague, and the entry."""
    people = [make_user(SUPERVISOR, organisation="Искорка") for _ in range(2)]
    mine, theirs = (login(app.test_client(), person) for person in people)
    with working(app) as session:
        family = Family(name="Ёлкины", organisation_id=people[0].organisation_id)
        family.members.append(Member(name="Ёлкин Тайный"))
        session.add(family)
        session.commit()
        id_ = family.members[0].id
    mine.post(f"/member/{id_}/delete", follow_redirects=True)
    return mine, theirs, entries(app)[0].id


def test_everybody_sees_what_he_has_deleted_and_the_administrator_everything(
    app: Flask, two: tuple[FlaskClient, FlaskClient, int], signed_in: Callable[..., FlaskClient]
) -> None:
    mine, theirs, entry = two
    assert "Ёлкин Тайный" in mine.get("/bin/").text
    for other in (theirs, signed_in(SUPERVISOR, organisation="Родник"), signed_in(CURATOR, organisation="Искорка")):
        assert "Ёлкин" not in other.get("/bin/").text
        told, unknown = (re.search(r'<div class="alert.*?</div>', undo(other, id_).text) for id_ in (entry, 999_999))
        assert told and unknown and told[0] == unknown[0]
        assert "Ёлкин" not in told[0]
        assert len(entries(app)) == 1
    admin = signed_in(ADMIN)
    assert "Ёлкин Тайный" in admin.get("/bin/").text
    assert "Put back:" in undo(admin, entry).text and count(app, Member) == 1


def test_without_the_right_to_delete_nothing_is_put_back(app: Flask, two: tuple[FlaskClient, FlaskClient, int]) -> None:
    from flask_appbuilder.security.sqla.models import Role

    from app.kernel.grants import Holding, change_role, role_holdings

    mine, _theirs, entry = two
    with working(app) as session:
        id_ = session.scalars(select(Role.id).where(Role.name == SUPERVISOR)).one()
        held = role_holdings(session, [id_])[id_]
        change_role(session, id_, Holding(held.permissions - {("can_delete", "Member")}, held.reaches))
        session.commit()
    assert "Ёлкин" not in mine.get("/bin/").text
    assert "not in the bin any more" in undo(mine, entry).text and count(app, Member) == 0


@pytest.mark.parametrize("change", ["month", "organisation"])
def test_after_a_month_or_in_another_organisation_it_is_the_administrators(
    app: Flask, two: tuple[FlaskClient, FlaskClient, int], change: str
) -> None:
    mine, _theirs, entry = two
    with working(app) as session:
        if change == "month":
            then = dt.datetime.now(dt.UTC) - dt.timedelta(days=31)
            session.execute(update(BinEntry.__table__).values(at=then))
        else:
            session.add(other := Organisation(name="Родник"))
            session.flush()
            session.execute(update(Staff.__table__).values(organisation_id=other.id))
        session.commit()
    assert "Ёлкин" not in mine.get("/bin/").text and "not in the bin any more" in undo(mine, entry).text


def test_what_would_come_back_out_of_reach_is_left_to_the_administrator(
    app: Flask, two: tuple[FlaskClient, FlaskClient, int]
) -> None:
    mine, _theirs, entry = two
    with working(app) as session:
        session.add(other := Organisation(name="Родник"))
        session.flush()
        session.execute(update(Family.__table__).values(organisation_id=other.id))
        session.commit()
    assert "ask the administrator" in undo(mine, entry).text
    assert count(app, Member) == 0 and len(entries(app)) == 1


def test_a_stranger_and_a_forged_request_put_nothing_back(
    app: Flask, two: tuple[FlaskClient, FlaskClient, int]
) -> None:
    mine, _theirs, entry = two
    assert undo(app.test_client(), entry, follow=False).location.startswith("/login/")
    assert mine.get("/bin/restore").status_code == 405
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert undo(mine, entry).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert count(app, Member) == 0


# --- Erasing --------------------------------------------------------------------------------------------------


def test_the_administrator_erases_one_and_all_after_typing_a_word(
    app: Flask, admin: FlaskClient, made: dict[str, int]
) -> None:
    for name in ("income", "activity", "member"):
        admin.delete(f"/api/v1/{name}/{made[name.title()]}")
    first, second, third = entries(app)
    question = admin.get(f"/bin/empty?entry={first.id}")
    assert question.status_code == 200 and "This cannot be undone" in question.text
    wrong = admin.post("/bin/empty", data=form(question.text, "erase") | {"word": "ёлки"})
    assert wrong.status_code == 422 and "Type the word “erase”" in wrong.text and len(entries(app)) == 3
    admin.post("/bin/empty", data={**form(question.text, "erase"), "word": " Erase "})
    assert [entry.id for entry in entries(app)] == [second.id, third.id]

    question = admin.get("/bin/empty")
    with working(app) as session:
        session.execute(BinEntry.__table__.delete().where(BinEntry.id == third.id))
        session.commit()
    admin.post("/category/add", data={"name": "Пришла потом"})
    with working(app) as session:
        id_ = session.scalars(select(Category.id).where(Category.name == "Пришла потом")).one()
    admin.post(f"/category/{id_}/delete")
    page = admin.post("/bin/empty", data={**form(question.text, "erase"), "word": "erase"}, follow_redirects=True).text
    assert "Erased for good: 1." in page
    assert [entry.title for entry in entries(app)] == ["Пришла потом"], "what nobody has looked at is not erased"
    assert count(app, BinPlace) == 0, "nothing of it is left"
    assert "not in the bin any more" in undo(admin, second.id).text
    with working(app) as session:
        kept = select(func.count()).where(Change.entity == "activity", Change.kind == ChangeKind.DELETED)
        assert session.scalar(kept), "the history keeps its lines"


def test_an_entrys_number_is_never_given_again(app: Flask, admin: FlaskClient, made: dict[str, int]) -> None:
    admin.delete(f"/api/v1/income/{made['Income']}")
    (first,) = entries(app)
    admin.post("/bin/empty", data={"entry": first.id, "word": "erase"})
    admin.delete(f"/api/v1/activity/{made['Activity']}")
    assert entries(app)[0].id > first.id


def test_only_the_administrator_empties(app: Flask, two: tuple[FlaskClient, FlaskClient, int]) -> None:
    mine, _theirs, entry = two
    assert "/bin/empty" not in mine.get("/bin/").text
    assert mine.get("/bin/empty").status_code == 403
    assert mine.post("/bin/empty", data={"entry": entry, "word": "erase"}).status_code == 403
    assert len(entries(app)) == 1


def test_pages_and_an_empty_bin(
    app: Flask, admin: FlaskClient, made: dict[str, int], signed_in: Callable[..., FlaskClient]
) -> None:
    assert "The bin is empty" in admin.get("/bin/").text
    assert "The bin is empty" in signed_in(SECRETARY, organisation="Искорка", municipality="Пермь").get("/bin/").text
    with working(app) as session:
        session.execute(
            BinEntry.__table__.insert(),
            [{"user": "А", "entity": "income", "record_id": n, "title": f"Доход {n}", "kept": "{}"} for n in range(60)],
        )
        session.commit()
    assert "Доход 59" in admin.get("/bin/").text and "Доход 5<" not in admin.get("/bin/").text
    assert "Доход 5<" in admin.get("/bin/?page=2").text and "Доход 5<" in admin.get("/bin/?page=99").text
    assert admin.get("/bin/?page=-1").status_code == 400
