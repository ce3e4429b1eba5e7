"""Parts of pages that are the same for all who may do the same: drawn once and kept.

A part is a template that knows nothing but what it is told, the reader's language and what he may do. Those are the
key under which it is kept: nobody is shown what was drawn for another, and a change of roles is another key. Globals
that know who is asking are not there for it. What differs from one request to the next is a gap, filled in each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from secrets import token_hex
from typing import Any

from flask import Flask
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from jinja2 import Environment
from markupsafe import Markup, escape

from app.kernel.access import holding
from app.kernel.grants import Grant

MOST = 1_000  # parts kept: a kilobyte or two each
# What a part may ask: all of it follows from the language, from what the reader may do, or from the declarations.
KNOWN = frozenset(
    {
        "_",
        "gettext",
        "ngettext",
        "may",
        "May",
        "schema_of",
        "role_title",
        "locale",
        "languages",
        "drawn_icon",
        "range",
        "shown",
    }
)
_CSRF = "csrf_token"
# A mark that nobody can type: what is typed could otherwise ask for the token of whoever reads it.
_EDGE = token_hex(12)
_GAP = re.compile(f"{_EDGE}([a-z0-9_]+?){_EDGE}")


def gap(name: str) -> Markup:
    """The mark of a gap."""
    return Markup(f"{_EDGE}{name}{_EDGE}")


@dataclass(frozen=True)
class Slot:
    """An input of a form as a kept part has it: what stands in it is a gap."""

    id: str
    shown: Markup
    errors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.id


class Slots:
    """The inputs of a form, by the names of its fields."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __getitem__(self, name: str) -> Slot:
        return Slot(self._prefix + name, gap(gap_of(name)))


def gap_of(name: str) -> str:
    """What the gap of a field's input is called."""
    return f"of_{name}"


class Parts:
    """The parts of the pages of one application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        # By type too: a text and the same text as HTML are equal, and are drawn otherwise.
        self._kept = lru_cache(maxsize=MOST, typed=True)(self._draw)

    @cached_property
    def _environment(self) -> Environment:
        made = self._app.jinja_env.overlay()
        made.globals = {name: value for name, value in made.globals.items() if name in KNOWN}
        made.globals |= {_CSRF: lambda: gap(_CSRF), "gap": gap, "slots": Slots}
        return made

    def _draw(
        self, template: str, permissions: frozenset[Grant], locale: str, gaps: tuple[str, ...], **told: Any
    ) -> tuple[str, ...]:
        """The pieces of the part: text and the name of a gap in turn."""
        marks = {name: gap(name) for name in gaps}
        return tuple(_GAP.split(self._environment.get_template(template).render(told, **marks)))

    def __call__(self, template: str, gaps: Mapping[str, Any] | None = None, **told: Any) -> Markup:
        """The part, told these values. They are what it is kept under; in ``gaps`` is what changes all the time."""
        pieces = self._kept(template, holding().permissions, str(get_locale()), tuple(gaps or ()), **told)
        if len(pieces) == 1:
            return Markup(pieces[0])
        filled = [*pieces]
        for at in range(1, len(filled), 2):
            name = filled[at]
            filled[at] = generate_csrf() if name == _CSRF else str(escape((gaps or {})[name]))
        return Markup("".join(filled))
