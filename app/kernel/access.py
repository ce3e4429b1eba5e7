"""Who is asking and what he may do: the identity of a request, read in one statement."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

import flask
from flask import abort, current_app, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import Role, User, assoc_user_role
from flask_babel import gettext as _
from flask_jwt_extended import verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import UserMixin, current_user
from jwt import PyJWTError
from sqlalchemy import ColumnElement, ForeignKey, Select, String, and_, bindparam, false, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.declare import NOBODY, May, Viewer
from app.kernel.functions import Lines
from app.kernel.grants import Holding, blind, held_by_user, holding_in
from app.kernel.orm import Row, connection_of, now
from app.kernel.query import readable
from app.kernel.schema import schema_of
from app.kernel.scope import table

P = ParamSpec("P")
R = TypeVar("R")

# How long a browser may be silent, and how long it stays signed in at all. A token has an end of its own.
IDLE = dt.timedelta(minutes=30)
LONGEST = dt.timedelta(hours=12)
_SEEN_EVERY = dt.timedelta(minutes=1)  # a request writes that it was there no oftener than this


class UserAccount(Model):
    """What we keep of a user beside Flask-AppBuilder's own columns."""

    __tablename__ = "account"
    __table_args__ = {"extend_existing": False}

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    must_change: Mapped[bool] = mapped_column(default=False)
    locked_until: Mapped[dt.datetime | None]
    locale: Mapped[str | None] = mapped_column(String(5))


class SignIn(Model):
    """Somebody signed in. His cookie or token holds a secret, and this row its digest: no row, no entry."""

    __tablename__ = "sign_in"
    __table_args__ = {"extend_existing": False}

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    at: Mapped[dt.datetime] = mapped_column(default=now)
    seen_at: Mapped[dt.datetime] = mapped_column(default=now)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


# --- Who is asking ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visitor(UserMixin):
    """What Flask-Login is told of a user: it asks for no more, and a whole ``User`` takes time to make."""

    id: int
    username: str


@dataclass(frozen=True)
class Identity:
    """The user of a request, read once. Nothing of it touches the database again."""

    user: Visitor
    name: str
    holding: Holding
    viewer: Viewer
    must_change: bool = False
    locale: str | None = None
    sign_in: str | None = None  # the digest of the sign-in that the request came with
    by_token: bool = False
    roles: tuple[str, ...] = ()
    organisation: str = ""
    alarm: bool = False  # whether something waits that may have to stand above every page


def full_name(first: str | None, last: str | None) -> str:
    """Surname first, as papers have it."""
    return f"{last or ''} {first or ''}".strip()


_users = User.__table__


def no_alarm() -> ColumnElement[bool]:
    return false()


# Whether anything waits, for anybody: an expression read along with the user, so that a banner costs nothing while
# nothing waits. The catalogue of screens names it (views.py).
_alarm: list[Callable[[], ColumnElement[bool]]] = [no_alarm]


def sound(alarm: Callable[[], ColumnElement[bool]]) -> None:
    """Ask this along with the user from now on."""
    _alarm[:] = [alarm]
    _about.cache_clear()


def _role_names() -> Select[Any]:
    return (
        select(Lines(Role.name))
        .join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .where(assoc_user_role.c.user_id == bindparam("user_id"))
    )


@cache
def _about() -> Select[Any]:
    """What is kept of a user, made once: every request asks for it."""
    staff, organisation, account, sign_in = map(table, ("staff", "organisation", "account", "sign_in"))
    return (
        select(
            _users.c.username,
            _users.c.first_name,
            _users.c.last_name,
            account.c.must_change,
            account.c.locale,
            staff.c.id.label("staff_id"),
            staff.c.name,
            staff.c.organisation_id,
            func.coalesce(staff.c.municipality_id, organisation.c.municipality_id).label("municipality_id"),
            staff.c.precinct_id,
            organisation.c.zone,
            sign_in.c.at,
            sign_in.c.seen_at,
            held_by_user().label("held"),
            _role_names().scalar_subquery().label("roles"),
            organisation.c.name.label("organisation"),
            _alarm[0]().label("alarm"),
        )
        .select_from(_users)
        .outerjoin(account, account.c.user_id == _users.c.id)
        .outerjoin(staff, and_(staff.c.user_id == _users.c.id, staff.c.works.is_(True)))
        .outerjoin(organisation, organisation.c.id == staff.c.organisation_id)
        .outerjoin(sign_in, and_(sign_in.c.user_id == _users.c.id, sign_in.c.digest == bindparam("digest")))
        .where(_users.c.id == bindparam("user_id"), _users.c.active.is_(True))
    )


def identify(session: Session, user_id: int, sign_in: str | None = None, *, by_token: bool = False) -> Identity | None:
    """Everything about an active user in one statement; with a sign-in, only while that holds."""
    row = connection_of(session).execute(_about(), {"user_id": user_id, "digest": sign_in}).first()
    if row is None or (sign_in is not None and not _holds(session, row, sign_in, by_token)):
        return None
    holding = holding_in(row.held)
    return Identity(
        Visitor(user_id, row.username),
        row.name or full_name(row.first_name, row.last_name) or row.username,
        holding,
        Viewer(
            user_id,
            holding.reaches,
            row.staff_id,
            row.organisation_id,
            row.municipality_id,
            row.precinct_id,
            row.zone.key if row.zone else "",
            blind(holding),
        ),
        bool(row.must_change),
        row.locale,
        sign_in,
        by_token,
        tuple(sorted((row.roles or "").splitlines())),
        row.organisation or "",
        bool(row.alarm),
    )


def _holds(session: Session, row: Any, sign_in: str, by_token: bool) -> bool:
    if row.at is None:
        return False
    moment = now()
    if moment - row.at > LONGEST or (not by_token and moment - row.seen_at > IDLE):
        return False
    if moment - row.seen_at > _SEEN_EVERY:
        try:
            session.execute(update(SignIn.__table__).where(SignIn.digest == sign_in).values(seen_at=moment))
            session.commit()
        except OperationalError:  # a long import holds the database: no reason to refuse a reader
            session.rollback()
    return True


def load_viewer(session: Session, user: User) -> Viewer:
    """Row visibility of a user, for commands and tests; nobody, when he is not active."""
    found = identify(session, user.id)
    return found.viewer if found else NOBODY


def identity() -> Identity | None:
    """Who is asking; None for anybody who has not signed in."""
    return cast("Identity | None", g.get("identity"))


def _session() -> Session:
    return cast(Session, current_app.extensions["sqlalchemy"].session())


class Security(SecurityManager):
    """Flask-AppBuilder's users, roles and tokens; permissions are looked up in what was read at entry."""

    def load_user(self, pk: Any) -> Visitor | None:
        """The user of a session cookie, while the cookie's sign-in holds."""
        secret = flask.session.get("sign_in")
        if not isinstance(secret, str) or not str(pk).isdecimal():
            return None
        g.identity = identify(_session(), int(pk), digest(secret))
        return g.identity.user if g.identity else None

    def load_user_jwt(self, _jwt_header: Any, jwt_data: Any) -> Visitor | None:
        """The user of a token, while the token's sign-in holds."""
        user_id, secret = int(jwt_data["sub"]), str(jwt_data["sid"])
        g.identity = identify(_session(), user_id, digest(secret), by_token=True)
        return g.identity.user if g.identity else None

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return allowed(permission_name, view_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return {resource for name, resource in holding().permissions if name == "menu_access"}

    def auth_user_db(self, username: str | None, password: str | None) -> User | None:
        from app.kernel.users import authenticate

        return authenticate(_session(), username or "", password or "")


def _bearer() -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer ")


def _by_token() -> Identity | None:
    try:
        verify_jwt_in_request()
    except (JWTExtendedException, PyJWTError, KeyError, ValueError):
        return None
    return identity()


# Where somebody with a one-time password may still go.
_UNTIL_CHANGED = frozenset({"Account.password", "Account.locale", "Login.login", "Login.logout"})


def enter() -> ResponseReturnValue | None:
    """Before every request: find out who is asking and let the database session see for him alone.

    A bearer token speaks for itself: the session cookie beside it is not looked at.
    """
    g.identity = None
    session = _session()
    session.info.update(viewer=NOBODY, user_name="")
    if request.blueprint == "Health" or (request.endpoint or "").rpartition(".")[2] == "static":
        return None
    if _bearer():
        found = _by_token()
        current_app.login_manager._update_request_context_with_user(  # type: ignore[attr-defined]
            found.user if found else None
        )
        if found is None:
            return _refusal(401, _("The token is not valid. Sign in again."))
    else:
        g.pop("_login_user", None)  # an outer application context may still hold the previous request's
        if not current_user.is_authenticated and "_user_id" in flask.session:
            # Signed out elsewhere, deactivated, or silent for too long.
            forget()
    found = identity()
    if found is None:
        return None
    session.info.update(viewer=found.viewer, user_name=found.name)
    if found.must_change and request.endpoint not in _UNTIL_CHANGED:
        if _speaks_json():
            return _refusal(403, _("Sign in on the site and change the one-time password first."))
        return redirect(url_for("Account.password"))
    return None


def forget() -> None:
    """Empty the cookie but for the language, which was chosen by a person and not by an account."""
    locale = flask.session.get("locale")
    flask.session.clear()
    if locale:
        flask.session["locale"] = locale


# --- What he may do ---------------------------------------------------------------------------------------


def by_script() -> bool:
    """Whether a page's script asks: it reads the answer itself and is not sent anywhere."""
    return request.accept_mimetypes.best == "application/json"


def _speaks_json() -> bool:
    return request.path.startswith("/api/") or _bearer() or by_script()


def _refusal(status: int, message: str) -> flask.Response:
    response = jsonify(error=message)
    response.status_code = status
    return response


def holding() -> Holding:
    """What whoever is asking holds."""
    found = identity()
    return found.holding if found else Holding()


def allowed(permission: str, resource: str) -> bool:
    """Whether whoever is asking has the permission. Nobody has any before he signs in."""
    return (permission, resource) in holding().permissions


def may(flag: May, entity: type[Row]) -> bool:
    """Whether whoever is asking may do this with records of the entity (with those he sees)."""
    return allowed(flag.permission, entity.__name__)


def permits() -> Callable[[May, type[Row]], bool]:
    """The same as :func:`may`, for one page that asks it many times of the same person."""
    permissions = holding().permissions
    return lambda flag, entity: (flag.permission, entity.__name__) in permissions


def _page() -> str | None:
    """The page to come back to: its path, and of a list its filters without what people type, which may be names."""
    if request.url_rule is None or "GET" not in (request.url_rule.methods or ()) or request.path == "/":
        return None
    entity = current_app.extensions["ryadom.entities"].get(request.blueprint)
    pairs = readable(schema_of(entity), request.args.items(multi=True)) if entity else ()
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def require_identity() -> Identity:
    """Go on only when somebody has signed in; a stranger is sent to do so."""
    found = identity()
    if found is None:
        if _speaks_json():
            abort(_refusal(401, _("Sign in first.")))
        abort(redirect(url_for("Login.login", next=_page())))
    return found


def require(permission: str, resource: str) -> None:
    """Go on only with the permission."""
    require_identity()
    if not allowed(permission, resource):
        abort(_refusal(403, _("You have no permission for this.")) if _speaks_json() else 403)


def needs(
    permission: str | May, resource: str | None = None
) -> Callable[[Callable[Concatenate[Any, P], R]], Callable[Concatenate[Any, P], R]]:
    """A screen that demands a permission; on the view's own class name, unless a resource is given."""
    name = permission.permission if isinstance(permission, May) else permission

    def decorate(view: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
        @wraps(view)
        def guarded(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require(name, resource or type(self).__name__)
            return view(self, *args, **kwargs)

        return guarded

    return decorate


def safe_next(target: str | None) -> str:
    """The page to go to after signing in: a path of this site, whatever the address asked for."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    return "/" if "\\" in target or any(ord(char) < 32 for char in target) else target
