"""Lists out as XLSX and CSV: exactly the columns and rows of the list under its filters."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from app.kernel import clock
from app.kernel.query import Line
from app.kernel.schema import Field
from app.kernel.show import text

MOST_ROWS = 50_000
# A spreadsheet takes a cell that begins so for a formula: a typed name must not run on a colleague's computer.
_FORMULA = re.compile(r"[=+\-@\t\r]")
# A number begins so too, and a telephone as it is kept: neither is worked out, the spaces see to that.
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?|\+\d{1,3} \d[\d -]*")


def as_csv(fields: Sequence[Field], titles: Sequence[str], lines: Iterable[Line]) -> bytes:
    """UTF-8 with a mark and semicolons: what Excel opens right away where the comma is decimal."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(titles)
    for line in lines:
        cells = (text(line[field.name]) for field in fields)
        writer.writerow([f"'{cell}" if _runs(cell) else cell for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _runs(cell: str) -> bool:
    return bool(_FORMULA.match(cell)) and not _NUMBER.fullmatch(cell)


def as_xlsx(fields: Sequence[Field], titles: Sequence[str], lines: Iterable[Line], title: str) -> bytes:
    """A sheet with real dates and numbers; text is always text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("".join(" " if mark in "[]:*?/\\" else mark for mark in title)[:31] or "1")
    sheet.freeze_panes = "A2"
    for index, name in enumerate(titles, 1):
        sheet.column_dimensions[get_column_letter(index)].width = max(14, min(40, len(name) + 6))

    def cell(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            value = value.astimezone(clock.here()).replace(tzinfo=None)
        elif not isinstance(value, (dt.date, int, float, Decimal)) or isinstance(value, bool):
            value = "".join(mark for mark in text(value) if mark >= " " or mark in "\n\t")
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            made.data_type = "s"
        elif isinstance(value, dt.datetime):
            made.number_format = "DD.MM.YYYY HH:MM"
        elif isinstance(value, dt.date):
            made.number_format = "DD.MM.YYYY"
        return made

    heads = [WriteOnlyCell(sheet, value=name) for name in titles]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for line in lines:
        sheet.append([cell(line[field.name]) for field in fields])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
