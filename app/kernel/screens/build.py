"""The screens of an entity, built from its declaration: list, record, form, deletion, merging, papers, history."""

from __future__ import annotations

from app.kernel.orm import Row
from app.kernel.papers import printable
from app.kernel.schema import schema_of
from app.kernel.screens.alike import Alikes
from app.kernel.screens.editing import Editing
from app.kernel.screens.keeping import Keeping
from app.kernel.screens.many import Many
from app.kernel.screens.merging import Merging
from app.kernel.screens.pages import Pages
from app.kernel.screens.papers import Papers
from app.kernel.screens.scans import Scans


class EntityView(Keeping, Many, Pages, Editing, Merging, Papers, Scans, Alikes):
    """The generated screens. A subclass is made for each entity by :func:`view_of`."""


def view_of(entity: type[Row]) -> type[EntityView]:
    """The screens of an entity as a Flask-AppBuilder view. An entity without a form is only read."""
    schema = schema_of(entity)
    excluded = set() if schema.admin.form else {"add", "edit", "delete", "delete_many", "history"}
    if not (schema.admin.form and schema.advised):
        excluded |= {"advice", "advice_on"}
    if not schema.admin.bulk:
        excluded.add("edit_many")
    if schema.admin.alike is None:
        excluded.add("alike")
    if not schema.admin.merges:
        excluded.add("merge")
    if not schema.admin.prints:
        excluded.add("print")
    if not printable(schema):
        excluded |= {"papers", "together"}
    if not schema.keeps_scans:
        excluded |= {"attach", "scan", "view_scan", "detach"}
    if not schema.admin.lists:
        excluded.add("print_list")
    return type(
        schema.resource,
        (EntityView,),
        {
            "schema": schema,
            "route_base": f"/{schema.slug}",
            "class_permission_name": schema.resource,
            "exclude_route_methods": excluded,
        },
    )
