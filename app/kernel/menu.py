"""The menu: sections in the order a day's work takes, each with the lists and screens its reader may open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from flask import current_app
from flask_babel import get_locale
from markupsafe import Markup

from app.kernel.access import holding
from app.kernel.declare import May
from app.kernel.grants import Grant
from app.kernel.orm import Row
from app.kernel.schema import schema_of


@dataclass(frozen=True)
class Item:
    """A line of the menu: a path, and the permission that opens it (empty: everybody who has signed in)."""

    title: str
    path: str
    icon: str
    permission: str = ""
    resource: str = ""

    def open(self, permissions: Collection[Grant]) -> bool:
        return not self.permission or (self.permission, self.resource) in permissions

    def holds(self, path: str) -> bool:
        return path == self.path or (len(self.path) > 1 and path.startswith(self.path))


def listed(entity: type[Row]) -> Item:
    """The list of an entity."""
    schema = schema_of(entity)
    return Item(schema.admin.title, f"/{schema.slug}/", schema.admin.icon, May.LIST.permission, schema.resource)


@dataclass(frozen=True)
class Section:
    """A heading of the menu with its lines."""

    title: str
    icon: str
    items: tuple[Item, ...]


class Menu:
    """The whole menu. For each page it is asked anew what of it is open, by the permissions already loaded."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = sections
        # Drawn once for all who may open the same, on a page of the same list, in the same language.
        self._drawn = lru_cache(maxsize=256)(self._draw)

    def visible(self, permissions: Collection[Grant]) -> list[Section]:
        open_ = (tuple(item for item in section.items if item.open(permissions)) for section in self.sections)
        return [replace(section, items=items) for section, items in zip(self.sections, open_, strict=True) if items]

    def drawn(self, path: str) -> Markup:
        """The menu on the page of this path."""
        here = next((item for section in self.sections for item in section.items if item.holds(path)), None)
        exact = here is not None and here.path == path
        return self._drawn(holding().permissions, here, exact, str(get_locale()))

    def _draw(self, permissions: frozenset[Grant], here: Item | None, exact: bool, locale: str) -> Markup:
        template = current_app.jinja_env.get_template("menu.html")
        return Markup(template.render(sections=self.visible(permissions), here=here, exact=exact))
