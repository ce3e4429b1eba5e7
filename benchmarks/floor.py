"""The floor: the same pages of families by hand, in raw SQL and Jinja, without any framework.

Whoever reads them gets the same: the menu of what he may open, his saved filters and columns, the filter panel, the
blocks of a family, its form with the rows of members and incomes, the buttons that he may press. He is signed in by
the same table and asked for the same permissions, and the same tables are read in as few statements as they can be
read in. The words are Russian and stand in the templates (``pages/``). There is no translation, no row scope and no
check of a form, no declaration that says it once: it is not a product, only the least that Python, the driver and
Jinja take for such pages.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

SIZE = 25
_GRANTS = """
  FROM ab_user_role ur
  JOIN ab_permission_view_role pvr ON pvr.role_id = ur.role_id
  JOIN ab_permission_view pv ON pv.id = pvr.permission_view_id
  JOIN ab_permission p ON p.id = pv.permission_id
  JOIN ab_view_menu v ON v.id = pv.view_menu_id
  WHERE ur.user_id = u.id
"""
# The API asks for two permissions; a page draws its menu and its buttons by all of them.
_ENTER = f"""
SELECT u.id FROM sign_in s JOIN ab_user u ON u.id = s.user_id
WHERE s.digest = ? AND u.active AND s.seen_at > ?
  AND EXISTS (SELECT 1 {_GRANTS} AND p.name = 'can_list' AND v.name = 'Family')
  AND EXISTS (SELECT 1 {_GRANTS} AND p.name = 'can_api' AND v.name = 'Family')
"""
_ENTER_PAGE = f"""
SELECT u.id, u.username, coalesce(t.name, u.last_name, u.username), o.name,
  (SELECT {{lines}}(p.name || ' ' || v.name, '|') {_GRANTS}),
  (SELECT {{lines}}(r.name, '|') FROM ab_user_role ur JOIN ab_role r ON r.id = ur.role_id WHERE ur.user_id = u.id),
  EXISTS (SELECT 1 FROM signal WHERE urgent_due_at IS NOT NULL AND agreed_at IS NULL)
FROM sign_in s JOIN ab_user u ON u.id = s.user_id
LEFT JOIN staff t ON t.user_id = u.id AND t.works
LEFT JOIN organisation o ON o.id = t.organisation_id
WHERE s.digest = ? AND u.active AND s.seen_at > ?
"""
_SAVED = """
SELECT l.columns, l.size, f.id, f.name, f.address FROM ab_user u
LEFT JOIN list_look l ON l.user_id = u.id AND l.entity = 'Family'
LEFT JOIN saved_filter f ON f.entity = 'Family' AND (f.user_id = u.id OR f.id IN (
  SELECT saved_filter_id FROM saved_filter_role r JOIN ab_user_role ur ON ur.role_id = r.role_id WHERE ur.user_id = u.id))
WHERE u.id = ? ORDER BY f.name
"""
_RISK = "(SELECT level FROM risk_assessment WHERE family_id = f.id ORDER BY assessed_on DESC, id DESC LIMIT 1)"
_PAGE = f"""
SELECT f.id, f.name, m.id, m.name, f.address, f.phone,
  (SELECT count(*) FROM member WHERE family_id = f.id), o.id, o.name, {_RISK}
FROM (SELECT f.id FROM family f WHERE {{where}} ORDER BY f.name, f.id LIMIT ? OFFSET ?) p
JOIN family f ON f.id = p.id
LEFT JOIN municipality m ON m.id = f.municipality_id
LEFT JOIN organisation o ON o.id = f.organisation_id
ORDER BY f.name, f.id
"""
_CATEGORIES = """
SELECT l.family_id, c.id, c.name FROM family_category l JOIN category c ON c.id = l.category_id
WHERE l.family_id IN ({marks}) ORDER BY c.name
"""
_TEXTS = (
    "phone", "registered_address", "address", "living_conditions", "clinic", "education", "extra_education", "notes"
)  # fmt: skip
_FAMILY = f"""
SELECT f.id, f.version, f.name, o.id AS organisation_id, o.name AS organisation, m.id AS municipality_id,
  m.name AS municipality, p.id AS precinct_id, p.name AS precinct, {", ".join(f"f.{name}" for name in _TEXTS)},
  (SELECT coalesce(sum(amount), 0) FROM income WHERE family_id = f.id) AS income, {_RISK} AS risk
FROM family f
LEFT JOIN organisation o ON o.id = f.organisation_id
LEFT JOIN municipality m ON m.id = f.municipality_id
LEFT JOIN precinct p ON p.id = f.precinct_id
WHERE f.id = ?
"""
_MEMBERS = """SELECT id, version, name, role, kinship, born_on, diagnosis, occupation, phone, snils, iin
FROM member WHERE family_id = ? ORDER BY position, id"""
_INCOMES = "SELECT id, version, source, amount FROM income WHERE family_id = ? ORDER BY id"
_RISKS = "SELECT id, assessed_on, level FROM risk_assessment WHERE family_id = ? AND level IS NOT NULL ORDER BY assessed_on DESC, id DESC LIMIT 12"
_CASES = """
SELECT c.id, c.number, c.status, s.name AS curator, r.name AS procedure, g.number AS stage_number, g.name AS stage,
  c.opened_on, c.closed_on, c.consent_on, e.name AS ground, c.outcome_note,
  (SELECT coalesce((SELECT max(held_on) FROM monitoring WHERE case_id = c.id), p.approved_on, p.made_on) FROM plan p
   WHERE p.case_id = c.id AND p.status = 'IN_FORCE' ORDER BY p.edition DESC LIMIT 1) AS watched_from
FROM "case" c LEFT JOIN staff s ON s.id = c.curator_id LEFT JOIN procedure r ON r.id = c.procedure_id
LEFT JOIN stage g ON g.id = c.stage_id LEFT JOIN closing_ground e ON e.id = c.closing_ground_id
WHERE c.family_id = ? ORDER BY c.opened_on DESC, c.id DESC
"""
_OF_CASES = 'case_id IN (SELECT id FROM "case" WHERE family_id = ?)'
_PLANS = f"SELECT id, case_id, number, status, edition, main_goal, until FROM plan WHERE {_OF_CASES} ORDER BY edition"
_GOALS = f"""
SELECT g.id, g.plan_id, g.number, g.text, a.id, a.title, a.term, a.due_on, a.done_on
FROM goal g LEFT JOIN activity a ON a.goal_id = g.id
WHERE g.plan_id IN (SELECT id FROM plan WHERE {_OF_CASES}) ORDER BY g.number, g.id, a.position, a.id
"""
_PROBLEMS = f"SELECT id, case_id, number, text, solved_on FROM problem WHERE {_OF_CASES} ORDER BY number, id"
_CONTACTS = f"""SELECT id, held_on, kind, event, responsible, result FROM contact WHERE {_OF_CASES}
ORDER BY held_on DESC, id DESC LIMIT 9"""
_CONTACT_GOALS = """SELECT l.contact_id, g.number, g.text FROM contact_goal l JOIN goal g ON g.id = l.goal_id
WHERE l.contact_id IN ({marks}) ORDER BY g.number, g.id"""
_SIGNALS = "SELECT id, number, received_at, content, status FROM signal WHERE family_id = ? ORDER BY received_at DESC, id DESC LIMIT 9"
_DUE = f"""SELECT d.id, d.due_on, r.name AS requirement FROM deadline d LEFT JOIN requirement r ON r.id = d.requirement_id
WHERE d.done_on IS NULL AND d.ended_on IS NULL AND d.{_OF_CASES} ORDER BY d.due_on, d.id LIMIT 9"""
_CHANGE = """INSERT INTO change (at, user_id, "user", entity, record_id, kind, field, old, new)
VALUES ('2026-01-01', 1, ?, 'family', ?, 'CHANGED', ?, ?, ?)"""

MENU = (
    ("Сегодня", "home", (
        ("Сегодня", "/", "home", ""),
    )),
    ("Календарь", "calendar", (
        ("Календарь", "/calendar/", "calendar", "can_list Deadline"),
    )),
    ("Сигналы", "bell", (
        ("Сигналы", "/signal/", "bell", "can_list Signal"),
    )),
    ("Семьи", "users-group", (
        ("Семьи", "/family/", "users-group", "can_list Family"),
        ("Члены семьи", "/member/", "user", "can_list Member"),
        ("Оценки риска", "/risk-assessment/", "alert-triangle", "can_list RiskAssessment"),
        ("Доходы", "/income/", "coin", "can_list Income"),
    )),
    ("Случаи", "folder-open", (
        ("Случаи", "/case/", "folder-open", "can_list Case"),
        ("Сроки", "/deadline/", "calendar-event", "can_list Deadline"),
        ("Проблемы", "/problem/", "list-details", "can_list Problem"),
        ("Планы", "/plan/", "clipboard-list", "can_list Plan"),
        ("Мероприятия", "/activity/", "activity", "can_list Activity"),
        ("Журнал работы", "/contact/", "notebook", "can_list Contact"),
        ("Мониторинги", "/monitoring/", "clipboard-check", "can_list Monitoring"),
        ("Отметки об исполнении", "/mark/", "circle-check", "can_list Mark"),
        ("Отсрочки", "/delay/", "calendar-event", "can_list Delay"),
        ("События случаев", "/case-event/", "bookmark", "can_list CaseEvent"),
        ("Приостановки", "/suspension/", "circle-dashed", "can_list Suspension"),
        ("Этапы случаев", "/stage-entry/", "stairs", "can_list StageEntry"),
        ("Нагрузка", "/workload/", "users", "can_hand_over Workload"),
        ("Передачи случаев", "/handover/", "users", "can_list Handover"),
        ("Отсутствия", "/absence/", "calendar", "can_list Absence"),
        ("Загрузить случай из Excel", "/import/case/", "upload", "can_import CaseWorkbook"),
    )),
    ("Комиссии", "gavel", (
        ("Комиссии", "/commission/", "gavel", "can_list Commission"),
        ("Заседания", "/meeting/", "calendar-event", "can_list Meeting"),
        ("Вопросы повестки", "/agenda-item/", "gavel", "can_list AgendaItem"),
        ("Члены комиссий", "/commission-member/", "users", "can_list CommissionMember"),
    )),
    ("Настройки", "settings", (
        ("Организации", "/organisation/", "building", "can_list Organisation"),
        ("Сотрудники", "/staff/", "user", "can_list Staff"),
        ("Регионы", "/region/", "map", "can_list Region"),
        ("Муниципальные образования", "/municipality/", "map-pin", "can_list Municipality"),
        ("Участки", "/precinct/", "map-pin", "can_list Precinct"),
        ("Категории семей", "/category/", "list-details", "can_list Category"),
        ("Методики", "/procedure/", "stairs", "can_list Procedure"),
        ("Редакции методик", "/procedure-version/", "stairs", "can_list ProcedureVersion"),
        ("Требования", "/requirement/", "clipboard-check", "can_list Requirement"),
        ("Этапы", "/stage/", "stairs", "can_list Stage"),
        ("Виды планов", "/plan-rule/", "target", "can_list PlanRule"),
        ("Комиссии методик", "/commission-step/", "gavel", "can_list CommissionStep"),
        ("Загрузить методику из файла", "/procedure-version/upload", "upload", "can_add ProcedureVersion"),
        ("Производственный календарь", "/day-off/", "calendar", "can_list DayOff"),
        ("Наборы факторов риска", "/factor-set/", "stairs", "can_list FactorSet"),
        ("Факторы риска", "/risk-factor/", "alert-triangle", "can_list RiskFactor"),
        ("Основания закрытия", "/closing-ground/", "folder", "can_list ClosingGround"),
        ("Учётные записи", "/accounts/", "key", "can_manage Accounts"),
        ("Роли", "/roles/", "shield-lock", "can_manage Roles"),
        ("Подписанные экземпляры", "/scan/", "file-text", "can_list Scan"),
        ("История изменений", "/change/", "history", "can_list Change"),
        ("Исходящие письма", "/letter/", "mail", "can_list Letter"),
        ("Корзина", "/bin/", "trash", "can_use Bin"),
    )),
)  # fmt: skip
RISKS = {"HIGH": ("Высокий", "red"), "MEDIUM": ("Средний", "orange"), "LOW": ("Низкий", "green")}
ROLES = (("CHILD", "Ребёнок"), ("PARENT", "Родитель"), ("RELATIVE", "Родственник"), ("OTHER", "Другое лицо"))
CASES = {"OPEN": ("Открыт", "blue"), "SUSPENDED": ("Приостановлен", "orange"), "CLOSED": ("Закрыт", "secondary")}
PLANS = {
    "DRAFT": ("Черновик", "orange"), "AGREED": ("Согласован с семьёй", "yellow"), "ON_AGENDA": ("В повестке", "yellow"),
    "APPROVED": ("Утверждён", "green"), "IN_FORCE": ("В работе", "blue"), "FULFILLED": ("Выполнен", "secondary"),
    "REVISED": ("Заменён следующей версией", "secondary"), "CANCELLED": ("Отменён", "secondary"),
}  # fmt: skip
SIGNALS = {
    "NEW": ("Новый", "red"), "CHECKING": ("Проверяется", "orange"), "CONFIRMED": ("Подтверждён", "green"),
    "ONE_OFF": ("Оказана разовая помощь", "secondary"), "UNCONFIRMED": ("Не подтверждён", "secondary"),
}  # fmt: skip
CONTACTS = {
    "PHONE": "Телефонный разговор", "HOME": "Посещение на дому", "OFFICE": "Встреча в офисе", "MEETING": "Встреча",
    "INTERAGENCY": "Межведомственная встреча", "CONSULTATION": "Консультация", "APPEAL": "Обращение",
    "SERVICE": "Услуга", "LETTER": "Письмо", "OTHER": "Другое",
}  # fmt: skip
NOTHING = Markup('<span class="text-secondary nothing">—</span>')


# --- Values as they are shown -------------------------------------------------------------------------------


def icon(name: str, classes: str = "") -> Markup:
    return Markup(
        f'<svg class="icon {classes}" aria-hidden="true"><use href="/static/vendor/icons/icons.svg?v=1#{name}"></use></svg>'
    )


def day(value: Any) -> str:
    """«31.12.2026» of what either driver gives."""
    if not value:
        return ""
    year, month, number = str(value)[:10].split("-")
    return f"{number}.{month}.{year}"


def counted(number: int, one: str, few: str, many: str) -> str:
    last = number % 100 if 10 < number % 100 < 20 else number % 10
    return f"{number} {one if last == 1 else few if 2 <= last <= 4 else many}"


def days(value: Any) -> str:
    return counted(abs((dt.date.today() - dt.date.fromisoformat(str(value)[:10])).days), "день", "дня", "дней")


def age(value: Any) -> str:
    born, today = dt.date.fromisoformat(str(value)[:10]), dt.date.today()
    return counted(today.year - born.year - ((today.month, today.day) < (born.month, born.day)), "год", "года", "лет")


def number(value: Any) -> str:
    text = f"{value:,.2f}".replace(",", "\u202f").replace(".", ",")
    return text.removesuffix(",00")


def around(page: int, last: int) -> list[int | None]:
    pages: list[int | None] = []
    for one in sorted({1, *range(max(1, page - 2), min(last, page + 2) + 1), last}):
        if pages and one - (pages[-1] or 0) > 1:
            pages.append(None)
        pages.append(one)
    return pages


_DRAWN = [
    (title, icon(symbol), [(name, path, icon(sign), needs) for name, path, sign, needs in items])
    for title, symbol, items in MENU
]


# --- The application ----------------------------------------------------------------------------------------


class Floor:
    """A WSGI application on one open connection, as a thread of a real server would hold it."""

    def __init__(self, connection: Any, *, mark: str, cookie: str) -> None:
        self.connection, self.mark, self.cookie = connection, mark, cookie
        self.statements = 0
        self.enter_page = _ENTER_PAGE.format(lines="group_concat" if mark == "?" else "string_agg")
        self.jinja = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, auto_reload=False,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self.jinja.filters.update(icon=icon, day=day, days=days, age=age, number=number)
        self.jinja.globals.update(
            risk_levels=RISKS, roles=ROLES, case_states=CASES, plan_states=PLANS, signal_states=SIGNALS,
            contact_kinds=CONTACTS, nothing=NOTHING,
        )  # fmt: skip

    def execute(self, statement: str, *values: Any) -> Any:
        self.statements += 1
        cursor = self.connection.cursor()
        cursor.execute(statement.replace("?", self.mark), values)
        return cursor

    def rows(self, statement: str, *values: Any) -> list[Any]:
        return self.execute(statement, *values).fetchall()  # type: ignore[no-any-return]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        self.args = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        self.secret = SimpleCookie(environ["HTTP_COOKIE"])[self.cookie].value
        self.path, is_api = path, path.startswith("/api/")
        needed = "can_edit" if path.endswith("/edit") else "can_list" if path.endswith("/") else "can_show"
        if not (self.signed_in() if is_api else self.entered(needed)):
            start_response("403 Forbidden", [])
            return [b""]
        kind = "text/html; charset=utf-8"
        if is_api:
            body, kind = json.dumps(self.page_json()), "application/json"
        elif path == "/family/":
            body = self.page_html()
        elif not path.endswith("/edit"):
            body = self.show(int(path.rpartition("/")[2]))
        elif method == "GET":
            body = self.edit(int(path.split("/")[2]))
        else:
            self.save(int(path.split("/")[2]), environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            start_response("302 Found", [("Location", path.removesuffix("/edit"))])
            return [b""]
        start_response("200 OK", [("Content-Type", kind)])
        return [body.encode()]

    def _sign_in(self) -> tuple[str, dt.datetime]:
        # The benchmark's own sign-in is a day old at most.
        return sha256(self.secret.encode()).hexdigest(), dt.datetime.now(dt.UTC) - dt.timedelta(days=1)

    def signed_in(self) -> bool:
        return bool(self.rows(_ENTER, *self._sign_in()))

    def entered(self, needed: str) -> bool:
        found = self.rows(self.enter_page, *self._sign_in())
        if not found:
            return False
        id_, login, name, organisation, grants, roles, _alarm = found[0]
        self.may = frozenset((grants or "").split("|"))
        self.me = SimpleNamespace(
            id=id_, login=login, name=name, organisation=organisation, roles=(roles or "").split("|")
        )
        return f"{needed} Family" in self.may

    def render(self, name: str, **values: Any) -> str:
        menu = []
        for title, symbol, items in _DRAWN:
            if open_ := [item for item in items if not item[3] or item[3] in self.may]:
                menu.append((title, symbol, open_))
        here = f"{self.path}?{urlencode(self.args)}" if self.args else self.path
        csrf = sha256(f"csrf{self.secret}".encode()).hexdigest()
        return self.jinja.get_template(name).render(
            me=self.me, may=self.may, menu=menu, at="/family/", here=here, csrf=csrf, **values
        )

    def found(self) -> tuple[int, int, list[Any], dict[int, list[Any]]]:
        where, values, args = ["1 = 1"], [], self.args
        if "municipality" in args:
            where.append("f.municipality_id = ?")
            values.append(int(args["municipality"]))
        if "categories" in args:
            where.append("EXISTS (SELECT 1 FROM family_category l WHERE l.family_id = f.id AND l.category_id = ?)")
            values.append(int(args["categories"]))
        if "created_at.from" in args:
            where.append("f.created_at >= ?")
            values.append(args["created_at.from"])
        self.q = ""
        if "find" in args:
            ((words,),) = self.rows("SELECT words FROM find WHERE key = ?", args["find"])
            self.q = dict(json.loads(words))["q"]
        for word in self.q.split():
            where.append("(f.folded LIKE ? OR f.id IN (SELECT family_id FROM member WHERE folded LIKE ?))")
            values += [f"%{word}%"] * 2
        criteria, page = " AND ".join(where), int(args.get("page", 1))
        ((total,),) = self.rows(f"SELECT count(*) FROM family f WHERE {criteria}", *values)
        rows = self.rows(_PAGE.format(where=criteria), *values, SIZE, (page - 1) * SIZE)
        categories: dict[int, list[Any]] = {}
        if rows:
            ids = [row[0] for row in rows]
            for family, *category in self.rows(_CATEGORIES.format(marks=", ".join("?" * len(ids))), *ids):
                categories.setdefault(family, []).append(category)
        return total, page, rows, categories

    def page_html(self) -> str:
        saved = [row[2:] for row in self.rows(_SAVED, self.me.id) if row[2] is not None]
        total, page, rows, categories = self.found()
        chips, chosen = [], {"municipality": [], "precinct": [], "category": [], "organisation": []}
        if self.q:
            chips.append(("q", "Поиск", f"«{self.q}»"))
        for name, table, label in (
            ("municipality", "municipality", "Муниципальное образование"), ("categories", "category", "Категории"),
        ):  # fmt: skip
            if name in self.args:
                chosen[table] = self.rows(f"SELECT id, name FROM {table} WHERE id = ?", int(self.args[name]))
                chips.append((name, label, chosen[table][0][1]))
        since = self.args.get("created_at.from", "")
        if since:
            chips.append(("created_at", "Создано", f"с {day(since)}"))
        pairs = {key: value for key, value in self.args.items() if key != "page"}
        asked, last = f"?{urlencode(pairs)}" if pairs else "", max(1, -(-total // SIZE))
        return self.render(
            "list.html", total=total, page=page, rows=rows, categories=categories, q=self.q, saved=saved, chips=chips,
            chosen=chosen, since=since, asked=asked, to=f"/family/{asked}{'&' if asked else '?'}", last=last,
            first=(page - 1) * SIZE + 1, pages=around(page, last), at_form=urlencode({**pairs, "page": page}), risks=RISKS,
        )  # fmt: skip

    def page_json(self) -> dict[str, Any]:
        total, page, rows, categories = self.found()
        items = [
            {
                "id": id_, "name": name, "risk": risk, "municipality": {"id": mid, "label": municipality}, "address": address,
                "categories": [{"id": cid, "label": category} for cid, category in categories.get(id_, ())],
                "phone": phone, "member_count": members, "organisation": {"id": oid, "label": organisation},
            }
            for id_, name, mid, municipality, address, phone, members, oid, organisation, risk in rows
        ]  # fmt: skip
        return {"count": total, "page": page, "size": SIZE, "items": items}

    def named(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.execute(statement, *values)
        names = [column[0] for column in cursor.description]
        return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]

    def family(self, id_: int) -> tuple[Any, list[Any]]:
        (family,) = self.named(_FAMILY, id_)
        return family, [row[1:] for row in self.rows(_CATEGORIES.format(marks="?"), id_)]

    def show(self, id_: int) -> str:
        family, categories = self.family(id_)
        members, incomes, risks, cases, signals, due = (
            self.named(statement, id_) for statement in (_MEMBERS, _INCOMES, _RISKS, _CASES, _SIGNALS, _DUE)
        )
        contacts = self._told(id_, cases)
        goals_of: dict[int, list[str]] = {}
        if contacts:
            marks = ", ".join("?" * len(contacts))
            for contact, number_, text in self.rows(_CONTACT_GOALS.format(marks=marks), *(one.id for one in contacts)):
                goals_of.setdefault(contact, []).append(f"{number_}. {text}")
        open_cases = [case for case in cases if case.status != "CLOSED"]
        risks.reverse()
        trend = ""
        if len(risks) > 1:
            first, last = RISKS[risks[-2].level][0].lower(), RISKS[risks[-1].level][0].lower()
            trend = f"Риск был {first}, стал {last}"
        return self.render(
            "family.html", f=family, categories=categories, cases=cases, open_case=open_cases[0] if open_cases else None,
            children=[one for one in members if one.role == "CHILD"], risks=risks, trend=trend,
            adults=[one for one in members if one.role != "CHILD"], incomes=incomes, signals=signals, due=due,
            contacts=contacts, goals_of=goals_of, today=f"{dt.date.today()}",
            papers=self._papers(open_cases, risks), details=self._details(family, categories),
        )  # fmt: skip

    def _told(self, id_: int, cases: list[Any]) -> list[Any]:
        """Each case with its plan, the goals of it and the problems; the contacts of all."""
        plans = {plan.case_id: plan for plan in self.named(_PLANS, id_)}
        goals: dict[int, dict[int, Any]] = {}
        for goal_id, plan_id, number_, text, row_id, title, term, due_on, done_on in self.rows(_GOALS, id_):
            of_plan = goals.setdefault(plan_id, {})
            if goal_id not in of_plan:
                of_plan[goal_id] = SimpleNamespace(id=goal_id, number=number_, text=text, rows=[], done=0)
            if row_id is not None:
                row = SimpleNamespace(id=row_id, title=title, term=term, due_on=due_on, done_on=done_on)
                of_plan[goal_id].rows.append(row)
                of_plan[goal_id].done += done_on is not None
        problems: dict[int, list[Any]] = {}
        for problem in self.named(_PROBLEMS, id_):
            problems.setdefault(problem.case_id, []).append(problem)
        for case in cases:
            case.plan, case.problems = plans.get(case.id), problems.get(case.id, [])
            case.goals = [*goals.get(case.plan.id, {}).values()] if case.plan else []
        return self.named(_CONTACTS, id_)

    def _papers(self, cases: list[Any], risks: list[Any]) -> list[tuple[str, str]]:
        found = []
        for case in cases:
            for key, title in (
                ("social-card", "Социальная карта"), ("consent", "Согласие на обработку данных"),
                ("farewell", "Если снова понадобится помощь"), ("journal", "Журнал работы"),
            ):  # fmt: skip
                found.append((f"/case/{case.id}/print/{key}", title))
            if case.plan:
                found.append((f"/plan/{case.plan.id}/print/plan", f"План · {case.plan.number}"))
        if risks:
            found.append(
                (f"/risk-assessment/{risks[-1].id}/print/risk", f"Оценка риска · {day(risks[-1].assessed_on)}")
            )
        return found

    def _details(self, f: Any, categories: list[Any]) -> Any:
        return (
            ("Семья", (
                ("Семья", "", f.name), ("Организация", f"/organisation/{f.organisation_id}", f.organisation),
                ("Категории", "categories", categories or None), ("Телефон", "", f.phone),
                ("Доход в месяц", "", number(f.income)), ("Риск", "risk" if f.risk else "", f.risk),
            )),
            ("Где живут", (
                ("Муниципальное образование", f"/municipality/{f.municipality_id}", f.municipality),
                ("Участок", f"/precinct/{f.precinct_id}", f.precinct), ("Адрес регистрации", "", f.registered_address),
                ("Адрес проживания", "", f.address), ("Условия проживания", "", f.living_conditions),
            )),
            ("Здоровье и образование", (
                ("Поликлиника", "", f.clinic), ("Детский сад или школа", "", f.education),
                ("Дополнительное образование", "", f.extra_education),
            )),
            ("Другое", (("Дополнительные сведения", "", f.notes),)),
        )  # fmt: skip

    def edit(self, id_: int) -> str:
        family, categories = self.family(id_)
        members, incomes = (
            [(n, n + 1, row) for n, row in enumerate(self.named(statement, id_))] for statement in (_MEMBERS, _INCOMES)
        )
        return self.render("form.html", f=family, categories=categories, members=members, incomes=incomes)

    def save(self, id_: int, body: bytes) -> None:
        """Of a posted form: compare what is kept, write what differs with a line of history, under the version."""
        form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        family, _categories = self.family(id_)
        self.rows(_MEMBERS, id_), self.rows(_INCOMES, id_)
        changes = [(name, getattr(family, name), form[name] or None) for name in _TEXTS]
        changes = [(name, old, new) for name, old, new in changes if new != old]
        sets = ", ".join(f"{name} = ?" for name, _old, _new in changes)
        update = f"UPDATE family SET {sets}, version = version + 1 WHERE id = ? AND version = ?"
        self.execute("BEGIN")
        done = self.execute(update, *(new for _name, _old, new in changes), id_, int(form["version"]))
        assert done.rowcount == 1, "somebody else has saved it"
        for name, old, new in changes:
            self.execute(_CHANGE, self.me.name, id_, name, old, new)
        self.execute("COMMIT")
