"""The outbox, and who wants letters. A letter tells numbers and leads to lists: it names no family and no person."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Boolean, Column, ForeignKey, Table
from sqlalchemy.orm import Mapped

from app.kernel.declare import ADMINISTRATOR, N_, Admin, Choice, May, Page, column, parent, reference
from app.kernel.orm import LONG, SHORT, Row, metadata, now
from app.kernel.scope import within
from app.territory.models import Staff

# Which letters a person wants. Without a row: all of them.
MAIL_CHOICE = Table(
    "mail_choice",
    metadata,
    Column("user_id", ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True),
    Column("reminders", Boolean, nullable=False),
    Column("digest", Boolean, nullable=False),
)


class LetterKind(Choice):
    """What a letter is."""

    REMINDER = N_("Reminder")
    DIGEST = N_("Digest of the week")


class LetterState(Choice):
    """What has become of a letter."""

    WAITING = N_("Waits")
    SENT = N_("Sent")
    FAILED = N_("Not sent")

    @property
    def colour(self) -> str:
        return {"WAITING": "blue", "SENT": "green", "FAILED": "red"}[self.name]


class Letter(Row):
    """A letter on its way: one of a kind for a person and a day, however often and by however many it is made."""

    __tablename__ = "letter"

    key: Mapped[str] = column("", SHORT, unique=True, secret=True)
    kind: Mapped[LetterKind] = column(N_("Kind of letter"))
    day: Mapped[dt.date] = column(N_("For the day"))
    staff_id: Mapped[int] = reference("staff.id", owned=True)
    staff: Mapped[Staff] = parent(N_("Addressee"))
    address: Mapped[str] = column(N_("E-mail"), SHORT)
    subject: Mapped[str] = column(N_("Subject"), SHORT)
    text: Mapped[str] = column(N_("Text of the letter"), LONG)
    made_at: Mapped[dt.datetime] = column(N_("Made at"), default=now)
    state: Mapped[LetterState] = column(N_("State of the letter"), default=LetterState.WAITING, index=True)
    tries: Mapped[int] = column(N_("Tries"), default=0)
    next_try: Mapped[dt.datetime | None] = column(N_("Next try"), default=now)
    sent_at: Mapped[dt.datetime | None] = column(N_("Sent at"))
    error: Mapped[str | None] = column(N_("Last error"), LONG)

    __admin__ = Admin(
        one=N_("Letter"),
        title=N_("Outbox"),
        name=("subject",),
        list=("made_at", "kind", "staff", "address", "state", "tries", "next_try", "sent_at", "error"),
        form={},
        show=(
            "kind", "day", "staff", "address", "subject", "text", "made_at", "state", "tries", "next_try", "sent_at",
            "error",
        ),
        filters=("state", "kind", "staff", "day", "made_at", "sent_at"),
        order=("made_at", "desc"),
        scope=within(),  # only whoever sees everything
        page=Page("post/letter.html", "app.post.pages:letter"),
        may={ADMINISTRATOR: May.READ | May.EXPORT},
        help=N_("Reminders and digests: what was sent, what is tried again, what was not sent and why."),
        icon="mail",
    )  # fmt: skip
