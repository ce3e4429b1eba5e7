"""Lists as people use them: what is typed stays out of addresses, saved filters, columns, several records at once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select, update

from app.cases.models import CaseStatus
from app.kernel import personal, transfer
from app.kernel.history import Change
from app.kernel.schema import schema_of
from app.kernel.screens import papers
from models import Case, Family, Procedure, Signal
from tests.pages import table
from tests.running import Person, login, search, working

SUPERVISOR, CURATOR = "Руководитель", "Куратор"
EARLY = dt.date(2026, 1, 1)


@dataclass
class Office:
    """An organisation with families and cases, seen by its supervisor."""

    app: Flask
    head: FlaskClient
    person: Person
    cases: list[int]
    staff: list[int]

    def names(self, address: str) -> list[str]:
        return [row[0] for row in table(self.head.get(address).text)[1:]]


@pytest.fixture
def office(app: Flask, make_user: Callable[..., Person]) -> Office:
    person = make_user(SUPERVISOR, organisation="Искорка", login="head")
    other = make_user(CURATOR, organisation="Искорка", login="curator", name="Лугова Вера")
    with working(app) as session:
        procedure = Procedure(name="Методика", code="М")
        session.add(procedure)
        cases = []
        for number, name in enumerate(("Ёлкины", "Сосновы", "Берёзкины"), 1):
            family = Family(name=name, organisation_id=person.organisation_id, phone=f"+7 900 {number}")
            cases.append(Case(number=f"И-{number}", family=family, procedure=procedure, opened_on=EARLY))
        session.add_all(cases)
        session.commit()
        ids = [case.id for case in cases]
    assert person.staff_id and other.staff_id
    return Office(app, login(app.test_client(), person), person, ids, [person.staff_id, other.staff_id])


# --- What is typed and where it goes -----------------------------------------------------------------------


def test_what_is_typed_is_in_no_address(office: Office) -> None:
    address = search(office.head, "/family/", q="Ёлкины")
    page = office.head.get(address).text
    assert office.names(address) == ["Ёлкины"]
    for link in [address, *_addresses(page)]:
        assert "лкины" not in unquote(link), link
    assert address == search(office.head, "/family/", q="Ёлкины"), "the same search has the same address"
    assert address != search(office.head, "/family/", q="Сосновы")


def _addresses(page: str) -> list[str]:
    return re.findall(r'(?:(?:href|action|formaction|src)|name="at" value)="([^"]*)"', page)


@pytest.mark.parametrize("address", ["/family/?q=x", "/family/export.csv?q=x", "/family/choices?q=x"])
def test_words_in_an_address_are_refused(office: Office, address: str) -> None:
    assert office.head.get(address).status_code == 400


def test_the_key_to_a_search_opens_it_for_its_owner_alone(
    office: Office, signed_in: Callable[..., FlaskClient]
) -> None:
    address = search(office.head, "/family/", q="Ёлкины")
    colleague = signed_in(SUPERVISOR, organisation="Искорка")
    answer = colleague.get(address)
    assert answer.status_code == 302 and answer.location == "/family/"
    assert "not kept any more" in colleague.get("/family/").text
    assert colleague.get(address.replace("/family/", "/family/export.csv")).status_code == 302
    assert search(colleague, "/family/", q="Ёлкины") != address
    # Nor is it the key to another list.
    assert office.head.get(address.replace("/family/", "/case/")).status_code == 302


@pytest.mark.parametrize("key", ["%00", "x" * 500, "ы", "' OR 1=1"])
def test_a_key_that_is_none_says_so(office: Office, key: str) -> None:
    answer = office.head.get(f"/family/?find={key}&sort=-name")
    assert answer.status_code == 302 and answer.location == "/family/?sort=-name"


def test_old_searches_are_forgotten(office: Office) -> None:
    address = search(office.head, "/family/", q="Ёлкины")
    with working(office.app) as session:
        old = personal.now() - personal.KEPT - dt.timedelta(days=1)
        session.execute(update(personal.Find).values(at=old))
        session.commit()
    assert office.head.get(address).status_code == 302
    search(office.head, "/family/", q="Сосновы")
    with working(office.app) as session:
        assert [one.words for one in session.scalars(select(personal.Find))] == ['[["q", "Сосновы"]]']


def test_export_paging_and_order_keep_the_search(office: Office) -> None:
    address = search(office.head, "/family/", q="ы", sort="-name")
    assert "sort=-name" in address and len(office.names(address)) == 3
    narrow = search(office.head, "/family/", q="Ёлкины")
    exported = office.head.get(narrow.replace("/family/", "/family/export.csv")).data.decode("utf-8-sig")
    assert "Ёлкины" in exported and "Сосновы" not in exported
    assert office.names(f"{address}&size=1&page=2") and len(office.names(f"{address}&size=1&page=2")) == 1


# --- Chips and operators -----------------------------------------------------------------------------------


def test_filters_stand_as_words_and_are_taken_away_one_by_one(office: Office) -> None:
    address = search(office.head, "/case/", **{
        "q": "И-", "status": ["OPEN", "SUSPENDED"], "opened_on.from": "2026-01-01", "opened_on.to": "2026-02-01",
        "consent_on.op": "empty", "curator.op": "ne", "curator": str(office.staff[1]),
    })  # fmt: skip
    page = " ".join(office.head.get(address).text.replace("<", " <").split())
    for words in ("Status: </span> Open or Suspended", "since 01.01.2026 until 01.02.2026", "not given",
                  "except Лугова Вера", "“И-”"):  # fmt: skip
        assert words in page, words
    assert len(office.names(address)) == 3
    at = address.partition("?")[2]
    without = office.head.post("/case/find", data={"at": at, "drop": "status"}).location
    assert "status" not in without and "find=" in without and "curator.ne" in without
    assert "find=" not in office.head.post("/case/find", data={"at": at, "drop": "q"}).location


def test_the_operators_find_what_they_say(office: Office) -> None:
    with working(office.app) as session:
        first, second, third = (session.get_one(Case, id_) for id_ in office.cases)
        first.curator_id, second.curator_id = office.staff
        second.status, third.consent_on = CaseStatus.SUSPENDED, EARLY
        session.commit()

    def found(**asked: object) -> list[str]:
        return sorted(office.names(search(office.head, "/case/", **asked)))

    assert found(curator=office.staff) == ["И-1", "И-2"]
    assert found(**{"curator": office.staff[0], "curator.op": "ne"}) == ["И-2", "И-3"]
    assert found(**{"curator.op": "empty"}) == ["И-3"]
    assert found(**{"curator.op": "given", "curator": office.staff[0]}) == ["И-1", "И-2"]
    assert found(status=["SUSPENDED", "CLOSED"]) == ["И-2"]
    assert found(**{"status.op": "ne", "status": "SUSPENDED"}) == ["И-1", "И-3"]
    assert found(**{"consent_on.from": "2025-12-31", "consent_on.to": "2026-01-01"}) == ["И-3"]


def test_a_text_is_found_by_a_part_of_it_in_any_case(office: Office, signed_in: Callable[..., FlaskClient]) -> None:
    with working(office.app) as session:
        session.add(Signal(number="С-1", content="О", organisation_id=office.person.organisation_id))
        line = {"entity": "case", "record_id": 999, "kind": "CHANGED"}
        session.execute(Change.__table__.insert(), [line | {"user": name} for name in ("Семёнова", "100%", "1000")])
        session.commit()
    admin = signed_in("Администратор")

    def found(**asked: str) -> list[str]:
        return [row[1] for row in table(admin.get(search(admin, "/change/", record_id="999", **asked)).text)[1:]]

    def of(user: str, op: str = "has") -> list[str]:
        return found(**{"user": user, "user.op": op, "record_id.from": "999", "record_id.to": "999"})

    assert of("СЕМЕН") == ["Семёнова"]
    assert of("0%") == ["100%"]
    assert of("Семёнова", "ne") == ["1000", "100%"]
    assert of("семёнова", "eq") == []


# --- Saved filters -----------------------------------------------------------------------------------------


def saved_ids(office: Office) -> list[int]:
    with working(office.app) as session:
        return list(session.scalars(select(personal.SavedFilter.id).order_by(personal.SavedFilter.id)))


def test_a_filter_is_saved_opened_renamed_and_deleted(office: Office) -> None:
    at = search(office.head, "/case/", q="И-1", status="OPEN").partition("?")[2]
    assert office.head.post("/case/saved/", data={"at": at, "name": " Мои   первые "}).location == f"/case/?{at}"
    (id_,) = saved_ids(office)
    assert "Мои первые" in office.head.get("/case/").text and "Мои первые" not in office.head.get("/family/").text
    opened = office.head.post(f"/case/saved/{id_}/open").location
    assert office.names(opened) == ["И-1"] and "status=OPEN" in opened
    office.head.post(f"/case/saved/{id_}", data={"name": "Первые"})
    assert "Первые" in office.head.get("/case/saved/").text
    assert office.head.post(f"/case/saved/{id_}", data={"name": " "}).status_code == 422
    office.head.post(f"/case/saved/{id_}/delete")
    assert saved_ids(office) == []


def test_a_name_that_is_taken_is_replaced_only_knowingly(office: Office) -> None:
    office.head.post("/case/saved/", data={"at": "status=OPEN", "name": "Дела"})
    office.head.post("/case/saved/", data={"at": "status=CLOSED", "name": "Дела"})
    (id_,) = saved_ids(office)
    assert office.head.post(f"/case/saved/{id_}/open").location == "/case/?status=OPEN"
    office.head.post("/case/saved/", data={"at": "status=CLOSED", "name": "Дела", "replace": "1"})
    assert saved_ids(office) == [id_]
    assert office.head.post(f"/case/saved/{id_}/open").location == "/case/?status=CLOSED"


def test_a_shared_filter_reaches_the_role_within_the_organisation(
    office: Office, make_user: Callable[..., Person]
) -> None:
    from flask_appbuilder.security.sqla.models import Role

    with working(office.app) as session:
        role = session.scalars(select(Role.id).where(Role.name == CURATOR)).one()
    at = search(office.head, "/case/", q="Ёлкины").partition("?")[2]
    office.head.post("/case/saved/", data={"at": at, "name": "Ёлки"})
    (id_,) = saved_ids(office)
    colleague = login(office.app.test_client(), "curator")
    assert "Ёлки<" not in colleague.get("/case/").text
    assert colleague.post(f"/case/saved/{id_}/open").status_code == 404
    office.head.post(f"/case/saved/{id_}", data={"name": "Ёлки", "roles": str(role)})
    assert "Ёлки" in colleague.get("/case/").text
    # It opens what its reader may see: the curator leads none of these cases.
    opened = colleague.post(f"/case/saved/{id_}/open").location
    assert table(colleague.get(opened).text) == []
    # It is not the curator's to change, and nothing of it reaches another organisation.
    for path in ("", "/delete"):
        assert colleague.post(f"/case/saved/{id_}{path}", data={"name": "Чужое"}).status_code == 404
    stranger = login(office.app.test_client(), make_user(CURATOR, organisation="Другая"))
    assert "Ёлки" not in stranger.get("/case/").text
    assert stranger.post(f"/case/saved/{id_}/open").status_code == 404


def test_who_may_not_share_shares_nothing(office: Office) -> None:
    colleague = login(office.app.test_client(), "curator")
    colleague.post("/case/saved/", data={"at": "", "name": "Моё"})
    (id_,) = saved_ids(office)
    colleague.post(f"/case/saved/{id_}", data={"name": "Моё", "roles": [str(n) for n in range(1, 9)]})
    with working(office.app) as session:
        assert session.scalars(select(personal.SavedFilterRole.role_id)).all() == []


def test_a_saved_filter_that_fits_no_more_says_so(office: Office) -> None:
    office.head.post("/case/saved/", data={"at": "status=OPEN", "name": "Дела"})
    with working(office.app) as session:
        session.execute(update(personal.SavedFilter).values(address="colour=red"))
        session.commit()
    (id_,) = saved_ids(office)
    assert "Delete it and save it anew" in office.head.post(f"/case/saved/{id_}/open", follow_redirects=True).text


# --- Columns and pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_a_list_too_long_for_a_file_is_not_cut_in_silence(
    suffix: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MOST_ROWS", 2)
    answer = office.head.get(f"/case/export.{suffix}?status=OPEN", follow_redirects=True)
    assert answer.mimetype == "text/html" and "at most 2 rows" in answer.text
    assert answer.request.full_path == "/case/?status=OPEN"
    monkeypatch.setattr(transfer, "MOST_ROWS", 3)
    assert office.head.get(f"/case/export.{suffix}?status=OPEN").mimetype != "text/html"


def test_a_journal_too_long_to_be_printed_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with working(office.app) as session:
        session.add_all(
            Signal(number=f"С-{n}", content="Помощь", organisation_id=office.person.organisation_id) for n in (1, 2)
        )
        session.commit()
    monkeypatch.setattr(papers, "MOST_PRINTED", 1)
    answer = office.head.get("/signal/print/journal.docx")
    assert answer.status_code == 422 and "narrow it by filters" in answer.text


def test_the_chosen_columns_are_those_of_the_list_and_of_the_export(office: Office) -> None:
    office.head.post("/family/look", data={"columns": ["name", "clinic", "phone", "folded"]})
    address = "/family/?sort=-phone"
    headings = [field.label for field in schema_of(Family).fields(("name", "phone", "clinic"))]
    listed = table(office.head.get(address).text)
    assert sorted(listed[0]) == sorted(headings)
    sheet = load_workbook(BytesIO(office.head.get("/family/export.xlsx?sort=-phone").data)).active
    assert [[cell or "—" for cell in row] for row in sheet.values] == listed
    assert len(table(login(office.app.test_client(), "curator").get("/family/").text)) == 0  # nobody else's choice
    office.head.post("/family/look", data={"columns": ["name"], "default": "1"})
    assert len(table(office.head.get("/family/").text)[0]) > 3


def test_the_length_of_a_page_is_remembered(office: Office) -> None:
    with working(office.app) as session:
        session.add_all([Family(name=f"С {n}", organisation_id=office.person.organisation_id) for n in range(60)])
        session.commit()
    assert "1–25 of 63" in office.head.get("/family/").text
    back = office.head.post("/family/look", data={"size": "50", "at": "sort=-name&size=25&page=2"}).location
    assert back == "/family/?sort=-name"
    assert "1–50 of 63" in office.head.get("/family/").text
    assert "51–63 of 63" in office.head.get("/family/?page=9").text, "a page that is not there is the last one"
    assert office.head.post("/family/look", data={"size": "1000"}).status_code == 400


# --- Several records at once -------------------------------------------------------------------------------


def versions(office: Office) -> dict[str, object]:
    with working(office.app) as session:
        found = {id_: session.get_one(Case, id_).version for id_ in office.cases}
    return {"ticked": [str(id_) for id_ in found]} | {f"version-{id_}": str(number) for id_, number in found.items()}


def curators(office: Office) -> list[int | None]:
    with working(office.app) as session:
        return [session.get_one(Case, id_).curator_id for id_ in office.cases]


def test_one_value_for_several_records(office: Office) -> None:
    asked = office.head.post("/case/many/edit", data={"field": "curator", **versions(office)})
    assert "Set in 3 records" in asked.text and curators(office) == [None] * 3
    sure = {"field": "curator", "curator": str(office.staff[1]), "sure": "1", "at": "status=OPEN", **versions(office)}
    answer = office.head.post("/case/many/edit", data=sure)
    assert answer.location == "/case/?status=OPEN"
    assert curators(office) == [office.staff[1]] * 3
    with working(office.app) as session:
        written = select(Change.record_id).where(Change.entity == "case", Change.field == "curator_id")
        assert sorted(session.scalars(written.where(Change.kind == "CHANGED"))) == office.cases


def test_nothing_is_changed_when_one_refuses_and_it_is_said_which(office: Office) -> None:
    """A closed case needs a date and a ground: none of them may be closed so."""
    with working(office.app) as session:
        session.get_one(Case, office.cases[1]).closed_on = dt.date(2026, 2, 2)
        session.commit()
    sure = {"field": "status", "status": "CLOSED", "sure": "1", **versions(office)}
    answer = office.head.post("/case/many/edit", data=sure)
    assert answer.status_code == 409
    assert "И-1" in answer.text and "A closed case needs" in answer.text and "Nothing was changed" in answer.text
    with working(office.app) as session:
        assert {session.get_one(Case, id_).status for id_ in office.cases} == {CaseStatus.OPEN}


def test_nobody_is_overwritten_unawares(office: Office) -> None:
    before = versions(office)
    with working(office.app) as session:
        session.get_one(Case, office.cases[0]).reason = "Сказано иначе"
        session.commit()
    sure = {"field": "curator", "curator": str(office.staff[1]), "sure": "1"}
    answer = office.head.post("/case/many/edit", data={**sure, **before})
    assert answer.status_code == 409 and "Someone else has changed" in answer.text
    assert curators(office) == [None] * 3


@pytest.mark.parametrize("value", ["", "999999", "x"])
def test_a_wrong_value_is_asked_for_again(office: Office, value: str) -> None:
    sure = {"field": "curator", "curator": value, "sure": "1", **versions(office)}
    assert office.head.post("/case/many/edit", data=sure).status_code in (409, 422)
    assert curators(office) == [None] * 3


def test_nothing_is_proposed_for_many_records(office: Office) -> None:
    """The first of a closed list would be set by whoever only presses the button."""
    asked = office.head.post("/case/many/edit", data={"field": "status", **versions(office)}).text
    assert '<option value="" selected>' in asked
    sure = {"field": "status", "status": "", "sure": "1", **versions(office)}
    answer = office.head.post("/case/many/edit", data=sure)
    assert answer.status_code == 422 and "Fill in this field." in answer.text


def test_records_out_of_reach_are_not_there(office: Office, make_user: Callable[..., Person]) -> None:
    stranger = login(office.app.test_client(), make_user(SUPERVISOR, organisation="Другая"))
    for path in ("edit", "delete"):
        sure = {"field": "status", "status": "SUSPENDED", "sure": "1", **versions(office)}
        answer = stranger.post(f"/case/many/{path}", data=sure, follow_redirects=True)
        assert "not there any more" in answer.text and "И-1" not in answer.text
    assert table(office.head.get("/case/").text)[1][2] == "Open" and len(table(office.head.get("/case/").text)) == 4
    export = stranger.post("/case/export.csv", data={"ticked": [str(id_) for id_ in office.cases]})
    assert "И-1" not in export.data.decode("utf-8-sig")


def test_only_declared_fields_are_set(office: Office) -> None:
    for name in ("number", "family", "version", "", "nothing"):
        assert office.head.post("/case/many/edit", data={"field": name, **versions(office)}).status_code == 400
    assert office.head.post("/family/many/edit", data={"field": "name", "ticked": "1"}).status_code == 404


def test_ticked_records_are_exported_alone(office: Office) -> None:
    ticked = [str(id_) for id_ in office.cases[:2]]
    export = office.head.post("/case/export.csv", data={"ticked": ticked, "at": "sort=number"}).data.decode("utf-8-sig")
    assert [line.split(";")[0] for line in export.splitlines()[1:]] == ["И-1", "И-2"]


def test_ticked_records_are_deleted_all_or_none(office: Office) -> None:
    asked = office.head.post("/case/many/delete", data=versions(office))
    assert "Delete 3 records?" in asked.text
    with working(office.app) as session:
        session.add(Signal(
            number="С-1", content="О", organisation_id=office.person.organisation_id, case_id=office.cases[1]
        ))  # fmt: skip
        session.commit()
    refused = office.head.post("/case/many/delete", data={"sure": "1", **versions(office)})
    assert refused.status_code == 409 and "И-2" in refused.text
    assert len(curators(office)) == 3
    two = {"ticked": [str(office.cases[0]), str(office.cases[2])], "sure": "1"}
    assert office.head.post("/case/many/delete", data=two).status_code == 302
    assert office.names("/case/") == ["И-2"]
