"""Several records at once: those ticked in a list get one value, or are deleted. All of them or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, request
from flask_appbuilder import expose
from flask_babel import ngettext
from sqlalchemy import select

from app.kernel import forms
from app.kernel.access import needs
from app.kernel.bin import thrown
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.orm import Record
from app.kernel.query import BadQuery
from app.kernel.schema import Field
from app.kernel.screens.base import Screens, flash_undoable
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, belongings, remove, save

GONE = N_("Some of the ticked records are not there any more. Look through the rest.")
CHANGED = N_("Someone else has changed this record.")
ALL_GONE = N_("The ticked records are not there any more.")


@dataclass(frozen=True)
class Objection:
    """Why nothing was done: a record that refused, and its reason."""

    record: Record | None
    message: str


class Many(Screens):
    """Bulk actions. The first post asks, the second, which says that one is sure, acts."""

    def _ticked_records(self) -> Sequence[Record]:
        """The ticked records within reach, as far as they are still there."""
        entity = self.schema.entity
        ids = self._ticked_ids()
        found = session().scalars(select(entity).where(entity.id.in_(ids)).order_by(entity.id)).all()
        if found and len(found) < len(ids):
            flash(gettext(GONE), "warning")
        return found

    @expose("/many/edit", methods=["POST"])
    @needs(May.EDIT)
    def edit_many(self) -> Any:
        """Set one field of all ticked records, the way their form would."""
        name, records = request.form.get("field", ""), self._ticked_records()
        if name not in self.schema.admin.bulk:
            raise BadQuery("field")
        if not records:
            return self._nothing_left()
        field = self.schema.field(name)
        if "sure" not in request.form:
            return self._ask_value(records, field, forms.form_of(self.schema, name)())
        form = forms.form_of(self.schema, name)(request.form)
        if len(records) < len(self._ticked_ids()) or not (form.validate() and _given(form[name])):
            return self._ask_value(records, field, form, status=422)
        objections = self._set(records, form)
        if objections:
            session().rollback()
            return self._ask_value(self._ticked_records(), field, form, objections, 409)
        count = len(records)
        session().commit()
        flash(ngettext("%(num)s record is changed.", "%(num)s records are changed.", count), "success")
        return self._back()

    def _set(self, records: Sequence[Record], form: forms.EntityForm) -> list[Objection]:
        """Write the value into all the records; what speaks against it."""
        changed = [one for one in records if request.form.get(f"version-{one.id}") != str(one.version)]
        if changed:
            return [Objection(one, gettext(CHANGED)) for one in changed]
        try:
            for record in records:
                forms.apply(forms.Draft(session(), self.schema, record, form), record)
            save(session(), *records)
        except Refused as refused:
            session().rollback()
            return [Objection(wrong.record if wrong.record in records else None, gettext(wrong.message))
                    for wrong in refused.wrong]  # fmt: skip
        except Conflict:
            session().rollback()
            return [Objection(None, gettext(CHANGED))]
        return []

    def _ask_value(
        self,
        records: Sequence[Record],
        field: Field,
        form: forms.EntityForm,
        objections: Sequence[Objection] = (),
        status: int = 200,
    ) -> Any:
        forms.label_references(session(), form)
        return self._render(
            "many_edit.html",
            records=records,
            field=field,
            input=form[field.name],
            objections=objections,
            at=request.form.get("at", ""),
        ), status

    @expose("/many/delete", methods=["POST"])
    @needs(May.DELETE)
    def delete_many(self) -> Any:
        records = self._ticked_records()
        if not records:
            return self._nothing_left()
        if "sure" not in request.form or len(records) < len(self._ticked_ids()):
            return self._ask_deletion(records)
        objections, count = [], len(records)
        for record in records:
            try:
                remove(session(), record)
            except Refused as refused:
                objections.append(Objection(record, gettext(refused.wrong[0].message)))
            except Conflict:
                objections.append(Objection(record, gettext(CHANGED)))
        if objections:
            session().rollback()
            return self._ask_deletion(records, objections, 409)
        entries, back = thrown(session()), self._back()
        session().commit()
        told = ngettext("%(num)s record is deleted.", "%(num)s records are deleted.", count)
        flash_undoable(told, entries, back.location)
        return back

    def _ask_deletion(self, records: Sequence[Record], objections: Sequence[Objection] = (), status: int = 200) -> Any:
        lost: Counter[str] = Counter()
        for record in records:
            try:
                lost.update(gettext(row.__admin__.title) for row in belongings(session(), record))
            except Refused:  # told, record by record, when the deletion is tried
                continue
        return self._render(
            "many_delete.html",
            records=records,
            lost=lost.items(),
            objections=objections,
            at=request.form.get("at", ""),
        ), status

    def _nothing_left(self) -> Any:
        flash(gettext(ALL_GONE), "warning")
        return self._back()


def _given(input: Any) -> bool:
    """Something was chosen: emptying a field of many records at once is nobody's wish."""
    if input.data is None or input.data == []:
        input.errors = [*input.errors, gettext(forms.FILL)]
        return False
    return True
