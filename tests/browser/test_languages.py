"""Every word of every page is in its reader's language: nothing is left in the language of the sources."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.demo import LOGINS, PASSWORD
from app.kernel import catalogues
from app.procedures.models import Procedure
from tests.browser.touring import SIZE, Tour, sign_in
from tests.running import working

pytestmark = pytest.mark.browser

TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
# What is written in Latin letters in every language: names of formats and products, of languages, and of accounts.
LATIN = {
    "PDF", "JPEG", "PNG", "SQLite", "PostgreSQL",
    "Word", "DOCX", "Excel", "XLSX", "CSV", "YAML", "API", "REST", "UTC", "Caps", "Lock", "English",
    "Ctrl", "Enter", "Esc",
    "Tab", "Shift", "Alt", "docs", "operations", "md", *LOGINS,
}  # fmt: skip
SAID = ("aria-label", "title", "placeholder", "alt", "data-words", "data-label")


class Words(HTMLParser):
    """Everything that a page says: texts, and attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.silent = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent = tag in ("script", "style")
        for name, value in attributes:
            if name == "data-words" and value and value.startswith("{"):
                self.said += map(str, json.loads(value).values())
            elif name in SAID and value:
                self.said.append(value)

    def handle_endtag(self, tag: str) -> None:
        self.silent = False

    def handle_data(self, data: str) -> None:
        if not self.silent and data.strip():
            self.said.append(data.strip())


def left(texts: list[str]) -> set[str]:
    """Texts with a word in Latin letters that should not be there; addresses of mail and of pages may."""
    found = set()
    for text in texts:
        plain = re.sub(r"%\(\w+\)s|«ryadom \w+»|\b[IVX]+\b|\S+@\S+|https?://\S+|[«“]\S*[A-Za-z]\S*[»”]", "", text)
        if set(re.findall(r"(?<![\w.-])[A-Za-z]{3,}(?![\w-])", plain)) - LATIN:
            found.add(text[:100])
    return found


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_no_page_of_any_role_says_a_word_of_another_language(demonstration: tuple[Flask, str], language: str) -> None:
    app, _address = demonstration
    with working(app) as session:  # codes of procedures are data
        codes = set(session.scalars(select(Procedure.code)))
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        found: dict[str, str] = {}
        for login in LOGINS:
            client = app.test_client()
            client.post("/account/locale", data={"locale": language})
            client.post("/login/", data={"login": login, "password": PASSWORD})
            client.post("/account/locale", data={"locale": language})

            def fetch(path: str, client: FlaskClient = client) -> tuple[int, str, bytes]:
                answer = client.get(path)
                return answer.status_code, answer.content_type, answer.data

            for path, text in Tour(app, fetch).pages():
                words = Words()
                words.feed(text)
                assert f'<html lang="{language}"' in text
                # The history tells logins and codes as they are.
                known = codes | set(LOGINS) if path.startswith("/change/") else codes
                found |= dict.fromkeys(left([one for one in words.said if one not in known]), path)
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert not found


@pytest.mark.parametrize("language", ["ru", "kk", "en"])
def test_the_language_is_switched_where_one_stands(
    chromium: Any, demonstration: tuple[Flask, str], language: str
) -> None:
    catalogue = catalogues.read(TRANSLATIONS, language)
    page = chromium.new_page(viewport=SIZE, base_url=demonstration[1])
    sign_in(page, "specialist")
    page.goto("/family/?sort=-name")
    page.locator(".me button").first.click()
    page.locator(f".me button[value={language}]").click()
    page.locator(f"html[lang={language}]").wait_for()
    assert page.url.endswith("/family/?sort=-name")
    heading = catalogue.get("Families").string if language != "en" else "Families"  # type: ignore[union-attr]
    assert page.locator("h1").inner_text().startswith(str(heading))
    # What scripts say is said in it too.
    page.goto("/contact/add")
    shown = page.locator("main").inner_text().splitlines() + page.eval_on_selector_all(
        "[placeholder]", "all => all.map((one) => one.placeholder)"
    )
    assert language == "en" or not left(shown)
    page.close()


def test_refusals_are_in_the_readers_language(demonstration: tuple[Flask, str]) -> None:
    """Messages of the parser of forms, of the database and of the sign-in, not only those of templates."""
    app, _address = demonstration
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    try:
        for language in ("ru", "kk"):
            client.post("/account/locale", data={"locale": language})
            answers = [client.post("/login/", data={"login": "admin", "password": "wrong"})]
            client.post("/login/", data={"login": "admin", "password": PASSWORD})
            client.post("/account/locale", data={"locale": language})
            answers += [
                client.post("/signal/add", data={"received_at": "вчера", "status": "?", "organisation": "999999"}),
                client.post("/income/add", data={"amount": "много", "family": "x"}),
                client.post("/category/add", data={"name": "x" * 5000}),
                client.post("/accounts/add", data={"login": ""}),
                client.post("/roles/add", data={"name": ""}),
                client.post("/import/case/", data={"load": "1"}),
                client.get("/family/?nothing=1"),
                client.get("/family/999999"),
                client.post("/account/password", data={"old": "a", "new": "b", "again": "c"}),
            ]
            for answer in answers:
                words = Words()
                words.feed(answer.text)
                assert answer.status_code >= 400 or answer.status_code == 200, answer.request.path
                assert not left(words.said), (language, answer.request.path)
            client.post("/logout/")
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
