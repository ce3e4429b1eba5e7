"""«Нагрузка»: who leads how much, and the passing of cases from hand to hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, TextAreaField

from app.cases.models import Case
from app.handover import transfer, workload
from app.handover.models import Absence, Handover, HandoverReason, HandoverState
from app.handover.rules import Candidate, Suggestion
from app.handover.workload import HAND_OVER
from app.kernel import clock, forms
from app.kernel.access import needs, require, require_identity
from app.kernel.declare import N_, May
from app.kernel.query import Line, record_number
from app.kernel.schema import schema_of
from app.kernel.screens.base import reader
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, Wrong
from app.territory.models import Staff

_HANDOVER, _MAY = schema_of(Handover), HAND_OVER[0]
MOST = 500  # cases of one curator, as many as nobody leads

CHANGED = N_("Someone else has changed these cases. Look through them again.")
NOTHING_TICKED = N_("Tick at least one case.")
NOBODY = N_("Nobody can be suggested for a case: choose to whom it passes.")


class TermsForm(forms.EntityForm):
    """How the ticked cases pass, as a whole."""

    # Left empty, each case goes to the one suggested for it.
    receiver = forms.ReferenceField(
        _HANDOVER.field("receiver").label, declared=replace(_HANDOVER.field("receiver"), required=False)
    )
    reason = forms.ChoiceField(_HANDOVER.field("reason").label, declared=_HANDOVER.field("reason"))
    day = forms.DayField(_HANDOVER.field("day").label)
    temporary = BooleanField(_HANDOVER.field("temporary").label)
    until = forms.DayField(_HANDOVER.field("until").label)
    note = TextAreaField(_HANDOVER.field("note").label, filters=[forms.clean])

    @property
    def terms(self) -> transfer.Terms:
        return transfer.Terms(
            self.reason.data or HandoverReason.OTHER,
            self.day.data or clock.today(),
            bool(self.temporary.data),
            self.until.data,
            self.note.data,
        )


@dataclass(frozen=True)
class Row:
    """A case that may be handed over: as it is shown, and to whom it would go."""

    case: Case
    line: Line
    suggestion: Suggestion | None
    ticked: bool = True

    @property
    def why(self) -> str:
        return workload.reason(self.suggestion) if self.suggestion else ""

    @property
    def receiver(self) -> Candidate | None:
        return self.suggestion.candidate if self.suggestion else None


class Workload(BaseView):  # type: ignore[misc]
    """The load of all curators; the cases of one, with their successors; and what was handed over."""

    route_base = "/workload"
    default_view = "list"

    @expose("/")
    @needs(_MAY)
    def list(self) -> Any:
        today = clock.today()
        return self.render_template("handover/workload.html", shares=workload.shares(session(), today), today=today)

    @expose("/<int:pk>", methods=["GET", "POST"])
    @needs(_MAY)
    def curator(self, pk: int) -> Any:
        """The cases of a curator; number 0 stands for nobody. The first post asks, the second, being sure, acts."""
        giver = self._giver(pk)
        if request.method == "GET":
            return self._page(giver, self._proposed(giver))
        form = TermsForm(request.form)
        rows = self._rows(giver, request.form.getlist("ticked"))
        ticked = [row for row in rows if row.ticked]
        if not form.validate() or not ticked:
            if not ticked:
                flash(gettext(NOTHING_TICKED), "warning")
            return self._page(giver, form, rows, 422)
        if any(str(row.case.version) != request.form.get(f"version-{row.case.id}") for row in ticked):
            flash(gettext(CHANGED), "warning")
            return self._page(giver, form, rows, 409)
        try:
            pairs = self._pairs(ticked, form)
            if "sure" not in request.form:
                return self._ask(giver, form, pairs)
            transfer.pass_on(session(), pairs, form.terms, require_identity().name)
            session().commit()
        except Refused as refused:
            session().rollback()
            self._note(form, refused)
            giver = self._giver(pk)
            return self._page(giver, form, self._rows(giver, request.form.getlist("ticked")), 422)
        except Conflict:
            session().rollback()
            flash(gettext(CHANGED), "warning")
            return redirect(url_for("Workload.curator", pk=pk))
        count = len(pairs)
        flash(ngettext("%(num)d case is handed over.", "%(num)d cases are handed over.", count), "success")
        return redirect(url_for("Workload.curator", pk=pk))

    @expose("/<int:pk>/return", methods=["POST"])
    @needs(_MAY)
    def give_back(self, pk: int) -> Any:
        """The absent one is back: his cases return to him."""

        def back(db: Session, found: Sequence[Handover]) -> str:
            transfer.give_back(db, found, clock.today(), require_identity().name)
            return ngettext("%(num)d case is returned.", "%(num)d cases are returned.", len(found))

        return self._with_ticked(pk, back)

    @expose("/<int:pk>/undo", methods=["POST"])
    @needs(_MAY)
    def undo(self, pk: int) -> Any:
        """It was a mistake: the cases stay where they were."""

        def take_back(db: Session, found: Sequence[Handover]) -> str:
            transfer.undo(db, found)
            return ngettext("%(num)d hand-over is undone.", "%(num)d hand-overs are undone.", len(found))

        return self._with_ticked(pk, take_back)

    @expose("/read/<int:pk>", methods=["POST"])
    def read(self, pk: int) -> Any:
        """Whoever receives a case says that he knows of it."""
        require(May.SHOW.permission, "Handover")
        found = session().get(Handover, pk) or abort(404)
        if found.receiver_id != require_identity().viewer.staff_id:
            abort(403)
        if found.read_on is None and found.state is HandoverState.IN_FORCE:
            found.read_on = clock.today()
            session().commit()
            flash(gettext("It is noted that you have read it."), "success")
        return redirect(url_for("Case.show", pk=found.case_id))

    # -- what is read

    def _giver(self, pk: int) -> Staff | None:
        return (session().get(Staff, pk) or abort(404)) if pk else None

    def _rows(self, giver: Staff | None, ticked: Iterable[str] | None = None) -> Sequence[Row]:
        """The giver's cases with their risk and successors; the ticked ones first share the work among themselves."""
        giver_id = giver.id if giver else None
        cases = transfer.open_cases(session(), giver_id)[:MOST]
        lines = {line.id: line for line in reader(schema_of(Case)).lines(
            [case.id for case in cases], ("number", "family", "status", "risk", "last_contact"))}  # fmt: skip
        chosen = None if ticked is None else set(ticked)
        passing = [(case, _level(lines[case.id])) for case in cases if chosen is None or str(case.id) in chosen]
        found = workload.successors(session(), passing, giver_id, clock.today())
        return [
            Row(case, lines[case.id], found.get(case.id), chosen is None or str(case.id) in chosen) for case in cases
        ]

    def _proposed(self, giver: Staff | None) -> TermsForm:
        """What is known of the absence stands in the form already."""
        today = clock.today()
        away = workload.absences(session(), today).get(giver.id) if giver else None
        if giver is not None and not giver.works:
            return TermsForm(data={"reason": HandoverReason.DISMISSAL, "day": today})
        if away is None:
            return TermsForm(data={"reason": HandoverReason.LOAD if giver else HandoverReason.OTHER, "day": today})
        return TermsForm(data={"reason": HandoverReason.ABSENCE, "day": today, "temporary": True, "until": away.until,
                               "receiver": away.stand_in_id})  # fmt: skip

    def _pairs(self, ticked: Sequence[Row], form: TermsForm) -> Sequence[tuple[Case, Staff]]:
        """Each ticked case with who gets it: one for all, or as suggested for each."""
        if form.receiver.data:
            receiver = session().get(Staff, form.receiver.data)
            if receiver is None:
                raise Refused(Wrong("receiver", forms.GONE))
            return [(row.case, receiver) for row in ticked]
        if any(row.receiver is None for row in ticked):
            raise Refused(Wrong("receiver", NOBODY))
        # What was shown is what is done, even if somebody else has got more to do meanwhile.
        wanted = {row.case.id: _posted(f"to-{row.case.id}") or row.receiver.id for row in ticked if row.receiver}
        people = {one.id: one for one in session().scalars(select(Staff).where(Staff.id.in_(wanted.values())))}
        if set(wanted.values()) - set(people):
            raise Refused(Wrong("receiver", forms.GONE))
        return [(row.case, people[wanted[row.case.id]]) for row in ticked]

    def _with_ticked(self, pk: int, act: Callable[[Session, Sequence[Handover]], str]) -> Response:
        """Do something with the ticked hand-overs, all or none."""
        db = session()
        try:
            ids = [record_number(one) for one in request.form.getlist("ticked")]
        except ValueError:
            abort(400)
        found = db.scalars(select(Handover).where(Handover.id.in_(ids)).order_by(Handover.id)).all()
        try:
            message = act(db, found)
            db.commit()
        except (Refused, Conflict) as error:
            db.rollback()
            flash(gettext(error.wrong[0].message if isinstance(error, Refused) else CHANGED), "warning")
        else:
            flash(message if found else gettext(NOTHING_TICKED), "success" if found else "warning")
        return redirect(url_for("Workload.curator", pk=pk))  # type: ignore[return-value]

    def _note(self, form: TermsForm, refused: Refused) -> None:
        for item in refused.wrong:
            field = form._fields.get(item.field) or form.receiver
            message = gettext(item.message)
            if message not in field.errors:
                field.errors = [*field.errors, message]

    # -- the pages

    def _page(self, giver: Staff | None, form: TermsForm, rows: Sequence[Row] | None = None, status: int = 200) -> Any:
        rows = self._rows(giver) if rows is None else rows
        forms.label_references(session(), form)
        today = clock.today()
        page = self.render_template(
            "handover/curator.html",
            giver=giver,
            pk=giver.id if giver else 0,
            rows=rows,
            form=form,
            schema=_HANDOVER,
            away=self._away(giver, today),
            handed=self._handed(giver) if giver else (),
            today=today,
        )
        return page, status

    def _away(self, giver: Staff | None, today: dt.date) -> Absence | None:
        return workload.absences(session(), today).get(giver.id) if giver else None

    def _handed(self, giver: Staff) -> Sequence[Handover]:
        """What of his still may be undone, or comes back to him one day."""
        given = Handover.giver_id == giver.id, Handover.state == HandoverState.IN_FORCE
        open_ = Handover.temporary | Handover.read_on.is_(None)
        found = session().scalars(select(Handover).where(*given, open_).order_by(Handover.day.desc(), Handover.id))
        return [one for one in found if one.case.curator_id == one.receiver_id]

    def _ask(self, giver: Staff | None, form: TermsForm, pairs: Sequence[tuple[Case, Staff]]) -> Any:
        forms.label_references(session(), form)
        return self.render_template(
            "handover/confirm.html", giver=giver, pk=giver.id if giver else 0, form=form, terms=form.terms, pairs=pairs
        )


def _level(line: Line) -> str | None:
    return line["risk"].name if line["risk"] else None


def _posted(name: str) -> int | None:
    try:
        return record_number(request.form.get(name, ""))
    except ValueError:
        return None
