"""The screen on which two records that are one are merged: both side by side, and what goes over."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from flask_appbuilder import expose

from app.kernel import merging
from app.kernel.access import needs, require
from app.kernel.bin import thrown
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.orm import Record
from app.kernel.query import record_number
from app.kernel.schema import Field
from app.kernel.screens.base import Screens, flash_undoable
from app.kernel.show import clip
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused

SAME = N_("This is the same record: choose another one.")
CHANGED = N_("Somebody has changed one of the two meanwhile. Look at them as they are now, and confirm again.")


class Merging(Screens):
    """Merging two records into one."""

    @expose("/<int:pk>/merge", methods=["GET", "POST"])
    @needs(May.EDIT)
    def merge(self, pk: int) -> Any:
        require(May.DELETE.permission, self.schema.resource)
        this, other_id = self._record(pk), _number("with")
        if other_id is None:
            return self._look(this, None)
        if other_id == pk:
            return self._look(this, None, SAME, status=422)
        other = self._record(other_id)
        if request.method == "GET":
            return self._look(this, other)
        if (str(this.version), str(other.version)) != (request.form.get("version"), request.form.get("other_version")):
            return self._look(this, other, CHANGED, status=409)
        title = str(other)
        try:
            merging.merge(session(), this, other, self._chosen(request.form))
            entries = thrown(session())
            session().commit()
        except Refused as refused:
            session().rollback()
            return self._look(self._record(pk), self._record(other_id), *(one.message for one in refused.wrong),
                              status=422)  # fmt: skip
        except Conflict:
            session().rollback()
            return self._look(self._record(pk), self._record(other_id), CHANGED, status=409)
        flash_undoable(gettext("Merged: “%(title)s” is a part of this record now.", title=clip(title)), entries)
        return self._to("show", pk=pk)

    def _chosen(self, form: Any) -> dict[str, str]:
        known = {merging.THIS, merging.OTHER, merging.BOTH}
        chosen = {name: form[key] for name in self.schema.form_names if (key := f"field-{name}") in form}
        return chosen if set(chosen.values()) <= known else abort(400)

    def _look(self, this: Record, other: Record | None, *wrong: str, status: int = 200) -> Any:
        """The question which other one; with it, both side by side. What was chosen stays chosen."""
        values: dict[str, Any] = {"pk": this.id, "title": str(this), "other": None}
        if other is not None:
            try:
                found = merging.preview(session(), this, other)
            except Refused as refused:
                wrong, status = tuple(one.message for one in refused.wrong), 422
            else:
                typed = self._chosen(request.form)
                values |= {
                    "other": {"id": other.id, "title": str(other)},
                    "version": this.version,
                    "other_version": other.version,
                    "sides": found.sides,
                    "chosen": {side.field.name: typed.get(side.field.name, side.proposed) for side in found.sides},
                    "moves": [(gettext(schema.admin.title), self._by(field), n) for schema, field, n in found.moves],
                    "alike": [(gettext(schema.admin.one), name) for schema, name in found.alike],
                }
        return self._render("merge.html", wrong=[gettext(one) for one in wrong], **values), status

    def _by(self, field: Field) -> str:
        """By which field the moved rows point here; that a member's «Family» is this family goes without saying."""
        return "" if field.target is None or field.label == self.schema.admin.one else gettext(field.label)


def _number(name: str) -> int | None:
    text = request.values.get(name, "")
    try:
        return record_number(text) if text else None
    except ValueError:
        abort(400)
