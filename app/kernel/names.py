"""Names of people in the cases that printed forms need. Pure: words in, words out.

The rules of inflection are the library's; here is told when they are not to be trusted. Then the answer is nothing,
and the form takes its other wording, in which the name stands as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

Case = Literal["genitive", "dative"]
Gender = Literal["male", "female"]

_LETTERS = "а-яёәғқңөұүһі"
_WORD = re.compile(rf"[{_LETTERS.upper()}][{_LETTERS}]*(-[{_LETTERS.upper()}]?[{_LETTERS}]+)*")
_INITIALS = re.compile(rf"([{_LETTERS.upper()}]\.)+")
# Patronymics that stay as they are in every case.
_OF_SON, _OF_DAUGHTER = ("ұлы", "улы", "оглы", "оғлы"), ("қызы", "кызы")
# Stressed foreign endings (Золя) and rare short names (Ия) look just like those that do change.
_UNSURE_SURNAME = re.compile(r"[бвгджзклмнпрстфхцчшщ]я")
_UNSURE_NAMES = frozenset({"Ия", "Лия", "Зия"})
# Of a family's surname: its ending, what is taken off, what is put on.
_PLURALS = (
    (re.compile("(ов|ев|ёв|ин|ын)ы$"), "", "х"),
    (re.compile("[гжкхцчшщ]ие$"), "ие", "их"),
    (re.compile("[бвдзлмнпрст]ые$"), "ые", "ых"),
    (re.compile("(их|ых|ко|аго|яго|ово|дзе|швили)$"), "", ""),
)


def declined(name: str, case: Case, gender: Gender | None = None) -> str | None:
    """«Образцова Анна Петровна» → «Образцовой Анны Петровны»; None when the name is better left as it is.

    The surname comes first, as papers have it. The gender is found out by the name, unless it is given.
    """
    words = name.split()
    if not 2 <= len(words) <= 4 or not all(map(_may_stand, words)):
        return None
    surname, first, *patronymic = words
    gender = gender or _gender_of(surname, first, patronymic)
    if gender is None or _UNSURE_SURNAME.search(surname[-2:]) or first in _UNSURE_NAMES:
        return None
    changed = [_inflected(surname, "LASTNAME", case, gender), _inflected(first, "FIRSTNAME", case, gender)]
    if patronymic and not _stays(patronymic):
        if len(patronymic) > 1:
            return None
        changed.append(_inflected(patronymic[0], "MIDDLENAME", case, gender))
        if changed[-1] == patronymic[0] and not _INITIALS.fullmatch(patronymic[0]):
            return None  # a patronymic that the rules do not know: perhaps it is none
    else:
        changed += patronymic
    return " ".join(changed)


def surnames(plural: str) -> str | None:
    """A family by its surname, «Образцовы» → «(семья) Образцовых»; None when it is better left as it is."""
    if not _WORD.fullmatch(plural):
        return None
    parts = [_of_family(part) for part in plural.split("-")]
    return None if None in parts else "-".join(part for part in parts if part)


def _of_family(plural: str) -> str | None:
    for ending, old, new in _PLURALS:
        if ending.search(plural):
            return plural.removesuffix(old) + new
    return None


def _may_stand(word: str) -> bool:
    return bool(_WORD.fullmatch(word) or _INITIALS.fullmatch(word)) or word in (*_OF_SON, *_OF_DAUGHTER)


def _stays(patronymic: list[str]) -> bool:
    return patronymic[-1].lower().endswith((*_OF_SON, *_OF_DAUGHTER))


def _gender_of(surname: str, first: str, patronymic: list[str]) -> Gender | None:
    last = patronymic[-1].lower() if patronymic else ""
    if last.endswith(("ич", *_OF_SON)):
        return "male"
    if last.endswith(("на", *_OF_DAUGHTER)):
        return "female"
    if len(first.rstrip(".")) == 1:
        first = ""
    found = _library()[1].detect(lastname=surname, **({"firstname": first} if first else {})).name.lower()
    return found if found in ("male", "female") else None


def _inflected(word: str, part: str, case: Case, gender: Gender) -> str:
    from pytrovich import enums

    if _INITIALS.fullmatch(word):
        return word
    inflect = _library()[0].make
    return str(inflect(enums.NamePart[part], enums.Gender[gender.upper()], enums.Case[case.upper()], word))


@cache
def _library() -> tuple[Any, Any]:
    from pytrovich.detector import PetrovichGenderDetector
    from pytrovich.maker import PetrovichDeclinationMaker

    return PetrovichDeclinationMaker(), PetrovichGenderDetector()
