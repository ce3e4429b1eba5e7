"""Help: the first hour of each role, and the guide that lies in docs/guide, read inside the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app, render_template, send_from_directory
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.sqla.models import User
from markupsafe import Markup
from sqlalchemy import exists, select

from app.kernel.access import allowed, require_identity
from app.kernel.declare import May
from app.kernel.grants import Grant
from app.kernel.orm import Row
from app.kernel.schema import schema_of
from app.kernel.web import session

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"


# --- The first hour ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something to do once: what and why, where, who it is meant for, what permits it, and what shows it done."""

    title: str
    words: str
    path: str
    roles: frozenset[str]
    needs: Grant | None = None
    made: type[Any] | None = None  # done when the reader has added one of these

    @property
    def open(self) -> bool:
        return self.needs is None or allowed(*self.needs)


def adding(title: str, words: str, entity: type[Row], roles: frozenset[str], path: str = "") -> Step:
    """A step that is done when its reader has written down a record of this kind."""
    schema = schema_of(entity)
    return Step(title, words, path or f"/{schema.slug}/add", roles, (May.ADD.permission, schema.resource), entity)


def looking(title: str, words: str, entity: type[Row], roles: frozenset[str], permission: May = May.LIST) -> Step:
    """A step that only asks to look: nothing tells whether it was done."""
    schema = schema_of(entity)
    return Step(title, words, f"/{schema.slug}/", roles, (permission.permission, schema.resource))


def first_hour() -> list[tuple[Step, bool | None]]:
    """The reader's own steps, each with whether it is done; None where nothing tells."""
    me, steps = require_identity(), _steps()
    own = frozenset(me.roles)
    shipped = frozenset().union(*(step.roles for step in steps))
    # Somebody with a role of the administrator's making is shown whatever he may do.
    mine = [step for step in steps if step.open and (step.roles & own or not own & shipped)]
    made = [step.made for step in mine if step.made is not None]
    if not made:
        return [(step, None) for step in mine]
    found = session().connection().execute(select(*(exists().where(_author(kind) == me.user.id) for kind in made)))
    done = dict(zip(made, map(bool, found.one()), strict=True))
    return [(step, done[step.made] if step.made else None) for step in mine]


def is_newcomer() -> bool:
    """Whether the reader has done nothing yet of what the system would know of."""
    known = [done for _step, done in first_hour() if done is not None]
    return bool(known) and not any(known)


def _steps() -> Sequence[Step]:
    steps: Sequence[Step] = current_app.extensions["ryadom.first_hour"]
    return steps


def _author(kind: type[Any]) -> Any:
    return kind.__table__.c["created_by_fk" if kind is User else "created_by_id"]


# --- The guide --------------------------------------------------------------------------------------------


class Heading(NamedTuple):
    """A chapter of the guide, for its table of contents."""

    anchor: str
    title: str


@lru_cache(maxsize=2)
def rendered(text: str) -> tuple[Markup, list[Heading]]:
    """The guide as a page, with an anchor at each chapter. Raw HTML in it would be shown as text."""
    from markdown_it import MarkdownIt  # a megabyte, of use to whoever opens the guide

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens, headings = reader.parse(text), list[Heading]()
    for token, inside in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            headings.append(Heading(f"p{len(headings) + 1}", inside.content))
            token.attrSet("id", headings[-1].anchor)
        if token.type == "th_open":
            token.attrSet("scope", "col")
    return Markup(reader.renderer.render(tokens, reader.options, {})), headings


class Help(BaseView):
    """Open to everybody who has signed in: it tells of screens, never of records."""

    route_base = ""
    default_view = "guide"

    @expose("/first-hour")
    def first_hour(self) -> ResponseReturnValue:
        require_identity()
        return render_template("help/first_hour.html", steps=first_hour())

    @expose("/help/")
    def guide(self) -> ResponseReturnValue:
        require_identity()
        text, headings = rendered((GUIDE / "ru.md").read_text(encoding="utf-8"))
        return render_template("help/guide.html", text=text, headings=headings)

    @expose("/help/pictures/<name>.png")
    def picture(self, name: str) -> ResponseReturnValue:
        require_identity()
        return send_from_directory(GUIDE / "pictures", f"{name}.png")
