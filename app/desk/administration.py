"""The administrator's morning: is the product healthy, and is anything of its setting-up left to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import ngettext
from sqlalchemy import func, select

from app.deadlines import engine, flow
from app.kernel import backup
from app.kernel.access import UserAccount
from app.kernel.declare import N_
from app.kernel.grants import Holding, difference, role_holdings, shipped_holdings
from app.kernel.i18n import gettext
from app.kernel.orm import now
from app.kernel.scope import table
from app.kernel.show import text
from app.kernel.web import session
from app.procedures.kinds import Country
from app.procedures.models import Procedure
from app.territory.models import Organisation, Staff

LITTLE_ROOM = 2  # gigabytes


@dataclass(frozen=True)
class Sign:
    """A fact of health: what, how it stands, and whether it is well."""

    title: str
    words: str
    well: bool
    path: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the setting-up, with the screen where it is done."""

    title: str
    path: str
    done: bool


def health() -> list[Sign]:
    """What of the machine may fail. Of copies only those are known that the product has made itself."""
    bind = session().get_bind()
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[bind.dialect.name]
    free = _free_gigabytes(bind)
    account = UserAccount.__table__.c
    locked = session().scalar(select(func.count(account.user_id)).where(account.locked_until > now())) or 0
    found = [Sign(gettext("Database"), gettext("%(name)s answers", name=name), True)]
    if free is not None:
        words = gettext("%(number)s GB free", number=free)
        found.append(Sign(gettext("Disk"), words, free >= LITTLE_ROOM))
    found.append(_backup())
    words = str(locked) if locked else gettext("none")
    found.append(Sign(gettext("Locked accounts"), words, not locked, "/accounts/"))
    found.append(_post())
    users, staff = table("ab_user").c, table("staff").c
    dismissed = users.active.is_(True), users.id.in_(select(staff.user_id).where(staff.works.is_(False)))
    left = session().scalar(select(func.count(users.id)).where(*dismissed)) or 0
    if left:
        found.append(Sign(gettext("Accounts of those who work here no more"), str(left), False, "/accounts/"))
    return [*found, *_terms()]


def _terms() -> Iterator[Sign]:
    """Terms that are not to be relied upon: of cases that are counted under no version, or not anew yet; estimates."""
    connection = session().connection()
    for (country, year), count in sorted(engine.estimated(connection).items()):
        words = ngettext("%(num)d term is an estimate", "%(num)d terms are an estimate", count)
        title = gettext("Days off of %(year)s are not known", year=year)
        yield Sign(f"{title}: {text(Country[country])}", words, False, "/day-off/")
    if left := engine.waiting(connection):
        words = ngettext("%(num)d case waits for it", "%(num)d cases wait for it", left)
        yield Sign(gettext("Terms to be counted anew"), words, False)
    for one in flow.without_version(connection):
        words = ngettext(
            "%(num)d case without a version: no terms", "%(num)d cases without a version: no terms", one.count
        )
        path = f"/procedure-version/{one.version}/move" if one.version else f"/procedure-version/?procedure={one.id}"
        yield Sign(one.name, words, False, path)


def _post() -> Sign:
    """Whether reminders go out, and whether any did not."""
    if not current_app.config["SMTP_HOST"]:
        return Sign(gettext("Post"), gettext("Not set up: no reminders are sent."), False)
    letter = table("letter").c
    failed = session().scalar(select(func.count(letter.id)).where(letter.state == "FAILED")) or 0
    words = gettext("not sent: %(count)s", count=failed) if failed else gettext("letters go out")
    return Sign(gettext("Post"), words, not failed, "/letter/?state=FAILED" if failed else "/letter/")


def _backup() -> Sign:
    made = backup.last(current_app.config["RYADOM_DATA"])
    if made is None:
        words = gettext("No copy has been made by “ryadom backup” yet: see that one is made every day.")
        return Sign(gettext("Backup"), words, False)
    words = gettext("last made %(moment)s", moment=text(made))
    well = now() - made <= backup.OLD
    if not well:
        words = f"{words}. " + gettext("That is long ago: see that one is made every day.")
    return Sign(gettext("Backup"), words, well)


def _free_gigabytes(engine: Any) -> int | None:
    """Room where the database stands; of a server elsewhere nothing is known here."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    return int(shutil.disk_usage(Path(engine.url.database).absolute().parent).free / 2**30)


def setup() -> list[Step]:
    """The steps to a working product, in the order in which they are taken."""
    db, users = session(), table("ab_user")
    organisation, staff, users, procedure = db.execute(
        select(
            select(Organisation.id).where(Organisation.full_name.is_not(None)).exists(),
            select(Staff.id).where(Staff.works).exists(),
            select(func.count()).where(users.c.active).scalar_subquery(),
            select(Procedure.id).where(Procedure.active).exists(),
        )
    ).one()
    return [
        Step(N_("Fill in the organisation: its full name stands in printed papers"), "/organisation/", organisation),
        Step(N_("Write down the staff"), "/staff/", staff),
        Step(N_("Give accounts to those who will work here"), "/accounts/", users > 1),
        Step(N_("Have a procedure under which cases are opened"), "/procedure/", procedure),
    ]


def changed_roles() -> list[str]:
    """Roles that hold something else than they were shipped with."""
    db, roles = session(), table("ab_role").c
    shipped, held = shipped_holdings(db), role_holdings(db)
    titles = current_app.extensions["ryadom.roles"]
    return [
        gettext(titles.get(name, name))
        for id_, name in db.execute(select(roles.id, roles.name).order_by(roles.id))
        if name in shipped and difference(shipped[name], held.get(id_, Holding()))
    ]
