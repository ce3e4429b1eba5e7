"""The hour within which urgent measures are agreed (KZ-T1): who is shown the countdown, and how it reads."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import ColumnElement, exists, false, or_, select

from app.kernel.access import allowed, identity, may
from app.kernel.declare import May
from app.kernel.grants import Grant
from app.kernel.i18n import gettext
from app.kernel.orm import now
from app.kernel.query import Line
from app.kernel.web import session
from app.signals.models import Signal, SignalStatus
from app.signals.rules import remaining

AGREE: Grant = ("can_agree", "Triage")  # to agree to urgent measures oneself, as a supervisor does
SHOWN = 3  # lines of the banner; the others wait on the desk
_OVER = (SignalStatus.UNCONFIRMED, SignalStatus.ONE_OFF)


def waits(status: SignalStatus, due: dt.datetime | None, agreed: dt.datetime | None) -> bool:
    """Whether the countdown runs, or has run out and nobody has answered yet."""
    return due is not None and agreed is None and status not in _OVER


def countdown(due: dt.datetime) -> Markup:
    """«осталось 42 мин», gone on with in the browser (static/countdown.js) by the clock of the server."""
    moment = now()
    units, left, late = (gettext("d"), gettext("h"), gettext("min")), gettext("%(time)s left"), gettext("%(time)s late")
    is_late, parts = remaining(due, moment)
    told = " ".join(f"{n} {unit}" for n, unit in zip(parts, units, strict=True) if n) or f"0 {units[-1]}"
    return Markup(
        '<span class="countdown{}" role="timer" data-seconds="{}" data-left="{}" data-late="{}"'
        ' data-units="{}">{}</span>'
    ).format(
        " is-late" if is_late else "",
        f"{(due - moment).total_seconds():.0f}",
        left,
        late,
        ",".join(units),
        (late if is_late else left).replace("%(time)s", told),
    )


def told(line: Line) -> dict[str, Any]:
    """The plain values of a signal's page."""
    running = waits(line["status"], line["urgent_due_at"], line["agreed_at"])
    return {"countdown": countdown(line["urgent_due_at"]) if running else ""}


def anything_waits() -> ColumnElement[bool]:
    """Whether urgent measures wait for anybody at all."""
    return exists().where(*_waiting()).select_from(Signal.__table__)


def _waiting() -> tuple[ColumnElement[bool], ...]:
    c = Signal.__table__.c
    return c.urgent_due_at.is_not(None), c.agreed_at.is_(None), c.status.not_in(_OVER)


def banner() -> Markup:
    """Signals whose urgent measures wait, on every page of whoever handles them and of supervisors where they came in.

    One statement over an index of the few that wait, and none while nobody waits. No personal data stands in it.
    """
    found = identity()
    if found is None or not found.alarm or found.viewer.staff_id is None or not may(May.EDIT, Signal):
        return Markup()
    me, c = found.viewer, Signal.__table__.c
    ours = c.organisation_id == me.organisation_id if allowed(*AGREE) else false()
    waiting = (
        select(c.id, c.number, c.urgent_due_at)
        .where(
            *_waiting(),
            or_(c.staff_id == me.staff_id, ours),
        )
        .order_by(c.urgent_due_at)
        .limit(SHOWN)
    )
    rows = [(row.id, row.number, countdown(row.urgent_due_at)) for row in session().connection().execute(waiting)]
    return Markup(render_template("signals/banner.html", waiting=rows)) if rows else Markup()
