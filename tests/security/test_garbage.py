"""Row 13: whatever an address, a form or a body holds, the answer is a refusal and never a failure of the server."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kernel import printing
from app.kernel.query import OPERATORS, BadQuery, is_typed, parse_condition
from app.kernel.schema import Kind, Schema, schema_of
from app.roles import ADMINISTRATOR
from models import ENTITIES
from tests.records import Maker
from tests.running import Person, login, working

GETS, POSTS = 2_000, 700

WORDS = (
    "", " ", "0", "1", "-1", "2", "01", "+1", "1.5", "1,5", "1e5", "1e999999", "-1e-999999", "NaN", "sNaN", "Infinity",
    "0x10", "1_000", "２", "²", "٣", "99999999999", "9" * 30, "9" * 5000, str(2**31), str(2**63), str(-(2**63) - 1),
    "true", "None", "null", "undefined", "[]", "{}", "[object Object]", "__class__", "id", "NEW", "OPEN", "Ёлкины",
    "\x00", "a\x00b", "\ud7ff", "\ufffe", "\U0001f469\u200d\U0001f467", "и\u0306\u032f", "\u202eabc", "\r\nX: y",
    "%", "_", "\\", "%00", "%s%n", "'", '"', "';--", "' OR '1'='1", "<script>alert(1)</script>", "{{7*7}}", "${7*7}",
    "../../etc/passwd", "//evil.test", "javascript:alert(1)", "a" * 300, "я" * 3000,
    "2026-01-01", "2026-02-30", "0001-01-01", "9999-12-31", "10000-01-01", "0000-00-00", "2026-W01-1", "20260101",
    "31.12.2026", "2026-01-01T10:00", "2026-01-01T10:00:00+03:00", "2026-01-01T99:99",
)  # fmt: skip

BODIES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, 1e300, "", "x", "\ud800", "a\x00b", "я" * 3000, "9" * 5000,
    [], [[]], [1, "x", None], [{"id": "\ud800"}], {}, {"id": 1}, {"id": {"id": 1}}, {"id": -1}, {"id": 10**30},
    {"a": {"b": []}}, "2026-01-01", "0001-01-01",
)  # fmt: skip

RAW = (
    b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"a":', b"1", b'"x"', b'{"version": 1e999}', b'{"version": NaN}',
    b'{"a": 1, "a": 2}', b"\x00", b"[" * 2_000, b'{"a":' * 100_000, '{"имя": "\\ud800"}'.encode(),
)  # fmt: skip
PLAN_TABLE = ("set", "add", "order", "remove")


class Chance:
    """Garbage, and the right thing now and then: pure garbage is turned away at the first door."""

    def __init__(self, seed: int, app: Flask) -> None:
        self.random = random.Random(seed)
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in ("static", "Login.logout")]
        self.gets = [str(rule) for rule in rules if "GET" in rule.methods]
        self.changes = [
            (method, str(rule)) for rule in rules for method in sorted(rule.methods & {"POST", "PUT", "DELETE"})
        ]

    def word(self) -> str:
        one = self.random.choice(WORDS)
        return one + self.random.choice(WORDS)[:40] if self.random.random() < 0.2 else one

    def address(self, rule: str) -> str:
        def fill(match: re.Match[str]) -> str:
            if match[1] == "int":
                return self.random.choice(
                    ["1", "1", "1", "2", "0", "99", str(2**31 - 1), str(2**31), "9" * 25, "9" * 5000]
                )
            if match[1]:  # any(…)
                return self.random.choice(match[1][4:-1].split(", "))
            known = [*schema.admin.prints, *schema.admin.lists] if (schema := self.schema(rule)) else ["AGREED"]
            return self.random.choice([*known, *known, "x", "%2e%2e", "%00", "я"])

        return re.sub(r"<(?:([^:<>]+):)?\w+>", fill, rule)

    def schema(self, rule: str) -> Schema | None:
        slug = rule.removeprefix("/api/v1").split("/")[1]
        return next((schema_of(entity) for entity in ENTITIES if schema_of(entity).slug == slug), None)

    def query(self, rule: str) -> list[tuple[str, str]]:
        schema, names = (
            self.schema(rule),
            ["q", "sort", "page", "size", "tab", "for", "with", "next", "locale", "version"],
        )
        if schema is not None:
            names += [*schema.form_names, *schema.admin.list]
            for field in schema.fields(schema.admin.filters):
                names += [
                    f"{field.name}.{op}" if op != "eq" else field.name for op in (*OPERATORS[field.kind], "empty", "x")
                ]
        known = (*names, *WORDS) if self.random.random() < 0.2 else names
        good = ("", "1", "2026-01-01", "name", "-name", "Слово", "1500")
        return [
            (self.random.choice(known), self.random.choice(good) if self.random.random() < 0.3 else self.word())
            for _ in range(self.random.choice((0, 1, 1, 1, 2, 3)))
        ]

    def form(self, rule: str) -> list[tuple[str, str]]:
        schema, names = (
            self.schema(rule),
            ["version", "next", "name", "login", "roles", "staff", "grant", "reach", "state", "reason"],
        )
        if schema is not None:
            names = [*schema.form_names, *schema.form_names, "version", "next"]
            for relation in schema.admin.inline:
                child = schema_of(schema.field(relation).target)  # type: ignore[arg-type]
                for index in ("0", "1", "__n__", "9" * 30, "-1"):
                    names += [f"{relation}-{index}-{name}" for name in ("id", "version", "deleted", *child.form_names)]
        pairs = [(name, self.word()) for name in self.random.sample(names, min(len(names), self.random.randint(0, 12)))]
        return pairs + ([("version", "1")] if self.random.random() < 0.7 else [])

    def body(self, rule: str) -> Any:
        schema = self.schema(rule)
        names = [*schema.form_names, *schema.admin.inline, "version", "id"] if schema else ["login", "password"]
        names += PLAN_TABLE if rule.endswith("/table") else ()
        body = {
            name: self.random.choice(BODIES) for name in self.random.sample(names, self.random.randint(0, len(names)))
        }
        return body | ({"version": 1} if self.random.random() < 0.7 else {})


@pytest.fixture
def world(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """One record of each entity; a PDF is the page it would be set from."""
    with working(app) as session:
        Maker(session).every()
        session.commit()
    monkeypatch.setattr(
        printing, "render_pdf", lambda template, context, **bounds: printing.render_html(template, context).encode()
    )


@pytest.fixture
def failures(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What the server has logged as its own failure."""
    found: list[str] = []
    yield found
    assert not found, "\n".join(found[:20])
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def encoded(query: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return urlencode(query, errors="surrogatepass")


def is_wrong(status: int) -> bool:
    return status >= 500


@pytest.mark.usefixtures("world")
def test_garbage_in_addresses(app: Flask, signed_in: Callable[..., FlaskClient], failures: list[str]) -> None:
    client, chance = signed_in(ADMINISTRATOR, organisation="Искорка"), Chance(1, app)
    statuses: dict[int, int] = {}
    for number in range(GETS):
        rule = chance.gets[number % len(chance.gets)]
        address = f"{chance.address(rule)}?{encoded(chance.query(rule))}"
        answer = client.get(address)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if is_wrong(answer.status_code):
            failures.append(f"GET {address[:300]} -> {answer.status_code}")
    assert statuses[200] > GETS / 20 and statuses[400] > GETS / 20, "garbage is to reach behind the first door"
    assert client.get("/").status_code == 200


@pytest.mark.usefixtures("world")
def test_garbage_in_forms_and_bodies(app: Flask, make_user: Callable[..., Person], failures: list[str]) -> None:
    person, chance = make_user(ADMINISTRATOR, organisation="Искорка"), Chance(2, app)
    client = login(app.test_client(), person)
    statuses: dict[int, int] = {}
    for number in range(POSTS):
        method, rule = chance.changes[number % len(chance.changes)]
        address = chance.address(rule)
        if method == "DELETE" or rule.endswith("/delete"):
            address = re.sub(r"/1(/|$)", r"/0\1", address)  # the records are needed
        options: dict[str, Any]
        if rule.startswith("/api/") or rule.endswith("/table"):
            data = (
                chance.random.choice(RAW) if chance.random.random() < 0.15 else json.dumps(chance.body(rule)).encode()
            )
            options = {"data": data, "content_type": "application/json"}
        else:
            body = encoded(chance.form(rule)).encode()
            kind = chance.random.choice(
                ["application/x-www-form-urlencoded"] * 9 + ["multipart/form-data", "text/plain"]
            )
            options = {"data": body, "content_type": kind}
        answer = client.open(address, method=method, **options)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if is_wrong(answer.status_code):
            failures.append(f"{method} {address[:200]} {options['data'][:300]!r} -> {answer.status_code}")
        if answer.status_code == 401 or answer.headers.get("Location", "").startswith("/login"):
            client = login(app.test_client(), person)
    assert statuses[422] > POSTS / 10, "garbage is to reach behind the first door"


def test_garbage_from_a_stranger(app: Flask, failures: list[str]) -> None:
    client, chance = app.test_client(), Chance(3, app)
    for rule in chance.gets:
        address = f"{chance.address(rule)}?{encoded(chance.query(rule))}"
        if is_wrong(status := client.get(address).status_code):
            failures.append(f"GET {address[:300]} -> {status}")
    for address in (
        "/" + "я" * 2000,
        "/%ff%fe",
        "/%00",
        "/family/%31",
        "/family/1.0",
        "/family/-1",
        "/\\evil",
        "//",
        "/api/",
        "/api/v1/x",
    ):
        if is_wrong(status := client.get(address).status_code):
            failures.append(f"GET {address[:100]} -> {status}")
    for options in (
        {"data": body, "content_type": kind} for body in RAW for kind in ("application/json", "multipart/form-data")
    ):
        for address in ("/login/", "/api/v1/login", "/account/locale", "/api/v1/family/"):
            if is_wrong(status := client.post(address, **options).status_code):
                failures.append(f"POST {address} {options} -> {status}")
    for body in BODIES:
        for pair in ({"login": body, "password": "x"}, {"login": "x", "password": body}):
            if is_wrong(
                status := client.post(
                    "/api/v1/login", data=json.dumps(pair), content_type="application/json"
                ).status_code
            ):
                failures.append(f"POST /api/v1/login {pair} -> {status}")


def test_every_word_in_every_filter(app: Flask, signed_in: Callable[..., FlaskClient], failures: list[str]) -> None:
    """Each kind of filter with each word: nothing depends on chance here."""
    client = signed_in(ADMINISTRATOR)
    tried: set[tuple[Kind, str]] = set()
    for schema in map(schema_of, ENTITIES):
        for field in schema.fields(schema.admin.filters):
            for op in (*OPERATORS[field.kind], "empty"):
                if (field.kind, op) in tried:
                    continue
                tried.add((field.kind, op))
                for word in WORDS:
                    key = field.name if op == "eq" else f"{field.name}.{op}"
                    try:
                        parse_condition(schema, key, [word])
                    except BadQuery:
                        continue
                    door = f"/api/v1/{schema.slug}/" if schema.admin.form else f"/{schema.slug}/"
                    answer = client.get(f"{door}?{encoded([(key, word)])}")
                    if is_typed(schema, key) and answer.status_code == 400:  # a page takes such words by its form
                        asked = {f"{field.name}.op": op, field.name: word}
                        answer = client.post(f"/{schema.slug}/find", data=asked, follow_redirects=True)
                    if answer.status_code != 200:
                        failures.append(f"{schema.slug} {key} {word[:40]!r} -> {answer.status_code}")
    assert {kind for kind, _op in tried} >= set(OPERATORS) - {Kind.TEXT}
