"""What a reader keeps of a list: its columns, the length of its page, filters saved under a name."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import abort, current_app, flash, request
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.kernel import personal
from app.kernel.access import needs
from app.kernel.declare import N_, May
from app.kernel.i18n import gettext
from app.kernel.query import BadQuery, ListQuery, record_number
from app.kernel.screens.lists import SIZES, Lists, can_share
from app.kernel.web import session

UNNAMED = N_("Give the filter a name: at most 100 characters.")
NAME_TAKEN = N_("You have a filter of this name already. Choose another name.")
TOO_MANY = N_("You have saved very many filters here. Delete some first.")
OUTDATED = N_("This saved filter asks for what the list does not have any more. Delete it and save it anew.")


class Keeping(Lists):
    """The list with what its reader makes of it."""

    @expose("/look", methods=["POST"])
    @needs(May.LIST)
    def look(self) -> Any:
        """Choose the columns, or how long a page is."""
        if size := request.form.get("size"):
            if size not in map(str, SIZES):
                raise BadQuery("size")
            personal.choose(session(), self.schema.resource, size=int(size))
        else:
            ticked = set(request.form.getlist("columns"))
            chosen = [name for name in self.schema.read_names if name in ticked]
            if "default" in request.form or chosen == list(self.schema.admin.list):
                chosen = []
            personal.choose(session(), self.schema.resource, columns=",".join(chosen))
        session().commit()
        return self._back(without=("size", "page") if size else ())

    @expose("/saved/", methods=["GET", "POST"])
    @needs(May.LIST)
    def saved(self) -> Any:
        """Save the list as it is filtered; or look through one's saved filters."""
        if request.method == "GET":
            return self._saved_page()
        (query, kept), name = self._listed(self._came_from()), self._name()
        own = {one.name for one in kept.saved if one.own}
        refusal = ""
        if not name:
            refusal = UNNAMED
        elif name in own and "replace" not in request.form:
            refusal = NAME_TAKEN
        elif name not in own and len(own) >= personal.MOST_SAVED:
            refusal = TOO_MANY
        if refusal:
            flash(gettext(refusal), "danger")
            return self._back()
        address, _words = self._state(query)
        personal.save(session(), self.schema.resource, name, address, self._words(query))
        session().commit()
        flash(gettext("The filter “%(name)s” is saved.", name=name), "success")
        return self._to("saved") if "share" in request.form else self._back()

    @expose("/saved/<int:pk>/open", methods=["POST"])
    @needs(May.LIST)
    def open_saved(self, pk: int) -> Any:
        kept = personal.kept(session(), self.schema.resource)
        one = next((one for one in kept.saved if one.id == pk), None) or abort(404)
        args = MultiDict([*parse_qsl(one.address), *personal.of_words(one.words)])
        try:
            return self._open(ListQuery.parse(self.schema, args))
        except BadQuery:
            flash(gettext(OUTDATED), "warning")
            return self._to("saved")

    @expose("/saved/<int:pk>", methods=["POST"])
    @needs(May.LIST)
    def change_saved(self, pk: int) -> Any:
        """Rename a filter of one's own, and say who else is offered it."""
        one, name = self._own(pk), self._name()
        if not name or (name != one.name and personal.taken(session(), self.schema.resource, name)):
            flash(gettext(NAME_TAKEN if name else UNNAMED), "danger")
            return self._saved_page(422)
        personal.rename(session(), pk, name)
        self._share(pk)
        session().commit()
        flash(gettext("Saved."), "success")
        return self._to("saved")

    @expose("/saved/<int:pk>/delete", methods=["POST"])
    @needs(May.LIST)
    def delete_saved(self, pk: int) -> Any:
        one = self._own(pk)
        personal.forget(session(), pk)
        session().commit()
        flash(gettext("The filter “%(name)s” is deleted.", name=one.name), "success")
        return self._to("saved")

    def _own(self, pk: int) -> Any:
        return personal.own_saved(session(), self.schema.resource, pk) or abort(404)

    def _name(self) -> str:
        name = " ".join(request.form.get("name", "").replace("\x00", "").split())
        return name if len(name) <= 100 else ""

    def _share(self, id_: int) -> None:
        """Offer the filter to the roles that were ticked; without the right to share nothing is changed."""
        if not can_share():
            return
        try:
            roles = set(map(record_number, request.form.getlist("roles")))
        except ValueError:
            raise BadQuery("roles") from None
        personal.share(session(), id_, roles.intersection(self._roles()))

    def _roles(self) -> dict[int, str]:
        titles = current_app.extensions["ryadom.roles"]
        rows = session().execute(select(Role.id, Role.name).order_by(Role.id))
        return {id_: gettext(titles.get(name, name)) for id_, name in rows}

    def _saved_page(self, status: int = 200) -> Any:
        kept = personal.kept(session(), self.schema.resource)
        own = [one for one in kept.saved if one.own]
        return self._render(
            "saved.html",
            own=own,
            shared=[one for one in kept.saved if not one.own],
            roles=self._roles() if can_share() else {},
            roles_of=personal.roles_of(session(), [one.id for one in own]),
        ), status
