"""How a value looks: in a cell of a page and as text in an export. One function a kind, so lists stay cheap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from app.kernel import clock
from app.kernel.declare import Choice, May
from app.kernel.i18n import gettext
from app.kernel.query import Ref
from app.kernel.schema import Field, Kind, schema_of

SHORTEST = 160  # characters of a long text that a list shows
THIN = "\u202f"  # narrow no-break space between thousands


def number(value: Any) -> str:
    """«20 600» or «6 800,50»."""
    if isinstance(value, Decimal):
        value = value.normalize()
        if value == value.to_integral():
            return f"{int(value):,}".replace(",", THIN)
        return f"{value:,.2f}".replace(",", THIN).replace(".", ",")
    return f"{value:,}".replace(",", THIN)


def text(value: Any) -> str:
    """Any value as plain text; nothing is an empty string."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, Choice):
        return str(gettext(value.value))
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(clock.here()):%d.%m.%Y %H:%M}"
    if isinstance(value, dt.date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, Ref):
        return value.label
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    if isinstance(value, Sequence):
        return "; ".join(text(one) for one in value)
    return str(value)


EMPTY = Markup('<span class="text-secondary nothing">—</span>')


def painter(
    field: Field, may: Callable[[May, Any], bool], *, short: bool = False, links: bool = True
) -> Callable[[Any], Markup]:
    """The function that draws this field's cells: permissions are asked once a column, not once a cell.

    A reference whose record may not be opened is plain text, and so is one in a cell that is a link itself.
    """
    linked = links and field.target is not None and may(May.SHOW, field.target)
    slug = schema_of(field.target).slug if field.target is not None else ""
    badges: dict[Choice, Markup] = {}

    # Here a page spends its time. Markup.format takes ten times as long as what it is put together from.
    def one(ref: Ref) -> Markup:
        label = escape(clip(ref.label) if short else ref.label)
        return Markup(f'<a href="/{slug}/{ref.id:d}">{label}</a>') if linked else label

    def paint(value: Any) -> Markup:
        if value is None or value == "" or value == []:
            return EMPTY
        if isinstance(value, Ref):
            return one(value)
        if isinstance(value, Choice):
            if value not in badges:
                badges[value] = badge(value)
            return badges[value]
        if field.kind is Kind.REFERENCES:
            # In one element: on a narrow screen the parts of a cell are laid out side by side.
            return Markup("<span>%s</span>") % Markup(", ").join(map(one, value))
        words = text(value)
        if short:
            return escape(clip(words))
        return Markup(f'<span class="as-typed">{escape(words)}</span>') if field.kind is Kind.LONG else escape(words)

    return paint


def clip(words: str) -> str:
    return words if len(words) <= SHORTEST else words[:SHORTEST].rsplit(" ", 1)[0] + "…"


def badge(choice: Choice) -> Markup:
    words = gettext(choice.value)
    if not choice.colour:
        return escape(words)
    return Markup('<span class="badge bg-{0}-lt">{1}</span>').format(choice.colour, words)
