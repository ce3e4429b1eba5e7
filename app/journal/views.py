"""Bringing a case in from a workbook in the browser: look first, then load."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, request
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.journal.case_workbook import ImportReport, import_case
from app.kernel.access import needs
from app.kernel.grants import Grant
from app.kernel.orm import viewer_of
from app.kernel.schema import schema_of
from app.kernel.scope import OutOfReach
from app.kernel.sheets import Remark
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused
from app.territory.models import OWN_ORGANISATION, Organisation, Staff

IMPORT: Grant = ("can_import", "CaseWorkbook")


class CaseWorkbook(BaseView):  # type: ignore[misc]
    """A workbook is first only checked; the same screen then loads it. The same file twice changes nothing."""

    route_base = "/import/case"
    default_view = "form"

    @expose("/", methods=["GET", "POST"])
    @needs(IMPORT[0])
    def form(self) -> Any:
        if request.method == "GET":
            return self._page()
        viewer, organisation, file = viewer_of(session()), self._owner(), request.files.get("file")
        if organisation is None:
            return self._page(problem=gettext("Choose the organisation whose case this is."))
        if file is None or not file.filename:
            return self._page(problem=gettext("Choose a workbook (XLSX)."))
        curator = session().get(Staff, viewer.staff_id) if viewer.staff_id else None
        dry_run = request.form.get("load") != "1"
        try:
            report = import_case(session(), file.stream, organisation=organisation, curator=curator, dry_run=dry_run)
            if report.accepted and not dry_run:
                session().commit()
                flash(gettext("Loaded."), "success")
            return self._page(report, status=200 if report.accepted else 422)
        except Refused as refused:
            problem = " ".join(gettext(item.message) for item in refused.wrong)
        except (Conflict, OutOfReach):
            problem = gettext("A record of this workbook is not yours to change, or someone else is changing it now.")
        session().rollback()
        return self._page(problem=problem)

    def _owner(self) -> Organisation | None:
        """Whose case it is: the reader's own organisation's, else that of the one he chose or of the only one."""
        viewer, offered = viewer_of(session()), self._offered()
        if viewer.organisation_id:
            return session().get(Organisation, viewer.organisation_id)
        if not offered and viewer.sees_everything:
            session().add(first := Organisation(name=OWN_ORGANISATION))
            return first
        chosen = request.form.get("organisation", "")
        return next((one for one in offered if len(offered) == 1 or str(one.id) == chosen), None)

    def _offered(self) -> list[Organisation]:
        """Organisations to choose from, for somebody who works for none of them."""
        if viewer_of(session()).organisation_id:
            return []
        return session().query(Organisation).order_by(Organisation.name).all()

    def _page(self, report: ImportReport | None = None, problem: str = "", status: int = 200) -> Any:
        entities = current_app.extensions["ryadom.entities"]
        page = self.render_template(
            "journal/import.html",
            report=report,
            problem=problem,
            organisations=self._offered(),
            chosen=request.form.get("organisation", ""),
            title_of=lambda resource: gettext(schema_of(entities[resource]).admin.title),
            label_of=lambda resource, name: _label(entities[resource], name),
            say=_say,
        )
        return page, 422 if problem else status


def _label(entity: Any, name: str) -> str:
    schema = schema_of(entity)
    field = next((schema.field(one) for one in schema.read_names if one == name or schema.field(one).key == name), None)
    return gettext(field.label) if field else name


def _say(remark: Remark) -> str:
    """The remark in the reader's language; what fills its places may be a message itself."""
    return gettext(remark.reason, **remark.facts)
