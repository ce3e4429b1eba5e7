"""Forms of an entity: adding, editing, the conflict of two editors, deletion."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import abort, flash, get_template_attribute, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import ngettext

from app.kernel import forms
from app.kernel.access import may, needs, safe_next
from app.kernel.bin import thrown
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.orm import Record
from app.kernel.query import ListQuery, Ref, ref
from app.kernel.schema import Field, schema_of
from app.kernel.screens.base import Screens, flash_undoable, reader
from app.kernel.show import clip
from app.kernel.web import session
from app.kernel.writing import Conflict, Refused, Wrong, belongings, remove, save

CHANGED_MEANWHILE = N_(
    "Someone else has changed this record while you were typing. What was saved stands beside your text: "
    "take from it what you need and save again."
)


class Editing(Screens):
    """Adding, editing, deleting."""

    @expose("/add", methods=["GET", "POST"])
    @needs(May.ADD)
    def add(self) -> Any:
        if request.method == "GET":
            return self._form(forms.open_draft(session(), self.schema, prefill=request.args), fill=True)
        draft = forms.posted_draft(session(), self.schema, request.form)
        return self._save(draft, self.schema.entity(), gettext("Added."))

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @needs(May.EDIT)
    def edit(self, pk: int) -> Any:
        record = self._record(pk)
        if request.method == "GET":
            return self._form(forms.open_draft(session(), self.schema, record))
        draft = forms.posted_draft(session(), self.schema, request.form, record)
        if draft.stale:
            return self._conflict(draft)
        return self._save(draft, record, gettext("Saved."))

    def _save(self, draft: forms.Draft, record: Record, message: str) -> Any:
        pk = record.id
        if forms.validated(draft):
            try:
                save(session(), *forms.apply(draft, record))
                entries = thrown(session())
                session().commit()
            except Refused as refused:
                session().rollback()
                draft.note(refused)
            except Conflict:
                session().rollback()
                return self._conflict(forms.posted_draft(session(), self.schema, request.form, self._record(pk)))
            else:
                if "in_place" in request.form:  # chosen at once in the form from which it was added
                    return {"value": str(record.id), "text": str(record)}
                if entries:
                    gone = ngettext("%(num)d row was deleted.", "%(num)d rows were deleted.", len(entries))
                    message = f"{message} {gone}"
                flash_undoable(message, entries, next := self._next(record))
                return redirect(next)
        else:
            session().rollback()
        return self._form(draft, status=422)

    def _next(self, record: Record) -> str:
        """Back to the page the form was opened from when it is one of ours, else to the record."""
        if came := request.form.get("next"):
            return safe_next(came)
        if may(May.SHOW, self.schema.entity):
            return url_for(f"{self.schema.resource}.show", pk=record.id)
        return url_for(f"{self.schema.resource}.list")

    def _conflict(self, draft: forms.Draft) -> Any:
        """Somebody saved the record meanwhile: what is typed stays, his values beside it; the next save is knowing."""
        forms.compare(draft)
        draft.wrong.append(Wrong("", gettext(CHANGED_MEANWHILE)))
        return self._form(draft, status=409)

    @expose("/add/advice", methods=["POST"])
    @needs(May.ADD)
    def advice(self) -> dict[str, Any]:
        """What is offered and suggested as a form stands that is being filled in."""
        return self._advice(None)

    @expose("/<int:pk>/edit/advice", methods=["POST"])
    @needs(May.EDIT)
    def advice_on(self, pk: int) -> dict[str, Any]:
        """The same for a record that is there already."""
        return self._advice(self._record(pk))

    def _advice(self, record: Record | None) -> dict[str, Any]:
        draft = forms.Draft(session(), self.schema, record, forms.form_class(self.schema)(request.form))
        forms.advise(draft)
        forms.label_choices(draft)
        hint = get_template_attribute("_macros.html", "hint")
        return {
            field.name: {
                "options": [[value, words] for value, words, *_ in item.iter_choices()] if field.among else None,
                "hint": hint(item, found) if found else "",
                "value": [[found.value, found.label]] if found and found.fills else None,
            }
            for field in self.schema.advised
            for item, found in [(draft.form[field.name], draft.hints.get(field.name))]
        }

    def _form(self, draft: forms.Draft, status: int = 200, *, fill: bool = False) -> Any:
        forms.advise(draft, fill=fill)
        forms.label_choices(draft)
        record = draft.record
        page = self._render(
            "form.html",
            draft=draft,
            fields={name: self.schema.field(name) for name in self.schema.form_names},
            pk=record.id if record is not None else None,
            title=str(record) if record is not None else "",
            checks=self._checks(draft),
            next=safe_next(came) if (came := request.values.get("next")) else "",
        )
        return page, status

    def _checks(self, draft: forms.Draft) -> dict[str, dict[Ref | None, list[Ref]]]:
        """Fields whose few options are ticked in a list, grouped by what narrows them."""
        return {
            name: self._ticked(self.schema.field(name))
            for name in self.schema.form_names
            if (field := self.schema.field(name)).checks and field.target and may(May.LIST, field.target)
        }

    def _ticked(self, field: Field) -> dict[Ref | None, list[Ref]]:
        assert field.target is not None
        target, group = schema_of(field.target), field.narrow[1] if field.narrow else None
        query = ListQuery(target, sort=target.admin.order[0], descending=target.admin.order[1] == "desc", size=200)
        groups: dict[Ref | None, list[Ref]] = {}
        for line in reader(target).page(query, (*target.admin.name, *((group,) if group else ()))):
            one = ref(line.id, *(line[name] for name in target.admin.name))
            groups.setdefault(line[group] if group else None, []).append(one)
        return groups

    @expose("/<int:pk>/delete", methods=["GET", "POST"])
    @needs(May.DELETE)
    def delete(self, pk: int) -> Any:
        record = self._record(pk)
        try:
            if request.method == "GET":
                lost = Counter(gettext(row.__admin__.title) for row in belongings(session(), record))
                return self._render("delete.html", pk=pk, title=str(record), lost=lost.items())
            title = str(record)
            remove(session(), record)
            entries = thrown(session())
            session().commit()
        except Refused as refused:
            session().rollback()
            flash(gettext(refused.wrong[0].message), "danger")
            return self._to("show", pk=pk)
        except Conflict:
            session().rollback()
            abort(404)
        flash_undoable(gettext("Deleted: “%(title)s”.", title=clip(title)), entries)
        return self._back()
