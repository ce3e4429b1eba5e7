"""For whatever watches over the server: does it answer, and does its database."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import BaseView, expose
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError


class Health(BaseView):
    route_base = "/health"
    default_view = "health"

    @expose("")
    def health(self) -> tuple[dict[str, str], int]:
        try:
            current_app.extensions["sqlalchemy"].session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            current_app.logger.exception("the database does not answer")
            return {"status": "database unavailable"}, 503
        return {"status": "ok"}, 200
