"""Workbooks for the import of a case: a full-size one of invented contents, and broken ones made from it."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook

Sheets = dict[str, list[list[Any]]]
REAL = Path(__file__).resolve().parents[2] / "shared" / "cases" / "case-iskorka.xlsx"

ACTIVITIES = (5, 6, 13, 5, 7, 6)
_TERMS = (
    "Март",
    "По мере необходимости",
    "до 15.04.2018",
    "В течение 1 месяца",
    "После обучения",
    "Постоянно",
)
_KINDS = (
    "Телефонный разговор", "Посещение на дому", "Встреча в офисе", "Встреча", "Консультация", "Обращение",
    "Услуга",
)  # fmt: skip


def full() -> Sheets:
    """Every sheet of the form in its real size: 42 rows of the plan, 108 of the journal, 12 of monitoring."""
    return {
        "Семья": [
            ["Номер дела", "Семья (фамилия)", "Муниципальное образование", "Адрес регистрации",
             "Адрес проживания", "Категория", "Природа проблемы", "Основная цель", "Дата открытия случая",
             "Куратор", "Условия проживания"],
            ["П-2018/07", "Сосновы", "Челябинский городской округ", "ул. Лесная, 4", "ул. Лесная, 4",
             "Семья с ребёнком-инвалидом", "Мама растит ребёнка одна и не знает, куда обратиться.",
             "Семья справляется сама и знает, кто рядом.", "20.02.2018", "Социальный тьютор",
             "Комната в квартире бабушки.\nПятый этаж, лифта нет."],
        ],
        "Члены семьи": [
            ["ФИО", "Дата рождения", "Кем приходится ребёнку", "Роль", "Диагноз / инвалидность",
             "Место работы / учёбы"],
            ["Соснова Варя", "15.12.2011", "ребёнок", "Ребёнок", "ребёнок-инвалид", "Не посещает"],
            ["Соснова Ирина", None, "мама", "Родитель", None, "Уход за ребёнком"],
            ["Соснов Егор", None, "дедушка", "Родственник", None, None],
            ["Соснова Вера", dt.datetime(1955, 5, 1), "бабушка", "Родственник", None, None],
            ["Соснова Ольга", None, "родная сестра", "Родственник", None, None],
        ],
        "Доходы": [
            ["Источник", "Сумма, руб. в месяц"],
            ["Пособие по уходу", 6800],
            ["Компенсация за детский сад", "3 800,00"],
            ["Пенсия ребёнка", 10000.0],
        ],
        "Проблемы": [["№", "Проблема"], *([n, f"Трудность {n}: её назвала семья."] for n in range(1, 7))],
        "Цели": [["№", "Промежуточная цель"], *([n, f"Цель {n} достигнута."] for n in range(1, 7))],
        "План": [
            ["Цель №", "Действия родителей", "Действия специалистов", "Ответственный", "Срок выполнения"],
            *(_activity(goal, n) for goal, count in enumerate(ACTIVITIES, start=1) for n in range(count)),
        ],
        "Журнал работы": [
            ["Цель №", "Дата", "Вид контакта", "Мероприятие", "Ответственный", "Отметка о выполнении"],
            *(_contact(n) for n in range(103)),
            # One meeting under five goals.
            *([goal, "17.09.2018", "Межведомственная встреча", "общая встреча", "Тьютор; Мама", "План идёт."]
              for goal in range(2, 7)),
        ],
        "Мониторинг": [
            ["Дата", "Проблема №", "Результат"],
            *([day, n, f"К {day} по трудности {n}:\n- сделан шаг  вперёд."]
              for day in ("10.09.2018", "30.11.2018") for n in range(1, 7)),
        ],
    }  # fmt: skip


def _activity(goal: int, n: int) -> list[Any]:
    parents = f"Родители делают шаг {n + 1} к цели {goal}" if n % 3 != 1 else None
    specialists = f"Тьютор помогает с шагом {n + 1} к цели {goal}" if n % 3 else None
    return [goal, parents, specialists, "Родители; Социальный тьютор", _TERMS[n % len(_TERMS)]]


def _contact(n: int) -> list[Any]:
    held_on = dt.datetime(2018, 2, 16) + dt.timedelta(days=2 * n)
    mark = f"Итог разговора {n + 1}.\n· первое\n· второе  и третье" if n % 5 else None
    shown = held_on if n % 2 else f"{held_on:%d.%m.%Y}"
    return [n % 6 + 1, shown, _KINDS[n % len(_KINDS)], f"событие {n // 2}", "Социальный тьютор", mark]


def changed(change: Callable[[Sheets], Any]) -> Sheets:
    """The full workbook with something done to it."""
    sheets = deepcopy(full())
    change(sheets)
    return sheets


def as_file(sheets: Sheets) -> io.BytesIO:
    """The workbook as a file in memory. Text that begins with «=» is a formula, as in the program itself."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def texts(file: io.BytesIO | Path, title: str) -> set[str]:
    """Every text of a sheet's rows, as a person sees it."""
    rows = load_workbook(file)[title].iter_rows(min_row=2, values_only=True)
    return {cell.strip() for row in rows for cell in row if isinstance(cell, str) and cell.strip()}
