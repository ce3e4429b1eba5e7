"""Row 16: every answer carries the headers that keep a browser out of harm, and no forged host is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.families.models import Category
from app.kernel.web import HEADERS
from app.roles import ADMINISTRATOR, ANALYST
from tests.running import working


@pytest.fixture
def answers(
    app: Flask, signed_in: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[int, TestResponse]]]:
    """An answer of each status that there is, from pages, the API and static files."""
    with working(app) as session:
        session.add(Category(name="Многодетная"))
        session.commit()
    admin, analyst, stranger = signed_in(ADMINISTRATOR), signed_in(ANALYST), app.test_client()
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("on purpose")

    with monkeypatch.context() as broken:
        broken.setattr("app.kernel.screens.base.Table.of", fail)
        broken.setattr("app.kernel.api.plain", fail)
        failed = [(500, admin.get("/category/")), (500, admin.get("/api/v1/category/"))]
    big = {"name": "x" * 20_000}
    yield [
        *failed,
        (200, stranger.get("/login/")),
        (200, stranger.get("/health")),
        (200, stranger.get("/static/app.css")),
        (200, stranger.get("/static/app.css?v=1")),
        (200, admin.get("/")),
        (200, admin.get("/category/1")),
        (200, admin.get("/category/export.csv")),
        (200, admin.get("/category/export.xlsx")),
        (200, admin.get("/category/choices")),
        (200, admin.get("/api/v1/category/")),
        (201, admin.post("/api/v1/category/", json={"name": "Приёмная"})),
        (204, admin.delete("/api/v1/category/2")),
        (302, stranger.get("/")),
        (302, admin.post("/category/add", data={"name": "Ещё одна"})),
        (304, stranger.get("/static/app.css", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})),
        (400, admin.get("/category/?nothing=1")),
        (400, admin.post("/api/v1/category/", data="{", content_type="application/json")),
        (401, stranger.get("/api/v1/category/")),
        (401, stranger.post("/login/", data={"login": "x", "password": "y"})),
        (403, analyst.get("/family/")),
        (403, analyst.get("/api/v1/family/")),
        (404, admin.get("/category/99")),
        (404, admin.get("/nothing/at/all")),
        (404, admin.get("/api/v1/nothing")),
        (404, stranger.get("/static/nothing.css")),
        (405, stranger.get("/logout/")),
        (405, admin.post("/category/1")),
        (409, admin.post("/category/1/edit", data={"version": "7"})),
        (413, admin.post("/category/add", data=big)),
        (422, admin.post("/category/add", data={"name": ""})),
        (422, admin.post("/api/v1/category/", json={"name": ""})),
        (428, admin.put("/api/v1/category/1", json={"name": "Без версии"})),
    ]


def test_every_status_carries_the_headers(answers: list[tuple[int, TestResponse]]) -> None:
    for status, answer in answers:
        where = f"{answer.request.method} {answer.request.path}"
        assert answer.status_code == status, where
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, f"{where} -> {status}: {name}"
        static = answer.request.path.startswith("/static/") and status != 404
        assert ("no-store" in answer.headers["Cache-Control"]) != static, f"{where} -> {status}"
        assert "Server" not in answer.headers or "Werkzeug" not in answer.headers["Server"]


def test_the_policy_allows_nothing_inline_and_nobody_else() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert not [value for value in policy.values() if "unsafe" in value or "*" in value or "http" in value]
    assert HEADERS["X-Content-Type-Options"] == "nosniff" and HEADERS["Referrer-Policy"] == "same-origin"
    assert HEADERS["X-Frame-Options"] in ("SAMEORIGIN", "DENY")


def test_pages_hold_nothing_that_the_policy_would_stop(answers: list[tuple[int, TestResponse]]) -> None:
    for _status, answer in answers:
        if answer.mimetype == "text/html":
            for trace in ("<style", " style=", " onclick=", " onsubmit=", "javascript:", "http://", "https://"):
                assert trace not in answer.text, f"{answer.request.path}: {trace}"
            assert "<script>" not in answer.text


def test_https_is_demanded_where_the_site_is_opened_by_it(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Strict-Transport-Security" not in client.get("/login/").headers
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    for address in ("/login/", "/nothing", "/static/app.css", "/api/v1/category/"):
        assert "max-age=31536000" in client.get(address).headers["Strict-Transport-Security"]


PATHS = ("/", "/login/", "/health", "/family/1", "/nothing", "/static/app.css", "/api/v1/category/", "/api/v1/login")


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:80",
        "localhost.evil.test",
        "evil.localhost",
        "localhost@evil.test",
        "[::2]",
        "[",
        "a b",
        "",
        "%",
    ],
)
def test_another_host_is_refused_everywhere(client: FlaskClient, host: str) -> None:
    for path in PATHS:
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400, path
        assert "evil" not in str(answer.headers) and "evil" not in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "LOCALHOST"]
)
def test_our_own_hosts_are_served(client: FlaskClient, host: str) -> None:
    assert client.get("/login/", headers={"Host": host}).status_code == 200


def test_a_dot_before_a_host_means_all_its_subdomains(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "ALLOWED_HOSTS", [".example.ru"])
    for host, status in (("a.example.ru", 200), ("a.b.example.ru:80", 200), ("example.ru", 200), ("anexample.ru", 400),
                         ("example.ru.evil.test", 400), ("localhost", 400)):  # fmt: skip
        assert client.get("/login/", headers={"Host": host}).status_code == status, host


def test_an_address_of_another_site_is_never_gone_back_to(signed_in: Callable[..., FlaskClient]) -> None:
    admin = signed_in(ADMINISTRATOR)
    for number, target in enumerate(
        ("//evil.test", "https://evil.test", "/\\evil.test", "/\t/evil.test", "\\\\evil.test", "javascript:alert(1)")
    ):
        page = admin.get("/category/add", query_string={"next": target}).text
        assert 'name="next" value="/"' in page and f'href="{target}' not in page
        answer = admin.post("/category/add", data={"name": f"Категория {number}", "next": target})
        assert answer.status_code == 302 and answer.location == "/"
    assert admin.post("/category/add", data={"name": "Своя", "next": "/family/1"}).location == "/family/1"
