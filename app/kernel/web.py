"""What every answer has in common: hosts, headers, errors, language, and what templates may call."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import flask_appbuilder
from flask import Flask, Response, current_app, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask_babel import get_locale
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.routing import IntegerConverter

from app.kernel import files, packing, show
from app.kernel.access import by_script, enter, identity, may, permits
from app.kernel.declare import May
from app.kernel.forms import shown_in
from app.kernel.i18n import role_title, speaker
from app.kernel.papers import printable
from app.kernel.parts import Parts
from app.kernel.query import BadQuery
from app.kernel.schema import schema_of
from app.kernel.scope import OutOfReach

# Everything is served from here, nothing is inline: no nonce is needed, and an injected script does not run.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class AppBuilder(flask_appbuilder.AppBuilder):
    """Flask-AppBuilder's registry and security without its pages and assets: every screen here is the product's own."""

    def _add_global_static(self) -> None:
        """Its Bootstrap 3 is not served."""

    def _add_admin_views(self) -> None:
        """Its index, locale, user and role pages are replaced by the product's."""

    def _add_permission(self, baseview: Any, update_perms: bool = False) -> None:
        """Permissions are written once by ``ryadom sync-roles``, not at each start."""


class RecordNumber(IntegerConverter):
    """A record's number in an address: one that no database column holds is an address that is not there."""

    regex = r"\d{1,10}"

    def __init__(self, url_map: Any) -> None:
        super().__init__(url_map, max=2**31 - 1)


class Json(DefaultJSONProvider):
    """JSON in the order in which it is made; nested beyond all sense it is as wrong as any other."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def session() -> Session:
    """The session of this request; it sees what its viewer may see."""
    return cast(Session, current_app.extensions["sqlalchemy"].session())


def files_folder() -> Path:
    """Where the files lie that people have brought."""
    return files.folder_of(current_app.config)


def is_api() -> bool:
    return request.path.startswith("/api/")


def is_static() -> bool:
    return request.endpoint == "static"


def _trusted_host() -> None:
    """A forged Host would end up in links and redirects."""
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:
        host = None
    allowed = [name.strip("[]") for name in current_app.config["ALLOWED_HOSTS"]]
    subdomains = tuple(name for name in allowed if name.startswith("."))
    if "*" not in allowed and host not in allowed and not f".{host}".endswith(subdomains):
        raise BadRequest("host")


def _headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if is_static() and response.status_code < 400:
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
        )
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _told_where(response: Response) -> Response:
    """A form that a script has sent is told where to go: the page there is opened once, and says what was done."""
    if response.status_code in (302, 303) and by_script():
        return jsonify(to=response.location)
    return response


def _not_there(error: Exception) -> tuple[Any, int]:
    return _error(NotFound())


def _bad_query(error: Exception) -> tuple[Any, int]:
    return _error(BadRequest(str(error)))


def _error(error: HTTPException) -> tuple[Any, int]:
    """One plain page for each code, without session, tokens or names: a record out of reach looks like none at all."""
    code = error.code or 500
    if is_api():
        return {
            "error": {400: "bad request", 401: "not signed in", 403: "not allowed", 404: "not found"}.get(
                code, error.name
            )
        }, code
    return render_template("error.html", code=code), code


def _failed(error: Exception) -> tuple[Any, int]:
    session().rollback()
    current_app.logger.exception("request failed: %s %s", request.method, request.endpoint)
    if is_api():
        return {"error": "server error"}, 500
    return render_template("error.html", code=500), 500


def install(app: Flask) -> None:
    """Register the common behaviour on an application."""
    app.url_map.converters["int"] = RecordNumber
    app.json = Json(app)
    app.before_request(_trusted_host)
    app.before_request(lambda: None if is_static() else enter())
    app.after_request(_headers)
    app.after_request(_told_where)
    packing.install(app)
    app.register_error_handler(HTTPException, _error)
    app.register_error_handler(OutOfReach, _not_there)
    app.register_error_handler(BadQuery, _bad_query)
    app.register_error_handler(Exception, _failed)
    # As filters, of a constant they are worked out when a template is compiled, and cost a page nothing.
    version = app.config["STATIC_VERSION"]
    asset, icon = partial(_asset, version), lru_cache(maxsize=1024)(partial(_icon, version))
    app.jinja_env.filters.update(asset=asset, icon=icon)
    app.jinja_env.globals.update(
        may=may,
        May=May,
        schema_of=schema_of,
        printable=printable,
        current_user=current_user,
        identity=identity,
        role_title=role_title,
        locale=lambda: str(get_locale() or "ru"),
        languages=lambda: app.config["LANGUAGES"],
        asset=asset,
        menu=lambda: app.extensions["ryadom.menu"].drawn(request.path),
        part=Parts(app),
        shown=shown_in,
        banner=lambda: app.extensions["ryadom.banner"](),
        drawn_icon=icon,
        is_demo=app.config.get("DEMO", False),
        static_version=app.config["STATIC_VERSION"],
    )
    app.context_processor(_words)
    app.jinja_env.filters.update(text=show.text, number=show.number, clip=show.clip)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _words() -> dict[str, Any]:
    """What a page asks over and over, looked up once for it."""
    say = speaker()
    return {"_": say, "gettext": say, "may": permits()}


def _icon(version: str, name: str, class_: str = "") -> Markup:
    href = f"{_asset(version, 'vendor/icons/icons.svg')}#{name}"
    return Markup(f'<svg class="icon {escape(class_)}" aria-hidden="true"><use href="{escape(href)}"></use></svg>')


def _asset(version: str, path: str) -> str:
    """A static file's address; its version lets browsers keep it for good."""
    return f"/static/{path}?v={version}"
