"""The search of the whole site: a box in the header that answers while one types, and a page that needs no script.

Both are posted to: what is looked for are names, and names stand in no address and no log.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_appbuilder import BaseView, expose

from app.kernel import clock
from app.kernel.access import may, require_identity
from app.kernel.declare import May
from app.kernel.i18n import gettext
from app.kernel.query import BadQuery
from app.kernel.schema import Schema, schema_of
from app.kernel.search import EACH, Found, Search
from app.kernel.show import text
from app.kernel.web import session

OFFERED = 6  # of one entity, while typing


def opened() -> list[Schema]:
    """What whoever is asking may look for, in the order of the menu: what he may both list and open."""
    entities = current_app.extensions["ryadom.entities"]
    items = (item for section in current_app.extensions["ryadom.menu"].sections for item in section.items)
    return [
        schema_of(entity)
        for item in items
        if (entity := entities.get(item.resource)) is not None
        and entity.__admin__.found is not None
        and may(May.LIST, entity)
        and may(May.SHOW, entity)
    ]


def _words() -> str:
    q = str(request.form.get("q", "")).strip()
    if len(q) > 200 or "\x00" in q:
        raise BadQuery("q")
    return q


def said(found: Found, line: Any) -> str:
    """The second line of an answer: what the entity says of itself beside its name."""
    values = (text(line[field.name]) for field in found.fields)
    return " · ".join(filter(None, dict.fromkeys(values)))


class SiteSearch(BaseView):
    """Everybody who has signed in; what he finds is what he may open."""

    route_base = "/search"
    default_view = "page"

    def _find(self, most: int) -> dict[str, Any]:
        q = _words()
        schemas = opened()
        groups = Search(session(), schemas, zone=clock.here().key).find(q, most) if q else []
        kinds = ", ".join(gettext(schema.admin.title).lower() for schema in schemas)
        return {"q": q, "groups": groups, "kinds": kinds, "said": said}

    @expose("/", methods=["GET", "POST"])
    def page(self) -> Any:
        require_identity()
        return self.render_template("search/page.html", **self._find(EACH))

    @expose("/offers", methods=["POST"])
    def offers(self) -> Any:
        require_identity()
        return self.render_template("search/offers.html", **self._find(OFFERED))
