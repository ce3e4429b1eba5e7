"""The life of a version in the browser: out of a file, the next one, published, frozen, into a file."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import roles
from app.kernel.writing import Refused, remove, save
from app.presets import load_presets
from app.procedures import exchange
from app.procedures.models import Procedure, ProcedureVersion, Requirement, Stage, VersionStatus
from tests import pages
from tests.running import working

FILE = """
code: probe
name: Пробная методика
version:
  stages:
  - {number: 1, name: Начало}
  - {number: 2, name: Работа}
  requirements:
  - {stage: 2, kind: PAPER, name: Акт, event: APPLICATION, count: 3, unit: DAY, source: PRM-T1}
"""


@pytest.fixture
def admin(signed_in: Any) -> FlaskClient:
    return signed_in(roles.ADMINISTRATOR)  # type: ignore[no-any-return]


def upload(client: FlaskClient, text: str | bytes) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post("/procedure-version/upload", data={"file": (io.BytesIO(data), "probe.yaml")})


def uploaded(client: FlaskClient, text: str = FILE) -> int:
    answer = upload(client, text)
    assert answer.status_code == 302, answer.text
    return int(answer.location.rstrip("/").rpartition("/")[2])


def test_a_file_becomes_a_draft(app: Flask, admin: FlaskClient) -> None:
    id_ = uploaded(admin)
    page = admin.get(f"/procedure-version/{id_}").text
    assert "Пробная методика" in page
    assert "Работа" in page
    with working(app) as session:
        version = session.get_one(ProcedureVersion, id_)
        assert (version.number, version.status) == (1, VersionStatus.DRAFT)
        assert [(row.stage.number, row.name, row.position) for row in version.requirements] == [(2, "Акт", 1)]


def test_a_second_file_of_a_procedure_is_its_next_version(app: Flask, admin: FlaskClient) -> None:
    first, second = uploaded(admin), uploaded(admin, FILE.replace("Пробная", "Другая"))
    with working(app) as session:
        assert session.get_one(ProcedureVersion, second).number == 2
        assert session.get_one(ProcedureVersion, first).procedure.name == "Пробная методика"


def test_every_shipped_file_may_be_uploaded(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        load_presets(session)
        session.commit()
        told = {version.procedure.code: exchange.dump(version) for version in session.scalars(select(ProcedureVersion))}
    for code, text in told.items():
        id_ = uploaded(admin, text)
        answer = admin.get(f"/procedure-version/{id_}/file.yaml")
        assert answer.text == text, code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("stage: 2", "stage: [2]"), "requirements[1].stage"),
        (FILE.replace("number: 2", "number: 1"), "version.stages"),
        (FILE.replace("code: probe", "code: 2026-02-31"), "YAML"),
        (FILE.replace("count: 3, ", ""), "Акт"),
        (b"\xff\xfe\x00", "YAML"),
        ("", "—"),
    ],
)
def test_a_wrong_file_is_refused_and_leaves_nothing(
    app: Flask, admin: FlaskClient, text: str | bytes, said: str
) -> None:
    answer = upload(admin, text)
    assert answer.status_code == 422
    assert said in answer.text
    assert admin.post("/procedure-version/upload", data={}).status_code == 422
    with working(app) as session:
        assert not session.scalars(select(Procedure).where(Procedure.code == "probe")).first()


def test_the_next_version_holds_all_of_the_one_before(app: Flask, admin: FlaskClient) -> None:
    first = uploaded(admin)
    admin.post(f"/procedure-version/{first}/publish")
    assert admin.get(f"/procedure-version/{first}/next").status_code == 200
    answer = admin.post(f"/procedure-version/{first}/next")
    second = int(answer.location.rstrip("/").rpartition("/")[2])
    before, after = (admin.get(f"/procedure-version/{id_}/file.yaml") for id_ in (first, second))
    assert after.text == before.text
    assert "probe-2.yaml" in after.headers["Content-Disposition"]
    with working(app) as session:
        draft = session.get_one(ProcedureVersion, second)
        assert (draft.number, draft.status) == (2, VersionStatus.DRAFT)


def test_publishing_replaces_the_version_before(app: Flask, admin: FlaskClient) -> None:
    first, second = uploaded(admin), uploaded(admin)
    for id_ in (first, second):
        assert admin.get(f"/procedure-version/{id_}/publish").status_code == 200
        assert admin.post(f"/procedure-version/{id_}/publish").status_code == 302
    assert admin.post(f"/procedure-version/{second}/publish").status_code == 422
    empty = uploaded(admin, "code: probe\nname: Пробная методика\nversion: {}")
    assert admin.post(f"/procedure-version/{empty}/publish").status_code == 422
    with working(app) as session:
        statuses = [session.get_one(ProcedureVersion, id_).status for id_ in (first, second, empty)]
        assert statuses == [VersionStatus.RETIRED, VersionStatus.PUBLISHED, VersionStatus.DRAFT]


def test_a_published_version_refuses_a_change(app: Flask, admin: FlaskClient) -> None:
    id_ = uploaded(admin)
    page = f"/procedure-version/{id_}/edit"

    def change(name: str, value: str) -> int:
        form = pages.form(admin.get(page).text)
        assert name in form
        form[name] = value
        return admin.post(page, data=form).status_code

    assert change("note", "Черновик") == 302
    admin.post(f"/procedure-version/{id_}/publish")
    assert change("note", "Иначе") == 422
    assert change("stages-0-name", "Иначе") == 422
    with working(app) as session:
        version = session.get_one(ProcedureVersion, id_)
        assert (version.note, version.stages[0].name) == ("Черновик", "Начало")
        with pytest.raises(Refused):
            remove(session, version)
        with pytest.raises(Refused):
            save(session, Requirement(edition=version, name="Ещё"))
        session.rollback()
        with pytest.raises(Refused):
            save(session, Stage(edition=version, number=3, name="Ещё"))


def test_only_who_may_write_procedures_does(app: Flask, admin: FlaskClient, signed_in: Any) -> None:
    id_ = uploaded(admin)
    curator = signed_in(roles.CURATOR, organisation="Берег")
    assert upload(curator, FILE).status_code == 403
    assert curator.post(f"/procedure-version/{id_}/publish").status_code == 403
    assert curator.get(f"/procedure-version/{id_}/file.yaml").status_code in (200, 403)
    with working(app) as session:
        assert session.get_one(ProcedureVersion, id_).status is VersionStatus.DRAFT
