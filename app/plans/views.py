"""The plan as it will be printed, edited in place; the steps of its life; its next version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from app.cases.models import Case
from app.families.papers import child
from app.kernel import clock, forms
from app.kernel.access import may, require, require_identity
from app.kernel.declare import N_, May
from app.kernel.schema import schema_of
from app.kernel.show import badge
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused
from app.plans import life, rules, table
from app.plans.models import Activity, Goal, Plan, PlanStatus

_PLAN = schema_of(Plan)
_TRIES = 3  # of a write that met another one at the same moment

SEEN_OTHERWISE = N_("Someone else has changed the plan since you opened it. Look at it again before you go on.")


@dataclass(frozen=True)
class Step:
    """A step of the plan's life as its button and its question put it."""

    title: str
    text: str
    asks: tuple[str, ...] = ()
    loses: bool = False

    @property
    def quiet(self) -> bool:
        """Nothing to ask and nothing to lose: the button does it at once."""
        return not (self.asks or self.text)


STEPS = {
    PlanStatus.DRAFT: Step(
        N_("Back to draft"),
        N_("The date of the agreement with the family is cleared: what is written now has to be agreed anew."),
        loses=True,
    ),
    PlanStatus.AGREED: Step(N_("Agreed with the family"), N_("The family has read the plan and agrees to it."),
                            ("agreed_on",)),
    PlanStatus.ON_AGENDA: Step(N_("Put on the agenda"), ""),
    PlanStatus.APPROVED: Step(
        N_("Approve"),
        N_("From now on the words of the plan do not change: it is revised by a new version. Marks of completion can "
           "still be written."),
        ("approved_on", "protocol", "approver"),
    ),
    PlanStatus.IN_FORCE: Step(N_("Put into force"), N_("The work goes by this plan from now on.")),
    PlanStatus.FULFILLED: Step(
        N_("Fulfilled"),
        N_("The plan is kept as it is: not even marks of completion change in it any more."),
        loses=True,
    ),
    PlanStatus.CANCELLED: Step(
        N_("Cancel the plan"),
        N_("A cancelled plan is kept and can be printed, but nothing in it changes any more. This cannot be undone."),
        loses=True,
    ),
}  # fmt: skip


class StepForm(forms.EntityForm):
    """What a step asks for; a step that does not ask for a field deletes it."""

    agreed_on = forms.DayField(_PLAN.field("agreed_on").label, validators=[InputRequired(forms.FILL)])
    approved_on = forms.DayField(_PLAN.field("approved_on").label, validators=[InputRequired(forms.FILL)])
    protocol = StringField(_PLAN.field("protocol").label, filters=[forms.clean], validators=[Length(max=200)])
    approver = forms.ReferenceField(_PLAN.field("approver").label, declared=_PLAN.field("approver"))

    @classmethod
    def asking(cls, names: Iterable[str], *args: Any, **options: Any) -> StepForm:
        form = cls(*args, **options)
        for name in set(form._fields) - set(names):
            del form[name]
        return form


class RevisionForm(forms.EntityForm):
    """Why there has to be a new version."""

    reason = TextAreaField(
        _PLAN.field("revision_reason").label,
        filters=[forms.clean],
        validators=[DataRequired(forms.FILL), Length(max=forms.LONGEST)],
    )


class PlanTable(BaseView):  # type: ignore[misc]
    """The table of a plan. Whoever reads it may read the plan, its goals and its rows."""

    route_base = "/plan"
    default_view = "table"

    @expose("/<int:pk>/table", methods=["GET", "POST"])
    def table(self, pk: int) -> Any:
        """The page; posted to, the changes of the page, answered with what is stored then."""
        plan = self._plan(pk)
        if request.method == "POST":
            return self._write(plan)
        return self._page(plan)

    def _plan(self, pk: int, demand: May = May.SHOW) -> Plan:
        """The plan with its goals and rows, within reach, or 404."""
        for entity in (Plan, Goal, Activity):
            require(May.SHOW.permission, entity.__name__)
        require(demand.permission, "Plan")
        whole = selectinload(Plan.goals).selectinload(Goal.activities)
        found = session().scalars(select(Plan).where(Plan.id == pk).options(whole)) if pk < 2**31 else ()
        return next(iter(found), None) or abort(404)

    # -- the page

    def _page(self, plan: Plan) -> str:
        here = plan.status
        steps = [(to, STEPS[to]) for to in map(PlanStatus.__getitem__, rules.MOVES[here.name])]
        return self.render_template(  # type: ignore[no-any-return]
            "plans/table.html",
            plan=plan,
            state=table.state(plan),
            labels={
                name: gettext(schema_of(entity).field(name).label)
                for entity, names in table.FIELDS.items()
                for name in names
            },
            badge=badge(here),
            opens_case=may(May.SHOW, Case),
            child=child(plan.case.family),
            writes=not plan.frozen and may(May.EDIT, Plan),
            marks=not plan.closed and (may(May.EDIT, Plan) or may(May.EDIT, Activity)),
            people=self._people(plan),
            steps=steps if may(May.EDIT, Plan) else [],
            versions=life.versions(plan),
            revisable=rules.revisable(here.name) and may(May.ADD, Plan) and life.newer(plan) is None,
            user_id=require_identity().user.id,
            schema=_PLAN,
        )

    def _people(self, plan: Plan) -> list[str]:
        """Who may be responsible: the parents, whoever leads the case and helps with it, whoever is named already."""
        named = [gettext(N_("Parents")), *(one.name for one in (plan.case.curator, *plan.case.specialists) if one)]
        for goal in plan.goals:
            for row in goal.activities:
                named.extend(name.strip() for name in (row.responsible or "").split(";"))
        return list(dict.fromkeys(filter(None, named)))

    # -- its changes

    def _write(self, plan: Plan) -> Response:
        try:
            change = table.read_change(request.get_json(silent=True))
        except table.BadChange:
            abort(400)
        if not (may(May.EDIT, Plan) or (change.of_marks_alone and may(May.EDIT, Activity))):
            abort(403)
        pk = plan.id
        for _ in range(_TRIES):
            try:
                table.write(session(), plan, change)
                session().commit()
            except table.Clash as clash:
                facts = {"cells": clash.cells, "gone": clash.gone, "changed": clash.changed}
                return self._answer(pk, 409, facts)
            except Refused as refused:
                # Before the rollback: after it a new record no longer knows its name.
                wrong = [
                    {"key": table.key_of(item.record), "field": item.field, "message": gettext(item.message)}
                    for item in refused.wrong
                ]
                return self._answer(pk, 422, {"wrong": wrong})
            except Conflict:
                session().rollback()
                plan = self._plan(pk)
            except table.BadChange:
                session().rollback()
                abort(400)
            else:
                return self._answer(pk, 200, {})
        return self._answer(pk, 409, {"cells": [], "gone": [], "changed": []})

    def _answer(self, pk: int, status: int, facts: Mapping[str, Any]) -> Response:
        session().rollback()
        body = json.dumps({**facts, "state": table.state(self._plan(pk))}, ensure_ascii=False)
        return Response(body, status, mimetype="application/json")

    # -- the steps of its life

    @expose("/<int:pk>/move/<to>", methods=["GET", "POST"])
    def move(self, pk: int, to: str) -> Any:
        """A step: asked about on a small page of its own, taken when that is posted."""
        plan = self._plan(pk, May.EDIT)
        target = PlanStatus.__members__.get(to) or abort(404)
        if not rules.may_move(plan.status.name, to):
            return self._back(pk, life.NOT_NOW)
        step = STEPS[target]
        today = {"agreed_on": plan.agreed_on or clock.today(), "approved_on": clock.today()}
        if request.method == "GET":
            if self._seen() not in (None, plan.version):
                return self._back(pk, SEEN_OTHERWISE)
            return self._ask(plan, step, StepForm.asking(step.asks, data=today), target)
        form = StepForm.asking(step.asks, request.form)
        if not form.validate():
            return self._ask(plan, step, form, target, 422)
        if self._seen() != plan.version:
            return self._back(pk, SEEN_OTHERWISE)
        try:
            facts = {_PLAN.field(item.short_name).key: item.data for item in form}
            life.move(session(), plan, target, facts)
            session().commit()
        except Refused as refused:
            session().rollback()
            return self._back(pk, refused.wrong[0].message)
        except Conflict:
            session().rollback()
            return self._back(pk, SEEN_OTHERWISE)
        return self._back(pk, N_("The status of the plan is changed."), "success")

    def _seen(self) -> int | None:
        """The version of the plan that the person was looking at."""
        version = request.values.get("version", "")
        return int(version) if version.isdecimal() and len(version) < 10 else None

    def _back(self, pk: int, message: str, kind: str = "warning") -> Any:
        flash(gettext(message), kind)
        return redirect(url_for("PlanTable.table", pk=pk))

    def _ask(self, plan: Plan, step: Step, form: StepForm, to: PlanStatus, status: int = 200) -> Any:
        forms.label_references(session(), form)
        ended = life.replaced(plan) if to is PlanStatus.IN_FORCE else []
        page = self.render_template(
            "plans/step.html", plan=plan, step=step, form=form, schema=_PLAN, ended=ended, version=plan.version
        )
        return page, status

    @expose("/<int:pk>/revise", methods=["GET", "POST"])
    def revise(self, pk: int) -> Any:
        """Make the next version, and go there."""
        plan = self._plan(pk, May.ADD)
        form = RevisionForm(request.form if request.method == "POST" else None)
        if request.method == "GET" or not form.validate():
            page = self.render_template("plans/revise.html", plan=plan, form=form, schema=_PLAN)
            return page, 422 if request.method == "POST" else 200
        try:
            copy = life.revise(session(), plan, form.reason.data)
            session().commit()
        except (Refused, Conflict) as error:
            session().rollback()
            return self._back(pk, error.wrong[0].message if isinstance(error, Refused) else life.REVISED_ALREADY)
        return self._back(copy.id, N_("The new version is a draft: change what has to be changed."), "success")
