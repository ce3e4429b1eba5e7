"""The application: settings, database, security, screens. Nothing is registered by importing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from flask import Flask
from flask_appbuilder.api import BaseApi
from flask_appbuilder.models.sqla.base import SQLA
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemBytecodeCache, FileSystemLoader
from jinja2.bccache import Bucket

from app import roles
from app.deadlines import engine as deadlines
from app.handover.models import keep_handovers
from app.kernel import access, api, database, i18n, trigrams, web
from app.kernel.access import Security
from app.kernel.bin import keep_bin
from app.kernel.history import keep_history
from app.kernel.menu import Menu
from app.kernel.schema import check
from app.kernel.scope import guard
from app.kernel.screens.build import view_of

APP = Path(__file__).parent


class WrongDeclarations(RuntimeError):
    """The product does not start with a declaration that says what is not so."""


def create_app(overrides: Mapping[str, object] | None = None, *, demo: bool = False) -> Flask:
    """A ready application. The database is not touched: ``ryadom upgrade`` makes it and seeds the roles."""
    import config
    import models
    import views

    faults = check(models.ENTITIES, [role.name for role in roles.SHIPPED])
    if faults:
        raise WrongDeclarations("\n".join(map(str, faults)))

    app = Flask("app", root_path=str(APP), template_folder=None, static_folder="static")
    app.config.update(config.settings(demo=demo))
    app.config.update(overrides or {})
    app.config["STATIC_VERSION"] = _static_version()
    app.config["DEMO"] = demo
    app.logger.setLevel(app.config.get("LOG_LEVEL", "INFO"))
    logging.getLogger("flask_appbuilder").setLevel(logging.WARNING)
    app.jinja_loader = ChoiceLoader([FileSystemLoader(path) for path in sorted(APP.glob("*/templates"))])  # type: ignore[assignment]
    app.jinja_options = {**app.jinja_options, "bytecode_cache": _Compiled(app.config["RYADOM_DATA"])}

    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.engine_options(str(app.config["SQLALCHEMY_DATABASE_URI"]))
    i18n.install(app)
    db = SQLA(session_options={"autoflush": True})
    db.init_app(app)
    with app.app_context():
        database.prepare_engine(db.engine)
        guard(db.session)
        keep_handovers(db.session)
        keep_history(db.session)
        trigrams.follow(db.session)
        deadlines.follow(db.session)
        keep_bin(db.session)
        csrf = CSRFProtect(app)
        app.extensions["ryadom.entities"] = {entity.__name__: entity for entity in models.ENTITIES}
        app.extensions["ryadom.menu"] = Menu(views.MENU)
        app.extensions["ryadom.banner"] = views.BANNER
        app.extensions["ryadom.rights"] = views.RIGHTS
        access.sound(views.ALARM)
        app.extensions["ryadom.first_hour"] = views.FIRST_HOUR
        app.extensions["ryadom.roles"] = {role.name: role.title for role in roles.SHIPPED}
        web.install(app)
        builder = web.AppBuilder(app, db.session, security_manager_class=Security)
        i18n.take_over(app)
        for entity in models.ENTITIES:
            builder.add_view_no_menu(view_of(entity))
        for screen in views.SCREENS:
            if issubclass(screen, BaseApi):
                csrf.exempt(builder.add_api(screen).blueprint)  # nothing to forge: it takes a password, no cookie
            else:
                builder.add_view_no_menu(screen)
        api.install(app, models.ENTITIES, csrf)
    return app


class _Compiled(FileSystemBytecodeCache):
    """Templates as they were compiled once, known by their text: compiling takes time and megabytes in each process."""

    def __init__(self, data: Path) -> None:
        super().__init__(str(data / "compiled"))

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # nothing depends on it
            Path(self.directory).mkdir(mode=0o700, exist_ok=True)
            super().dump_bytecode(bucket)


def _static_version() -> str:
    """Changes when a static file does; browsers then fetch it anew."""
    files = sorted(path for path in (APP / "static").rglob("*") if path.is_file())
    stamps = (f"{path.relative_to(APP)}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in files)
    return sha256("\n".join(stamps).encode()).hexdigest()[:12]
