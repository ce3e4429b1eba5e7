"""Papers in a browser: looked at in the page, printed together, the signed copy attached by dropping it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.cases.models import Case
from app.plans.models import Plan
from app.territory.models import Organisation, Staff
from tests.kernel.test_files import PDF, picture
from tests.records import Maker
from tests.running import Person, working


@pytest.fixture
def vera(make_user: Callable[..., Person]) -> Person:
    return make_user("Куратор", organisation="Искорка", name="Зорина Вера")


@pytest.fixture
def case(app: Flask, vera: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(app.config, "RYADOM_DATA", tmp_path)
    with working(app) as session:
        staff = session.get_one(Staff, vera.staff_id)
        maker = Maker(session, Staff=staff, Organisation=session.get_one(Organisation, vera.organisation_id))
        maker.one(Plan)
        case = maker.one(Case).id
        session.commit()
    return f"/case/{case}"


def frame_answers(page: Any, act: Callable[[], None], path: str = ".pdf") -> Any:
    """The answer that the frame is given; the browser's own reader of PDF may ask for the one before again."""
    with page.expect_response(lambda answer: path in answer.url, timeout=60_000) as caught:
        act()
    return caught.value


def test_papers_are_looked_at_in_the_page_and_printed_together(page_of: Any, vera: Person, case: str) -> None:
    page = page_of(vera)
    page.goto(case)
    page.get_by_role("link", name="Печать").click()
    together = page.get_by_role("button", name="Напечатать вместе")
    assert together.first.is_disabled()
    status = page.locator("[data-status]")

    look = page.get_by_role("link", name="Посмотреть").first
    answer = frame_answers(page, look.click)
    assert answer.status == 200 and answer.headers["content-type"] == "application/pdf"
    page.wait_for_function("document.querySelector('[data-status]').textContent.includes('готовы')")
    assert look.get_attribute("aria-current") == "true"

    page.get_by_label("Отметить все").check()
    assert page.locator("[name=paper]:checked").count() == page.locator("[name=paper]").count() > 2
    answer = frame_answers(page, together.first.click, "/papers.pdf?")
    assert "Готовлю" in status.inner_text() or answer.status == 200
    assert answer.headers["content-type"] == "application/pdf" and answer.url.count("paper=") > 2

    page.locator("[name=paper]").first.uncheck()
    assert page.evaluate("document.querySelector('[data-tick-all]').indeterminate")
    with page.expect_download() as folder:
        page.get_by_role("button", name="Скачать Word").click()
    assert folder.value.suggested_filename.endswith(".zip")


def test_why_there_is_no_paper_is_said_in_the_page(
    page_of: Any, vera: Person, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.kernel import printing

    def fail(*args: Any, **bounds: Any) -> bytes:
        raise printing.PrintError("The paper is too large. Choose a shorter period.")

    monkeypatch.setattr(printing, "print_html", fail)
    page = page_of(vera)
    page.goto(f"{case}/papers")
    page.get_by_role("link", name="Посмотреть").first.click()
    words = page.frame_locator("iframe").get_by_text("период короче")
    words.wait_for()
    page.wait_for_function("document.querySelector('[data-status]').textContent.includes('короче')")


def test_on_a_telephone_papers_open_by_themselves(page_of: Any, vera: Person, case: str) -> None:
    page = page_of(vera)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{case}/papers")
    assert (
        not page.locator("iframe").is_visible() and not page.get_by_role("link", name="Посмотреть").first.is_visible()
    )
    assert page.get_by_role("link", name="PDF").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pages_of_a_signed_paper_are_dropped_and_sent_one_by_one(page_of: Any, vera: Person, case: str) -> None:
    page = page_of(vera)
    page.goto(case)
    page.locator("#scans").get_by_role("link", name="Приложить").click()
    page.select_option("[name=paper]", "consent")
    page.fill("[name=signed_on]", "2026-03-05")
    page.fill("[name=note]", "Подписала мама")
    dropped = page.evaluate_handle(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "стр 1.jpg", { type: "image/jpeg" }));
            data.items.add(new File(["GIF89a"], "кот.gif"));
            return data;
        }""",
        list(picture("JPEG")),
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
    page.set_input_files("[name=file]", {"name": "стр 2.pdf", "mimeType": "application/pdf", "buffer": PDF})
    chosen = page.locator("[data-chosen] li")
    assert chosen.count() == 3

    page.get_by_role("button", name="Приложить").click()
    page.get_by_text("Принимаются только PDF, JPEG и PNG").wait_for()
    page.wait_for_function("document.querySelectorAll('[data-chosen] li').length === 1")
    assert "кот.gif" in chosen.inner_text()
    assert page.input_value("[name=note]") == "Подписала мама"
    chosen.get_by_role("button").click()

    page.goto(case)
    scans = page.locator("#scans")
    assert (
        "стр 1.jpg" in scans.inner_text() and "стр 2.pdf" in scans.inner_text() and "05.03.2026" in scans.inner_text()
    )
    scans.get_by_role("link", name="Удалить: стр 2.pdf").click()
    page.get_by_role("button", name="Удалить").click()
    page.wait_for_url(f"**{case}#scans")
    assert "стр 2.pdf" not in scans.inner_text() and "стр 1.jpg" in scans.inner_text()


def test_without_a_file_the_form_says_what_is_missing(page_of: Any, vera: Person, case: str) -> None:
    page = page_of(vera)
    page.goto(f"{case}/scans/add")
    page.fill("[name=note]", "Помним")
    page.get_by_role("button", name="Приложить").click()
    page.get_by_text("Выберите файл").wait_for()
    assert page.input_value("[name=note]") == "Помним"
