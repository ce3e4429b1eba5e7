"""Identity numbers and phones: one form by every door, found by the whole number alone, and by nobody out of reach."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.families.models import Family, Member
from app.kernel.writing import Refused, save
from tests.running import working
from tests.security.conftest import Keeper
from tests.workbooks import as_file, changed

SNILS, IIN = "112-233-445 95", "990101300013"


@pytest.fixture
def mine(keepers: tuple[Keeper, Keeper]) -> Keeper:
    return keepers[0]


def numbers(app: Flask, keeper: Keeper) -> tuple[Any, ...]:
    with working(app) as session:
        member = session.get_one(Member, keeper.member)
        return member.phone, member.snils, member.iin


def test_the_form_and_the_api_keep_one_form(app: Flask, mine: Keeper) -> None:
    form = {"version": "1", "family": str(mine.family), "name": "Ёлкин Иван", "role": "CHILD", "phone": "8(900)0000103",
            "snils": "11223344595", "iin": "9901 0130 0013"}  # fmt: skip
    assert mine.client.post(f"/member/{mine.member}/edit", data=form).status_code == 302
    assert numbers(app, mine) == ("+7 900 000-01-03", SNILS, IIN)
    path = f"/api/v1/member/{mine.member}"
    answer = mine.client.put(path, json={"version": 2, "phone": "89000000104", "snils": None})
    assert answer.status_code == 200 and answer.json["phone"] == "+7 900 000-01-04"
    assert numbers(app, mine) == ("+7 900 000-01-04", None, IIN)


def test_a_slip_is_refused_by_both_and_everything_typed_stays(app: Flask, mine: Keeper) -> None:
    form = {"version": "1", "family": str(mine.family), "name": "Ёлкин Иван", "role": "CHILD", "phone": "8 900",
            "snils": "112-233-445 96", "iin": "990101300014"}  # fmt: skip
    answer = mine.client.post(f"/member/{mine.member}/edit", data=form)
    assert answer.status_code == 422
    for words in ("A phone has 11 digits", "digits of the SNILS do not fit", "digit of the IIN does not fit"):
        assert answer.text.count(words) == 2, "in the summary and at its field"
    assert all(form[name] in answer.text for name in ("phone", "snils", "iin"))
    told = mine.client.put(f"/api/v1/member/{mine.member}", json={"version": 1, "phone": "8 900", "snils": SNILS[:-1]})
    assert told.status_code == 422 and set(told.json["fields"]) == {"phone", "snils"}
    assert numbers(app, mine) == (None, None, None)


def test_whatever_comes_another_way_is_checked_when_it_is_saved(app: Flask, mine: Keeper) -> None:
    with working(app) as session:
        member = session.get_one(Member, mine.member)
        member.snils = "112 233 445 95"
        save(session, member)
        assert member.snils == SNILS
        member.iin = "1"
        with pytest.raises(Refused, match="iin: An IIN has 12 digits"):
            save(session, member)


def test_what_was_kept_before_the_rule_does_not_stand_in_the_way(app: Flask, mine: Keeper) -> None:
    with working(app) as session:
        session.execute(Family.__table__.update().values(phone="спросить у соседки"))
        session.commit()
    answer = mine.client.put(f"/api/v1/family/{mine.family}", json={"version": 1, "notes": "новое"})
    assert answer.status_code == 200 and answer.json["phone"] == "спросить у соседки"
    answer = mine.client.put(f"/api/v1/family/{mine.family}", json={"version": 2, "phone": "у другой соседки"})
    assert answer.status_code == 422


def test_a_person_is_found_by_the_whole_number_alone(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine, other = keepers
    with working(app) as session:
        session.get_one(Member, mine.member).snils = SNILS
        session.get_one(Member, mine.member).iin = IIN
        session.commit()

    def found(keeper: Keeper, name: str, typed: str) -> bool:
        answer = keeper.client.post("/member/find", data={name: typed}, follow_redirects=True)
        assert answer.status_code == 200 and typed not in answer.request.url, "no number in an address"
        return "Ёлкин Иван" in answer.text

    for name, typed in (("snils", SNILS), ("snils", "11223344595"), ("iin", IIN), ("iin", "990101 300013")):
        assert found(mine, name, typed), typed
        assert not found(other, name, typed), "out of reach"
    for name, part in (
        ("snils", "112-233"),
        ("iin", "990101"),
        ("q", SNILS),
        ("q", IIN),
        ("q", "990101"),
        ("iin", "нет"),
    ):
        assert not found(mine, name, part), part
    page = mine.client.get("/member/").text
    assert "Ёлкин Иван" in page and SNILS not in page and IIN not in page, "not in the list"
    assert SNILS in mine.client.get(f"/member/{mine.member}").text


def test_a_phone_in_a_workbook_takes_the_same_form(app: Flask) -> None:
    from app.journal.case_workbook import LAYOUT
    from app.kernel.sheets import read_workbook

    def with_phones(sheets: Any) -> None:
        sheets["Члены семьи"][0].append("Телефон")
        sheets["Члены семьи"][1].append("8 (900) 000-01-03")
        sheets["Члены семьи"][2].append(79000000104)
        sheets["Члены семьи"][3].append("у соседки")

    reading = read_workbook(as_file(changed(with_phones)), LAYOUT)
    assert [line["phone"] for line in reading["members"]][:2] == ["+7 900 000-01-03", "+7 900 000-01-04"]
    (mistake,) = reading.mistakes
    assert (mistake.sheet, mistake.row, mistake.column) == ("Члены семьи", 4, "Телефон")
    assert mistake.reason.startswith("A phone has 11 digits")


# --- What the scripts of a form ask ---------------------------------------------------------------------------

SCRIPT = {"Accept": "application/json"}


def test_a_script_is_told_where_to_go_and_a_stranger_to_sign_in(app: Flask, mine: Keeper) -> None:
    page, form = f"/family/{mine.family}/edit", {"version": "1", "name": "Ёлкины", "organisation": mine.organisation}
    answer = mine.client.post(page, data=form, headers=SCRIPT)
    assert (answer.status_code, answer.json) == (200, {"to": f"/family/{mine.family}"})
    assert mine.client.post(page, data=form | {"name": ""}, headers=SCRIPT).status_code == 409
    stranger = app.test_client().post(page, data=form, headers=SCRIPT)
    assert stranger.status_code == 401 and set(stranger.json) == {"error"}
    assert app.test_client().get("/account/session").json.keys() == {"user", "name", "token"}
    assert app.test_client().get("/account/session").json["user"] is None
    assert mine.client.get("/account/session").json["user"] == mine.person.id


def test_a_record_made_in_passing_is_named_to_the_form_that_asked(app: Flask, mine: Keeper) -> None:
    form = {"name": "Берёзкины", "organisation": mine.organisation, "in_place": "1"}
    answer = mine.client.post("/family/add", data=form, headers=SCRIPT)
    assert answer.status_code == 200 and answer.json["text"] == "Берёзкины"
    assert mine.client.post("/family/add", data=form | {"name": ""}, headers=SCRIPT).status_code == 422
