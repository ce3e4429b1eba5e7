"""Numbers and states of a case, as plain values."""

from __future__ import annotations

import calendar
import datetime as dt

# Days that may pass without a contact, by the family's level of risk: «weekly … then monthly» is KZ-T3, the visit act
# of ANG-T6 is monthly too; a quarter at low risk is the rhythm of the monitoring (ISK-T1). A family whose risk nobody
# has assessed waits no longer than one at medium risk.
CONTACT_WITHIN = {"HIGH": 7, "MEDIUM": 30, "LOW": 90}
UNASSESSED = CONTACT_WITHIN["MEDIUM"]
MONITORING_MONTHS = 3  # ISK-T1: plan in force → monitoring every 3 months


def case_number(year: int, n: int) -> str:
    """The default number of a case: year and two digits or more, «2026/07»."""
    return f"{year}/{n:02}"


def months_from(day: dt.date, months: int) -> dt.date:
    """The same day so many months later (earlier, when negative), or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def monitoring_due(watched_from: dt.date | None) -> dt.date | None:
    """The day of the next monitoring, counted from the last one or from the plan; none while no plan is in force."""
    return months_from(watched_from, MONITORING_MONTHS) if watched_from else None


def days_open(opened_on: dt.date | None, closed_on: dt.date | None, today: dt.date) -> int | None:
    """Calendar days from opening to closing, or to today while the case is open."""
    if opened_on is None:
        return None
    return ((closed_on or today) - opened_on).days
