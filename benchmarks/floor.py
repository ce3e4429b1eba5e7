"""The floor: the same pages of families by hand, in raw SQL and one Jinja template a page, without any framework.

It signs in by the same table and asks for the same permission, reads the same tables in as few statements as they
can be read in, and shows the same columns. It has no menu, no translation, no row scope and no form checks: it is not
a product, only the least that Python, the driver and Jinja take for such a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from jinja2 import DictLoader, Environment

SIZE = 25
_ENTER = """
SELECT u.id, u.last_name FROM sign_in s JOIN ab_user u ON u.id = s.user_id
WHERE s.digest = ? AND u.active AND EXISTS (
  SELECT 1 FROM ab_user_role ur
  JOIN ab_permission_view_role pvr ON pvr.role_id = ur.role_id
  JOIN ab_permission_view pv ON pv.id = pvr.permission_view_id
  JOIN ab_permission p ON p.id = pv.permission_id AND p.name = ?
  JOIN ab_view_menu v ON v.id = pv.view_menu_id AND v.name = 'Family'
  WHERE ur.user_id = u.id)
"""
_PAGE = """
SELECT f.id, f.name, m.id, m.name, f.address, f.phone,
  (SELECT count(*) FROM member WHERE family_id = f.id), o.id, o.name
FROM (SELECT f.id FROM family f WHERE {where} ORDER BY f.name, f.id LIMIT ? OFFSET ?) p
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
SELECT f.id, f.version, f.name, o.id, o.name, m.id, m.name, p.id, p.name, {", ".join(f"f.{name}" for name in _TEXTS)},
  (SELECT count(*) FROM member WHERE family_id = f.id),
  (SELECT coalesce(sum(amount), 0) FROM income WHERE family_id = f.id)
FROM family f
LEFT JOIN organisation o ON o.id = f.organisation_id
LEFT JOIN municipality m ON m.id = f.municipality_id
LEFT JOIN precinct p ON p.id = f.precinct_id
WHERE f.id = ?
"""
_MEMBERS = "SELECT id, name, role, kinship, born_on, diagnosis, occupation, phone FROM member WHERE family_id = ? ORDER BY position, id"
_INCOMES = "SELECT id, source, amount FROM income WHERE family_id = ? ORDER BY id"
_PANELS = {
    "Члены семьи": "SELECT id, name, role, kinship, born_on, occupation FROM member WHERE family_id = ? ORDER BY name LIMIT 11",
    "Доходы": "SELECT id, source, amount FROM income WHERE family_id = ? ORDER BY id DESC LIMIT 11",
    "Случаи": """SELECT c.id, c.number, c.status, s.name, c.opened_on, c.consent_on, p.name FROM "case" c
        LEFT JOIN staff s ON s.id = c.curator_id LEFT JOIN procedure p ON p.id = c.procedure_id
        WHERE c.family_id = ? ORDER BY c.opened_on DESC, c.id LIMIT 11""",
    "Оценки риска": """SELECT r.id, r.assessed_on, r.level, r.proposed, s.name FROM risk_assessment r
        LEFT JOIN staff s ON s.id = r.staff_id WHERE r.family_id = ? ORDER BY r.assessed_on DESC, r.id LIMIT 11""",
    "Сигналы": """SELECT id, number, received_at, source, reporter, content, risk, status FROM signal
        WHERE family_id = ? ORDER BY received_at DESC, id DESC LIMIT 11""",
}
_CHANGE = """INSERT INTO change (at, user_id, "user", entity, record_id, kind, field, old, new)
VALUES ('2026-01-01', 1, ?, 'family', ?, 'CHANGED', ?, ?, ?)"""

_SHELL = """<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title>
<link rel="stylesheet" href="/static/app.css"></head><body><header>{{ user }}</header><main>{% block main %}{% endblock %}
</main></body></html>"""
_LIST = """{% extends "shell" %}{% block title %}Семьи{% endblock %}{% block main %}<h1>Семьи {{ total }}</h1>
<form><input name="q" value="{{ q }}"><select name="municipality"></select><select name="precinct"></select>
<select name="categories"></select><select name="organisation"></select><input name="created_at.from"><input name="created_at.to">
<button>Найти</button></form><table><thead><tr><th><a href="?sort=name">Семья</a></th><th>Муниципалитет</th>
<th>Категории</th><th>Адрес</th><th>Телефон</th><th>Членов</th><th>Организация</th></tr></thead><tbody>
{% for id, name, municipality_id, municipality, address, phone, members, organisation_id, organisation in rows %}
<tr><td data-label="Семья"><a href="/family/{{ id }}">{{ name }}</a></td>
<td data-label="Муниципалитет"><a href="/municipality/{{ municipality_id }}">{{ municipality or '—' }}</a></td>
<td data-label="Категории">{% for n, category in categories.get(id, ()) %}<a href="/category/{{ n }}">{{ category }}</a> {% endfor %}</td>
<td data-label="Адрес">{{ address or '—' }}</td><td data-label="Телефон">{{ phone or '—' }}</td><td data-label="Членов">{{ members }}</td>
<td data-label="Организация"><a href="/organisation/{{ organisation_id }}">{{ organisation }}</a></td></tr>
{% endfor %}
</tbody></table><a href="?page={{ page - 1 }}">‹</a> {{ page }} <a href="?page={{ page + 1 }}">›</a>{% endblock %}"""
_SHOW = """{% extends "shell" %}{% block title %}{{ family[2] }}{% endblock %}{% block main %}<h1>{{ family[2] }}</h1><dl>
{% for label, id, name in references %}<dt>{{ label }}</dt><dd><a href="/{{ label }}/{{ id }}">{{ name or '—' }}</a></dd>
{% endfor %}{% for name, value in texts %}<dt>{{ name }}</dt><dd>{{ value or '—' }}</dd>{% endfor %}</dl>
<p>{% for id, category in categories %}<a href="/category/{{ id }}">{{ category }}</a> {% endfor %}</p>
{% for title, names, rows in panels %}<h2>{{ title }}</h2><table><tr>{% for name in names %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td data-label="{{ names[loop.index0] }}">{{ cell or '—' }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}{% endblock %}"""
_EDIT = """{% extends "shell" %}{% block title %}{{ family[2] }}{% endblock %}{% block main %}<form method="post">
<input type="hidden" name="version" value="{{ family[1] }}">
<label for="name">Семья</label><input id="name" name="name" value="{{ family[2] }}">
{% for label, id, name in references %}<label for="{{ label }}">{{ label }}</label><select id="{{ label }}" name="{{ label }}">
<option value=""></option><option value="{{ id }}" selected>{{ name }}</option></select>{% endfor %}
<select name="categories" multiple>{% for id, category in categories %}<option value="{{ id }}" selected>{{ category }}</option>{% endfor %}</select>
{% for name, value in texts %}<label for="{{ name }}">{{ name }}</label><textarea id="{{ name }}" name="{{ name }}">
{{ value or '' }}</textarea>{% endfor %}
{% for rows in (members, incomes) %}{% for row in rows %}{% set n = loop.index0 %}<fieldset>
{% for name, value in row.items() %}<label for="{{ name }}-{{ n }}">{{ name }}</label>{% if name == 'role' %}
<select id="{{ name }}-{{ n }}" name="{{ name }}-{{ n }}">{% for role in roles %}<option value="{{ role }}"{% if role == value %} selected{% endif %}>{{ role }}</option>{% endfor %}</select>
{% else %}<input id="{{ name }}-{{ n }}" name="{{ name }}-{{ n }}" value="{{ '' if value is none else value }}">{% endif %}{% endfor %}
<button>Удалить</button></fieldset>{% endfor %}{% endfor %}
<button>Сохранить</button></form>{% endblock %}"""
_ROLES = ("CHILD", "PARENT", "RELATIVE", "OTHER")
_BLANK_MEMBER = dict.fromkeys(("id", "name", "role", "kinship", "born_on", "diagnosis", "occupation", "phone"))
_BLANK_INCOME = dict.fromkeys(("id", "source", "amount"))


class Floor:
    """A WSGI application on one open connection, as a thread of a real server would hold it."""

    def __init__(self, connection: Any, *, mark: str, cookie: str) -> None:
        self.connection, self.mark, self.cookie = connection, mark, cookie
        self.statements = 0
        templates = {"shell": _SHELL, "list": _LIST, "show": _SHOW, "edit": _EDIT}
        self.jinja = Environment(loader=DictLoader(templates), autoescape=True)

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
        permission = "can_edit" if path.endswith("/edit") else "can_list" if path.endswith("/") else "can_show"
        secret = SimpleCookie(environ["HTTP_COOKIE"])[self.cookie].value
        found = self.rows(_ENTER, sha256(secret.encode()).hexdigest(), permission)
        if not found:
            start_response("403 Forbidden", [])
            return [b""]
        self.user = found[0][1]
        kind = "text/html; charset=utf-8"
        if path == "/api/v1/family/":
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

    def render(self, name: str, **values: Any) -> str:
        return self.jinja.get_template(name).render(user=self.user, **values)

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
        if "find" in args:
            ((words,),) = self.rows("SELECT words FROM find WHERE key = ?", args["find"])
            args["q"] = dict(json.loads(words))["q"]
        for word in args.get("q", "").split():
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
        total, page, rows, categories = self.found()
        q = self.args.get("q", "")
        return self.render("list", total=total, page=page, rows=rows, categories=categories, q=q)

    def page_json(self) -> dict[str, Any]:
        total, page, rows, categories = self.found()
        items = [
            {
                "id": id_, "name": name, "municipality": {"id": mid, "label": municipality}, "address": address,
                "categories": [{"id": cid, "label": category} for cid, category in categories.get(id_, ())],
                "phone": phone, "member_count": members, "organisation": {"id": oid, "label": organisation},
            }
            for id_, name, mid, municipality, address, phone, members, oid, organisation in rows
        ]  # fmt: skip
        return {"count": total, "page": page, "size": SIZE, "items": items}

    def family(self, id_: int) -> tuple[Any, list[Any]]:
        (family,) = self.rows(_FAMILY, id_)
        return family, [row[1:] for row in self.rows(_CATEGORIES.format(marks="?"), id_)]

    def named(self, statement: str, id_: int) -> list[dict[str, Any]]:
        cursor = self.execute(statement, id_)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def show(self, id_: int) -> str:
        family, categories = self.family(id_)
        panels = []
        for title, statement in _PANELS.items():
            cursor = self.execute(statement, id_)
            panels.append((title, [column[0] for column in cursor.description], cursor.fetchall()))
        return self.render("show", categories=categories, panels=panels, **self.shown(family))

    def edit(self, id_: int) -> str:
        family, categories = self.family(id_)
        members, incomes = self.named(_MEMBERS, id_), self.named(_INCOMES, id_)
        rows = {"members": [*members, _BLANK_MEMBER], "incomes": [*incomes, _BLANK_INCOME]}
        return self.render("edit", categories=categories, roles=_ROLES, **rows, **self.shown(family))

    def shown(self, family: Any) -> dict[str, Any]:
        references = [
            (name, *family[n : n + 2]) for n, name in ((3, "organisation"), (5, "municipality"), (7, "precinct"))
        ]
        return {"family": family, "references": references, "texts": list(zip(_TEXTS, family[9:], strict=False))}

    def save(self, id_: int, body: bytes) -> None:
        """Of a posted form: compare what is kept, write what differs with a line of history, under the version."""
        form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        family, _categories = self.family(id_)
        self.rows(_MEMBERS, id_), self.rows(_INCOMES, id_)
        changes = [(name, old, form[name] or None) for name, old in zip(_TEXTS, family[9:], strict=False)]
        changes = [(name, old, new) for name, old, new in changes if new != old]
        sets = ", ".join(f"{name} = ?" for name, _old, _new in changes)
        update = f"UPDATE family SET {sets}, version = version + 1 WHERE id = ? AND version = ?"
        self.execute("BEGIN")
        done = self.execute(update, *(new for _name, _old, new in changes), id_, int(form["version"]))
        assert done.rowcount == 1, "somebody else has saved it"
        for name, old, new in changes:
            self.execute(_CHANGE, self.user, id_, name, old, new)
        self.execute("COMMIT")
