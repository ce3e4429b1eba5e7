"""What day it is, and where: moments are kept in UTC, a day is that of a place.

The place is where whoever is asking works: the zone of his organisation, or else of the installation (``TIMEZONE``).
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from flask import current_app, g, has_app_context

UTC = "UTC"


def zone(name: str = "") -> ZoneInfo:
    """The time zone of that name; without one that of the installation."""
    return ZoneInfo(name or (current_app.config["BABEL_DEFAULT_TIMEZONE"] if has_app_context() else UTC))


def here() -> ZoneInfo:
    """The time zone of whoever is asking: in it moments are shown and typed."""
    identity = g.get("identity") if has_app_context() else None
    return zone(identity.viewer.zone if identity else "")


def day_in(place: ZoneInfo) -> dt.date:
    """The day it is in a time zone."""
    return dt.datetime.now(place).date()


def today() -> dt.date:
    """The day it is for whoever is asking."""
    return day_in(here())
