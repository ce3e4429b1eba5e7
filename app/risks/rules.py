"""The level of risk. Source: ISK-R, KZ-R (domain.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterable

LEVELS = ("LOW", "MEDIUM", "HIGH")


def proposed_level(marks: Iterable[str]) -> str | None:
    """The highest marked level, by name; None when nothing is marked."""
    return max(marks, key=LEVELS.index, default=None)
