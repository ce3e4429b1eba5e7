"""Row 14: of two who edit at once the second is told, sees both texts, and loses nothing that he has typed."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.families.models import Category, Family, Member
from app.kernel import forms
from tests.running import login, working
from tests.security.conftest import Keeper


@pytest.fixture
def mine(keepers: tuple[Keeper, Keeper]) -> Keeper:
    return keepers[0]


def opened(client: FlaskClient, path: str) -> dict[str, str]:
    """What the form of a page would post, had nothing been touched."""
    page = client.get(path).text
    form = page[page.index('class="record-form"') : page.index("</form>", page.index('class="record-form"'))]
    form = re.sub(r"<template>.*?</template>", "", form, flags=re.DOTALL)
    fields = dict(re.findall(r'<input type="(?:hidden|text|date)"[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', form))
    for name, body in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        fields |= dict.fromkeys([name], *re.findall(r'<option value="([^"]*)" selected', body)[:1])
    fields |= dict(re.findall(r'<textarea[^>]* name="([^"]+)".*?>\n(.*?)</textarea>', form, re.DOTALL))
    return fields


def address(app: Flask, keeper: Keeper) -> str | None:
    with working(app) as session:
        return session.get_one(Family, keeper.family).address


def test_the_second_editor_sees_both_texts_and_saves_knowingly(app: Flask, mine: Keeper) -> None:
    page = f"/family/{mine.family}/edit"
    first, second = opened(mine.client, page), opened(mine.client, page)
    assert mine.client.post(page, data=first | {"address": "улица Первая"}).status_code == 302
    answer = mine.client.post(page, data=second | {"address": "улица Вторая", "notes": "написано вторым"})
    assert answer.status_code == 409
    assert address(app, mine) == "улица Первая"
    for text in ("улица Первая", "улица Вторая", "написано вторым"):
        assert text in answer.text, text
    # The next save is knowing: the page carries the version that it shows.
    again = second | {"address": "улица Вторая", "version": "2"}
    assert 'name="version" value="2"' in answer.text
    assert mine.client.post(page, data=again).status_code == 302
    assert address(app, mine) == "улица Вторая"


def test_a_form_without_a_version_saves_nothing(app: Flask, mine: Keeper) -> None:
    page = f"/family/{mine.family}/edit"
    form = opened(mine.client, page) | {"address": "улица Другая"}
    for version in ("", "0", "99", "x", "9" * 40):
        assert mine.client.post(page, data=form | {"version": version}).status_code == 409
    del form["version"]
    assert mine.client.post(page, data=form).status_code == 409
    assert address(app, mine) == "улица Ёлкина"


def test_a_row_that_was_changed_elsewhere_is_not_overwritten(app: Flask, mine: Keeper) -> None:
    """A child has a version of its own: its parent does not change with it."""
    page = f"/family/{mine.family}/edit"
    second = opened(mine.client, page)
    assert second["members-0-diagnosis"] == "тайна Ёлкиных"
    child = opened(mine.client, f"/member/{mine.member}/edit") | {"diagnosis": "снят комиссией"}
    assert mine.client.post(f"/member/{mine.member}/edit", data=child).status_code == 302
    answer = mine.client.post(page, data=second | {"address": "улица Вторая", "members-0-phone": "123"})
    assert answer.status_code == 409
    for text in ("снят комиссией", "тайна Ёлкиных", "улица Вторая", "123"):
        assert text in answer.text, text
    assert address(app, mine) == "улица Ёлкина"
    again = second | {"address": "улица Вторая", "members-0-diagnosis": "снят", "members-0-version": "2"}
    assert 'name="members-0-version" value="2"' in answer.text
    assert mine.client.post(page, data=again).status_code == 302
    with working(app) as session:
        assert session.get_one(Member, mine.member).diagnosis == "снят"


def test_a_row_that_was_deleted_elsewhere_is_not_lost(app: Flask, mine: Keeper) -> None:
    page = f"/family/{mine.family}/edit"
    second = opened(mine.client, page) | {"members-0-diagnosis": "дописано"}
    assert mine.client.post(f"/member/{mine.member}/delete").status_code == 302
    answer = mine.client.post(page, data=second)
    assert answer.status_code == 409 and "дописано" in answer.text
    assert 'name="members-0-id" value=""' in answer.text, "saved again, it is a new row"


def test_a_row_that_was_added_elsewhere_is_shown(app: Flask, mine: Keeper) -> None:
    page = f"/family/{mine.family}/edit"
    second = opened(mine.client, page)
    row = {"members-1-id": "", "members-1-name": "Ёлкина Анна", "members-1-role": "PARENT"}
    assert mine.client.post(page, data=second | row | {"address": "улица Первая"}).status_code == 302
    answer = mine.client.post(page, data=second)
    assert answer.status_code == 409 and "Ёлкина Анна" in answer.text


def test_links_to_others_are_not_overwritten_either(app: Flask, mine: Keeper) -> None:
    with working(app) as session:
        session.add_all([one := Category(name="Многодетная"), other := Category(name="Приёмная")])
        session.commit()
        numbers = str(one.id), str(other.id)
    page = f"/family/{mine.family}/edit"
    first, second = opened(mine.client, page), opened(mine.client, page)
    assert mine.client.post(page, data=first | {"categories": numbers[0]}).status_code == 302
    answer = mine.client.post(page, data=second | {"categories": numbers[1]})
    assert answer.status_code == 409 and "Многодетная" in answer.text and "Приёмная" in answer.text
    with working(app) as session:
        assert [str(one.id) for one in session.get_one(Family, mine.family).categories] == [numbers[0]]


def test_an_editor_of_a_deleted_record_is_told_that_it_is_not_there(mine: Keeper) -> None:
    page = f"/family/{mine.family}/edit"
    form = opened(mine.client, page)
    assert mine.client.post(f"/family/{mine.family}/delete").status_code == 302
    assert mine.client.post(page, data=form).status_code == 404


def test_the_api_tells_the_second_writer_what_the_first_has_written(app: Flask, mine: Keeper) -> None:
    path = f"/api/v1/family/{mine.family}"
    version = mine.client.get(path).json["version"]
    assert mine.client.put(path, json={"version": version, "address": "улица Первая"}).status_code == 200
    answer = mine.client.put(path, json={"version": version, "address": "улица Вторая"})
    assert answer.status_code == 409
    assert answer.json["current"]["address"] == "улица Первая" and answer.json["current"]["version"] == version + 1
    assert mine.client.put(path, json={"address": "улица Вторая"}).status_code == 428, (
        "without a version nothing is said"
    )
    assert address(app, mine) == "улица Первая"
    assert mine.client.put(path, json={"version": version + 1, "address": "улица Вторая"}).status_code == 200


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests that have both read the version before either writes."""
    barrier, apply = threading.Barrier(2, timeout=10), forms.apply

    def wait(*args: Any) -> Any:
        result = apply(*args)
        barrier.wait()
        return result

    monkeypatch.setattr(forms, "apply", wait)


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("way", ["form", "api"])
def test_of_two_at_the_same_moment_one_wins_and_the_other_knows(app: Flask, mine: Keeper, way: str) -> None:
    path = f"/family/{mine.family}/edit" if way == "form" else f"/api/v1/family/{mine.family}"
    form = opened(mine.client, f"/family/{mine.family}/edit")

    def write(street: str) -> tuple[int, str]:
        client = login(app.test_client(), mine.person)
        if way == "form":
            answer = client.post(path, data=form | {"address": street})
        else:
            answer = client.put(path, json={"version": 1, "address": street})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(2) as pool:
        answers = dict(
            zip(("улица Первая", "улица Вторая"), pool.map(write, ("улица Первая", "улица Вторая")), strict=True)
        )
    won = address(app, mine)
    assert won in answers
    (lost,) = answers.keys() - {won}
    assert answers[won][0] in (200, 302)
    assert answers[lost][0] == 409
    if way == "form":
        assert won in answers[lost][1] and lost in answers[lost][1]


def test_one_ones_own_new_row_is_not_a_conflict(app: Flask, mine: Keeper) -> None:
    """Saved, opened and saved again, a form with rows goes on as expected."""
    page = f"/family/{mine.family}/edit"
    for name in ("Ёлкина Анна", "Ёлкина Ольга"):
        number = len([key for key in opened(mine.client, page) if re.fullmatch(r"members-\d+-id", key)])
        row = {f"members-{number}-{key}": value for key, value in {"id": "", "name": name, "role": "PARENT"}.items()}
        assert mine.client.post(page, data=opened(mine.client, page) | row).status_code == 302
    with working(app) as session:
        assert len(session.get_one(Family, mine.family).members) == 3
        assert session.get_one(Family, mine.family).version == 1, "the family itself has not changed"
        assert session.get_one(Member, mine.member).version == 1, "nor the row that nobody touched"
