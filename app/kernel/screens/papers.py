"""Papers of a record or of a list: looked at in the page, PDF to sign, Word to edit before signing."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from io import BytesIO
from time import monotonic
from typing import Any

from flask import abort, current_app, render_template, request, send_file
from flask_appbuilder import expose

from app.kernel import clock, papers, printing
from app.kernel.access import may, needs
from app.kernel.declare import N_, May, Print
from app.kernel.i18n import gettext
from app.kernel.papers import Sheet
from app.kernel.query import Ref
from app.kernel.scans import attached
from app.kernel.schema import Schema
from app.kernel.screens.base import Screens, reader
from app.kernel.web import session

MOST_PRINTED = 2_000
MOST_TOGETHER = 50
KINDS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "zip": "application/zip",
}
NONE_TICKED = N_("Tick at least one paper.")
TOO_LONG = N_("The list is too long to be printed: narrow it by filters.")
TOO_MANY = N_("So many papers cannot be printed at once. Tick fewer of them.")


class Papers(Screens):
    """Prints."""

    @expose("/<int:pk>/papers")
    @needs(May.PRINT)
    def papers(self, pk: int) -> str:
        """What may be printed of a record and of all that belongs to it, with a place to look at it."""
        record = self._record(pk)
        sheets = self._sheets(pk, str(record))
        return self._render("papers.html", pk=pk, title=str(record), sheets=sheets, signed=_signed(sheets))

    def _sheets(self, pk: int, label: str) -> list[Sheet]:
        return papers.sheets(session(), self.schema, [Ref(pk, label)], may)

    @expose("/<int:pk>/papers.<any(pdf, zip):suffix>")
    @needs(May.PRINT)
    def together(self, pk: int, suffix: str) -> Any:
        """The papers ticked: one PDF, or a folder of Word files. Which is none of the record's is not there."""
        record = self._record(pk)
        ticked = request.args.getlist("paper")
        if not 0 < len(ticked) <= MOST_TOGETHER:
            return _refused(TOO_MANY if ticked else NONE_TICKED)
        offered = self._sheets(pk, str(record))
        if not {*ticked} <= {sheet.name for sheet in offered}:
            abort(404)
        chosen = [sheet for sheet in offered if sheet.name in ticked]
        return _sent(
            f"{gettext('Papers')} {record}",
            suffix,
            lambda: _folder(chosen) if suffix == "zip" else _one_after_another(chosen),
        )

    @expose("/<int:pk>/print/<key>.<any(pdf, docx):suffix>")
    @needs(May.PRINT)
    def print(self, pk: int, key: str, suffix: str) -> Any:
        paper = self.schema.admin.prints.get(key) or abort(404)
        record = self._record(pk)
        return _sent(f"{gettext(paper.title)} {record}", suffix, lambda: _made(paper, record, suffix))

    @expose("/print/<key>.<any(pdf, docx):suffix>")
    @needs(May.PRINT)
    def print_list(self, key: str, suffix: str) -> Any:
        """A paper of the whole list under its filters: a journal, a register."""
        paper = self.schema.admin.lists.get(key) or abort(404)
        query, read = self._query(), reader(self.schema)
        ids = [line.id for line in read.page(query, (), limit=MOST_PRINTED + 1)]
        if len(ids) > MOST_PRINTED:
            return _refused(TOO_LONG)
        found = session().query(self.schema.entity).where(self.schema.entity.id.in_(ids)).all()
        records = sorted(found, key=lambda record: ids.index(record.id))
        return _sent(gettext(paper.title), suffix, lambda: _made(paper, records, suffix))


def _signed(sheets: Sequence[Sheet]) -> dict[str, list[Any]]:
    """The signed copies of these papers by the paper's name."""
    ids: dict[Schema, set[int]] = {}
    for sheet in sheets:
        ids.setdefault(sheet.schema, set()).add(sheet.record.id)
    found: dict[str, list[Any]] = {}
    for schema, those in ids.items():
        for scan in attached(session(), schema.entity, those) if may(May.SHOW, schema.entity) else ():
            found.setdefault(f"{schema.slug}/{scan.record_id}/{scan.paper}", []).append(scan)
    return found


def _filled(paper: Print, subject: Any) -> Any:
    """What the paper's template is filled with."""
    module, _, function = paper.build.partition(":")
    return getattr(import_module(module), function)(subject)


def _bounds() -> dict[str, Any]:
    config = current_app.config
    return {"zone": clock.here(), "seconds": config["PRINT_SECONDS"], "memory_mb": config["PRINT_MEMORY_MB"]}


def _made(paper: Print, subject: Any, suffix: str) -> bytes:
    render = printing.render_docx if suffix == "docx" else printing.render_pdf
    return render(paper.template, _filled(paper, subject), **_bounds())


def _subject(sheet: Sheet) -> Any:
    return session().get(sheet.schema.entity, sheet.record.id) or abort(404)


def _title(sheet: Sheet) -> str:
    return f"{gettext(sheet.paper.title)} {sheet.record.label}"


def _one_after_another(chosen: Sequence[Sheet]) -> bytes:
    filled = ((_title(sheet), sheet.paper.template, _filled(sheet.paper, _subject(sheet))) for sheet in chosen)
    return printing.render_together(filled, **_bounds())


def _folder(chosen: Sequence[Sheet]) -> bytes:
    """Word files in the order of the page, numbered: two papers may be called the same."""
    out, bounds = BytesIO(), _bounds()
    end = monotonic() + bounds["seconds"]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for number, sheet in enumerate(chosen, 1):
            bounds["seconds"] = max(end - monotonic(), 0.1)
            body = printing.render_docx(sheet.paper.template, _filled(sheet.paper, _subject(sheet)), **bounds)
            folder.writestr(f"{number:02} {_file_name(_title(sheet), 'docx')}", body)
    return out.getvalue()


def _file_name(name: str, suffix: str) -> str:
    safe = "".join("-" if mark in '\\/:*?"<>|' or ord(mark) < 32 else mark for mark in name)
    return f"{safe[:120].rstrip(' .')}.{suffix}"


def _sent(name: str, suffix: str, make: Callable[[], bytes]) -> Any:
    try:
        body = make()
    except printing.PrintError as error:
        current_app.logger.error("print failed: %s", error)
        return _refused(error.reason)
    return send_file(
        BytesIO(body), mimetype=KINDS[suffix], as_attachment=suffix != "pdf", download_name=_file_name(name, suffix)
    )


def _refused(reason: str) -> Any:
    """Why there is no paper, in plain words: it may stand in the frame where the paper was to be looked at."""
    return render_template("unprinted.html", code=422, reason=gettext(reason)), 422
