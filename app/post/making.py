"""Letters out of the very blocks that a person finds on his desk, counted as that person: what is new there comes into
the letters by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, g
from flask_babel import force_locale, format_date, ngettext
from sqlalchemy import and_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.desk import blocks
from app.desk.blocks import Block
from app.desk.rules import CASEWORK
from app.kernel.access import identify
from app.kernel.i18n import gettext
from app.kernel.orm import acting_as
from app.kernel.scope import table
from app.kernel.web import session
from app.post import rules
from app.post.models import MAIL_CHOICE, Letter, LetterKind
from app.territory.kinds import zone_of
from app.territory.models import Organisation, Staff


def make(app: Flask, moment: dt.datetime) -> int:
    """Make the letters of the day that are not made yet; how many were. Hour and day are those of who is to read them.

    Safe to run twice, and by two at once: the key of a letter is the only one of its kind.
    """
    with app.app_context(), acting_as(session()):
        wanted = list(_wanted(session(), moment, app.config["MAIL_HOUR"]))
    return sum(_made(app, person, kind, day) for person, kind, day in wanted)


def _wanted(db: Session, moment: dt.datetime, hour: int) -> Iterator[tuple[Any, LetterKind, dt.date]]:
    """Who has an address and wants which letters at that moment, but for those that are made already."""
    users, choice = table("ab_user"), MAIL_CHOICE
    people = db.execute(
        select(
            Staff.id, Staff.email, users.c.id.label("user_id"), choice.c.reminders, choice.c.digest, Organisation.zone
        )
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .join(users, and_(users.c.id == Staff.user_id, users.c.active.is_(True)))
        .outerjoin(choice, choice.c.user_id == users.c.id)
        .where(Staff.works, Staff.email.is_not(None))
        .order_by(Staff.id)
    ).all()
    yesterday = moment.date() - dt.timedelta(days=1)  # somewhere it is today
    made = set(db.execute(select(Letter.key).where(Letter.day >= yesterday)).scalars())
    for person in people:
        local = moment.astimezone(zone_of(person.zone))
        day = local.date()
        if not rules.is_time(local, hour):
            continue
        for kind in (LetterKind.REMINDER, *((LetterKind.DIGEST,) if rules.is_day_of_digest(day) else ())):
            chosen = person.reminders if kind is LetterKind.REMINDER else person.digest
            if chosen is not False and rules.key(kind.name, person.user_id, day) not in made:
                yield person, kind, day


def _made(app: Flask, person: Any, kind: LetterKind, day: dt.date) -> bool:
    """One letter; whether there was anything to write, and nobody else has written it."""
    with _as(app, person.user_id) as there:
        if not there:
            return False
        told = _reminder(day) if kind is LetterKind.REMINDER else _digest(day)
        if told is None:
            return False
        subject, text = told
        values = {
            "key": rules.key(kind.name, person.user_id, day), "kind": kind, "day": day, "staff_id": person.id,
            "address": person.email, "subject": subject, "text": text,
        }  # fmt: skip
        db = session()
        dialect: Any = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
        one = dialect.insert(Letter.__table__).values(**values).on_conflict_do_nothing().returning(Letter.id)
        made = db.execute(one).scalar()
        db.commit()
        return made is not None


@contextmanager
def _as(app: Flask, user_id: int) -> Iterator[bool]:
    """In the place of a user: what he sees, and his language. Whether he may sign in at all."""
    with app.app_context():
        found = identify(session(), user_id)
        if found is None or found.must_change:
            yield False
            return
        g.identity = found
        with force_locale(found.locale or app.config["BABEL_DEFAULT_LOCALE"]), acting_as(session(), found.viewer):
            yield True


# --- What they say ----------------------------------------------------------------------------------------


def _reminder(day: dt.date) -> tuple[str, str] | None:
    """What waits today; nothing, when nothing does."""
    numbers = _counted(block for group in blocks.groups(day) for block in group.blocks)
    due = {block: number for block, number in numbers.items() if block.reminds and number}
    if not due:
        return None
    total = sum(due.values())
    subject = ngettext("Ryadom: %(num)d thing waits for you today", "Ryadom: %(num)d things wait for you today", total)
    return subject, _letter(gettext("What waits for you today, %(day)s:", day=format_date(day, "d MMMM")), due)


def _digest(day: dt.date) -> tuple[str, str] | None:
    """The week of whoever leads cases, or answers for those who do."""
    if CASEWORK not in blocks.parts():
        return None
    numbers = _counted([blocks.open_cases(), *(block for group in blocks.groups(day) for block in group.blocks)])
    told = {block: number for block, number in numbers.items() if number}
    if not told:
        return None
    subject = gettext("Ryadom: the week from %(day)s", day=format_date(day, "d MMMM"))
    return subject, _letter(gettext("How things stand at the beginning of the week:"), told)


def _counted(wanted: Iterable[Block]) -> dict[Block, int]:
    return blocks.counts(blocks.open_to_reader(list(wanted)))


def _letter(heading: str, numbers: dict[Block, int]) -> str:
    """Numbers and the lists behind them, which ask for signing in: no name gets into the post."""
    site = current_app.config["SITE_URL"]
    lines = [heading, ""]
    for block, number in numbers.items():
        lines += [f"{gettext(block.title)}: {number}", f"{site}{block.path}", ""]
    lines += [
        gettext("Names are not written in letters: the links open after signing in."),
        gettext("Which letters you get you choose here: %(link)s", link=f"{site}/account/mail"),
    ]
    return "\n".join(lines)
