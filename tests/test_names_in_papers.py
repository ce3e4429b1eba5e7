"""Names in the cases that forms need: by the rules, as a person wrote them down, or in a wording that needs no case."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from app.cases.papers import consent_paper
from app.families.models import Member
from app.kernel.schema import schema_of
from app.territory.models import Staff

BORN = dt.date(2015, 5, 1)


def person(name: str, role: str = "PARENT", **written: str) -> Any:
    return SimpleNamespace(
        name=name,
        role=SimpleNamespace(name=role),
        born_on=BORN if role == "CHILD" else None,
        name_genitive=written.get("genitive"),
        name_dative=written.get("dative"),
    )


def consent(curator: Any, *members: Any, surname: str = "Образцовы") -> Any:
    organisation = SimpleNamespace(name="Фонд", full_name=None)
    family = SimpleNamespace(
        name=surname, members=list(members), organisation=organisation, address=None, registered_address="ул. Лесная, 4"
    )
    return consent_paper(SimpleNamespace(number="1", family=family, curator=curator))  # type: ignore[arg-type]


def test_names_follow_the_words_around_them() -> None:
    paper = consent(
        person("Зорина Мария Павловна"),
        person("Образцова Анна Петровна"),
        person("Образцов Иван Иванович", "CHILD"),
        person("Образцова Вера Ивановна", "CHILD"),
    )
    assert paper["addressee"] == "Куратору случая Зориной Марии Павловне"
    assert [one["sender"] for one in paper["consents"]] == ["от Образцовой Анны Петровны"]
    assert paper["children"] == (
        "детей: Образцова Ивана Ивановича, 01.05.2015 г. р.; Образцовой Веры Ивановны, 01.05.2015 г. р."
    )
    assert (paper["family"], paper["address"]) == ("Образцовых", "ул. Лесная, 4")


def test_what_a_person_wrote_down_goes_before_the_rules() -> None:
    paper = consent(
        person("Палий Ян", dative="Палию Яну"),
        person("Золя Мари", genitive="Золя Мари"),
        person("Золя Эмиль", "CHILD", genitive="Золя Эмиля"),
    )
    assert paper["addressee"] == "Куратору случая Палию Яну"
    assert paper["consents"][0]["sender"] == "от Золя Мари"
    assert paper["children"] == "ребёнка Золя Эмиля, 01.05.2015 г. р."


def test_where_the_rules_are_unsure_the_wording_needs_no_case() -> None:
    paper = consent(
        person("Ким А."), person("Золя Мари"), person("Золя Эмиль", "CHILD"), person("Образцова Вера", "CHILD"),
        surname="Мельники",
    )  # fmt: skip
    assert paper["addressee"] == "Куратор случая: Ким А."
    assert paper["consents"][0]["sender"] == "Законный представитель: Золя Мари"
    assert paper["children"] == "детей (Золя Эмиль, 01.05.2015 г. р.; Образцова Вера, 01.05.2015 г. р.)"
    assert paper["family"] == "Мельники"


def test_without_parents_there_is_a_paper_to_be_filled_in_by_hand() -> None:
    paper = consent(None, person("Образцов Иван", "CHILD"))
    assert (paper["addressee"], len(paper["consents"]), paper["consents"][0]["parent"]) == ("", 1, "")


def test_the_cases_of_a_name_are_asked_for_in_the_persons_own_form_alone() -> None:
    for entity, back in ((Member, "family"), (Staff, "organisation")):
        schema = schema_of(entity)
        assert {"name_genitive", "name_dative"} <= set(schema.form_names)
        assert not {"name_genitive", "name_dative", back} & set(schema.row_names(back))
