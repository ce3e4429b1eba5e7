"""When two texts mean the same, by examples."""

from __future__ import annotations

import datetime as dt

import pytest

from app.kernel import likeness as rules
from app.kernel.likeness import LIKELY, Described


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("+7 900 123-45-67", "9001234567"),
        ("8 (900) 123 45 67", "9001234567"),
        ("89001234567", "9001234567"),
        ("900 1234567", "9001234567"),
        ("+7.900.123.45.67", "9001234567"),
        ("123-45-67", ""),
        ("нет", ""),
        ("", ""),
    ],
)
def test_a_telephone_is_its_last_ten_digits(typed: str, digits: str) -> None:
    assert rules.telephone(typed) == digits


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("Ёлкины",), " елкины "),
        (("Ёлкины", "ул. Мира, 5", "8 (900) 123-45-67"),
         " елкины ул. мира, 5 8 (900) 123-45-67 9001234567 900 1234567 "),
        (("И-2026/05",), " и-2026/05 и202605 "),
        (("Ёлкина", dt.date(2015, 3, 12), None, ""), " елкина 12.03.2015 12032015 "),
        ((), ""),
        (("  ",), ""),
    ],
)  # fmt: skip
def test_what_a_record_is_found_by(values: tuple[object, ...], text: str) -> None:
    assert rules.searched(values) == text


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Берёзкина  Анна", ["березкина", "анна"]),
        ("8 900 123-45-67", ["9001234567"]),
        ("Иванова +7 (900) 123 45 67", ["9001234567", "иванова"]),
        ("И-2026/05", ["и202605"]),
        ("мира, 5", ["мира", "5"]),
        ("«Тёплый", ["теплый"]),
        ("анна / анна", ["анна"]),
        *((written, ["12032015"]) for written in ("12.03.2015", "12.3.2015", "12/03/2015", "2015-03-12", "12-03-2015")),
        ("Анна 12.03.2015 г.", ["анна", "12032015", "г"]),
        ("03.2015", ["032015"]),
        ("%", ["%"]),
        ("", []),
    ],
)
def test_the_words_of_a_question(question: str, words: list[str]) -> None:
    assert rules.asked(question) == words


@pytest.mark.parametrize(
    ("one", "other", "errors"),
    [
        ("иванов", "иванов", 0),
        ("ивнов", "иванов", 1),
        ("иваанов", "иванов", 1),
        ("ивонов", "иванов", 1),
        ("иавнов", "иванов", 1),
        ("смирова", "смирнова", 1),
        ("смрнва", "смирнова", 2),
        ("", "анна", 4),
    ],
)
def test_typing_errors_are_counted(one: str, other: str, errors: int) -> None:
    assert rules.distance(one, other) == errors == rules.distance(other, one)


WORDS = ("смирнова", "иванов", "березкина", "мельничная", "кузнецов", "григорьевна", "петр")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("смирова", "смирнова"),
        ("смриновва", "смирнова"),
        ("ивнов", "иванов"),
        ("йванов", "иванов"),
        ("беерзкина", "березкина"),
        ("брзкина", "березкина"),
        ("березка", "березкина"),
        ("мелничн", "мельничная"),
        ("григорьвна", "григорьевна"),
        ("птер", "петр"),
    ],
)
def test_what_was_meant_is_looked_up_and_not_compared_with_everything(typed: str, meant: str) -> None:
    found = {word for word in WORDS if rules.keys(word) & rules.keys(typed, rules.forgiven(typed))}
    assert meant in found
    assert rules.nearest(typed, found, 1) == [meant]


@pytest.mark.parametrize("typed", ["анн", "иввнв", "щщщщщщ", "смирновский"])
def test_what_nobody_meant_is_not_guessed(typed: str) -> None:
    assert rules.nearest(typed, WORDS, 5) == []


def test_the_better_answer_is_first() -> None:
    texts = [" березкины ", " акимовы ", " кимовы анна ", " ким анна "]
    ordered = sorted(texts, key=lambda text: rules.closeness(["ким"], text))
    assert ordered == [" ким анна ", " кимовы анна ", " акимовы ", " березкины "]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("березкин", "березкина"),
        ("березкин", "березкины"),
        ("иванова", "ивановы"),
        ("белый", "белая"),
        ("достоевский", "достоевские"),
        ("птицын", "птицына"),
    ],
)
def test_forms_of_a_surname_are_one(one: str, other: str) -> None:
    assert rules.same_word(one, other) == rules.same_word(other, one) == 0.95


@pytest.mark.parametrize(("one", "other"), [("анна", "инна"), ("марина", "ирина"), ("олег", "ольга")])
def test_other_names_are_others(one: str, other: str) -> None:
    assert rules.same_word(one, other) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ул. Мельничная, 8, кв. 3", "Мельничная 8-3", True),
        ("ул. Мельничная, д. 8, кв. 3", "г. Пермь, ул. Мельничная, 8, 3", True),
        ("ул. Мелничная, 8", "ул. Мельничная, 8", True),
        ("ул. Мельничная, 8", "ул. Мельничная, 18", False),
        ("ул. Мельничная, 8", "ул. Садовая, 8", False),
        ("ул. Мельничная", "ул. Мельничная", False),
        ("", "", False),
    ],
)
def test_addresses(one: str, other: str, same: bool) -> None:
    assert rules.same_address(one, other) is same


BORN = dt.date(1996, 12, 18)
ANNA = Described("Берёзкина Анна Григорьевна", BORN, "+7 900 000-01-03")
FAMILY = Described("Берёзкины", None, "+7 900 000-01-03", "ул. Мельничная, 8")


@pytest.mark.parametrize(
    ("typed", "known", "likely", "strong"),
    [
        (Described("Березкина Анна Григорьевна", BORN), ANNA, True, True),
        (Described("Анна Григорьевна Берёзкина", BORN), ANNA, True, True),
        (Described("Берзкина Анна Григорьевна", BORN), ANNA, True, True),
        (Described("Берзкина Анна Григорьвна", BORN), ANNA, True, False),
        (Described("Берёзкина Анна", BORN), ANNA, True, False),
        (Described("Берёзкина А. Г.", BORN), ANNA, True, False),
        (Described("Берёзкина Анна Григорьевна"), ANNA, True, False),
        (Described("Берёзкина Анна"), ANNA, True, False),
        (Described("Берёзкина"), ANNA, False, False),
        (Described("Берёзкина Анна", None, "89000000103"), ANNA, True, True),
        (Described("Анна", None, "89000000103"), ANNA, True, False),
        (Described("Берёзкина Анна Григорьевна", dt.date(1996, 12, 19)), ANNA, False, False),
        (Described("Берёзкин Фёдор Алексеевич", BORN), ANNA, True, False),  # half of the name and the birthday
        (Described("Берёзкина Инна Григорьевна"), ANNA, False, False),
        (Described("Соколова Анна Григорьевна", BORN), ANNA, True, False),  # she may have married
        (Described("Соколова Вера Олеговна", BORN), ANNA, False, False),
        (Described("Березкины"), FAMILY, True, False),
        (Described("Берзкины"), FAMILY, True, False),
        (Described("Берёзкина"), FAMILY, True, False),
        (Described("Берёзкины", None, "8 900 0000103"), FAMILY, True, True),
        (Described("Берёзкины", None, "", "Мельничная 8"), FAMILY, True, True),
        (Described("Соколовы", None, "8 900 0000103"), FAMILY, False, False),
        (Described(""), FAMILY, False, False),
        (Described("Берёзкины"), Described(""), False, False),
    ],
)  # fmt: skip
def test_the_same_person_or_family(typed: Described, known: Described, likely: bool, strong: bool) -> None:
    found = rules.likeness(typed, known)
    assert (found.score >= LIKELY, found.strong) == (likely, strong), found


@pytest.mark.parametrize(
    ("typed", "much"),
    [
        (ANNA, True),
        (Described("Берёзкина Анна", BORN), False),
        (Described("Берёзкина А Г", BORN), False),
        (Described("Берёзкина Анна Григорьевна"), False),
        (Described("Берёзкины", None, "8 900 000 01 03"), True),
        (Described("Берёзкины", None, "900 000"), False),
        (Described("Берёзкины", None, "", "Мельничная, 8, кв. 3"), True),
        (Described("Берёзкины", None, "", "Мельничная, 8"), False),
        (Described("", BORN, "8 900 000 01 03", "Мельничная, 8, кв. 3"), False),
    ],
)
def test_little_is_not_enough_to_hear_of_others(typed: Described, much: bool) -> None:
    assert rules.enough(typed) is much
