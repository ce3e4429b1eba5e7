"""Signed papers: attached to a record, seen with it, served as what they are, taken away after a question."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import Case
from app.kernel.bin import BinEntry
from app.kernel.history import Change, ChangeKind
from app.kernel.orm import acting_as
from app.kernel.scans import Scan
from app.kernel.scope import OutOfReach
from app.kernel.writing import save
from app.plans.models import Plan
from app.signals.models import Signal
from app.territory.models import Organisation, Staff
from tests.kernel.test_files import PDF, picture
from tests.records import Maker
from tests.running import working

Signed = tuple[FlaskClient, int]


@pytest.fixture
def files(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(app.config, "RYADOM_DATA", tmp_path)
    return tmp_path / "files"


def made(app: Flask, staff_id: int | None) -> dict[str, int]:
    """A case with its plan and a signal, in the hands of this member of staff."""
    with working(app) as session:
        staff = session.get_one(Staff, staff_id)
        maker = Maker(session, Staff=staff, Organisation=session.get_one(Organisation, staff.organisation_id))
        ids = {entity.__name__: maker.one(entity).id for entity in (Case, Plan, Signal)}
        session.commit()
        return ids


@pytest.fixture
def people(app: Flask, make_user: Callable[..., Any]) -> Any:
    return make_user("Куратор", organisation="Искорка", name="Зорина Мария Павловна")


@pytest.fixture
def ids(app: Flask, people: Any) -> dict[str, int]:
    return made(app, people.staff_id)


@pytest.fixture
def client(app: Flask, people: Any, files: Path) -> FlaskClient:
    from tests.running import login

    return login(app.test_client(), people)


def file(data: bytes = PDF, name: str = "План с подписью.pdf") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def attach(client: FlaskClient, path: str, *brought: Any, **fields: str) -> Any:
    return client.post(f"{path}/scans/add", data={"file": list(brought or [file()]), **fields})


def kept(app: Flask) -> list[Scan]:
    with working(app) as session:
        found = list(session.scalars(select(Scan).order_by(Scan.id)))
        session.expunge_all()
        return found


def test_a_signed_paper_is_attached_seen_and_served(app: Flask, client: FlaskClient, ids: Any, files: Path) -> None:
    plan = f"/plan/{ids['Plan']}"
    form = client.get(f"{plan}/scans/add").text
    assert 'name="file"' in form and '<option value="plan"' in form
    answer = attach(client, plan, paper="plan", signed_on="2026-03-05", note="Подписали мама и куратор")
    assert answer.status_code == 302 and answer.location == f"{plan}#scans"
    (scan,) = kept(app)
    assert (scan.entity, scan.record_id, scan.paper, scan.name) == ("plan", ids["Plan"], "plan", "План с подписью.pdf")
    assert (files / scan.digest[:2] / scan.digest[2:]).read_bytes() == PDF

    page = client.get(plan).text
    for words in ("05.03.2026", "Подписали мама и куратор", "План с подписью.pdf", "Зорина Мария Павловна"):
        assert words in page
    assert f"{plan}/scans/{scan.id}/view" in client.get(f"/case/{ids['Case']}/papers").text

    whole, looked_at = client.get(f"{plan}/scans/{scan.id}"), client.get(f"{plan}/scans/{scan.id}/view")
    assert whole.data == looked_at.data == PDF
    assert whole.headers["Content-Disposition"].startswith("attachment;")
    assert "%D0%9F%D0%BB%D0%B0%D0%BD" in whole.headers["Content-Disposition"]
    assert looked_at.headers["Content-Disposition"].startswith("inline;")
    for one in (whole, looked_at):
        assert one.mimetype == "application/pdf"
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert one.headers["Cache-Control"] == "no-store"
    assert whole.headers["Content-Security-Policy"].endswith("sandbox")


def test_pages_of_one_paper_are_attached_at_once(app: Flask, client: FlaskClient, ids: Any) -> None:
    pages = [file(picture("JPEG"), "стр 1.JPG"), file(picture("PNG"), "C:\\scans\\стр/2\u202e.exe")]
    assert attach(client, f"/case/{ids['Case']}", *pages, paper="consent").status_code == 302
    first, second = kept(app)
    assert (first.name, first.kind.mimetype) == ("стр 1.JPG", "image/jpeg")
    assert (second.name, second.kind.mimetype) == ("2.exe.png", "image/png")
    served = client.get(f"/case/{ids['Case']}/scans/{second.id}/view")
    assert served.mimetype == "image/png" and served.headers["Content-Security-Policy"].endswith("sandbox")


def test_a_record_without_prints_takes_signed_papers_when_it_says_so(app: Flask, client: FlaskClient, ids: Any) -> None:
    assert attach(client, f"/signal/{ids['Signal']}").status_code == 302
    assert [(one.entity, one.paper) for one in kept(app)] == [("signal", None)]
    assert client.get("/category/1/scans/add").status_code == 404


@pytest.mark.parametrize(
    ("brought", "fields", "words"),
    [
        ([], {"note": "Помним"}, "Choose a file"),
        ([file(b"<html>", "план.pdf")], {"note": "Помним"}, "Only PDF, JPEG and PNG"),
        ([file(b"\0\0\0\x18ftypheic" + bytes(90), "IMG.heic")], {"note": "Помним"}, "Most compatible"),
        ([file(PDF + bytes(3 * 2**20))], {"note": "Помним"}, "larger than 2 MB"),
        ([file()], {"note": "Помним", "signed_on": "2099-01-01"}, "lies in the future"),
        ([file()], {"note": "Помним", "signed_on": "вчера"}, "as in the calendar"),
        ([file()], {"note": "Помним" * 400}, "too long"),
    ],
)
def test_a_refusal_says_why_and_keeps_what_was_typed(
    app: Flask, client: FlaskClient, ids: Any, brought: Any, fields: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_UPLOAD_MB", 2)
    brought = [(io.BytesIO(stream.getvalue()), name) for stream, name in brought]
    for accept in ("text/html", "application/json"):
        data = {"file": [(io.BytesIO(stream.getvalue()), name) for stream, name in brought], **fields}
        answer = client.post(f"/plan/{ids['Plan']}/scans/add", data=data, headers={"Accept": accept})
        assert answer.status_code == 422
        assert words in (" ".join(answer.json["errors"].values()) if answer.is_json else answer.text)
    assert "Помним" in client.post(f"/plan/{ids['Plan']}/scans/add", data=fields).text
    assert kept(app) == []


def test_of_several_files_none_is_attached_when_one_is_refused(app: Flask, client: FlaskClient, ids: Any) -> None:
    answer = attach(client, f"/plan/{ids['Plan']}", file(), file(b"GIF89a", "кот.gif"))
    assert answer.status_code == 422 and "кот.gif: Only PDF" in answer.text
    assert kept(app) == []


def test_it_is_taken_away_after_a_question_and_the_history_tells(
    app: Flask, client: FlaskClient, ids: Any, files: Path
) -> None:
    plan = f"/plan/{ids['Plan']}"
    attach(client, plan)
    (scan,) = kept(app)
    assert "План с подписью.pdf" in client.get(f"{plan}/scans/{scan.id}/delete").text
    assert len(kept(app)) == 1
    assert client.post(f"{plan}/scans/{scan.id}/delete").location == f"{plan}#scans"
    assert kept(app) == []
    assert client.get(f"{plan}/scans/{scan.id}").status_code == 404
    assert (files / scan.digest[:2] / scan.digest[2:]).is_file(), "whoever brings the row back needs the file"
    with working(app) as session:
        lines = session.scalars(select(Change).where(Change.entity == "scan")).all()
        assert {line.kind for line in lines} == {ChangeKind.ADDED, ChangeKind.DELETED}
        assert "digest" not in {line.field for line in lines}


def test_the_file_goes_when_the_bin_is_emptied_and_nothing_refers_to_it(
    app: Flask, client: FlaskClient, ids: Any, files: Path, signed_in: Any
) -> None:
    plan, admin, erasing = f"/plan/{ids['Plan']}", signed_in("Администратор"), {"upto": "99", "word": "erase"}
    for _ in range(2):
        attach(client, plan)
    first, second = kept(app)
    path = files / first.digest[:2] / first.digest[2:]
    assert first.digest == second.digest
    client.post(f"{plan}/scans/{first.id}/delete")
    os.utime(path, (0, 0))
    admin.post("/bin/empty", data=erasing)
    assert path.is_file(), "the same file is attached once more"

    client.post(f"{plan}/scans/{second.id}/delete")
    attach(client, plan)
    (third,) = kept(app)
    client.post(f"{plan}/scans/{third.id}/delete")
    with working(app) as session:
        entry = session.scalars(select(BinEntry.id).order_by(BinEntry.id)).first()
    admin.post("/bin/empty", data={"entry": entry, "word": "erase"})
    assert path.is_file(), "another entry of the bin is this file"
    admin.post("/bin/empty", data=erasing)
    assert path.is_file(), "it has come this minute: somebody may be attaching it once more"

    attach(client, plan)
    client.post(f"{plan}/scans/{kept(app)[0].id}/delete")
    os.utime(path, (0, 0))
    admin.post("/bin/empty", data=erasing)
    assert not path.exists()


def test_it_goes_with_its_record(app: Flask, ids: Any, people: Any, client: FlaskClient, signed_in: Any) -> None:
    attach(client, f"/plan/{ids['Plan']}")
    supervisor = signed_in("Руководитель", organisation="Искорка")
    assert "Signed papers" in supervisor.get(f"/plan/{ids['Plan']}/delete").text
    assert supervisor.post(f"/plan/{ids['Plan']}/delete").status_code == 302
    assert kept(app) == []


def test_the_address_of_another_record_does_not_lead_to_it(app: Flask, client: FlaskClient, ids: Any) -> None:
    attach(client, f"/plan/{ids['Plan']}")
    (scan,) = kept(app)
    nowhere = client.get(f"/case/{ids['Case']}/scans/{2**31 - 1}")
    for path in (f"/case/{ids['Case']}/scans/{scan.id}", f"/signal/{ids['Signal']}/scans/{scan.id}"):
        answer = client.get(path)
        assert (answer.status_code, answer.data) == (404, nowhere.data)
        assert client.post(f"{path}/delete").status_code == 404
    assert len(kept(app)) == 1


def test_nobody_out_of_reach_meets_it(app: Flask, client: FlaskClient, ids: Any, signed_in: Any) -> None:
    plan = f"/plan/{ids['Plan']}"
    attach(client, plan)
    (scan,) = kept(app)
    colleague, stranger = signed_in("Куратор", organisation="Искорка"), signed_in("Куратор", organisation="Другая")
    for other in (colleague, stranger):
        for path in (f"{plan}/scans/{scan.id}", f"{plan}/scans/{scan.id}/view", f"{plan}/scans/{scan.id}/delete"):
            nowhere = other.get(path.replace(f"/{ids['Plan']}/", f"/{2**31 - 1}/"))
            answer = other.get(path)
            assert (answer.status_code, answer.data) == (404, nowhere.data), path
        assert attach(other, plan).status_code == 404
        assert other.post(f"{plan}/scans/{scan.id}/delete").status_code == 404
        assert other.get("/scan/").status_code == 403
    assert len(kept(app)) == 1
    assert signed_in("Администратор").get("/scan/").status_code == 200


def test_below_every_screen_it_keeps_to_the_reach_of_its_record(
    app: Flask, client: FlaskClient, ids: Any, make_user: Any
) -> None:
    from app.kernel.access import load_viewer

    attach(client, f"/plan/{ids['Plan']}")
    (scan,) = kept(app)
    foreign = make_user("Руководитель", organisation="Другая")
    with working(app) as session:
        user = session.get_one(app.appbuilder.sm.user_model, foreign.id)  # type: ignore[attr-defined]
        viewer = load_viewer(session, user)
        with acting_as(session, viewer):
            session.expunge_all()
            assert session.get(Scan, scan.id) is None
            assert session.scalars(select(Scan)).all() == []
            for entity, record_id in (("plan", ids["Plan"]), ("family", 1), ("ab_user", 1)):
                copy = Scan(entity=entity, record_id=record_id, name="x.pdf", kind=scan.kind, length=1, digest="0" * 64)
                with pytest.raises(OutOfReach):
                    save(session, copy)
                session.rollback()


def test_who_only_reads_attaches_nothing(app: Flask, client: FlaskClient, ids: Any, signed_in: Any) -> None:
    attach(client, f"/plan/{ids['Plan']}")
    secretary = signed_in("Секретарь комиссии", organisation="Совет")
    assert attach(secretary, f"/plan/{ids['Plan']}").status_code == 403
    assert secretary.get(f"/plan/{ids['Plan']}/scans/add").status_code == 403
    assert len(kept(app)) == 1


def test_a_file_that_is_lost_is_told_of(app: Flask, client: FlaskClient, ids: Any, files: Path) -> None:
    attach(client, f"/plan/{ids['Plan']}")
    (scan,) = kept(app)
    (files / scan.digest[:2] / scan.digest[2:]).unlink()
    answer = client.get(f"/plan/{ids['Plan']}/scans/{scan.id}", follow_redirects=True)
    assert "backup" in answer.text


def test_forged_requests_attach_nothing(
    app: Flask, ids: Any, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    assert attach(client, f"/plan/{ids['Plan']}").status_code == 400
    assert kept(app) == []
