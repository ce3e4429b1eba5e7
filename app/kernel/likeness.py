"""When two texts mean the same: letters that are typed for one another, typing errors, forms of a surname, telephones.

Pure rules over plain values, standard library only. The search and the warning of a second record of the same person
both stand on them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# --- Texts ------------------------------------------------------------------------------------------------

# The letters that people type in place of one another; the search forgives them.
_FOLDED = str.maketrans("ё", "е")
_SPACES = re.compile(r"\s+")
_TELEPHONE = re.compile(r"(?<!\d)(?:(?:\+7|\b8|\b7)[\s(-]*)?9?\d{2,3}(?:[\s().-]*\d){7}(?!\d)")
_DATE = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)|(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_SIGNS = re.compile(r"[^\w]|_")
_WORD = re.compile(r"[^\W\d_]+")


def fold(text: str) -> str:
    """The form of a text in which it is searched: lower case, ё = е, single spaces."""
    return _SPACES.sub(" ", text.lower().translate(_FOLDED)).strip()


def telephone(text: str) -> str:
    """The ten digits by which telephones are compared: «8 (900) 123-45-67» and «+7 900 1234567» are one."""
    digits = re.sub(r"\D", "", text)
    if len(digits) == 11 and digits[0] in "78":
        digits = digits[1:]
    return digits if len(digits) == 10 else ""


def compact(word: str) -> str:
    """A number without the signs in it: «и-2026/05» → «и202605». Words without digits stay as they are."""
    return _SIGNS.sub("", word) or word if any(map(str.isdigit, word)) else word


def _written(value: object) -> str:
    return f"{value.day:02}.{value.month:02}.{value.year:04}" if isinstance(value, dt.date) else str(value)


def searched(values: Iterable[object]) -> str:
    """The text by which a record is found: folded, with numbers also as they are typed in haste, a date as дд.мм.гггг.

    Empty values say nothing. A space stands before and behind, so that every word of it begins with one.
    """
    text = fold(" ".join(_written(value) for value in values if value))
    if not text:
        return ""
    telephones = filter(None, map(telephone, _TELEPHONE.findall(text)))
    numbers = (short for word in text.split() if (short := compact(word)) != word)
    return f" {' '.join(dict.fromkeys((text, *telephones, *numbers)))} "


def _day_first(found: re.Match[str]) -> str:
    """A date as it is kept in a searched text: 2015-03-12, 12/3/2015 and 12.03.2015 are one."""
    day, month, year = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    return f"{int(day):02}.{int(month):02}.{year}"


def asked(text: str) -> list[str]:
    """The words of a question, each of which a record has to hold."""
    text, words = _DATE.sub(_day_first, fold(text)), []
    for found in _TELEPHONE.findall(text):
        if digits := telephone(found):
            text = text.replace(found, " ")
            words.append(digits)
    for word in text.split():
        words.append(compact(word.strip(".,;:()«»\"'") or word))
    said = [word for word in words if any(map(str.isalnum, word))]
    return list(dict.fromkeys(said or words))


def words_of(text: str) -> list[str]:
    """The words of a folded text, without numbers and signs."""
    return _WORD.findall(text)


# --- Typing errors ----------------------------------------------------------------------------------------

SHORTEST, LONGEST = 4, 30  # letters of a word whose errors are forgiven
_BEGINNING = 6  # letters by which similar words are looked up


def forgiven(word: str) -> int:
    """How many errors in a word of this length still leave it recognisable."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < 6 else 2


def distance(one: str, other: str) -> int:
    """How many letters are wrong, missing, too many, or have changed places with their neighbours."""
    return _rows(one, other)[-1]


def beginning_distance(typed: str, word: str) -> int:
    """The distance to the nearest beginning of the word: of one that is still being typed."""
    return min(_rows(typed, word))


def _rows(one: str, other: str) -> list[int]:
    """Distances of a text to every beginning of another."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                least = min(least, before[j - 2] + 1)
            row.append(least)
        before, last = last, row
    return last


def keys(word: str, errors: int = 2) -> set[str]:
    """What is left of the beginning of a word without up to so many letters.

    Two words that differ by no more errors have one of these in common: similar words are found without being compared.
    """
    found = level = {word[:_BEGINNING]}
    for _ in range(errors):
        level = {key[:at] + key[at + 1 :] for key in level for at in range(len(key))}
        found = found | level
    return found


def known_words(text: str) -> set[str]:
    """The words of a folded text whose errors will be forgiven."""
    return {word for word in words_of(text) if SHORTEST <= len(word) <= LONGEST}


def nearest(typed: str, words: Iterable[str], most: int) -> list[str]:
    """Those of the words that may have been meant, the nearest first."""
    limit, letters, found = forgiven(typed), set(typed), []
    for word in words:
        if len(letters.difference(word)) <= limit and (errors := beginning_distance(typed, word)) <= limit:
            found.append((errors, abs(len(word) - len(typed)), word))
    return [word for *_rank, word in sorted(found)[:most]]


def closeness(words: Sequence[str], text: str) -> tuple[int, ...]:
    """How well a folded text answers the words; the smaller the better. For the order of answers."""
    own, ranks = text.split(), []
    for word in words:
        if f" {word} " in text:
            ranks.append(0)
        elif f" {word}" in text:
            ranks.append(1)
        elif word in text:
            ranks.append(2)
        else:
            limit = forgiven(word)
            similar = (one for one in own if limit and len(set(word).difference(one)) <= limit)
            errors = min((beginning_distance(word, one) for one in similar), default=9)
            ranks.append(3 + errors if errors <= limit else 9)
    return (sum(ranks), *ranks)


# --- People and families ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Described:
    """What is known of a person or a family."""

    name: str = ""
    born: dt.date | None = None
    phone: str = ""
    address: str = ""


LIKELY = 0.6


@dataclass(frozen=True)
class Likeness:
    """How alike two descriptions are. ``strong``: so much agrees that it can hardly be somebody else."""

    score: float
    strong: bool = False


def stem(word: str) -> str:
    """A surname without what tells a man, a woman and a family apart: Берёзкин, Берёзкина, Берёзкины."""
    if len(word) > 4 and word[-1] in "аы" and word[-3:-1] in ("ов", "ев", "ин", "ын"):
        return word[:-1]
    return re.sub(r"(?<=..[кнгхжшвтрлдмс])(?:ий|ый|ой|ая|яя|ие|ые)$", "", word)


def same_word(one: str, other: str) -> float:
    """From 0 to 1: equal, another form of a surname, an initial, a typing error."""
    if one == other:
        return 1.0
    if stem(one) == stem(other):
        return 0.95
    if 1 in (len(one), len(other)):
        return 0.7 if one[0] == other[0] else 0.0
    errors = distance(one, other)
    # One error: two people of one family differ by two («Григорьевич», «Григорьевна»), and names too (Анна, Инна).
    return 0.85 if errors == 1 and min(len(one), len(other)) > SHORTEST else 0.0


def same_name(one: Sequence[str], other: Sequence[str]) -> tuple[float, int]:
    """How well the words of two names agree, in whatever order, and how many of them do."""
    left, total, agreed = list(other), 0.0, 0
    for word in one:
        best = max(left, key=lambda another: same_word(word, another), default="")
        if best and (score := same_word(word, best)):
            left.remove(best)
            total, agreed = total + score, agreed + 1
    least = min(len(one), len(other))
    return (total / least if least else 0.0), agreed


def same_address(one: str, other: str) -> bool:
    """The same street, house and flat, however the address is written."""
    one, other = fold(one), fold(other)
    numbers = re.findall(r"\d+", one)
    if not numbers or numbers[-2:] != re.findall(r"\d+", other)[-2:]:
        return False
    names = [word for word in words_of(other) if len(word) >= SHORTEST]
    return any(same_word(word, name) > 0.8 for word in words_of(one) if len(word) >= SHORTEST for name in names)


def likeness(one: Described, other: Described) -> Likeness:
    """Whether two descriptions are of the same person or family."""
    mine, its = words_of(fold(one.name)), words_of(fold(other.name))
    name, agreed = same_name(mine, its)
    whole = min(len(mine), len(its))
    born = one.born is not None and one.born == other.born
    otherwise = one.born is not None and other.born is not None and not born
    phone = bool(telephone(one.phone)) and telephone(one.phone) == telephone(other.phone)
    address = same_address(one.address, other.address)
    if agreed < whole or name < 0.65 or not agreed:
        # The name is another one: only a telephone or a birthday with half of the name speaks for it.
        half = agreed >= 1 and whole > 1
        return Likeness(0.65 if half and (phone or born) else 0.0)
    place = phone or address
    called = agreed >= 2 or agreed == max(len(mine), len(its))  # a first name alone is nobody's
    strong = name > 0.9 and not otherwise and ((born and agreed >= 3) or (place and called))
    if otherwise:
        return Likeness(0.6 if place and agreed > 1 else 0.0)
    surname_alone = agreed == max(len(mine), len(its)) == 1  # all that a family is called
    score = 0.45 * name + 0.1 * min(agreed, 3) + 0.3 * (born + phone + address) + 0.15 * surname_alone
    return Likeness(min(1.0, score), strong)


def enough(asked: Described) -> bool:
    """Whether so much is known that a record out of one's reach may be spoken of at all.

    Whoever knows this much of somebody learns only that he is known elsewhere; with less, one could go through names.
    """
    words = words_of(fold(asked.name))
    written = [word for word in words if len(word) > 2]
    if not written:
        return False
    if asked.born is not None and len(written) >= 3:
        return True
    numbers: Collection[str] = re.findall(r"\d+", asked.address)
    return bool(telephone(asked.phone)) or len(numbers) >= 2
