"""The screen of roles: what each may do and how far it sees, as a matrix beside the shipped one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update

from app.kernel.access import holding, needs, require_identity
from app.kernel.declare import N_, May, Reach
from app.kernel.grants import (
    Grant,
    Holding,
    RoleReach,
    applicable,
    can_grant,
    change_role,
    difference,
    grant_ids,
    role_holdings,
    shipped_holdings,
)
from app.kernel.history import ChangeKind
from app.kernel.i18n import role_title
from app.kernel.users import FieldChange, Refusal, administering, role_ids, write_history
from app.kernel.web import session

FLAGS = (
    (May.LIST, N_("List")),
    (May.SHOW, N_("View")),
    (May.ADD, N_("Add")),
    (May.EDIT, N_("Edit")),
    (May.DELETE, N_("Delete")),
    (May.PRINT, N_("Print")),
    (May.EXPORT, N_("Export")),
    (May.API, N_("API")),
)


def number(name: str) -> int | None:
    """A record's number out of a form; nothing chosen is None, nonsense is a bad request."""
    text = request.form.get(name, "")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else abort(400)


def numbers(name: str) -> set[int]:
    texts = request.form.getlist(name)
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in texts):
        abort(400)
    return set(map(int, texts))


def typed(name: str) -> str:
    """A line of text as typed, without what no database takes."""
    return request.form.get(name, "").replace("\x00", "").strip()[:200]


@dataclass(frozen=True)
class Cell:
    """A box of the matrix."""

    value: str
    held: bool
    differs: bool
    free: bool  # the viewer holds it himself, so he may give and take it


def _words(grant: Grant) -> str:
    return " ".join(grant)


def _state(held: Holding) -> str:
    """A mark of what a role holds: a form opened before somebody else's change carries an older one."""
    parts = sorted(map(_words, held.permissions)) + sorted(reach.name for reach in held.reaches)
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


class Roles(BaseView):
    """What each role may do and how far it sees. Nobody makes a role hold what he does not hold himself."""

    route_base = "/roles"
    default_view = "list"

    def _role(self, pk: int) -> tuple[str, Holding, Holding | None]:
        """Name, what it holds, what it was shipped with (None: it is the administrator's own)."""
        db = session()
        name = db.execute(select(Role.name).where(Role.id == pk)).scalar() or abort(404)
        return name, role_holdings(db, [pk])[pk], shipped_holdings(db).get(name)

    def _users_of(self) -> dict[int, int]:
        c = assoc_user_role.c
        counted = select(c.role_id, func.count()).group_by(c.role_id)
        return dict(session().execute(counted).all())

    @expose("/")
    @needs("can_manage")
    def list(self) -> ResponseReturnValue:
        db = session()
        holdings, shipped, users = role_holdings(db), shipped_holdings(db), self._users_of()
        rows = []
        for id_, name in db.execute(select(Role.id, Role.name).order_by(Role.id)):
            held = holdings.get(id_, Holding())
            rows.append(
                {
                    "id": id_,
                    "title": role_title(name),
                    "reach": next(iter(held.reaches), Reach.NOTHING),
                    "users": users.get(id_, 0),
                    "own": name not in shipped,
                    "differs": name in shipped and bool(difference(shipped[name], held)),
                }
            )
        return render_template("accounts/roles.html", rows=rows)

    @expose("/add", methods=["GET", "POST"])
    @needs("can_manage")
    def add(self) -> ResponseReturnValue:
        db, name = session(), typed("name")
        if request.method == "POST":
            try:
                with administering(db):
                    self._check_name(name, None)
                    source = number("source")
                    copied = self._role(source)[1] if source else Holding(reaches=frozenset({Reach.NOTHING}))
                    self._permit(copied)
                    db.execute(insert(Role.__table__).values(name=name))
                    pk = db.execute(select(Role.id).where(Role.name == name)).scalar_one()
                    change_role(db, pk, copied)
                    self._note(pk, ChangeKind.ADDED, name, Holding(), copied)
            except Refusal as refusal:
                db.rollback()
                flash(str(refusal), "danger")
            else:
                return redirect(url_for("Roles.edit", pk=pk))
        roles = [(id_, role_title(title)) for id_, title in db.execute(select(Role.id, Role.name).order_by(Role.id))]
        return render_template("accounts/role_add.html", roles=roles, name=name)

    def _check_name(self, name: str, pk: int | None) -> None:
        if not 0 < len(name) <= 64:
            raise Refusal(_("A role needs a name of at most 64 characters."))
        others = select(Role.id).where(Role.name == name, Role.id != (pk or 0))
        if session().execute(others).first():
            raise Refusal(_("There is a role of this name already."))

    def _permit(self, *holdings: Holding) -> None:
        if not all(can_grant(holding(), each) for each in holdings):
            raise Refusal(_("This role holds more than you do. Only who holds it all himself may change it."))

    def _note(self, pk: int, kind: ChangeKind, name: str, old: Holding, new: Holding) -> None:
        def reach(of: Holding) -> str | None:
            return "; ".join(sorted(each.name for each in of.reaches)) or None

        lines: list[FieldChange] = [
            (
                "name",
                None if kind is ChangeKind.ADDED else name,
                None if kind is ChangeKind.DELETED else name,
            ),
            ("reach", reach(old), reach(new)),
            *(("given", None, _words(grant)) for grant in sorted(new.permissions - old.permissions)),
            *(("taken", _words(grant), None) for grant in sorted(old.permissions - new.permissions)),
        ]
        write_history(session(), "role", pk, kind, lines)

    @expose("/<int:pk>/", methods=["GET", "POST"])
    @needs("can_manage")
    def edit(self, pk: int) -> ResponseReturnValue:
        db = session()
        name, held, shipped = self._role(pk)
        if request.method == "POST":
            try:
                with administering(db):
                    name, held, shipped = self._role(pk)
                    if request.form.get("state") != _state(held):
                        raise Refusal(_("Somebody else has changed this role. Look at it as it is now and try again."))
                    wanted = self._wanted()
                    self._permit(held, wanted)
                    new_name = typed("name") if shipped is None else name
                    if new_name != name:
                        self._check_name(new_name, pk)
                        db.execute(update(Role.__table__).where(Role.id == pk).values(name=new_name))
                        write_history(db, "role", pk, ChangeKind.CHANGED, [("name", name, new_name)])
                    self._note(pk, ChangeKind.CHANGED, new_name, *change_role(db, pk, wanted))
            except Refusal as refusal:
                db.rollback()
                flash(str(refusal), "danger")
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("Roles.edit", pk=pk))
        return self._matrix(pk, name, held, shipped)

    def _wanted(self) -> Holding:
        known = {_words(grant): grant for grant in grant_ids(session())}
        ticked, reach = request.form.getlist("grant"), request.form.get("reach", "")
        if not set(ticked) <= known.keys() or reach not in Reach.__members__:
            abort(400)
        return Holding(frozenset(known[words] for words in ticked), frozenset({Reach[reach]}))

    def _matrix(self, pk: int, name: str, held: Holding, shipped: Holding | None) -> ResponseReturnValue:
        me, every = holding(), set(grant_ids(session()))

        def cell(grant: Grant) -> Cell | None:
            if grant not in every:
                return None
            has = grant in held.permissions
            differs = shipped is not None and has != (grant in shipped.permissions)
            return Cell(_words(grant), has, differs, grant in me.permissions)

        entities = current_app.extensions["ryadom.entities"]
        rows = [
            (
                entity.__admin__.title,
                [cell((flag.permission, resource)) if flag & applicable(entity) else None for flag, _title in FLAGS],
            )
            for resource, entity in entities.items()
        ]
        extras = sorted(grant for grant in every if grant[1] not in entities)
        reach = next(iter(held.reaches), Reach.NOTHING)
        return render_template(
            "accounts/role.html",
            pk=pk,
            name=name,
            title=role_title(name),
            shipped=shipped is not None,
            flags=[title for _flag, title in FLAGS],
            rows=rows,
            extras=[(self._extra_title(grant), cell(grant)) for grant in extras],
            reaches=[(each, can_grant(me, Holding(reaches=frozenset({each})))) for each in Reach],
            reach=reach,
            reach_differs=shipped is not None and difference(shipped, held).reach is not None,
            differs=shipped is not None and bool(difference(shipped, held)),
            users=self._users_of().get(pk, 0),
            state=_state(held),
            locked=not can_grant(me, held),
            mine=pk in role_ids(session(), require_identity().user.id),
        )

    def _extra_title(self, grant: Grant) -> str:
        """What the catalogue calls a right beyond the entities, else the screen's name in the menu."""
        menu = current_app.extensions["ryadom.menu"]
        titles = {(item.permission, item.resource): item.title for part in menu.sections for item in part.items}
        titles |= current_app.extensions["ryadom.rights"]
        return str(_(titles[grant])) if grant in titles else f"{grant[1]}: {grant[0].removeprefix('can_')}"

    @expose("/<int:pk>/restore", methods=["POST"])
    @needs("can_manage")
    def restore(self, pk: int) -> ResponseReturnValue:
        db = session()
        try:
            with administering(db):
                name, held, shipped = self._role(pk)
                if shipped is None:
                    abort(404)
                self._permit(held, shipped)
                self._note(pk, ChangeKind.CHANGED, name, *change_role(db, pk, shipped))
        except Refusal as refusal:
            db.rollback()
            flash(str(refusal), "danger")
        else:
            flash(_("The role is as shipped again."), "success")
        return redirect(url_for("Roles.edit", pk=pk))

    @expose("/<int:pk>/delete", methods=["POST"])
    @needs("can_manage")
    def delete(self, pk: int) -> ResponseReturnValue:
        db = session()
        try:
            with administering(db):
                name, held, shipped = self._role(pk)
                if shipped is not None:
                    raise Refusal(_("A shipped role is not deleted: take away what it should not do."))
                if self._users_of().get(pk):
                    raise Refusal(_("The role is in use: give its holders another one first."))
                self._permit(held)
                self._note(pk, ChangeKind.DELETED, name, held, Holding())
                db.execute(delete(RoleReach.__table__).where(RoleReach.role_id == pk))
                db.execute(delete(Role.__table__).where(Role.id == pk))
        except Refusal as refusal:
            db.rollback()
            flash(str(refusal), "danger")
            return redirect(url_for("Roles.edit", pk=pk))
        flash(_("Deleted."), "success")
        return redirect(url_for("Roles.list"))
