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


class Painter:
    """Draws the cells of a field. What depends on the field and on permissions is asked once a column.

    A reference whose record may not be opened is plain text, and so is one in a cell that is a link itself.
    """

    def __init__(
        self, field: Field, may: Callable[[May, Any], bool], *, short: bool = False, links: bool = True
    ) -> None:
        self.field, self.short = field, short
        linked = links and field.target is not None and may(May.SHOW, field.target)
        self.slug = schema_of(field.target).slug if linked and field.target is not None else ""
        self._drawn: dict[Ref | Choice, str] = {}

    def __call__(self, value: Any) -> Markup:
        return Markup(self.column([value])[0])

    def column(self, values: Sequence[Any]) -> list[str]:
        """All the cells of a column as HTML. What stands there again, such as a municipality, is drawn once."""
        kept, cells = self._drawn, list[str]()
        for value in values:
            if value is None or value == "" or value == []:
                cells.append(EMPTY)
            elif isinstance(value, list):
                several = self.field.kind is Kind.REFERENCES
                cells.append(f"<span>{', '.join(self.column(value))}</span>" if several else self._one(value))
            elif isinstance(value, (Ref, Choice)):
                if (drawn := kept.get(value)) is None:
                    drawn = kept[value] = self._one(value)
                cells.append(drawn)
            else:
                cells.append(self._one(value))
        return cells

    # Here a page spends its time. Markup.format takes ten times as long as what it is put together from.
    def _one(self, value: Any) -> str:
        if isinstance(value, Ref):
            label = escape(clip(value.label) if self.short else value.label)
            return f'<a href="/{self.slug}/{value.id:d}">{label}</a>' if self.slug else str(label)
        if isinstance(value, Choice):
            return str(badge(value))
        words = text(value)
        if self.short:
            return str(escape(clip(words)))
        return f'<span class="as-typed">{escape(words)}</span>' if self.field.kind is Kind.LONG else str(escape(words))


def clip(words: str) -> str:
    return words if len(words) <= SHORTEST else words[:SHORTEST].rsplit(" ", 1)[0] + "…"


def badge(choice: Choice) -> Markup:
    words = gettext(choice.value)
    if not choice.colour:
        return escape(words)
    return Markup(f'<span class="badge bg-{choice.colour}-lt">{escape(words)}</span>')
