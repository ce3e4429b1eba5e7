"""Reading a workbook: headings in any order, every mistake with its cell, nothing believed about the file."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from app.kernel import sheets
from app.kernel.sheets import Column, Refused, Sheet, day, money, one_of, read_workbook, text, whole
from tests.workbooks import as_file

LAYOUT = (
    Sheet(
        "things",
        "Вещи и счёт",
        (
            Column("name", "Название вещи", text(20), required=True),
            Column("count", "Счёт, шт.", whole(1, 99)),
            Column("price", "Цена", money),
            Column("day", "День", day),
            Column("kind", "Вид", one_of({"Тёплый": "warm", "Холодный": "cold"})),
        ),
        required=True,
    ),
    Sheet("notes", "Заметки", (Column("note", "Заметка", text()),)),
)
HEAD = ["Название вещи", "Счёт, шт.", "Цена", "День", "Вид"]


def read(pages: dict[str, list[list[Any]]]) -> sheets.Reading:
    return read_workbook(as_file(pages), LAYOUT)


def mistakes(pages: dict[str, list[list[Any]]]) -> list[tuple[Any, ...]]:
    return [(at.sheet, at.row, at.column, at.value, str(at).rpartition(": ")[2]) for at in read(pages).mistakes]


def test_values_under_their_headings():
    reading = read({"Вещи и счёт": [HEAD, ["Плед", 2, 6800, dt.datetime(2024, 3, 1), "Тёплый"]]})
    assert reading.mistakes == []
    (line,) = reading["things"]
    assert line.number == 2
    assert line.values == {
        "name": "Плед", "count": 2, "price": Decimal("6800.00"), "day": dt.date(2024, 3, 1), "kind": "warm",
    }  # fmt: skip
    assert reading["notes"] == []


def test_headings_in_another_order_case_and_spelling():
    head = ["  ВИД ", "Цена:", "название   вещи", "Счет, шт. *"]
    reading = read({" вещи и СЧЕТ": [head, ["холодный", "1 000,50", " Лёд ", "3"]]})
    assert reading.mistakes == []
    assert reading["things"][0].values == {
        "kind": "cold", "price": Decimal("1000.50"), "name": "Лёд", "count": 3,
    }  # fmt: skip
    assert reading["things"][0]["day"] is None


def test_empty_rows_are_passed_over_and_rows_keep_their_numbers():
    reading = read({"Вещи и счёт": [[], HEAD, [], ["Стол"], ["  "], [None, None], ["Стул"]]})
    assert [(line.number, line["name"]) for line in reading["things"]] == [(4, "Стол"), (7, "Стул")]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ({"Заметки": [["Заметка"]]}, [("Вещи и счёт", None, "", "", "The sheet is missing.")]),
        (
            {"Вещи и счёт": [["Вид", "Вес"], ["Тёплый", 5]]},
            [
                ("Вещи и счёт", 1, "Вес", "", "Название вещи, Счёт, шт., Цена, День, Вид."),
                ("Вещи и счёт", 1, "Название вещи", "", "The column is missing."),
            ],
        ),
        (
            {"Вещи и счёт": [[*HEAD, "вид"], ["Стол"]]},
            [("Вещи и счёт", 1, "Вид", "", "The column stands twice.")],
        ),
        (
            {"Вещи и счёт": [HEAD, ["Стол"]], "Лист9": [["что-то"]]},
            [("Лист9", None, "", "", "Вещи и счёт, Заметки.")],
        ),
        (
            {"Вещи и счёт": [HEAD, ["Стол"]], "ВЕЩИ И СЧЕТ": [HEAD]},
            [("ВЕЩИ И СЧЕТ", None, "", "", "The sheet stands twice.")],
        ),
        ({"Вещи и счёт": [HEAD, [None, 5]]}, [("Вещи и счёт", 2, "Название вещи", "", "The cell is empty.")]),
        (
            {"Вещи и счёт": [HEAD, ["Стол", 1, 1, None, None, "лишнее"]]},
            [("Вещи и счёт", 2, "", "лишнее", "The value stands in a column without a heading.")],
        ),
        (
            {"Вещи и счёт": [HEAD, ["Стол", "=1+1"]]},
            [("Вещи и счёт", 2, "Счёт, шт.", "=1+1", "There is a formula in the cell. Write its value.")],
        ),
        (
            {"Вещи и счёт": [HEAD, ["Стол", "#N/A"]]},
            [("Вещи и счёт", 2, "Счёт, шт.", "#N/A", "There is an error in the cell instead of a value.")],
        ),
        # All the mistakes of a row and of the rows after it.
        (
            {
                "Вещи и счёт": [
                    HEAD,
                    ["я" * 21, 0, -5, "32.01.2024", "Мокрый"],
                    ["Стул", 2.5, "даром", 45000, 1],
                ]
            },
            [
                ("Вещи и счёт", 2, "Название вещи", "я" * 21, "21 characters of 20 allowed."),
                ("Вещи и счёт", 2, "Счёт, шт.", "0", "A whole number from 1 to 99 is expected."),
                ("Вещи и счёт", 2, "Цена", "-5", "A sum is expected, such as 6800 or 6 800,00."),
                ("Вещи и счёт", 2, "День", "32.01.2024", "There is no such day in the calendar."),
                ("Вещи и счёт", 2, "Вид", "Мокрый", "Тёплый, Холодный."),
                ("Вещи и счёт", 3, "Счёт, шт.", "2.5", "A whole number from 1 to 99 is expected."),
                ("Вещи и счёт", 3, "Цена", "даром", "A sum is expected, such as 6800 or 6 800,00."),
                ("Вещи и счёт", 3, "День", "45000", "dd.mm.yyyy."),
                ("Вещи и счёт", 3, "Вид", "1", "Тёплый, Холодный."),
            ],
        ),
    ],
)
def test_every_mistake_has_its_cell(pages, expected):
    assert mistakes(pages) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (6800, "6800.00"),
        (6800.5, "6800.50"),
        (0.1 + 0.2, "0.30"),
        (Decimal("1.25"), "1.25"),
        ("6 800,00", "6800.00"),
        ("6\u00a0800,00 руб.", "6800.00"),
        ("10 000 ₽", "10000.00"),
        ("12 345 678.9", "12345678.90"),
        ("45 000 тенге", "45000.00"),
        ("0", "0.00"),
        ("6,800", None),  # thousands to one, three decimals to another
        ("6.800,00", None),
        ("68 00", None),
        ("1,234", None),
        (1.234, None),
        (-1, None),
        ("около 5000", None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        ("9" * 11, None),
    ],
)
def test_money(value, expected):
    if expected is None:
        with pytest.raises(Refused):
            money(value)
    else:
        assert money(value) == Decimal(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20.02.2018", "2018-02-20"),
        ("5.4.2018 г.", "2018-04-05"),
        ("20/02/2018", "2018-02-20"),
        ("2018-02-20", "2018-02-20"),
        (dt.datetime(2018, 2, 20), "2018-02-20"),
        (dt.date(2018, 2, 20), "2018-02-20"),
        (dt.datetime(2018, 2, 20, 11, 30), None),
        (dt.time(11, 30), None),
        ("20.02.18", None),
        ("02.2018", None),
        ("29.02.2019", None),
        ("20.02.0018", None),
        (43151, None),
        ("вчера", None),
    ],
)
def test_day(value, expected):
    if expected is None:
        with pytest.raises(Refused):
            day(value)
    else:
        assert day(value) == dt.date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (3.0, 3), ("3", 3), ("№ 3", 3), ("3.", 3), ("03", 3), (3.5, None), (True, None), ("три", None),
     (0, None), (10_000, None), ("1; 2", None), ("٣", None)],
)  # fmt: skip
def test_whole(value, expected):
    if expected is None:
        with pytest.raises(Refused):
            whole()(value)
    else:
        assert whole()(value) == expected


def test_text_is_kept_as_it_is():
    words = text()
    assert words("  строка\nвторая  строка \n") == "строка\nвторая  строка"
    assert words("раз_x000D_\nдва\r\nтри") == "раз\nдва\nтри"
    assert words(2018) == "2018"
    assert words(7.0) == "7"
    assert words(dt.datetime(2018, 3, 15)) == "15.03.2018"  # a term that the program took for a date
    with pytest.raises(Refused):
        words(True)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.datetimes(), st.dates(), st.times()))
def test_readers_refuse_and_never_break(value):
    for reader in (text(10), whole(), money, day, one_of({"а": 1})):
        try:
            reader(value)
        except Refused as refused:
            assert refused.reason % refused.facts


def _zip(**parts: bytes) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def _replaced(part: str, data: bytes) -> io.BytesIO:
    """A sound workbook with one part put in place of its own."""
    good = zipfile.ZipFile(as_file({"Вещи и счёт": [HEAD, ["Стол"]]}))
    return _zip(**{name: data if name == part else good.read(name) for name in good.namelist()})


def _sheet_xml(rows: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


BOMB = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b"".join(
    b'<!ENTITY b%d "' % n + (b"&b%d;" % (n - 1) if n else b"&a;") * 10 + b'">' for n in range(12)
) + b"]><worksheet>&b11;</worksheet>"  # fmt: skip
DAMAGED = "The file is damaged: it cannot be read as an XLSX workbook."


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (io.BytesIO(b""), "The file is not an XLSX workbook."),
        (io.BytesIO(b"Name;Price\n1;2"), "The file is not an XLSX workbook."),
        (io.BytesIO(b"PK\x03\x04broken"), "The file is not an XLSX workbook."),
        (_zip(readme=b"an archive of something else"), "The file is not an XLSX workbook."),
        (_zip(**{"[Content_Types].xml": b"<Types/>"}), DAMAGED),
        (_replaced("xl/worksheets/sheet1.xml", b"<worksheet><sheetData>"), DAMAGED),
        (_replaced("xl/worksheets/sheet1.xml", BOMB), DAMAGED),
        (_replaced("xl/workbook.xml", b"not xml"), DAMAGED),
        (
            io.BytesIO(b"\xd0\xcf\x11\xe0" + bytes(500) + "EncryptedPackage".encode("utf-16-le")),
            "The file is protected with a password. Save it without one.",
        ),
        (
            io.BytesIO(b"\xd0\xcf\x11\xe0" + bytes(500)),
            "The file is in the older .xls format. Save it as .xlsx.",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_workbook(file, reason):
    reading = read_workbook(file, LAYOUT)
    assert [str(mistake) for mistake in reading.mistakes] == [reason]
    assert reading.lines == {}


def test_a_file_too_large(monkeypatch):
    (mistake,) = read_workbook(io.BytesIO(bytes(sheets.MAX_BYTES + 1)), LAYOUT).mistakes
    assert str(mistake) == "The file is larger than 20 MB."
    monkeypatch.setattr(sheets, "MAX_UNPACKED", 10**6)
    blown_up = _replaced("xl/worksheets/sheet1.xml", bytes(10**6))
    many = _zip(**{"[Content_Types].xml": b""}, **{f"{n}.xml": b"" for n in range(2001)})
    for bomb in (blown_up, many):
        (mistake,) = read_workbook(bomb, LAYOUT).mistakes
        assert str(mistake) == "The file unpacks to more than is reasonable."


def test_a_file_cut_short():
    whole_file = as_file({"Вещи и счёт": [HEAD, *(["Стол", n % 90 + 1] for n in range(200))]}).getvalue()
    for end in range(0, len(whole_file), 397):
        assert read_workbook(io.BytesIO(whole_file[:end]), LAYOUT).mistakes


def test_too_many_rows(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_ROWS", 10)
    rows = [["Стол"] for _ in range(11)]
    assert mistakes({"Вещи и счёт": [HEAD, *rows[:10]]}) == []
    (mistake,) = mistakes({"Вещи и счёт": [HEAD, *rows]})
    assert mistake == ("Вещи и счёт", 12, "", "", "The sheet has more than 10 rows.")


def test_too_many_sheets():
    pages: dict[str, list[list[Any]]] = {f"Лист{n}": [] for n in range(60)}
    (mistake,) = read(pages).mistakes
    assert str(mistake) == "The workbook has too many sheets."


def test_forged_row_and_column_numbers_end_soon():
    cell = '<c r="A{0}" t="inlineStr"><is><t>Название вещи</t></is></c>'
    rows = f'<row r="1">{cell.format(1)}</row><row r="9999999999">{cell.format(9999999999)}</row>'
    reading = read_workbook(_replaced("xl/worksheets/sheet1.xml", _sheet_xml(rows)), LAYOUT)
    assert reading["things"] == []


def test_a_file_on_disk(tmp_path):
    path = tmp_path / "книга.xlsx"
    path.write_bytes(as_file({"Вещи и счёт": [HEAD, ["Стол"]]}).getvalue())
    assert read_workbook(path, LAYOUT)["things"][0]["name"] == "Стол"


def test_empty_sheets_of_the_program_are_no_mistake():
    book = Workbook()  # its first sheet is called «Sheet»
    page = book.create_sheet("Вещи и счёт")
    page.append(HEAD)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    assert read_workbook(out, LAYOUT).mistakes == []


def test_nothing_of_the_web_is_imported():
    code = "import sys, app.kernel.sheets;sys.exit(any(name.startswith(('flask', 'openpyxl')) for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
