"""The page of papers: what may be printed of a record and of all that belongs to it, one by one and together."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.cases.models import Case
from app.families.models import Family
from app.kernel import printing
from app.kernel.printing import PrintError
from app.meetings.models import AgendaItem, Meeting
from app.plans.models import Plan
from app.territory.models import Organisation, Staff
from tests import pdf
from tests.pdf import needs_poppler
from tests.records import Maker
from tests.running import login, statements, working

TICKED = re.compile(r'name="paper" value="([^"]+)"')


@pytest.fixture
def curator(app: Flask, make_user: Callable[..., Any]) -> Any:
    return make_user("Куратор", organisation="Искорка", name="Зорина Мария Павловна")


@pytest.fixture
def ids(app: Flask, curator: Any) -> dict[str, int]:
    """A case with everything that prints; a second plan; a protocol of a meeting that has heard of another family."""
    with working(app) as session:
        staff = session.get_one(Staff, curator.staff_id)
        organisation = session.get_one(Organisation, staff.organisation_id)
        maker = Maker(session, Staff=staff, Organisation=organisation)
        every = maker.every()
        every["Commission"].organisation = organisation  # type: ignore[attr-defined]
        found = {name: record.id for name, record in every.items()}
        found["Second"] = maker.new(Plan).id
        other = Maker(session, "Чужое", Organisation=organisation, Commission=every["Commission"])
        stranger = other.new(Case, family=other.new(Family, organisation=organisation), curator=None)
        found["Stranger"] = stranger.id
        other.new(AgendaItem, meeting=every["Meeting"], case=stranger)
        found["Elsewhere"] = other.new(Meeting).id
        session.commit()
    return found


@pytest.fixture
def client(app: Flask, curator: Any) -> FlaskClient:
    return login(app.test_client(), curator)


def offered(client: FlaskClient, path: str) -> list[str]:
    answer = client.get(f"{path}/papers")
    assert answer.status_code == 200
    return TICKED.findall(answer.text)


def names(ids: dict[str, int], *papers: str) -> list[str]:
    """«plan/Plan/plan» with the number in place of the name."""
    return [re.sub(r"/(\w+)/", lambda found: f"/{ids[found[1]]}/", paper) for paper in papers]


WHOLE = (
    "case/Case/social-card",
    "case/Case/consent",
    "case/Case/farewell",
    "case/Case/journal",
    "risk-assessment/RiskAssessment/risk",
    "plan/Second/plan",
    "plan/Plan/plan",
    "monitoring/Monitoring/monitoring",
    "meeting/Meeting/protocol",
)


def test_a_case_offers_the_papers_of_all_that_belongs_to_it(client: FlaskClient, ids: dict[str, int]) -> None:
    assert sorted(offered(client, f"/case/{ids['Case']}")) == sorted(names(ids, *WHOLE))
    assert f'href="/case/{ids["Case"]}/papers"' in client.get(f"/case/{ids['Case']}").text
    # The family has the same once, though its assessments are reached from it and from the case.
    assert sorted(offered(client, f"/family/{ids['Family']}")) == sorted(names(ids, *WHOLE))


def test_a_record_with_one_paper_has_a_page_too(client: FlaskClient, ids: dict[str, int]) -> None:
    page = client.get(f"/plan/{ids['Plan']}/papers").text
    assert f"/plan/{ids['Plan']}/print/plan.pdf" in page and f"/plan/{ids['Plan']}/print/plan.docx" in page
    assert client.get(f"/problem/{ids['Problem']}/papers").status_code == 404


def test_papers_are_those_that_the_reader_may_print(
    app: Flask, make_user: Any, signed_in: Any, ids: dict[str, int]
) -> None:
    """The specialist opens protocols and prints none of them; the administrator prints all."""
    specialist = make_user("Специалист", organisation="Искорка")
    with working(app) as session:
        case = session.get_one(Case, ids["Case"])
        case.specialists.append(session.get_one(Staff, specialist.staff_id))
        session.commit()
    found = offered(login(app.test_client(), specialist), f"/case/{ids['Case']}")
    assert sorted(found) == sorted(names(ids, *WHOLE[:-1]))
    every = offered(signed_in("Администратор"), f"/case/{ids['Case']}")
    assert sorted(every) == sorted(names(ids, *WHOLE))


@needs_poppler
def test_papers_printed_together_keep_pages_of_their_own(client: FlaskClient, ids: dict[str, int]) -> None:
    chosen = names(ids, "case/Case/social-card", "plan/Plan/plan", "monitoring/Monitoring/monitoring")
    answer = client.get(f"/case/{ids['Case']}/papers.pdf", query_string={"paper": chosen})
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    pages = pdf.pages(answer.data)
    assert len(pages) == 3
    for page, title in zip(pages, ("Социальная карта", "План", "Мониторинг"), strict=True):
        assert title in page or "программ" in page.lower()
        assert "стр. 1 из 1" in page
    assert len(PdfReader(io.BytesIO(answer.data)).outline) == 3
    assert "inline" in answer.headers["Content-Disposition"]


def test_word_files_come_in_one_folder_with_names_of_their_own(client: FlaskClient, ids: dict[str, int]) -> None:
    chosen = names(ids, "plan/Plan/plan", "plan/Second/plan", "risk-assessment/RiskAssessment/risk")
    answer = client.get(f"/case/{ids['Case']}/papers.zip", query_string={"paper": chosen})
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as folder:
        inside = folder.namelist()
        assert all(folder.read(name).startswith(b"PK") for name in inside)
    assert len(inside) == 3 and [name[:3] for name in inside] == ["01 ", "02 ", "03 "]
    assert all(name.endswith(".docx") and "/" not in name and "\\" not in name for name in inside)


def test_what_is_none_of_the_records_papers_is_not_there(client: FlaskClient, ids: dict[str, int]) -> None:
    path = f"/case/{ids['Case']}/papers.zip"
    nowhere = client.get(f"{path}?paper=plan/{2**31 - 1}/plan")
    assert nowhere.status_code == 404
    for name in (*names(ids, "case/Stranger/social-card", "meeting/Elsewhere/protocol"), "plan", "../../etc/passwd"):
        answer = client.get(path, query_string={"paper": [name, *names(ids, "plan/Plan/plan")]})
        assert (answer.status_code, answer.data) == (404, nowhere.data), name


def test_a_protocol_on_the_page_of_one_case_tells_of_no_other(client: FlaskClient, ids: dict[str, int]) -> None:
    answer = client.get(
        f"/case/{ids['Case']}/papers.zip", query_string={"paper": names(ids, "meeting/Meeting/protocol")}
    )
    with zipfile.ZipFile(io.BytesIO(answer.data)) as folder:
        document = zipfile.ZipFile(io.BytesIO(folder.read(folder.namelist()[0]))).read("word/document.xml").decode()
    assert "Выписка из протокола" in document and "Слово question" in document and "Чужое" not in document


def test_nothing_ticked_and_too_much_ticked_are_told_in_plain_words(client: FlaskClient, ids: dict[str, int]) -> None:
    path = f"/case/{ids['Case']}/papers.pdf"
    for query, words in (({}, "Tick at least one"), ({"paper": ["plan/1/plan"] * 51}, "Tick fewer")):
        answer = client.get(path, query_string=query)
        assert answer.status_code == 422 and words in answer.text


@pytest.mark.parametrize("page", ["print/social-card.pdf", "papers.pdf?paper={}"])
def test_a_failure_says_why_where_the_paper_was_to_be(
    client: FlaskClient, ids: dict[str, int], page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **bounds: Any) -> bytes:
        raise PrintError("Many papers are being printed at once. Try again in a minute.")

    monkeypatch.setattr(printing, "print_html", fail)
    answer = client.get(f"/case/{ids['Case']}/{page.format(*names(ids, 'case/Case/journal'))}")
    assert answer.status_code == 422
    assert "Try again in a minute" in answer.text and "<nav" not in answer.text


def test_the_time_is_for_all_the_papers_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, given = [100.0], []

    def slow(html: str, seconds: float, memory_mb: int) -> bytes:
        given.append(seconds)
        if seconds < 4:
            raise PrintError(printing.TOO_LONG)
        clock[0] += 4
        from pypdf import PdfWriter

        out, writer = io.BytesIO(), PdfWriter()
        writer.add_blank_page(100, 100)
        writer.write(out)
        return out.getvalue()

    monkeypatch.setattr(printing, "monotonic", lambda: clock[0])
    monkeypatch.setattr(printing, "print_html", slow)
    monkeypatch.setattr(printing, "render_html", lambda *args: "")
    two = [("Первая", "x", {}), ("Вторая", "x", {})]
    assert len(PdfReader(io.BytesIO(printing.render_together(two, seconds=10))).pages) == 2
    with pytest.raises(PrintError) as refused:
        printing.render_together(two * 2, seconds=10)
    assert refused.value.reason == printing.TOO_LONG_TOGETHER
    assert given == [10, 6, 10, 6, 2]


def test_the_page_costs_the_same_however_much_there_is(app: Flask, client: FlaskClient, ids: dict[str, int]) -> None:
    client.get(f"/case/{ids['Case']}/papers")
    with statements(app) as few:
        client.get(f"/case/{ids['Case']}/papers")
    with working(app) as session:
        maker = Maker(session, Case=session.get_one(Case, ids["Case"]), Family=session.get_one(Family, ids["Family"]))
        for _ in range(12):
            maker.new(Plan)
        session.commit()
    with statements(app) as many:
        assert len(offered(client, f"/case/{ids['Case']}")) == len(WHOLE) + 12
    assert len(many) == len(few) <= 14


@needs_poppler
def test_russian_forms_stay_russian_in_a_kazakh_interface(client: FlaskClient, ids: dict[str, int]) -> None:
    """Every form there is comes from a Russian practice: the page is in the reader's language, the paper in its own."""
    client.post("/account/locale", data={"locale": "kk"})
    assert "Қағаздар" in client.get(f"/case/{ids['Case']}/papers").text
    chosen = names(ids, *WHOLE)
    text = pdf.text(client.get(f"/case/{ids['Case']}/papers.pdf", query_string={"paper": chosen}).data)
    for words in (
        "Социальная карта",
        "стр. 1 из 1",
        "(подпись)",
        "Куратор",
        "Выписка из протокола заседания",
        "Оценка группы риска",
    ):
        assert words in text
    assert not set("әғқңөұүһ") & set(text.lower())
