"""The line of a case through its stages, and cases on their way to another version of their procedure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext, ngettext
from sqlalchemy import select

from app.cases.models import Case, CaseStatus
from app.deadlines import flow
from app.deadlines.engine import catch_up
from app.deadlines.models import Mark, MarkKind
from app.kernel import clock
from app.kernel.access import allowed, needs, require, safe_next
from app.kernel.declare import May
from app.kernel.grants import Grant
from app.kernel.show import text
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, Wrong, save
from app.procedures.models import ProcedureVersion, Requirement, Stage, VersionStatus

OVERRULE: Grant = ("can_overrule", "CaseFlow")
MOST = 500  # cases moved to another version at once


class CaseFlow(BaseView):  # type: ignore[misc]
    """Stages as a line; marks of what is done; going on to another stage, with a reason when something is lacking."""

    route_base = "/case"
    default_view = "form"

    @expose("/<int:pk>/flow", methods=["GET", "POST"])
    @needs(May.SHOW, "Case")
    def form(self, pk: int) -> Any:
        """The whole line; posted, the case goes on."""
        if request.method == "POST":
            require(May.EDIT.permission, "Case")
        case = session().get(Case, pk) or abort(404)
        catch_up(session(), [pk])
        if request.method == "GET":
            return self._page(case)
        stage = session().get(Stage, request.form.get("stage", 0, type=int))
        reason = request.form.get("reason", "").strip()[:5000]
        try:
            if stage is None:
                raise Refused(Wrong("stage", flow.NOT_OF_THIS))
            lacks = (
                flow.lacking(flow.line(session().connection(), pk), stage.id)
                if stage.edition_id == case.edition_id
                else []
            )
            if lacks and not allowed(*OVERRULE):
                abort(403)
            flow.go_on(session(), case, stage, reason)
            session().commit()
        except (Refused, Conflict) as error:
            session().rollback()
            wrong = error.wrong if isinstance(error, Refused) else ()
            problems = [gettext(item.message) for item in wrong] or [
                gettext("Somebody has changed the case meanwhile.")
            ]
            return self._page(session().get(Case, pk), stage.id if stage else None, reason, problems), 422
        flash(gettext("The case has gone on to the stage “%(stage)s”.", stage=stage.name), "success")
        return redirect(url_for("Case.show", pk=pk))

    @expose("/<int:pk>/mark", methods=["POST"])
    @needs(May.ADD, "Mark")
    def mark(self, pk: int) -> Any:
        """One requirement is done, on a day; or is needed here, or is not."""
        case = session().get(Case, pk) or abort(404)
        requirement = session().get(Requirement, request.form.get("requirement", 0, type=int)) or abort(404)
        if requirement.edition_id != case.edition_id:
            abort(404)
        try:
            day = dt.date.fromisoformat(request.form.get("done_on", ""))
        except ValueError:
            day = clock.today()
        kind = MarkKind.__members__.get(request.form.get("kind", "")) or abort(400)
        note = request.form.get("note", "").strip()[:5000] or None
        try:
            save(session(), Mark(case=case, requirement=requirement, kind=kind, done_on=day, note=note))
            session().commit()
            flash(f"{text(kind)}: {requirement.name}.", "success")
        except Refused as refused:
            session().rollback()
            return self._page(session().get(Case, pk), problems=[gettext(item.message) for item in refused.wrong]), 422
        return redirect(safe_next(request.form.get("next") or url_for("CaseFlow.form", pk=pk)))

    def _page(self, case: Any, to: int | None = None, reason: str = "", problems: list[str] | None = None) -> Any:
        steps, anywhere = flow.whole(session().connection(), case.id)
        here = next((n for n, step in enumerate(steps) if step.here), -1)
        target = to or (steps[here + 1].id if here + 1 < len(steps) else None)
        return self.render_template(
            "deadlines/flow.html",
            case=case,
            steps=steps,
            anywhere=anywhere,
            target=target,
            reason=reason,
            problems=problems or [],
            lacks={step.id: flow.lacking(steps, step.id) for step in steps},
            may_mark=allowed(May.ADD.permission, "Mark") and case.status is not CaseStatus.CLOSED,
            may_move=allowed(May.EDIT.permission, "Case") and case.status is not CaseStatus.CLOSED,
            may_overrule=allowed(*OVERRULE),
            today=clock.today(),
        )


class MoveCases(BaseView):  # type: ignore[misc]
    """Cases at work under an older version of the same procedure, what would change for each, and the move."""

    route_base = "/procedure-version"
    default_view = "form"

    @expose("/<int:pk>/move", methods=["GET", "POST"])
    @needs(May.EDIT, "ProcedureVersion")
    def form(self, pk: int) -> Any:
        """Nothing is moved before it was seen what changes."""
        require(May.EDIT.permission, "Case")
        version = session().get(ProcedureVersion, pk) or abort(404)
        older = (
            select(Case)
            .where(Case.procedure_id == version.procedure_id, Case.status != CaseStatus.CLOSED)
            .where(Case.edition_id.is_(None) | (Case.edition_id != version.id))
            .order_by(Case.number)
            .limit(MOST)
        )
        published = version.status is VersionStatus.PUBLISHED
        cases = session().scalars(older).all() if published else []
        if request.method == "POST" and published:
            chosen = {int(id_) for id_ in request.form.getlist("case") if id_.isdecimal()}
            moved = [case for case in cases if case.id in chosen]
            try:
                for case in moved:
                    flow.move_to(session(), case, version)
                session().commit()
            except (Refused, Conflict):
                session().rollback()
                flash(
                    gettext("Nothing was moved: somebody has changed one of the cases meanwhile. Look again."), "danger"
                )
                return redirect(url_for("MoveCases.form", pk=pk))
            flash(ngettext("%(num)d case moved.", "%(num)d cases moved.", len(moved)), "success")
            more = len(cases) == MOST and len(moved) == MOST  # those that did not come onto this page
            return redirect(url_for("MoveCases.form" if more else "ProcedureVersion.show", pk=pk))
        first = any(case.edition_id is None for case in cases)
        changes = list(flow.preview(session(), version, cases)) if cases else []
        return self.render_template(
            "deadlines/move.html",
            version=version,
            changes=changes,
            published=published,
            first=first,
            cut=len(cases) == MOST,
        )


class Reopening(BaseView):  # type: ignore[misc]
    """The trouble has come back: a new case of the same family, tied to the one that was closed (KZ, «after»)."""

    route_base = "/case"
    default_view = "form"

    @expose("/<int:pk>/reopen", methods=["GET", "POST"])
    @needs(May.ADD, "Case")
    def form(self, pk: int) -> Any:
        """It begins at the first stage; what is known of the family need not be typed again."""
        before, reason, problem = session().get(Case, pk) or abort(404), "", ""
        if request.method == "POST":
            reason = request.form.get("reason", "").strip()[:5000]
            if not reason:
                problem = gettext("Say what has happened: the new case begins with it.")
            else:
                try:
                    case = self._open(before, reason)
                    session().commit()
                except Refused as refused:
                    session().rollback()
                    problem, before = " ".join(gettext(one.message) for one in refused.wrong), session().get(Case, pk)
                else:
                    flash(gettext("The case is open. Next: assess the risk and make the plan."), "success")
                    return redirect(url_for("Case.show", pk=case.id))
        page = self.render_template("deadlines/reopen.html", case=before, reason=reason, problem=problem)
        return page, 422 if problem else 200

    def _open(self, before: Case, reason: str) -> Case:
        curator = before.curator if before.curator and before.curator.works else None
        case = Case(family=before.family, procedure=before.procedure, curator=curator, reason=reason, number="")
        case.previous, case.placement = before, before.placement
        save(session(), case)
        return case
