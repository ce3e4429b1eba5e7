"""A new entity is one class and one line of the catalogue: the example of docs/architecture.md is built and used."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.running import Database

ROOT = Path(__file__).resolve().parents[2]

# What the example leaves out: the imports that stand above every declaration.
HEAD = """
import datetime as dt
from sqlalchemy.orm import Mapped
from app import roles, scopes
from app.families.models import Family
from app.kernel.declare import Admin, N_, column, parent, reference
from app.kernel.orm import SHORT, Record
"""

# In a process of its own: an entity, once declared, stays in the metadata of every test after it.
USE = """
import json, sys
import models
models.ENTITIES = (*models.ENTITIES, Toy)

from sqlalchemy import inspect
from app.kernel import trigrams
from app.kernel.users import create_user
from app.preparation import engine_of, sync
from tests.running import PASSWORD, login, make_app, working

app = make_app(sys.argv[1])
models.metadata.create_all(engine_of(app))
with engine_of(app).begin() as connection:
    trigrams.make(connection)
with working(app) as session:
    sync(session)
    create_user(session, "admin", PASSWORD, [roles.ADMINISTRATOR])
    create_user(session, "anybody", PASSWORD, [roles.ANALYST])
    from app.territory.models import Organisation
    session.add(Family(name="Ёлкины", organisation=Organisation(name="Искорка")))
    session.commit()

browser = login(app.test_client(), "admin")
said = {}
def ask(name, method, path, **options):
    answer = getattr(browser, method)(path, **options)
    said[name] = [answer.status_code, answer.text if "text" in (answer.mimetype or "") or answer.is_json else ""]

ask("empty", "get", "/toy/")
ask("add", "post", "/toy/add", data={"name": "Юла", "family": "1", "lent_on": "2026-03-01"})
ask("wrong", "post", "/toy/add", data={"name": "", "family": "1"})
ask("list", "post", "/toy/find", data={"q": "юла елкины", "family": "1", "sort": "-lent_on"}, follow_redirects=True)
ask("show", "get", "/toy/1")
ask("history", "get", "/toy/1/history")
ask("panel", "get", "/family/1")
ask("csv", "get", "/toy/export.csv")
ask("xlsx", "get", "/toy/export.xlsx")
ask("choices", "post", "/toy/choices", data={"q": "юл"})
ask("api", "get", "/api/v1/toy/1")
ask("openapi", "get", "/api/v1/openapi.json")
ask("menu", "get", "/roles/1/")
ask("edit", "post", "/toy/1/edit", data={"name": "Волчок", "family": "1", "version": "1"})
ask("edited", "get", "/toy/1")
ask("delete", "post", "/toy/1/delete")
ask("gone", "get", "/toy/1")
browser = login(app.test_client(), "anybody")
ask("refused", "get", "/toy/")
print(json.dumps(said))
"""


def test_the_documented_example_works(empty_database: Database, tmp_path: Path) -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    (example,) = re.findall(r"<!-- example: tests build this -->\n```python\n(.*?)```", page, re.DOTALL)
    program = tmp_path / "toys.py"
    program.write_text(f"from __future__ import annotations\n{HEAD}\n{example}\n{USE}", "utf-8")
    done = subprocess.run(
        [sys.executable, str(program), empty_database.url],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "RYADOM_DATA": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)

    assert {name: status for name, (status, _text) in said.items()} == {
        "empty": 200, "add": 302, "wrong": 422, "list": 200, "show": 200, "history": 200, "panel": 200, "csv": 200,
        "xlsx": 200, "choices": 200, "api": 200, "openapi": 200, "menu": 200, "edit": 302, "edited": 200,
        "delete": 302, "gone": 404, "refused": 403,
    }  # fmt: skip
    texts = {name: text for name, (_status, text) in said.items()}
    assert "Toys lent to families." in texts["empty"]
    for name in ("list", "show", "panel", "csv"):
        assert "Юла" in texts[name], name
    assert json.loads(texts["choices"]) == {"items": [{"value": "1", "text": "Юла"}]}
    assert "Ёлкины" in texts["show"] and "01.03.2026" in texts["show"]
    assert "Волчок" in texts["edited"]
    assert "Fill in this field." in texts["wrong"]
    item = json.loads(texts["api"])
    assert item == {
        "id": 1, "name": "Юла", "family": {"id": 1, "label": "Ёлкины"}, "lent_on": "2026-03-01", "version": 1,
    }  # fmt: skip
    assert "/api/v1/toy/{id}" in json.loads(texts["openapi"])["paths"]
    assert "can_add Toy" in texts["menu"]
