"""The production calendars of the countries the product is used in, as shipped. Source: the `holidays` library.

A government moves days off every autumn, and the library learns of it with its next release: a year that is not in
``KNOWN`` is an estimate.
"""

from __future__ import annotations

from functools import cache

from app.terms.rules import Calendar

# Years for which both governments had said which days are moved when this was written.
KNOWN = frozenset(range(2018, 2028))
# A calendar is asked about more years than are known: what is not known yet is an estimate by the fixed holidays.
_ASKED = range(2010, 2041)


@cache
def shipped(country: str) -> Calendar:
    """The calendar of a country by its two letters: ``RU`` or ``KZ``."""
    import holidays  # read when a calendar is first asked for

    days = holidays.country_holidays(country, years=_ASKED)
    worked = frozenset(day for day in getattr(days, "weekend_workdays", ()) if day.year in _ASKED)
    return Calendar(frozenset(days) - worked, worked, KNOWN)
