"""What is sensible to do next with a signal, and how a countdown reads. Source: KZ-T1, KZ-R (domain.md, 3 and 4)."""

from __future__ import annotations

import datetime as dt

UNDECIDED = ("NEW", "CHECKING")


def next_steps(status: str, risk: str, *, agreed: bool, opened: bool) -> tuple[str, ...]:
    """The next steps, the first one first; ``risk`` is empty while the signal is not triaged.

    High risk: urgent measures at once. High and medium: a case. Low: one-off help is enough, and a case may be opened.
    """
    steps: list[str] = []
    if risk == "HIGH" and not agreed and status in (*UNDECIDED, "CONFIRMED"):
        steps.append("agree")
    if status in UNDECIDED and not opened:
        if not risk:
            return ("triage", "case")
        steps += ["one_off", "case"] if risk == "LOW" else ["case"]
        steps += ["unconfirmed", "triage"]
    elif status == "CONFIRMED" and not opened:
        steps.append("case")
    return tuple(steps)


def remaining(due: dt.datetime, now: dt.datetime) -> tuple[bool, tuple[int, int, int]]:
    """Whether it is late, and how long it is to the moment or since it: days, hours, minutes begun."""
    late = now > due
    minutes = -(-abs(due - now) // dt.timedelta(minutes=1))
    return late, (minutes // 1440, minutes // 60 % 24, minutes % 60)
