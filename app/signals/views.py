"""What becomes of a signal: triage, urgent measures, one-off help, not confirmed, a case.

From a signal to a case in one step: what was written down in the journal is not typed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from sqlalchemy import select
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from app.cases.models import Case
from app.families.models import Family, Member, MemberRole
from app.handover import workload
from app.handover.rules import Place
from app.kernel import clock, forms
from app.kernel.access import allowed, may, needs, require
from app.kernel.declare import N_, Hint, May
from app.kernel.orm import Record, now, viewer_of
from app.kernel.schema import Field, schema_of
from app.kernel.screens.editing import CHANGED_MEANWHILE
from app.kernel.show import text
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, Wrong, save
from app.procedures.models import Procedure, ProcedureVersion, VersionStatus
from app.risks.models import FactorSet, RiskAssessment, RiskFactor, RiskLevel
from app.signals.models import Signal, SignalStatus, usual_procedure
from app.signals.urgent import AGREE, countdown, waits
from app.territory.models import Staff

_CASE, _SIGNAL = schema_of(Case), schema_of(Signal)
_NAME = [Length(max=200)]


def _words(name: str, *validators: Any) -> TextAreaField:
    return TextAreaField(
        _SIGNAL.field(name).label, filters=[forms.clean], validators=[*validators, Length(max=forms.LONGEST)]
    )


def _reference(name: str, *validators: Any) -> forms.ReferenceField:
    return forms.ReferenceField(_SIGNAL.field(name).label, declared=_SIGNAL.field(name), validators=validators)


class StepForm(forms.EntityForm):
    """What a step asks for."""

    draft: forms.Draft | None = None  # what is typed beside what another has saved meanwhile

    @property
    def asks(self) -> list[Field]:
        """The fields, of which a step demands more than the record's own form does."""
        return [
            replace(_SIGNAL.field(name), required=item.flags.required)
            for name, item in self._fields.items()
            if name != "factors"
        ]


class TriageForm(StepForm):
    """The facts found, and the level that somebody answers for."""

    factors = forms.ReferencesField(_SIGNAL.field("factors").label, declared=_SIGNAL.field("factors"))
    procedure = _reference("procedure")
    risk = forms.ChoiceField(_SIGNAL.field("risk").label, declared=_SIGNAL.field("risk"))
    risk_reason = _words("risk_reason", Optional())
    urgent_measures = _words("urgent_measures", Optional())


class AgreeForm(StepForm):
    """With whom what was agreed; why it is late."""

    agreed_with = _reference("agreed_with", DataRequired(forms.CHOOSE))
    urgent_measures = _words("urgent_measures", DataRequired(forms.FILL))
    late_reason = _words("late_reason", Optional())


class OutcomeForm(StepForm):
    """What the primary assessment has found, and what was done."""

    assessed_on = forms.DayField(_SIGNAL.field("assessed_on").label, validators=[InputRequired(forms.FILL)])
    assessment = _words("assessment", Optional())
    decision = _words("decision", DataRequired(forms.FILL))


class Triage(BaseView):  # type: ignore[misc]
    """The steps of a signal before a case, or instead of one."""

    route_base = "/signal"
    default_view = "form"

    @expose("/<int:pk>/triage", methods=["GET", "POST"])
    @needs(May.EDIT, "Signal")
    def form(self, pk: int) -> Any:
        """The criteria lists: facts are ticked, the level follows, another one needs a reason."""
        signal = session().get(Signal, pk) or abort(404)
        sets = session().scalars(select(FactorSet).order_by(FactorSet.id)).all()
        chosen = self._set(signal, sets)
        if request.method == "GET":
            procedure = signal.procedure or usual_procedure(session(), signal)
            form = TriageForm(
                data={
                    "factors": [factor.id for factor in signal.factors],
                    "procedure": procedure.id if procedure is not None else None,
                    "risk": signal.risk,
                    "risk_reason": signal.risk_reason,
                    "urgent_measures": signal.urgent_measures,
                }
            )
        else:
            form = TriageForm(request.form)
            if self._taken(signal, form, lambda: self._triage(signal, form, chosen)):
                flash(gettext("The signal is triaged."), "success")
                return redirect(url_for("Signal.show", pk=pk))
        factors = (
            sorted(chosen.factors, key=lambda factor: (list(RiskLevel).index(factor.level), factor.position))
            if (chosen)
            else []
        )
        return self._page(
            pk,
            form,
            N_("Find the level of risk"),
            N_("Tick what is known. Leave the level empty to take the proposed one."),
            button=N_("Save"),
            sets=sets,
            chosen=chosen,
            factors=[(level, list(those)) for level, those in groupby(factors, lambda factor: factor.level)],
            levels={level.name: text(level) for level in RiskLevel},
        )

    def _set(self, signal: Signal, sets: Sequence[FactorSet]) -> FactorSet | None:
        """The criteria list: the one asked for, the signal's own, its procedure's, the one used last, or the first."""
        known = {one.id: one for one in sets}
        asked = request.values.get("factor_set" if request.method == "POST" else "set", 0, type=int)
        if (found := known.get(asked or signal.factor_set_id or 0)) is not None:
            return found
        procedure = signal.procedure or usual_procedure(session(), signal)
        named = (
            select(ProcedureVersion.factor_set_id)
            .where(ProcedureVersion.procedure_id == (procedure.id if procedure else None))
            .where(ProcedureVersion.status == VersionStatus.PUBLISHED)
        )
        if (found := known.get(session().scalar(named) or 0)) is not None:
            return found
        last = (
            select(Signal.factor_set_id)
            .where(Signal.organisation_id == signal.organisation_id, Signal.factor_set_id.is_not(None))
            .order_by(Signal.triaged_at.desc())
            .limit(1)
        )
        return known.get(session().scalar(last) or 0) or next(iter(sets), None)

    def _triage(self, signal: Signal, form: TriageForm, chosen: FactorSet | None) -> None:
        ticked = form.factors.ids
        factors: Sequence[RiskFactor] = [one for one in (chosen.factors if chosen else ()) if one.id in ticked]
        signal.factors, signal.factor_set = list(factors), chosen if factors else None
        signal.procedure = session().get(Procedure, form.procedure.data) if form.procedure.data else None
        signal.risk = form.risk.data or signal.proposed
        if signal.risk is None:
            raise Refused(
                Wrong("risk", N_("Mark at least one fact, or choose the level yourself and give the reason."))
            )
        signal.risk_reason, signal.urgent_measures = form.risk_reason.data, form.urgent_measures.data
        if signal.status is SignalStatus.NEW:
            signal.status = SignalStatus.CHECKING
        self._handle(signal)

    def _handle(self, signal: Signal) -> None:
        """A signal that was nobody's is handled by whoever takes it up."""
        staff_id = viewer_of(session()).staff_id
        if signal.staff_id is None and staff_id is not None:
            signal.staff = session().get(Staff, staff_id)

    @expose("/<int:pk>/agree", methods=["GET", "POST"])
    @needs(May.EDIT, "Signal")
    def agree(self, pk: int) -> Any:
        """Urgent measures are agreed: now, with whom; late is told, and nothing is refused for it."""
        signal = session().get(Signal, pk) or abort(404)
        if signal.agreed_at is not None or signal.risk is not RiskLevel.HIGH:
            flash(gettext("There are no urgent measures to agree now."), "info")
            return redirect(url_for("Signal.show", pk=pk))
        late = signal.urgent_due_at is not None and signal.urgent_due_at < now()
        if request.method == "GET":
            own = viewer_of(session()).staff_id if allowed(*AGREE) else None
            form = AgreeForm(data={"agreed_with": own, "urgent_measures": signal.urgent_measures})
        else:
            form = AgreeForm(request.form)
        if not late:
            del form.late_reason
        if request.method == "POST" and self._taken(signal, form, lambda: self._agree(signal, form)):
            flash(gettext("The urgent measures are agreed."), "success")
            return redirect(url_for("Signal.show", pk=pk))
        return self._page(pk, form, N_("Agree urgent measures"), button=N_("Agreed"))

    def _agree(self, signal: Signal, form: AgreeForm) -> None:
        colleague = session().get(Staff, form.agreed_with.data) if form.agreed_with.data else None
        if colleague is None:
            raise Refused(Wrong("agreed_with", forms.CHOOSE))
        signal.agreed_at, signal.agreed_with = now(), colleague
        signal.urgent_measures = form.urgent_measures.data
        signal.late_reason = form.late_reason.data if "late_reason" in form else None

    @expose("/<int:pk>/one-off", methods=["GET", "POST"])
    @needs(May.EDIT, "Signal")
    def one_off(self, pk: int) -> Any:
        """Help was given once, and no case is needed: into the journal of visitors."""
        told = N_("No case is opened: the signal goes into the journal of visitors. Write what help was given.")
        return self._outcome(pk, SignalStatus.ONE_OFF, N_("One-off help"), told)

    @expose("/<int:pk>/unconfirmed", methods=["GET", "POST"])
    @needs(May.EDIT, "Signal")
    def unconfirmed(self, pk: int) -> Any:
        """The family needs no help: into the journal of unconfirmed requests."""
        told = N_("The signal goes into the journal of unconfirmed requests. Write how that was found.")
        return self._outcome(pk, SignalStatus.UNCONFIRMED, N_("Not confirmed"), told)

    def _outcome(self, pk: int, status: SignalStatus, title: str, told: str) -> Any:
        signal = session().get(Signal, pk) or abort(404)
        if signal.case_id is not None:
            flash(gettext("A case is open on this signal already."), "info")
            return redirect(url_for("Signal.show", pk=pk))
        if request.method == "GET":
            today = clock.today()
            form = OutcomeForm(
                data={
                    "assessed_on": signal.assessed_on or today,
                    "assessment": signal.assessment,
                    "decision": signal.decision,
                }
            )
            return self._page(pk, form, title, told)
        form = OutcomeForm(request.form)

        def write() -> None:
            form.populate_obj(signal)
            signal.status = status
            self._handle(signal)

        if self._taken(signal, form, write):
            flash(gettext("Written down: %(status)s.", status=text(status)), "success")
            return redirect(url_for("Signal.show", pk=pk))
        return self._page(pk, form, title, told)

    def _taken(self, signal: Signal, form: StepForm, write: Callable[[], None]) -> bool:
        """Whether the step is taken; else what is wrong stands beside its fields, or what another saved meanwhile."""
        if not form.validate():
            return False
        if request.form.get("version", 0, type=int) != signal.version:
            self._compare(signal, form)
            return False
        try:
            with session().no_autoflush:
                write()
            save(session(), signal)
            session().commit()
        except Refused as refused:
            session().rollback()
            for item in refused.wrong:
                field = form[item.field] if item.field in form else next(iter(form))
                field.errors = [*field.errors, gettext(item.message)]
            return False
        except Conflict:
            session().rollback()
            self._compare(session().get(Signal, signal.id) or abort(404), form)
            return False
        return True

    def _compare(self, signal: Signal, form: StepForm) -> None:
        """As in every form: what is typed stays, what was saved stands beside it, and the next save is knowing."""
        form.draft = forms.Draft(session(), _SIGNAL, signal, form)
        forms.compare(form.draft)

    def _page(self, pk: int, form: StepForm, title: str, told: str = "", **more: Any) -> Any:
        signal = session().get(Signal, pk) or abort(404)
        forms.label_references(session(), form)
        running = waits(signal.status, signal.urgent_due_at, signal.agreed_at)
        page = self.render_template(
            "signals/step.html",
            signal=signal,
            form=form,
            draft=form.draft,
            version=request.form.get("version") if form.errors else signal.version,
            asks=form.asks,
            schema=_SIGNAL,
            title=title,
            text=told,
            problems=[gettext(CHANGED_MEANWHILE)] if form.draft else [],
            countdown=countdown(signal.urgent_due_at) if running and signal.urgent_due_at else "",
            **more,
        )
        return page, 409 if form.draft else 422 if form.errors else 200


class OpenCaseForm(forms.EntityForm):
    """The family that is known already, or the two names that begin a new one; and what a case needs."""

    family = forms.ReferenceField(N_("A family that is known already"), declared=_CASE.field("family"))
    family_name = StringField(N_("A new family: surname"), filters=[forms.clean], validators=_NAME)
    child_name = StringField(N_("The child's full name"), filters=[forms.clean], validators=_NAME)
    procedure = forms.ReferenceField(_CASE.field("procedure").label, declared=_CASE.field("procedure"))
    curator = forms.ReferenceField(_CASE.field("curator").label, declared=_CASE.field("curator"))


class OpenCase(BaseView):  # type: ignore[misc]
    """Confirms a signal: names the family and the curator, opens the case, links all three."""

    route_base = "/signal"
    default_view = "form"

    @expose("/<int:pk>/open-case", methods=["GET", "POST"])
    @needs(May.EDIT, "Signal")
    def form(self, pk: int) -> Any:
        require(May.ADD.permission, "Case")
        signal = session().get(Signal, pk) or abort(404)
        if signal.case_id is not None:
            flash(gettext("A case is open on this signal already."), "info")
            return redirect(url_for("Case.show", pk=signal.case_id))
        if request.method == "GET":
            form = OpenCaseForm(data=self._proposed(signal))
            return self._page(signal, form)
        form = OpenCaseForm(request.form)
        if form.validate():
            try:
                case = self._open(signal, form)
                session().commit()
            except Refused as refused:
                session().rollback()
                for item in refused.wrong:
                    field = form[item.field] if item.field in form._fields else form.family_name
                    field.errors = [*field.errors, gettext(item.message)]
            else:
                flash(gettext("The case is open. Next: assess the risk and make the plan."), "success")
                return redirect(url_for("Case.show", pk=case.id))
        return self._page(session().get(Signal, pk) or abort(404), form, 422)

    def _proposed(self, signal: Signal) -> dict[str, Any]:
        procedure = signal.procedure or usual_procedure(session(), signal)
        return {
            "family": signal.family_id,
            "curator": signal.staff_id or viewer_of(session()).staff_id,
            "procedure": procedure.id if procedure is not None else None,
        }

    def _open(self, signal: Signal, form: OpenCaseForm) -> Case:
        family = self._family(signal, form)
        procedure = session().get(Procedure, form.procedure.data) if form.procedure.data else None
        if procedure is None:
            raise Refused(Wrong("procedure", forms.CHOOSE))
        curator = session().get(Staff, form.curator.data) if form.curator.data else None
        case = Case(family=family, procedure=procedure, curator=curator, reason=self._reason(signal), number="")
        signal.family, signal.case, signal.status = family, case, SignalStatus.CONFIRMED
        save(session(), *([family] if session().is_modified(family) or family.id is None else []), case, signal,
             *self._assessment(signal, family))  # fmt: skip
        return case

    def _reason(self, signal: Signal) -> str:
        """What was reported, by whom, and what the primary assessment has found."""
        told = [signal.content]
        if signal.reporter:
            told.append(gettext("From whom: %(who)s", who=signal.reporter))
        if signal.assessment:
            told.append(gettext("Primary assessment: %(what)s", what=signal.assessment))
        return "\n".join(told)

    def _assessment(self, signal: Signal, family: Family) -> list[Record]:
        """The facts of the triage are the first assessment of the family's risk."""
        if not signal.factors or signal.triaged_at is None or not may(May.ADD, RiskAssessment):
            return []
        return [
            RiskAssessment(
                family=family,
                assessed_on=signal.triaged_at.astimezone(clock.here()).date(),
                factor_set=signal.factor_set,
                factors=list(signal.factors),
                level=signal.risk,
                reason=signal.risk_reason,
                staff=signal.staff,
            )
        ]

    def _family(self, signal: Signal, form: OpenCaseForm) -> Family:
        if form.family.data:
            found = session().get(Family, form.family.data)
            if found is None:
                raise Refused(Wrong("family", forms.GONE))
            if may(May.EDIT, Family):
                found.phone = found.phone or signal.phone
                found.address = found.address or signal.address
            return found
        if not form.family_name.data:
            raise Refused(Wrong("family_name", N_("Choose a known family, or give the surname of a new one.")))
        family = Family(
            name=form.family_name.data,
            organisation_id=signal.organisation_id,
            municipality_id=signal.municipality_id,
            address=signal.address,
            phone=signal.phone,
        )
        if form.child_name.data:
            family.members.append(Member(name=form.child_name.data, role=MemberRole.CHILD))
        return family

    def _suggested(self, signal: Signal, form: OpenCaseForm) -> Hint | None:
        """Whom to appoint where the family lives, as far as that is known."""
        family = session().get(Family, form.family.data) if form.family.data else None
        place = workload.place_of(family) if family else Place(signal.municipality_id)
        organisation_id = family.organisation_id if family else signal.organisation_id
        return workload.appointed(session(), organisation_id, place, clock.today(), but={form.curator.data})

    def _page(self, signal: Signal, form: OpenCaseForm, status: int = 200) -> Any:
        forms.label_references(session(), form)
        page = self.render_template(
            "signals/open_case.html",
            signal=signal,
            form=form,
            schema=_CASE,
            suggested=self._suggested(signal, form),
        )
        return page, status
