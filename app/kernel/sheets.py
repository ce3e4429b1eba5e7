"""A workbook (XLSX) read into plain values by its headings. Knows no database and no Flask.

A layout names the expected sheets and columns by the words of the form. Sheets and columns may stand in any
order; case, spaces and ё/е in their names are forgiven. Whatever is wrong is collected, each mistake with its
cell: a person corrects a workbook once, not once for every mistake. A file from outside is not trusted: its
size, packed and unpacked, and its rows are bounded; a formula is refused, as its value is not written in it.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Any, TypeAlias

from app.kernel.declare import N_, Check

MAX_BYTES = 20 * 2**20
MAX_UNPACKED = 150 * 2**20
MAX_SHEETS = 50
MAX_ROWS = 20_000
MAX_COLUMNS = 100
_LAST_ROW = 1_048_576  # of the format itself; without a bound a forged row number would never end

_SPACES = re.compile(r"\s+")
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?: ?г\.?)?", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_SUM = re.compile(r"(\d{1,3}(?: \d{3})+|\d+)(?:[.,](\d{1,2}))?(?: ?(?:руб[а-я]*\.?|р\.|₽|тг\.?|тенге|₸))?", re.ASCII)
_WHOLE = re.compile(r"(?:№ ?)?(\d{1,9})(?:[.,]0*)?", re.ASCII)


class Refused(ValueError):
    """A value that a reader cannot take: a message to translate and what fills its places."""

    def __init__(self, reason: str, **facts: str) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True)
class Remark:
    """What is to be said of a cell, a sheet or the file: a message to translate and what fills its places."""

    reason: str
    sheet: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.sheet, self.row, self.column) if part)
        return f"{where}: {self.reason % self.facts}" if where else self.reason % self.facts


Reader: TypeAlias = Callable[[Any], Any]
_Row: TypeAlias = tuple[int, tuple[Any, ...]]


@dataclass(frozen=True)
class Column:
    """A column by its heading. A required one must be there and filled in every row."""

    key: str
    heading: str
    read: Reader
    required: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet by its title. One that is not required may be absent: then it has no rows."""

    key: str
    title: str
    columns: tuple[Column, ...]
    required: bool = False

    def heading(self, key: str) -> str:
        """The heading of a column by its key; empty for a key that has no column here."""
        return next((column.heading for column in self.columns if column.key == key), "")


@dataclass(frozen=True)
class Line:
    """A row of a sheet: its number as the person sees it, and its values; an empty cell is None."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)


@dataclass(frozen=True)
class Reading:
    """All that was read of a workbook, and all that is wrong with it."""

    lines: Mapping[str, list[Line]]
    mistakes: list[Remark]

    def __getitem__(self, sheet: str) -> list[Line]:
        return self.lines.get(sheet, [])


# --- Readers: a cell's value -> a plain value. Each raises Refused with what it expects instead. ---


def shown(value: Any) -> str:
    """A cell's value in the words in which the person sees it."""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return f"{value:%d.%m.%Y}"
    if isinstance(value, (dt.date, dt.datetime)):
        return f"{value:%d.%m.%Y %H:%M}" if isinstance(value, dt.datetime) else f"{value:%d.%m.%Y}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # Excel writes a carriage return as _x000D_; only the line break after it matters.
    text = str(value).replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n")
    return _ODD.sub("", text).strip()


def _spaced(value: Any) -> str:
    """A value on one line, with plain single spaces: programs divide thousands by spaces of several kinds."""
    return _SPACES.sub(" ", shown(value)).strip()


def text(limit: int | None = None) -> Reader:
    """Words, kept as they are but for the spaces around them. A text over ``limit`` is refused, not cut."""

    def read(value: Any) -> str:
        if isinstance(value, bool):
            raise Refused(N_("Text is expected, not a yes or no."))
        words = shown(value)
        if limit and len(words) > limit:
            raise Refused(
                N_("The text is too long: %(length)s characters of %(limit)s allowed."),
                length=str(len(words)),
                limit=str(limit),
            )
        return words

    return read


def checked(check: Check) -> Reader:
    """A number that people write in many ways, in its one form."""

    def read(value: Any) -> str:
        try:
            return check.read(shown(value))
        except ValueError as error:
            raise Refused(str(error)) from None

    return read


def whole(low: int = 1, high: int = 9_999) -> Reader:
    """A whole number within bounds; «№ 3» and «3.» are read too."""

    def read(value: Any) -> int:
        match = None if isinstance(value, bool) else _WHOLE.fullmatch(_spaced(value))
        if not match or not low <= int(match[1]) <= high:
            raise Refused(N_("A whole number from %(low)s to %(high)s is expected."), low=str(low), high=str(high))
        return int(match[1])

    return read


def money(value: Any) -> Decimal:
    """A sum: a number, or words such as «6 800,00 руб.»."""
    words = value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # A sum that a program worked out may be off by a hair: 0.1 + 0.2.
        words = f"{value:.2f}" if abs(value - round(value, 2)) < 1e-6 else str(value)
    match = _SUM.fullmatch(_spaced(words).lower())
    if not match or isinstance(value, bool) or len(whole_part := match[1].replace(" ", "")) > 10:
        raise Refused(N_("A sum is expected, such as 6800 or 6 800,00."))
    return Decimal(f"{whole_part}.{match[2] or '0'}").quantize(Decimal("0.01"))


def day(value: Any) -> dt.date:
    """A date: Excel's own, or words «дд.мм.гггг»."""
    expected = N_("A date is expected: dd.mm.yyyy.")
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise Refused(N_("A date without a time is expected."))
        found = value.date()
    elif isinstance(value, dt.date):
        found = value
    else:
        words = _spaced(value)
        if match := _DAY.fullmatch(words):
            parts = match[3], match[2], match[1]
        elif match := _ISO_DAY.fullmatch(words):
            parts = match[1], match[2], match[3]
        else:
            raise Refused(expected)
        try:
            found = dt.date(*map(int, parts))
        except ValueError:
            raise Refused(N_("There is no such day in the calendar.")) from None
    if not 1900 <= found.year <= 2100:
        raise Refused(N_("The year is out of bounds. Check the date."))
    return found


def one_of(known: Mapping[str, Any]) -> Reader:
    """A value of a closed list by its label. Another word is refused with all the labels."""
    by_name = {plain(label): value for label, value in known.items()}
    reason = N_("Unknown value. One of these is expected: %(known)s.")

    def read(value: Any) -> Any:
        try:
            return by_name[plain(shown(value))]
        except KeyError:
            raise Refused(reason, known=", ".join(known)) from None

    return read


def plain(words: str) -> str:
    """The form in which headings and labels are compared: lower case, ё = е, single spaces, no end marks."""
    return _SPACES.sub(" ", words.lower().replace("ё", "е")).strip(" :*")


# --- The file ---


def read_workbook(file: IO[bytes] | str | os.PathLike[str], layout: Sequence[Sheet]) -> Reading:
    """Read a workbook by its layout. Never raises for what the file holds: see :attr:`Reading.mistakes`."""
    from openpyxl import load_workbook  # heavy, and wanted by few requests

    mistakes: list[Remark] = []
    lines: dict[str, list[Line]] = {}
    try:
        data = _opened(file)
    except Refused as refused:
        return Reading({}, [Remark(refused.reason, facts=refused.facts)])
    try:
        # Formulas are read as formulas: data_only would pass off their last computed value as a written one.
        book = load_workbook(data, read_only=True, keep_links=False)
        if len(book.sheetnames) > MAX_SHEETS:
            return Reading({}, [Remark(N_("The workbook has too many sheets."))])
        expected = {plain(sheet.title): sheet for sheet in layout}
        for page in book.worksheets:
            sheet = expected.get(plain(page.title))
            rows = _filled_rows(page)
            if sheet is None:
                if next(rows, None):
                    reason = N_("Unknown sheet. These are expected: %(known)s.")
                    facts = {"known": ", ".join(sheet.title for sheet in layout)}
                    mistakes.append(Remark(reason, sheet=page.title, facts=facts))
            elif sheet.key in lines:
                mistakes.append(Remark(N_("The sheet stands twice."), sheet=page.title))
            else:
                lines[sheet.key] = _read_sheet(rows, sheet, mistakes)
    except Exception:  # whatever the parsers raise over a forged or broken file, it is the file that is wrong
        return Reading({}, [Remark(N_("The file is damaged: it cannot be read as an XLSX workbook."))])
    for sheet in layout:
        if sheet.required and sheet.key not in lines:
            mistakes.append(Remark(N_("The sheet is missing."), sheet=sheet.title))
    return Reading(lines, mistakes)


def _opened(file: IO[bytes] | str | os.PathLike[str]) -> IO[bytes]:
    """The file in memory, once its form and its sizes have been looked at."""
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    else:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(N_("The file is larger than %(limit)s MB."), limit=str(MAX_BYTES // 2**20))
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # the older container: an encrypted workbook or an .xls
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Refused(N_("The file is protected with a password. Save it without one."))
        raise Refused(N_("The file is in the older .xls format. Save it as .xlsx."))
    not_a_workbook = N_("The file is not an XLSX workbook.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Refused(not_a_workbook) from None
    if "[Content_Types].xml" not in {part.filename for part in parts}:
        raise Refused(not_a_workbook)
    # The stated sizes bind: unpacking stops there, and a false one breaks the checksum.
    if len(parts) > 2_000 or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise Refused(N_("The file unpacks to more than is reasonable."))
    return io.BytesIO(data)


def _filled_rows(page: Any) -> Iterator[_Row]:
    """Rows with anything in them, under their numbers."""
    blank: Any = None
    for number, cells in enumerate(page.iter_rows(max_row=_LAST_ROW, max_col=MAX_COLUMNS), start=1):
        if cells is blank:  # the rows that a sheet skips are one and the same object: a forged gap costs nothing
            continue
        if all(_empty(cell.value) for cell in cells):
            blank = cells
        else:
            yield number, cells


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not shown(value))


def _read_sheet(rows: Iterator[_Row], sheet: Sheet, mistakes: list[Remark]) -> list[Line]:
    number, head = next(rows, (1, ()))
    columns = _headings(number, head, sheet, mistakes)
    lines: list[Line] = []
    for number, cells in rows:
        if len(lines) == MAX_ROWS:
            reason = N_("The sheet has more than %(limit)s rows.")
            mistakes.append(Remark(reason, sheet.title, number, facts={"limit": str(MAX_ROWS)}))
            break
        values: dict[str, Any] = {}
        for index, cell in enumerate(cells):
            column = columns.get(index)
            if _empty(cell.value):
                if column and column.required:
                    mistakes.append(Remark(N_("The cell is empty."), sheet.title, number, column.heading))
                continue
            heading = column.heading if column else ""
            try:
                if column is None:
                    if _empty(head[index].value):  # a named but unknown column has been reported once
                        raise Refused(N_("The value stands in a column without a heading."))
                    continue
                if cell.data_type == "f":
                    raise Refused(N_("There is a formula in the cell. Write its value."))
                if cell.data_type == "e":
                    raise Refused(N_("There is an error in the cell instead of a value."))
                values[column.key] = column.read(cell.value)
            except Refused as refused:
                value = str(shown(cell.value))[:200]
                mistakes.append(Remark(refused.reason, sheet.title, number, heading, value, refused.facts))
        lines.append(Line(number, values))
    return lines


def _headings(number: int, head: tuple[Any, ...], sheet: Sheet, mistakes: list[Remark]) -> dict[int, Column]:
    """Which column stands where; what is unknown, doubled or missing is reported."""
    expected = {plain(column.heading): column for column in sheet.columns}
    found: dict[int, Column] = {}
    for index, cell in enumerate(head):
        if _empty(cell.value):
            continue
        name = shown(cell.value)
        column = expected.get(plain(name))
        if column is None:
            reason = N_("Unknown column. These are expected: %(known)s.")
            facts = {"known": ", ".join(column.heading for column in sheet.columns)}
            mistakes.append(Remark(reason, sheet.title, number, name[:200], facts=facts))
        elif column in found.values():
            mistakes.append(Remark(N_("The column stands twice."), sheet.title, number, column.heading))
        else:
            found[index] = column
    for column in sheet.columns:
        if column.required and column not in found.values():
            mistakes.append(Remark(N_("The column is missing."), sheet.title, number, column.heading))
    return found
