"""Signed papers of a record: attached from a scanner or a telephone, looked at, taken away.

They are part of their record: whoever opens the record sees them, whoever edits records of its kind attaches them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, current_app, flash, request, send_file
from flask_appbuilder import expose

from app.kernel import files
from app.kernel.access import needs, require_identity
from app.kernel.bin import thrown
from app.kernel.declare import N_, May
from app.kernel.files import FileKind, NotTaken
from app.kernel.i18n import gettext
from app.kernel.orm import Record
from app.kernel.scans import OTHER_PAPER, Scan, title_of
from app.kernel.screens.base import Screens, flash_undoable
from app.kernel.web import files_folder, session
from app.kernel.writing import Conflict, Refused, remove, save

# A file that somebody brought has no say here: nothing in it runs, loads or frames anything. A sandbox on top of
# that would keep browsers from showing a PDF.
STRICT = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'; base-uri 'none'"
SANDBOXED = f"{STRICT}; sandbox"
NO_DATE = N_("Write the date as in the calendar, or leave it empty.")
TOO_LONG = N_("The note is too long: up to 2,000 characters.")
MISSING = N_("The file is not on the server’s disk. Tell the administrator: it is in the backup of the folder “files”.")
MOST_AT_ONCE = 30


class Scans(Screens):
    """Signed papers."""

    @expose("/<int:pk>/scans/add", methods=["GET", "POST"])
    @needs(May.EDIT)
    def attach(self, pk: int) -> Any:
        """Each file becomes a signed paper of its own. A script sends them one by one and is answered in JSON."""
        record = self._record(pk)
        if request.method == "GET":
            return self._attaching(record)
        scan, wrong = self._described()
        brought = [file for file in request.files.getlist("file") if file.filename]
        if not brought and not wrong:
            wrong["file"] = gettext(files.NO_FILE)
        for file in brought[:MOST_AT_ONCE] if not wrong else ():
            try:
                self._keep(record, file, scan)
            except NotTaken as refused:
                reason = gettext(refused.reason, **refused.facts)
                wrong["file"] = reason if len(brought) == 1 else f"{file.filename}: {reason}"
                break
            except Refused as refused:
                wrong |= {item.field: gettext(item.message) for item in refused.wrong}
                break
        if wrong:
            session().rollback()
            return ({"errors": wrong}, 422) if _by_script() else self._attaching(record, wrong)
        session().commit()
        if _by_script():
            return {}, 201
        flash(gettext("Attached."), "success")
        return self._to("show", pk=pk, _anchor="scans")

    def _attaching(self, record: Record, wrong: dict[str, str] | None = None) -> Any:
        page = self._render(
            "scan.html",
            pk=record.id,
            title=str(record),
            papers={**{key: paper.title for key, paper in self.schema.admin.prints.items()}, "": OTHER_PAPER},
            wrong=wrong or {},
            typed=request.values,
            most=current_app.config["MAX_UPLOAD_MB"],
        )
        return page, 422 if wrong else 200

    def _described(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What is said of the files, and what is wrong with that."""
        paper, note, signed = (request.form.get(name, "").strip() for name in ("paper", "note", "signed_on"))
        wrong: dict[str, str] = {}
        try:
            signed_on = dt.date.fromisoformat(signed) if signed else None
        except ValueError:
            signed_on, wrong["signed_on"] = None, gettext(NO_DATE)
        if len(note) > 2_000:
            wrong["note"] = gettext(TOO_LONG)
        if paper and paper not in self.schema.admin.prints:
            abort(400)
        return {"paper": paper or None, "note": note or None, "signed_on": signed_on}, wrong

    def _keep(self, record: Record, file: Any, described: dict[str, Any]) -> None:
        kept = files.keep(files_folder(), file.stream, current_app.config["MAX_UPLOAD_MB"] * 2**20)
        scan = Scan(
            entity=record.__tablename__,
            record_id=record.id,
            name=_plain_name(file.filename, kept.kind),
            kind=kept.kind,
            length=kept.size,
            digest=kept.digest,
            attached_by=require_identity().name,
            **described,
        )
        save(session(), scan)

    @expose("/<int:pk>/scans/<int:scan>")
    @needs(May.SHOW)
    def scan(self, pk: int, scan: int) -> Any:
        """The file, to be kept."""
        return self._file(self._scan(pk, scan), as_attachment=True, policy=SANDBOXED)

    @expose("/<int:pk>/scans/<int:scan>/view")
    @needs(May.SHOW)
    def view_scan(self, pk: int, scan: int) -> Any:
        """The file, to be looked at in the browser."""
        found = self._scan(pk, scan)
        return self._file(found, as_attachment=False, policy=STRICT if found.kind is FileKind.PDF else SANDBOXED)

    def _scan(self, pk: int, scan: int) -> Scan:
        record, found = self._record(pk), session().get(Scan, scan)
        if found is None or (found.entity, found.record_id) != (record.__tablename__, record.id):
            abort(404)
        return found

    def _file(self, scan: Scan, *, as_attachment: bool, policy: str) -> Any:
        path = files.path_of(files_folder(), scan.digest)
        if not path.is_file():
            current_app.logger.error("a file is missing: %s", scan.digest)
            flash(gettext(MISSING), "danger")
            return self._to("show", pk=scan.record_id)
        answer = send_file(
            path, mimetype=scan.kind.mimetype, as_attachment=as_attachment, download_name=scan.name, etag=False
        )
        answer.headers["Content-Security-Policy"] = policy
        return answer

    @expose("/<int:pk>/scans/<int:scan>/delete", methods=["GET", "POST"])
    @needs(May.EDIT)
    def detach(self, pk: int, scan: int) -> Any:
        """Take a signed paper away, after a question. The file stays on the disk: the history may need it."""
        found = self._scan(pk, scan)
        if request.method == "GET":
            return self._render(
                "detach.html", pk=pk, scan=found, title=str(self._record(pk)), what=title_of(self.schema, found.paper)
            )
        try:
            remove(session(), found)
            entries = thrown(session())
            session().commit()
        except (Refused, Conflict):
            session().rollback()
            abort(404)
        back = self._to("show", pk=pk, _anchor="scans")
        flash_undoable(gettext("Deleted."), entries, back.location)
        return back


def _by_script() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _plain_name(name: str, kind: FileKind) -> str:
    """The name that the file came with, Cyrillic and all, without a path and with the ending of what it is."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    endings = {FileKind.PDF: ("pdf",), FileKind.JPEG: ("jpg", "jpeg"), FileKind.PNG: ("png",)}[kind]
    if not dot or ending.lower() not in endings:
        stem, ending = plain, endings[0]
    return f"{stem[:150] or gettext('Signed paper')}.{ending}"
