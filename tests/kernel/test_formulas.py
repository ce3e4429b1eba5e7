"""A cell of a CSV file that a spreadsheet would take for a formula is made plain text; numbers and phones are not."""

from __future__ import annotations

import pytest

from app.kernel.transfer import _runs


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "+7-900-000"])
def test_a_formula_runs(cell: str) -> None:
    assert _runs(cell)


@pytest.mark.parametrize("cell", ["+7 900 000-01-03", "-12", "+3,5", "Иванова", "", "8 900 000-01-03", "12.03.2026"])
def test_words_numbers_and_telephones_do_not(cell: str) -> None:
    assert not _runs(cell)
