"""What the commands do to a database: the schema, the dictionaries, the roles, the first account.

Only commands come here, and one process at a time: importing the application, or making one, writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app import roles
from app.kernel import database, files, grants, users
from app.kernel.declare import ADMINISTRATOR
from app.kernel.orm import acting_as

FIRST_LOGIN = "admin"


@dataclass(frozen=True)
class Prepared:
    """What was done. A database that needs nothing answers with an empty one."""

    migrated: bool = False
    presets: int = 0
    roles: grants.SyncReport | None = None
    first_password: str | None = None  # of the first administrator: said once and kept nowhere


def engine_of(app: Flask) -> Engine:
    with app.app_context():
        return app.extensions["sqlalchemy"].engine  # type: ignore[no-any-return]


def session_of(app: Flask) -> Session:
    """The session of the application context one is in."""
    return app.extensions["sqlalchemy"].session()  # type: ignore[no-any-return]


def sync(session: Session, restore: Collection[str] = ()) -> grants.SyncReport:
    """Bring the roles of the declarations into the database; the caller commits."""
    import models
    import views

    return grants.sync_roles(session, models.ENTITIES, roles.SHIPPED, views.EXTRA, restore=restore)


def is_prepared(app: Flask) -> bool:
    """Whether schema and roles are those of this program, and somebody can sign in."""
    import models
    import views

    if not database.is_current(engine_of(app)) or not database.is_searchable(engine_of(app)):
        return False
    with app.app_context():
        session = session_of(app)
        has_users = users.are_there(session)
        return has_users and grants.is_synced(session, models.ENTITIES, roles.SHIPPED, views.EXTRA)


def prepare(app: Flask) -> Prepared:
    """Make the database ready for this program, whatever state it is in."""
    if is_prepared(app):
        return Prepared()
    engine = engine_of(app)
    with database.exclusive(engine):
        if is_prepared(app):  # another process did it while this one waited
            return Prepared()
        migrated = not database.is_current(engine)
        if migrated or not database.is_searchable(engine):
            database.upgrade(engine)
        with app.app_context(), acting_as(session_of(app)):
            return _fill(app, session_of(app), migrated=migrated)


def _fill(app: Flask, session: Session, *, migrated: bool) -> Prepared:
    from app.deadlines.engine import settle_marked
    from app.presets import load_presets

    is_new = not users.are_there(session)
    added = load_presets(session) if migrated or is_new else 0
    report = sync(session)
    password = None
    if is_new and app.config["DEMO"]:
        from app.demo import load_demo

        load_demo(session, files.folder_of(app.config))
    elif is_new:
        password = users.one_time_password()
        users.create_user(session, FIRST_LOGIN, password, [ADMINISTRATOR], must_change=True)
    session.commit()
    while settle_marked(session.connection()):  # what a migration has marked
        session.commit()
    return Prepared(migrated, added, report, password)
