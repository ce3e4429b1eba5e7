"""Row 4: rows of another entity on a record's page, and in its form, ask for the permissions of that entity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.families.models import Family, Member
from app.kernel.declare import May
from app.roles import SUPERVISOR
from tests.running import working
from tests.security.conftest import Keeper


def grant(flag: May, resource: str = "Member") -> tuple[str, str]:
    return flag.permission, resource


def form(keeper: Keeper, **more: str) -> dict[str, str]:
    """The form of the family as its page posts it, without rows."""
    item = keeper.client.get(f"/api/v1/family/{keeper.family}").json
    given = {"version": str(item["version"]), "name": item["name"], "organisation": str(keeper.organisation)}
    return given | {"address": item["address"], **more}


def row(keeper: Keeper, **more: str) -> dict[str, str]:
    """The row of the family's one member."""
    version = keeper.client.get(f"/api/v1/member/{keeper.member}").json["version"]
    start = {"id": str(keeper.member), "version": str(version), "name": "Ёлкин Иван", "role": "CHILD"}
    return {f"members-0-{name}": value for name, value in (start | {"diagnosis": "тайна Ёлкиных"} | more).items()}


NEW = {"members-1-id": "", "members-1-name": "Ёлкина Анна", "members-1-role": "PARENT"}


def members(app: Flask, keeper: Keeper) -> list[tuple[str, str | None]]:
    with working(app) as session:
        family = session.get_one(Family, keeper.family)
        return [(member.name, member.diagnosis) for member in family.members]


AS_BEFORE = [("Ёлкин Иван", "тайна Ёлкиных")]


def test_the_page_lists_no_rows_that_the_viewer_may_not_list(
    keepers: tuple[Keeper, Keeper], withdraw: Callable[..., None]
) -> None:
    mine = keepers[0]
    assert "Ёлкин Иван" in mine.client.get(f"/family/{mine.family}").text
    withdraw(SUPERVISOR, grant(May.LIST))
    page = mine.client.get(f"/family/{mine.family}").text
    assert "Ёлкин Иван" not in page and "Family members" not in page
    assert "пособие Ёлкиных" in page, "the others stay"


def test_the_form_holds_no_rows_that_the_viewer_may_not_read(
    app: Flask, keepers: tuple[Keeper, Keeper], withdraw: Callable[..., None]
) -> None:
    mine, before = keepers[0], form(keepers[0])
    rows = row(mine, diagnosis="переписано")
    withdraw(SUPERVISOR, grant(May.SHOW))
    for page in (
        mine.client.get(f"/family/{mine.family}/edit"),
        mine.client.post(f"/family/{mine.family}/edit", data=before | {"name": ""}),
        mine.client.post(f"/family/{mine.family}/edit", data=before | {"version": "0"}),
    ):
        assert "тайна" not in page.text and "Ёлкин Иван" not in page.text and "members-" not in page.text
        assert "пособие Ёлкиных" in page.text or page.status_code != 200
    # Rows sent all the same say nothing; the rest of the form is saved.
    answer = mine.client.post(f"/family/{mine.family}/edit", data=before | rows | NEW | {"address": "новый"})
    assert answer.status_code == 302
    assert members(app, mine) == AS_BEFORE


@pytest.mark.parametrize(
    ("flag", "rows"),
    [
        (May.ADD, NEW),
        (May.EDIT, {"members-0-diagnosis": "переписано"}),
        (May.DELETE, {"members-0-deleted": "1"}),
    ],
)
def test_a_row_is_written_only_with_the_permission_of_its_entity(
    flag: May, rows: dict[str, str], app: Flask, keepers: tuple[Keeper, Keeper], withdraw: Callable[..., None]
) -> None:
    mine = keepers[0]
    withdraw(SUPERVISOR, grant(flag))
    answer = mine.client.post(f"/family/{mine.family}/edit", data=form(mine) | row(mine) | rows)
    assert answer.status_code == 403
    assert members(app, mine) == AS_BEFORE
    page = mine.client.get(f"/family/{mine.family}/edit").text
    rows_of_members = page[page.index('data-rows="members"') : page.index('data-rows="incomes"')]
    assert ("data-add-row" in rows_of_members) == (flag is not May.ADD)
    assert (" disabled>" in rows_of_members) == (flag is May.EDIT)
    removable = rows_of_members.count("data-remove-row")
    assert removable == {May.ADD: 1, May.EDIT: 2, May.DELETE: 1}[flag], "of the row itself, and of the blank one"
    # What the role may still do is done.
    assert mine.client.post(f"/family/{mine.family}/edit", data=form(mine) | row(mine)).status_code == 302


def test_with_every_permission_rows_are_written(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine = keepers[0]
    changed = form(mine) | row(mine, diagnosis="снят") | NEW
    assert mine.client.post(f"/family/{mine.family}/edit", data=changed).status_code == 302
    assert members(app, mine) == [("Ёлкин Иван", "снят"), ("Ёлкина Анна", None)]
    gone = form(mine) | row(mine, deleted="1")
    assert mine.client.post(f"/family/{mine.family}/edit", data=gone).status_code == 302
    assert members(app, mine) == [("Ёлкина Анна", None)]


def test_a_row_of_another_record_is_not_taken_over(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    """By its number a form may name any row there is: it must be one of the record's own."""
    mine, theirs = keepers
    stolen: dict[str, Any] = row(mine, id=str(theirs.member), version="1", name="Украден")
    for more in ({}, {"members-0-deleted": "1"}):
        answer = mine.client.post(f"/family/{mine.family}/edit", data=form(mine) | stolen | more)
        assert answer.status_code == 409 and "Соснов" not in answer.text
    added = mine.client.post("/family/add", data={"name": "Новые", "organisation": str(mine.organisation)} | stolen)
    assert added.status_code == 302, "in a new record's form such a row is just a new row"
    with working(app) as session:
        assert session.get_one(Member, theirs.member).name == "Соснов Иван"
        assert session.get_one(Member, theirs.member).family_id == theirs.family
