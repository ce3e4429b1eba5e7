"""What is done with a version of a procedure as a whole: publish it, make the next one, take it along as a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from sqlalchemy import func, select

from app.kernel import clock
from app.kernel.access import allowed, needs
from app.kernel.declare import N_, May
from app.kernel.scope import table
from app.kernel.web import session
from app.kernel.writing import Refused, Wrong, save
from app.procedures import exchange
from app.procedures.models import Procedure, ProcedureVersion, VersionStatus

NO_STAGES = N_("A version without stages cannot be published: add at least one.")
PUBLISHED_ALREADY = N_("This version is published already.")
CHOOSE_FILE = N_("Choose a file (YAML).")


def publish(version: ProcedureVersion, day: dt.date) -> None:
    """From this day new cases run under it; the version before is replaced, and its cases stay with it.

    :raises Refused: when it is published already, or has no stages.
    """
    if version.frozen:
        raise Refused(Wrong("status", PUBLISHED_ALREADY))
    if not version.stages:
        raise Refused(Wrong("stages", NO_STAGES))
    same = ProcedureVersion.procedure_id == version.procedure_id, ProcedureVersion.status == VersionStatus.PUBLISHED
    before = session().scalars(select(ProcedureVersion).where(*same)).all()
    for other in before:
        other.status = VersionStatus.RETIRED
    version.status, version.published_on = VersionStatus.PUBLISHED, day
    save(session(), *before, version)


def store(version: ProcedureVersion) -> ProcedureVersion:
    """Save a version that was read from a file, with its rows. :class:`Refused` with what is wrong with them."""
    rows = [row for name in exchange.CHILDREN for row in getattr(version, name)]
    procedure: Procedure = version.procedure
    save(session(), *([procedure] if procedure.id is None else []), version, *rows)
    return version


class Versions(BaseView):  # type: ignore[misc]
    """The steps of a version's life."""

    route_base = "/procedure-version"
    default_view = "upload"

    @expose("/<int:pk>/publish", methods=["GET", "POST"])
    @needs(May.EDIT, "ProcedureVersion")
    def publish(self, pk: int) -> Any:
        """Says what publishing means, and publishes."""
        version, problem = self._version(pk), ""
        if request.method == "POST":
            try:
                publish(version, clock.today())
                session().commit()
                flash(gettext("Published. New cases run under it; move those at work when you are ready."), "success")
                onward = "MoveCases.form" if self._unversioned(version) else "ProcedureVersion.show"
                return redirect(url_for(onward, pk=pk))
            except Refused as refused:
                session().rollback()
                problem = " ".join(gettext(item.message) for item in refused.wrong)
        version = self._version(pk)
        waiting = self._unversioned(version)
        page = self.render_template("procedures/publish.html", version=version, problem=problem, waiting=waiting)
        return page, 422 if problem else 200

    @expose("/<int:pk>/next", methods=["GET", "POST"])
    @needs(May.ADD, "ProcedureVersion")
    def next(self, pk: int) -> Any:
        """A draft with all that this version says."""
        version = self._version(pk)
        if request.method == "GET":
            return self.render_template("procedures/next.html", version=version)
        try:
            copy = store(exchange.load(session(), exchange.parse(exchange.dump(version))))
            session().commit()
        except (exchange.Unreadable, Refused):
            session().rollback()
            flash(gettext("Something in this version is not right any more: mend it first."), "danger")
            return redirect(url_for("ProcedureVersion.show", pk=pk))
        flash(gettext("The draft holds everything of the version before. Change it, then publish it."), "success")
        return redirect(url_for("ProcedureVersion.show", pk=copy.id))

    @expose("/<int:pk>/file.yaml")
    @needs(May.SHOW, "ProcedureVersion")
    def file(self, pk: int) -> Any:
        """The version as YAML."""
        version = self._version(pk)
        name = f"{version.procedure.code}-{version.number}.yaml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(exchange.dump(version), mimetype="application/yaml", headers=headers)

    @expose("/upload", methods=["GET", "POST"])
    @needs(May.ADD, "ProcedureVersion")
    def upload(self) -> Any:
        """A version out of a file, as a draft."""
        problems: list[str] = []
        if request.method == "POST":
            file = request.files.get("file")
            try:
                if file is None or not file.filename:
                    raise exchange.Unreadable(exchange.Fault(CHOOSE_FILE, {}))
                text = file.stream.read(exchange.LONGEST + 1).decode("utf-8", "replace")
                version = store(exchange.load(session(), exchange.parse(text)))
                session().commit()
                flash(gettext("Loaded as a draft. Look it through, then publish it."), "success")
                return redirect(url_for("ProcedureVersion.show", pk=version.id))
            except exchange.Unreadable as error:
                problems = [gettext(fault.message, **fault.values) for fault in error.faults]
            except Refused as refused:
                problems = [f"{item.record or ''}: {gettext(item.message)}".lstrip(": ") for item in refused.wrong]
            session().rollback()
        return self.render_template("procedures/upload.html", problems=problems), 422 if problems else 200

    def _unversioned(self, version: ProcedureVersion) -> int:
        """How many open cases run under no version of the procedure, if whoever asks may move them."""
        if not allowed(May.EDIT.permission, "Case"):
            return 0
        c = table("case").c
        open_ = c.procedure_id == version.procedure_id, c.edition_id.is_(None), c.status != "CLOSED"
        return session().execute(select(func.count(c.id)).where(*open_)).scalar_one()

    def _version(self, pk: int) -> ProcedureVersion:
        return session().get(ProcedureVersion, pk) or abort(404)
