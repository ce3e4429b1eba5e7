"""A real browser on a real server: Chromium from the system, driven by Playwright, in Russian."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import waitress
from flask import Flask

from tests.running import PASSWORD, Person, database_of, make_app

SIZE = {"width": 1366, "height": 768}


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application behind waitress meanwhile; its address."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)


@pytest.fixture
def kind() -> str:
    """The browser tests ask what a person sees; the databases are compared by the others."""
    return "sqlite"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium")
        pytest.skip("no Chromium: install it, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the application, served as in life: by waitress, in threads, with CSRF on."""
    app.config["WTF_CSRF_ENABLED"], app.extensions["babel"].default_locale = True, "ru"
    with serving(app) as address:
        yield address
    app.config["WTF_CSRF_ENABLED"], app.extensions["babel"].default_locale = False, "en"


@pytest.fixture
def page_of(chromium: Any, site: str) -> Iterator[Callable[[Person], Any]]:
    """``page_of(person)``: a page of a browser of his own, signed in. A script error fails the test."""
    contexts, errors = [], []

    def open_page(person: Person) -> Any:
        context = chromium.new_context(viewport=SIZE, locale="ru-RU", base_url=site)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/login/")
        page.fill("[name=login]", person.login)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """The application with the demonstration in it, and its address. For tests that only look: nobody puts it back."""
    from app.preparation import engine_of, prepare

    app = make_app(database_of("sqlite", tmp_path_factory.mktemp("demonstration")).url, WTF_CSRF_ENABLED=True)
    app.config["DEMO"] = app.jinja_env.globals["is_demo"] = True
    app.extensions["babel"].default_locale = "ru"
    prepare(app)
    with serving(app) as address:
        yield app, address
    engine_of(app).dispose()
