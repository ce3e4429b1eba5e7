"""Roles: what each may do and how far it sees, and how both come from the declarations into the database.

The declarations say what a role may do as shipped. A command writes that into Flask-AppBuilder's tables, and
from then on the roles belong to the administrator: what he took away is not offered to them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Protocol, TypeAlias

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Select,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.declare import May, Reach
from app.kernel.functions import Lines
from app.kernel.orm import Row

Grant: TypeAlias = tuple[str, str]  # a permission on a resource: ("can_edit", "Family")
Line: TypeAlias = tuple[str, str, str]  # the same with the name of the role before it

MANAGE_ACCOUNTS: Grant = ("can_manage", "Accounts")
MANAGE_ROLES: Grant = ("can_manage", "Roles")
USE_BIN: Grant = ("can_use", "Bin")
EMPTY_BIN: Grant = ("can_empty", "Bin")
COUNT: Grant = ("can_count", "Desk")  # figures without names, also of records that the role does not see


class RoleReach(Model):
    """How far a role sees, and how far it was shipped to see (None: the role is the administrator's own)."""

    __tablename__ = "role_reach"
    __table_args__ = {"extend_existing": False}

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True)
    reach: Mapped[Reach]
    shipped: Mapped[Reach | None]


class ShippedGrant(Model):
    """What the product has offered to a role. Once: what the administrator takes away stays away."""

    __tablename__ = "shipped_grant"
    __table_args__ = {"extend_existing": False}

    role: Mapped[str] = mapped_column(String(64), primary_key=True)
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
    resource: Mapped[str] = mapped_column(String(250), primary_key=True)


# Reaches that lie within another one. Anything else is within itself and within everything.
_WITHIN = {
    Reach.MUNICIPALITY: frozenset({Reach.PRECINCT}),
    Reach.ORGANISATION: frozenset({Reach.OWN}),
}


@dataclass(frozen=True)
class Holding:
    """Permissions and reaches taken together: of a role, or of a user through all of his."""

    permissions: frozenset[Grant] = frozenset()
    reaches: frozenset[Reach] = frozenset()

    def covers(self, other: Holding) -> bool:
        """Whether the other holds nothing beyond this: the condition for giving it away or ruling over it."""
        return other.permissions <= self.permissions and all(map(self._reaches, other.reaches))

    def _reaches(self, reach: Reach) -> bool:
        if reach is Reach.NOTHING or not self.reaches.isdisjoint((reach, Reach.EVERYTHING)):
            return True
        return any(reach in _WITHIN.get(own, ()) for own in self.reaches)


def can_grant(actor: Holding, role: Holding) -> bool:
    """Nobody gives away, or rules over, a permission or a reach that he does not hold himself."""
    return actor.covers(role)


_REACH = ""  # stands for the permission in a line that tells a reach
_TAB = "\t"


def _held(roles: Select[Any] | Collection[int] | None = None) -> Any:
    """Lines (role, permission, resource) and (role, "", reach) of these roles, or of all: one statement."""
    return union_all(*_lines_of(roles))


def _lines_of(roles: Select[Any] | Collection[int] | None) -> tuple[Any, Any]:
    links = assoc_permissionview_role.c
    grants = (
        select(links.role_id, Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.id == links.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    reaches = select(RoleReach.role_id, literal(_REACH, String), type_coerce(RoleReach.reach, String))
    if roles is not None:
        grants, reaches = grants.where(links.role_id.in_(roles)), reaches.where(RoleReach.role_id.in_(roles))
    return grants, reaches


def _holding(lines: Iterable[Any]) -> Holding:
    permissions, reaches = set(), set()
    for _role_id, permission, resource in lines:
        if permission == _REACH:
            reaches.add(Reach[resource])
        else:
            permissions.add((permission, resource))
    return Holding(frozenset(permissions), frozenset(reaches))


@lru_cache(maxsize=256)
def blind(holding: Holding) -> frozenset[str]:
    """Tables of the entities whose rows may not be listed: a value that is computed from them is not shown either."""
    entities = (mapper.class_ for mapper in Model.registry.mappers if hasattr(mapper.class_, "__admin__"))
    return frozenset(
        entity.__tablename__ for entity in entities if (May.LIST.permission, entity.__name__) not in holding.permissions
    )


@cache
def held_by_user() -> ColumnElement[str]:
    """What the user ``user_id`` holds, as one text: of two hundred rows most of the time would go into the rows."""
    roles = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == bindparam("user_id"))
    texts = []
    for lines in _lines_of(roles):
        _role_id, permission, resource = lines.selected_columns
        text = Lines(permission + _TAB + resource)
        texts.append(func.coalesce(lines.with_only_columns(text, maintain_column_froms=True).scalar_subquery(), ""))
    return texts[0] + "\n" + texts[1]


@lru_cache(maxsize=256)
def holding_in(text: str | None) -> Holding:
    """What such a text says. The same text means the same to everybody, so it is taken apart once."""
    return _holding(("", *line.split(_TAB)) for line in (text or "").splitlines() if line)


def holding_of(session: Session, user_id: int) -> Holding:
    """What a user holds through all his roles."""
    return holding_in(session.connection().execute(select(held_by_user()), {"user_id": user_id}).scalar())


def role_holdings(session: Session, roles: Collection[int] | None = None) -> dict[int, Holding]:
    """What each of these roles holds, or each role that holds anything at all."""
    lines: dict[int, list[Any]] = {role_id: [] for role_id in roles or ()}
    for line in session.execute(_held(roles)):
        lines.setdefault(line[0], []).append(line)
    return {role_id: _holding(of_role) for role_id, of_role in lines.items()}


def holders(session: Session, grant: Grant, reach: Reach) -> Select[Any]:
    """The active users one of whose roles has this permission and sees exactly that far."""
    roles = [id_ for id_, held in role_holdings(session).items() if grant in held.permissions and reach in held.reaches]
    c = assoc_user_role.c
    return select(c.user_id).join(User, User.id == c.user_id).where(User.active.is_(True), c.role_id.in_(roles))


def role_names(session: Session) -> Sequence[str]:
    """The names of all roles, shipped and the administrator's own."""
    return session.scalars(select(Role.name)).all()


def shipped_holdings(session: Session) -> dict[str, Holding]:
    """What each shipped role holds as shipped, by the role's name."""
    permissions: dict[str, set[Grant]] = {}
    for role, permission, resource in _offered(session):
        permissions.setdefault(role, set()).add((permission, resource))
    reaches = session.execute(
        select(Role.name, RoleReach.shipped)
        .join(RoleReach, RoleReach.role_id == Role.id)
        .where(RoleReach.shipped.is_not(None))
    )
    return {
        name: Holding(frozenset(permissions.get(name, ())), frozenset({reach} if reach else ()))
        for name, reach in reaches
    }


def is_administered(session: Session) -> bool:
    """Whether somebody active is left who manages accounts and roles and sees everything."""
    member = assoc_user_role.alias()

    def holds(grant: Grant) -> Any:
        permission, resource = grant
        return exists().where(
            member.c.user_id == User.id,
            assoc_permissionview_role.c.role_id == member.c.role_id,
            PermissionView.id == assoc_permissionview_role.c.permission_view_id,
            Permission.id == PermissionView.permission_id,
            Permission.name == permission,
            ViewMenu.id == PermissionView.view_menu_id,
            ViewMenu.name == resource,
        )

    sees_everything = exists().where(
        member.c.user_id == User.id,
        RoleReach.role_id == member.c.role_id,
        RoleReach.reach == Reach.EVERYTHING,
    )
    administrators = select(User.id).where(
        User.active.is_(True), holds(MANAGE_ACCOUNTS), holds(MANAGE_ROLES), sees_everything
    )
    return session.execute(administrators.limit(1)).first() is not None


def change_role(session: Session, role_id: int, wanted: Holding) -> tuple[Holding, Holding]:
    """Make a role hold exactly this; returns what it held and what it holds. The caller checks and commits."""
    links, c = assoc_permissionview_role, assoc_permissionview_role.c
    held = role_holdings(session, [role_id])[role_id]
    ids = grant_ids(session)
    if gone := held.permissions - wanted.permissions:
        taken = [ids[grant] for grant in gone]
        session.execute(delete(links).where(c.role_id == role_id, c.permission_view_id.in_(taken)))
    if new := wanted.permissions - held.permissions:
        rows = [{"role_id": role_id, "permission_view_id": ids[grant]} for grant in sorted(new)]
        session.execute(insert(links), rows)
    if wanted.reaches != held.reaches:
        (reach,) = wanted.reaches or {Reach.NOTHING}
        reaches = RoleReach.__table__
        if held.reaches:
            session.execute(update(reaches).where(reaches.c.role_id == role_id).values(reach=reach))
        else:
            session.execute(insert(reaches).values(role_id=role_id, reach=reach, shipped=None))
    return held, wanted


# --- From the declarations into the database --------------------------------------------------------------


class RoleAsShipped(Protocol):
    """What is read of a shipped role (app/roles.py)."""

    @property
    def name(self) -> str: ...
    @property
    def reach(self) -> Reach: ...


@dataclass(frozen=True)
class RoleDifference:
    """How a role differs from the one shipped."""

    added: tuple[Grant, ...] = ()
    removed: tuple[Grant, ...] = ()
    reach: tuple[Reach, Reach] | None = None  # as shipped, now

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.reach)


def difference(shipped: Holding, now_held: Holding) -> RoleDifference:
    old, new = ({*holding.reaches} or {Reach.NOTHING} for holding in (shipped, now_held))
    return RoleDifference(
        tuple(sorted(now_held.permissions - shipped.permissions)),
        tuple(sorted(shipped.permissions - now_held.permissions)),
        None if old == new else (old.pop(), new.pop()),
    )


@dataclass
class SyncReport:
    """What a synchronisation did, and where the roles differ from the shipped ones after it."""

    created_roles: list[str] = field(default_factory=list)
    granted: dict[str, list[Grant]] = field(default_factory=dict)
    restored: list[str] = field(default_factory=list)
    forgotten: list[Grant] = field(default_factory=list)  # of entities and screens that are no more
    differences: dict[str, RoleDifference] = field(default_factory=dict)


def applicable(entity: type[Row]) -> May:
    """What may be granted on an entity at all: what no form writes is only read."""
    return May.ALL if entity.__admin__.form else May.READ | May.PRINT | May.EXPORT | May.API


def shipped_grants(
    entities: Iterable[type[Row]],
    roles: Iterable[RoleAsShipped],
    extra: Mapping[str, Collection[Grant]] | None = None,
) -> dict[str, frozenset[Grant]]:
    """What each role holds by the declarations and by the hand-written screens."""
    entities = tuple(entities)
    grants = {role.name: set((extra or {}).get(role.name, ())) for role in roles}
    for entity in entities:
        for role, flags in entity.__admin__.may.items():
            grants[role].update((flag.permission, entity.__name__) for flag in flags & applicable(entity))
    return {role: frozenset(held) for role, held in grants.items()}


def is_synced(
    session: Session,
    entities: Iterable[type[Row]],
    roles: Iterable[RoleAsShipped],
    extra: Mapping[str, Collection[Grant]] | None = None,
) -> bool:
    """Whether everything shipped has been offered; one statement."""
    shipped = shipped_grants(entities, roles, extra)
    return _offered(session) == _lines(shipped)


def _offered(session: Session) -> set[Line]:
    statement = select(ShippedGrant.role, ShippedGrant.permission, ShippedGrant.resource)
    return {(role, permission, resource) for role, permission, resource in session.execute(statement)}


def _lines(grants: Mapping[str, Iterable[Grant]]) -> set[Line]:
    return {(role, *grant) for role, held in grants.items() for grant in held}


def _ids(session: Session, model: Any) -> dict[str, int]:
    return {name: id_ for id_, name in session.execute(select(model.id, model.name))}


def _named(session: Session, model: Any, names: Iterable[str]) -> dict[str, int]:
    """Rows of these names, the missing ones added in the given order."""
    known = _ids(session, model)
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if not missing:
        return known
    session.execute(insert(model.__table__), [{"name": name} for name in missing])
    return _ids(session, model)


def grant_ids(session: Session) -> dict[Grant, int]:
    """Every permission there is, with its number."""
    rows = session.execute(
        select(PermissionView.id, Permission.name, ViewMenu.name)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    return {(permission, resource): id_ for id_, permission, resource in rows}


def _catalogue(session: Session, grants: frozenset[Grant]) -> tuple[dict[Grant, int], list[Grant]]:
    """Permissions of exactly these names in the database: (their ids, those that were dropped)."""
    permissions = _named(session, Permission, sorted(permission for permission, _resource in grants))
    resources = _named(session, ViewMenu, sorted(resource for _permission, resource in grants))
    known = grant_ids(session)
    gone = sorted(known.keys() - grants)
    if gone:
        ids = [known[grant] for grant in gone]
        links = assoc_permissionview_role
        session.execute(delete(links).where(links.c.permission_view_id.in_(ids)))
        session.execute(delete(PermissionView.__table__).where(PermissionView.id.in_(ids)))
        for model, column in (
            (Permission, PermissionView.permission_id),
            (ViewMenu, PermissionView.view_menu_id),
        ):
            session.execute(delete(model.__table__).where(~exists().where(column == model.id)))
    missing = sorted(grants - known.keys())
    if missing:
        session.execute(
            insert(PermissionView.__table__),
            [
                {"permission_id": permissions[permission], "view_menu_id": resources[resource]}
                for permission, resource in missing
            ],
        )
        known = grant_ids(session)
    return {grant: known[grant] for grant in grants}, gone


def sync_roles(
    session: Session,
    entities: Iterable[type[Row]],
    roles: Sequence[RoleAsShipped],
    extra: Mapping[str, Collection[Grant]] | None = None,
    *,
    restore: Collection[str] = (),
) -> SyncReport:
    """Bring permissions and shipped roles into the database; the caller commits.

    What is newly shipped is added to its role. What was offered before stays as the administrator has it,
    unless the role's name is among ``restore``. The number of statements does not grow with the entities.
    """
    entities = tuple(entities)
    report = SyncReport()
    shipped = shipped_grants(entities, roles, extra)
    every = {(flag.permission, entity.__name__) for entity in entities for flag in applicable(entity)}
    ids, report.forgotten = _catalogue(session, frozenset(every.union(*shipped.values())))

    existing = _ids(session, Role)
    report.created_roles = [role.name for role in roles if role.name not in existing]
    role_ids = _named(session, Role, (role.name for role in roles))
    _sync_reaches(session, roles, role_ids, restore)

    offered = _offered(session)
    held = role_holdings(session, [role_ids[name] for name in shipped])
    links: list[dict[str, int]] = []
    for name, grants in shipped.items():
        has = held[role_ids[name]].permissions
        back = name in restore
        wanted = {grant for grant in grants - has if back or (name, *grant) not in offered}
        links += [{"permission_view_id": ids[grant], "role_id": role_ids[name]} for grant in sorted(wanted)]
        if wanted and not back:
            report.granted[name] = sorted(wanted)
        if back:
            report.restored.append(name)
            surplus = [ids[grant] for grant in has - grants]
            c = assoc_permissionview_role.c
            if surplus:
                session.execute(
                    delete(assoc_permissionview_role).where(
                        c.role_id == role_ids[name], c.permission_view_id.in_(surplus)
                    )
                )
    if links:
        session.execute(insert(assoc_permissionview_role), links)
    _remember_offer(session, _lines(shipped), offered)

    standing = role_holdings(session, [role_ids[name] for name in shipped])
    for name, holding_as_shipped in shipped_holdings(session).items():
        if name in shipped and (found := difference(holding_as_shipped, standing[role_ids[name]])):
            report.differences[name] = found
    return report


def _sync_reaches(
    session: Session, roles: Sequence[RoleAsShipped], role_ids: Mapping[str, int], restore: Collection[str]
) -> None:
    columns = RoleReach.__table__.c
    known = {row.role_id: row for row in session.execute(select(columns.role_id, columns.reach, columns.shipped))}
    new = []
    for role in roles:
        row = known.get(role_ids[role.name])
        if row is None:
            new.append({"role_id": role_ids[role.name], "reach": role.reach, "shipped": role.reach})
        elif row.shipped is not role.reach or (role.name in restore and row.reach is not role.reach):
            reach = role.reach if role.name in restore else row.reach
            session.execute(
                update(RoleReach.__table__)
                .where(columns.role_id == row.role_id)
                .values(reach=reach, shipped=role.reach)
            )
    if new:
        session.execute(insert(RoleReach.__table__), new)


def _remember_offer(session: Session, shipped: set[Line], offered: set[Line]) -> None:
    c = ShippedGrant.__table__.c
    withdrawn = offered - shipped
    if withdrawn:
        session.execute(
            delete(ShippedGrant.__table__).where(
                or_(
                    *(
                        and_(c.role == role, c.permission == permission, c.resource == resource)
                        for role, permission, resource in withdrawn
                    )
                )
            )
        )
    if shipped - offered:
        rows = [dict(zip(("role", "permission", "resource"), line, strict=True)) for line in sorted(shipped - offered)]
        session.execute(insert(ShippedGrant.__table__), rows)
