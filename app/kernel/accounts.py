"""The screens of people and their rights: signing in, one's own account, everybody's accounts, roles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeGuard

import flask
from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import BaseApi
from flask_appbuilder.security.sqla.models import Role, User, assoc_user_role
from flask_babel import gettext as _
from flask_jwt_extended import create_access_token
from flask_login import login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.kernel.access import (
    UserAccount,
    forget,
    full_name,
    holding,
    identity,
    needs,
    require_identity,
    safe_next,
)
from app.kernel.declare import N_
from app.kernel.grants import Holding, can_grant, holding_of, role_holdings
from app.kernel.history import ChangeKind
from app.kernel.i18n import role_title
from app.kernel.orm import fold, now
from app.kernel.personal import kept, remember
from app.kernel.query import BadQuery
from app.kernel.roles_screen import Roles, number, numbers, typed
from app.kernel.scope import table
from app.kernel.users import (
    Refusal,
    administering,
    authenticate,
    create_user,
    ensure_account,
    one_time_password,
    password_fault,
    proves,
    role_ids,
    set_active,
    set_password,
    set_roles,
    sign_in,
    sign_out,
    split_name,
    write_history,
)
from app.kernel.web import session

TOKEN_HOLDS = dt.timedelta(hours=1)
WRONG = N_("Wrong login or password. After six wrong passwords the account is locked for half an hour.")

# --- Signing in -------------------------------------------------------------------------------------------


def begin(db: Session, user: User) -> None:
    """Sign the user in, in this browser. Of what its cookie held before, only the language is kept."""
    forget()
    login_user(user)
    flask.session["sign_in"] = sign_in(db, user.id)
    db.commit()


class Login(BaseView):
    route_base = ""
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> ResponseReturnValue:
        target = safe_next(request.values.get("next"))
        if request.method == "GET" and identity():
            return redirect(target)
        login, error = "", ""
        if request.method == "POST":
            db, login = session(), typed("login")
            user = authenticate(db, login, request.form.get("password", ""))
            if user is not None:
                begin(db, user)
                return redirect(target)
            error = _(WRONG)
        page = render_template("accounts/login.html", next=target, login=login, error=error)
        return page, 401 if error else 200

    @expose("/logout/", methods=["POST"])
    def logout(self) -> ResponseReturnValue:
        if found := identity():
            sign_out(session(), found.sign_in)
            session().commit()
        forget()
        return redirect(url_for("Login.login"))


def _is_text(value: Any) -> TypeGuard[str]:
    """JSON may hold halves of characters, which no database and no hash takes."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


class TokenApi(BaseApi):
    """The API's way in: a login and a password against a token for an hour."""

    route_base = "/api/v1"
    resource_name = "login"

    @expose("/login", methods=["POST"])
    def login(self) -> ResponseReturnValue:
        given = request.get_json(silent=True)
        login, password = (given.get(key) if isinstance(given, dict) else None for key in ("login", "password"))
        if not _is_text(login) or not _is_text(password):
            return {"error": _("Send JSON with “login” and “password”.")}, 400
        db = session()
        user = authenticate(db, login.replace("\x00", ""), password)
        if user is None:
            return {"error": _(WRONG)}, 401
        must_change = select(UserAccount.must_change).where(UserAccount.user_id == user.id)
        if db.execute(must_change).scalar():
            return {"error": _("Sign in on the site and change the one-time password first.")}, 403
        claims = {"sid": sign_in(db, user.id)}
        token = create_access_token(str(user.id), expires_delta=TOKEN_HOLDS, additional_claims=claims)
        db.commit()
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_HOLDS.total_seconds()),
        }, 200


# --- One's own account ------------------------------------------------------------------------------------


class Account(BaseView):
    route_base = "/account"
    default_view = "password"

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> ResponseReturnValue:
        found = require_identity()
        error = ""
        if request.method == "POST":
            error = self._change(session().get_one(User, found.user.id))
            if not error:
                flash(_("The password is changed. On other devices you have been signed out."), "success")
                return redirect("/")
        page = render_template("accounts/password.html", forced=found.must_change, error=error)
        return page, 422 if error else 200

    def _change(self, user: User) -> str:
        db = session()
        old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
        if new != again:
            return str(_("The two new passwords differ. Type the same one twice."))
        if new == old:
            return str(_("This is the old password. Choose a new one."))
        if fault := password_fault(new, user.username):
            return fault
        if not proves(db, user, old):
            return str(_("The old password is wrong. After six wrong ones it is locked for half an hour."))
        set_password(db, user.id, new, must_change=False)
        begin(db, user)
        return ""

    @expose("/session")
    def who(self) -> ResponseReturnValue:
        """Who is signed in in this browser now, and the token of its forms: for a page that has stood open for long."""
        found = identity()
        return {
            "user": found.user.id if found else None,
            "name": found.name if found else "",
            "token": generate_csrf(),
        }

    @expose("/locale", methods=["POST"])
    def locale(self) -> ResponseReturnValue:
        """The language, for this browser and, after signing in, for every other."""
        code = request.form.get("locale", "")
        if code not in current_app.config["LANGUAGES"]:
            abort(400)
        if found := identity():
            db = session()
            ensure_account(db, found.user.id)
            db.execute(update(UserAccount.__table__).where(UserAccount.user_id == found.user.id).values(locale=code))
            db.commit()
        flask.session["locale"] = code
        return redirect(safe_next(request.form.get("next")))


# --- Everybody's accounts ---------------------------------------------------------------------------------


class Accounts(BaseView):
    """Accounts of the people the viewer sees. Who holds more than the viewer is out of his hands."""

    route_base = "/accounts"
    default_view = "list"

    def _staff(self) -> Any:
        return current_app.extensions["ryadom.entities"]["Staff"]

    def _users(self) -> Select[Any]:
        """Users with their member of staff, of whom the session finds those within reach.

        Users without one are seen by whoever sees everything.
        """
        staff, organisation = self._staff(), table("organisation")
        statement = (
            select(
                User.id,
                User.username,
                User.first_name,
                User.last_name,
                User.active,
                User.last_login,
                UserAccount.locked_until,
                staff.id.label("staff_id"),
                staff.name.label("staff_name"),
                organisation.c.name.label("organisation"),
            )
            .outerjoin(UserAccount, UserAccount.user_id == User.id)
            .outerjoin(staff, staff.user_id == User.id)
            .outerjoin(organisation, organisation.c.id == staff.organisation_id)
            .order_by(User.username)
        )
        if not require_identity().viewer.sees_everything:
            statement = statement.where(staff.id.is_not(None))
        return statement

    def _user(self, pk: int) -> Any:
        """An account that may be changed: within reach, and holding no more than the viewer himself."""
        row = session().execute(self._users().where(User.id == pk)).first() or abort(404)
        if pk != require_identity().user.id and not can_grant(holding(), holding_of(session(), pk)):
            abort(403)
        return row

    @expose("/")
    @needs("can_manage")
    def list(self) -> ResponseReturnValue:
        if "q" in request.args:
            raise BadQuery("words are posted")
        db, find = session(), request.args.get("find", "")
        words = kept(db, "Accounts", find if find.isascii() and find.isprintable() else "").words
        q = dict(words or ()).get("q", "")
        size, page = current_app.config["PAGE_SIZE"], request.args.get("page", "1")
        if not (page.isascii() and page.isdecimal() and 0 < len(page) < 6):
            abort(400)
        links = assoc_user_role.c
        roles: dict[int, list[str]] = {}
        for user_id, name in db.execute(
            select(links.user_id, Role.name).join(Role, Role.id == links.role_id).order_by(Role.name)
        ):
            roles.setdefault(user_id, []).append(role_title(name))
        found = [
            row
            for row in db.execute(self._users())
            if fold(q) in fold(f"{row.username} {row.staff_name or full_name(row.first_name, row.last_name)}")
        ]
        last = max(1, -(-len(found) // size))
        number = max(1, min(int(page), last))
        rows = [
            {
                "id": row.id,
                "login": row.username,
                "name": row.staff_name or full_name(row.first_name, row.last_name),
                "organisation": row.organisation or "",
                "roles": roles.get(row.id, []),
                "active": row.active,
                "locked": row.locked_until is not None and row.locked_until > now(),
                "last_login": row.last_login and row.last_login.replace(tzinfo=dt.UTC),
            }
            for row in found[(number - 1) * size : number * size]
        ]
        return render_template(
            "accounts/list.html", rows=rows, q=q, find=find, page=number, last=last, total=len(found)
        )

    @expose("/find", methods=["POST"])
    @needs("can_manage")
    def find(self) -> ResponseReturnValue:
        """A search: the name that was typed stays here, and the address gets a key to it."""
        q, key = typed("q")[:100], None
        if q:
            key = remember(session(), "Accounts", [("q", q)], current_app.config["SECRET_KEY"])
            session().commit()
        return redirect(url_for("Accounts.list", find=key))

    def _roles(self, held: set[int]) -> Sequence[dict[str, Any]]:
        """Every role as a box to tick: which are held, and which the viewer may not give."""
        db = session()
        holdings = role_holdings(db)
        return [
            {
                "id": id_,
                "title": role_title(name),
                "held": id_ in held,
                "grantable": can_grant(holding(), holdings.get(id_, Holding())),
            }
            for id_, name in db.execute(select(Role.id, Role.name).order_by(Role.id))
        ]

    def _grantable(self, wanted: set[int], held: set[int]) -> None:
        holdings = role_holdings(session(), wanted | held)
        known = set(session().execute(select(Role.id)).scalars())
        if not wanted <= known:
            abort(400)
        if not all(can_grant(holding(), holdings[role_id]) for role_id in wanted ^ held):
            raise Refusal(_("You cannot give or take a role that may do more than you."))

    def _link(self, user_id: int, staff_id: int | None) -> None:
        """Tie the account to a member of staff within reach, and untie it from the one before."""
        db, staff = session(), self._staff()
        before = db.scalars(select(staff).where(staff.user_id == user_id)).first()
        if (before.id if before else None) == staff_id:
            return
        if before is not None:
            before.user_id = None
            db.flush()
        if staff_id is not None:
            person = db.get(staff, staff_id) or abort(404)
            if person.user_id is not None:
                raise Refusal(_("This member of staff has another account already."))
            person.user_id = user_id
            db.flush()

    def _chosen(self, staff_id: int | None) -> Any:
        return session().get(self._staff(), staff_id) if staff_id else None

    @expose("/add", methods=["GET", "POST"])
    @needs("can_manage")
    def add(self) -> ResponseReturnValue:
        db = session()
        if request.method == "POST":
            wanted, staff_id, login = numbers("roles"), number("staff"), typed("login")
            password = one_time_password()
            try:
                with administering(db):
                    self._grantable(wanted, set())
                    if staff_id is None and not require_identity().viewer.sees_everything:
                        raise Refusal(_("Choose the member of staff whose account this is."))
                    person = self._chosen(staff_id)
                    name = typed("name") or (person.name if person else "")
                    user = create_user(db, login, password, (), name=name, must_change=True)
                    set_roles(db, user.id, wanted)
                    self._link(user.id, staff_id)
                    login = user.username
            except Refusal as refusal:
                db.rollback()
                flash(str(refusal), "danger")
                page = self._form(None, wanted, staff_id, typed("login"), typed("name"))
                return page, 422
            return self._once(login, password)
        return self._form(None, set(), None, "", "")

    def _form(self, pk: int | None, held: set[int], staff_id: int | None, login: str, name: str, **more: Any) -> str:
        me = require_identity()
        return render_template(
            "accounts/edit.html",
            pk=pk,
            login=login,
            name=name,
            roles=self._roles(held),
            staff=self._chosen(staff_id),
            own=pk == me.user.id,
            tied=pk == me.user.id and not me.viewer.sees_everything,
            **{"active": True, "locked": False, **more},
        )

    def _once(self, login: str, password: str) -> ResponseReturnValue:
        """The only time the password is shown: it goes into this answer and is kept nowhere."""
        return render_template("accounts/once.html", login=login, password=password)

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @needs("can_manage")
    def edit(self, pk: int) -> ResponseReturnValue:
        db, row, me = session(), self._user(pk), require_identity()
        held = role_ids(db, pk)
        if request.method == "POST":
            own = pk == me.user.id
            wanted = held if own else numbers("roles")
            staff_id = row.staff_id if own and not me.viewer.sees_everything else number("staff")
            try:
                with administering(db):
                    self._grantable(wanted, held)
                    self._rename(row, typed("name"))
                    self._link(pk, staff_id)
                    set_roles(db, pk, wanted)
                    if not own:
                        set_active(db, pk, "active" in request.form)
            except Refusal as refusal:
                db.rollback()
                flash(str(refusal), "danger")
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("Accounts.list"))
        return self._form(
            pk,
            held,
            row.staff_id,
            row.username,
            full_name(row.first_name, row.last_name),
            active=row.active,
            locked=row.locked_until is not None and row.locked_until > now(),
        )

    def _rename(self, row: Any, name: str) -> None:
        first, last = split_name(name)
        if not last or (first, last) == (row.first_name, row.last_name):
            return
        users = User.__table__
        session().execute(update(users).where(users.c.id == row.id).values(first_name=first, last_name=last))
        old, new = full_name(row.first_name, row.last_name), full_name(first, last)
        write_history(session(), "account", row.id, ChangeKind.CHANGED, [("name", old, new)])

    @expose("/<int:pk>/reset", methods=["POST"])
    @needs("can_manage")
    def reset(self, pk: int) -> ResponseReturnValue:
        row, db, password = self._user(pk), session(), one_time_password()
        if pk == require_identity().user.id:
            return redirect(url_for("Account.password"))
        login = row.username
        set_password(db, pk, password, must_change=True)
        db.commit()
        return self._once(login, password)


__all__ = ["Account", "Accounts", "Login", "Roles", "TokenApi", "create_user"]
