"""Ages, as plain values."""

from __future__ import annotations

import datetime as dt


def age(born_on: dt.date | None, today: dt.date) -> int | None:
    """Full years on a day; None when the birth date is not known or lies ahead."""
    if born_on is None:
        return None
    years = today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
    return years if years >= 0 else None
