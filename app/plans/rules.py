"""The life of a plan. Source: domain.md, section 6.

draft → agreed with the family → on the agenda → approved → in force → fulfilled | revised | cancelled.
An approved plan is not edited: it is revised by the next version.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

MOVES: dict[str, tuple[str, ...]] = {
    "DRAFT": ("AGREED", "CANCELLED"),
    "AGREED": ("ON_AGENDA", "APPROVED", "DRAFT", "CANCELLED"),
    "ON_AGENDA": ("APPROVED", "AGREED", "CANCELLED"),
    "APPROVED": ("IN_FORCE", "CANCELLED"),
    "IN_FORCE": ("FULFILLED", "CANCELLED"),
    "FULFILLED": (),
    "REVISED": (),
    "CANCELLED": (),
}
FROZEN = frozenset({"APPROVED", "IN_FORCE", "FULFILLED", "REVISED", "CANCELLED"})
REVISABLE = frozenset({"APPROVED", "IN_FORCE"})
CLOSED = frozenset({"FULFILLED", "REVISED", "CANCELLED"})


def may_move(old: str, new: str) -> bool:
    """Whether a plan may pass from one status to another by a person's decision.

    ``REVISED`` is never chosen by hand: the next version sets it.
    """
    return new in MOVES[old]


def frozen(status: str) -> bool:
    """Whether the words of a plan in this status may no longer change."""
    return status in FROZEN


def closed(status: str) -> bool:
    """Whether the plan belongs to the past: not even a mark of completion changes in it."""
    return status in CLOSED


def revisable(status: str) -> bool:
    """Whether the next version may be made of a plan in this status."""
    return status in REVISABLE


def plan_number(case_number: str, version: int) -> str:
    """«И-2018/01-П1»: the case and the version of its plan."""
    return f"{case_number}-П{version}"


_STEMS = (
    "январ", "феврал", "март", "апрел", "ма", "июн",
    "июл", "август", "сентябр", "октябр", "ноябр", "декабр",
)  # fmt: skip
_ENDINGS = {"ма": ("й", "я", "е"), "март": ("", "а", "е"), "август": ("", "а", "е")}
_DATE = r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s*(?:г|года))?"
_YEAR = r"(?:\s+(\d{4})(?:\s*(?:г|года?))?)?"
_BY = r"(?:(?:до|по|к|не позднее)\s+)?"
_EXACT = re.compile(rf"(?:(?:с\s+)?{_DATE}\s*(?:по|до|[-–—])\s*|{_BY}){_DATE}")
_NAMED = re.compile(rf"{_BY}(\d{{1,2}})\s+([а-я]+){_YEAR}")
_MONTH = re.compile(rf"(?:(?:в|до конца|в течение)\s+)?(?:([а-я]+)\s*[-–—]\s*)?([а-я]+){_YEAR}")
_WITHIN = re.compile(
    r"в течение\s+(?:(\d{1,3})(?:-[а-я]{1,3})?\s+)?(?:календарн\w+\s+)?"
    r"(день|дня|дней|недел[июь]|месяц(?:а|ев)?|года?)"
)


def due_date(term: str | None, made_on: dt.date) -> dt.date | None:
    """The last day of a term written in words, where the words leave no doubt; otherwise None.

    A month without a year is the plan's year, unless it has passed by the day the plan was made. A term that
    waits for an event («после обучения»), goes on («постоянно») or counts working days has no day of its own,
    and «до марта» is February's end to some and March's to others.
    """
    words = " ".join((term or "").lower().replace("ё", "е").split()).rstrip(" .;,")
    try:
        if match := _EXACT.fullmatch(words):
            return dt.date(int(match[6]), int(match[5]), int(match[4]))
        if (match := _NAMED.fullmatch(words)) and (month := _month(match[2])):
            return _ahead(dt.date(int(match[3] or made_on.year), month, int(match[1])), match[3], made_on)
        if (match := _MONTH.fullmatch(words)) and (month := _month(match[2])):
            first = _month(match[1]) if match[1] else month
            year = int(match[3] or made_on.year)
            end = dt.date(year, month, calendar.monthrange(year, month)[1])
            return _ahead(end, match[3], made_on) if first and first <= month else None
        if match := _WITHIN.fullmatch(words):
            return _later(made_on, int(match[1] or 1), match[2])
    except (ValueError, OverflowError):  # the 31st of February; a year past the calendar's end
        return None
    return None


def _month(word: str) -> int | None:
    """The number of a month by its name in any case that terms are written in."""
    for number, stem in enumerate(_STEMS, start=1):
        if word.startswith(stem) and word[len(stem) :] in _ENDINGS.get(stem, ("ь", "я", "е")):
            return number
    return None


def _ahead(day: dt.date, year: str | None, made_on: dt.date) -> dt.date | None:
    """The day, unless its year was only supposed and it has passed already."""
    return day if year or day >= made_on else None


def _later(start: dt.date, count: int, unit: str) -> dt.date:
    """So many days, weeks, months or years after a day; the last day of a shorter month."""
    if unit.startswith(("д", "нед")):
        return start + dt.timedelta(days=count * (7 if unit.startswith("нед") else 1))
    years, months = divmod(start.month - 1 + count * (12 if unit.startswith("год") else 1), 12)
    year, month = start.year + years, months + 1
    return dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
