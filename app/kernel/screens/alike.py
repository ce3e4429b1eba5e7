"""While somebody is being typed, those who are there already are offered under his name."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_appbuilder import expose
from sqlalchemy.exc import OperationalError

from app.kernel.access import may, needs
from app.kernel.alike import Answer, Resemblance, described
from app.kernel.declare import May
from app.kernel.query import record_number
from app.kernel.screens.base import Screens, reader
from app.kernel.search import Found
from app.kernel.search_screen import said
from app.kernel.web import session


class Alikes(Screens):
    """What is like the record that is being typed."""

    @expose("/alike", methods=["POST"])
    @needs(May.ADD)
    def alike(self) -> Any:
        typed = described(request.form)
        try:
            but = record_number(request.form.get("id") or "")
        except ValueError:
            but = 0
        try:
            answer = Resemblance(session(), self.schema, str(current_app.secret_key)).answer(typed, but)
            session().commit()
        except OperationalError:  # a long import holds the database: what is typed can be saved all the same
            session().rollback()
            answer = Answer()
        names = (*self.schema.admin.name, *(self.schema.admin.found or ()))
        lines = {line.id: line for line in reader(self.schema).lines([one.id for one in answer.offers], names)}
        found = Found(
            self.schema,
            self.schema.fields(self.schema.admin.found or ()),
            [lines[one.id] for one in answer.offers if one.id in lines],
        )
        return self._render(
            "alike.html", answer=answer, found=found, said=said, opens=may(May.SHOW, self.schema.entity)
        )
