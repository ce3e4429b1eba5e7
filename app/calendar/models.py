"""The secret link by which a person's other calendars read his days."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.orm import Model, now


class CalendarLink(Model):
    """A user's link to his calendar: the address holds a secret, and this row its digest. No row, no calendar.

    ``asked`` counts how often it was read since ``since``: a program that never stops asking is refused for a while.
    """

    __tablename__ = "calendar_link"
    __table_args__ = {"extend_existing": False}

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[dt.datetime] = mapped_column(default=now)
    since: Mapped[dt.datetime] = mapped_column(default=now)
    asked: Mapped[int] = mapped_column(default=0)
