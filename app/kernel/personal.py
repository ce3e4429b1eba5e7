"""What a person keeps of a list: the words of a search, its columns and length, filters saved under a name.

What people type into a search are names, and names do not belong into addresses, histories of browsers and logs.
The words stay here and the address holds a key to them, which says nothing and opens them for this person alone.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, TypeAlias

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User, assoc_user_role
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.grants import Grant
from app.kernel.orm import connection_of, now, viewer_of

Pairs: TypeAlias = Sequence[tuple[str, str]]

SHARE: Grant = ("can_share", "SavedFilter")
KEPT = dt.timedelta(days=30)  # how long the words of a search are kept after it was last made
_RENEWED = dt.timedelta(days=1)
MOST_SAVED = 100  # filters of one person for one list


class Find(Model):
    """The words of a search, under the key that stands for them in an address."""

    __tablename__ = "find"
    __table_args__ = {"extend_existing": False}

    key: Mapped[str] = mapped_column(String(24), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str] = mapped_column(String(200))
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime] = mapped_column(default=now, index=True)


class ListLook(Model):
    """The columns and the length of page that a person has chosen for a list."""

    __tablename__ = "list_look"
    __table_args__ = {"extend_existing": False}

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    entity: Mapped[str] = mapped_column(String(200), primary_key=True)
    columns: Mapped[str] = mapped_column(Text, default="")  # names with commas between; none: as declared
    size: Mapped[int | None]


class SavedFilter(Model):
    """A list under its filters, kept under a name.

    Shared, it is offered to the holders of the roles: those of the owner's organisation, for its words may name
    families of his. Whoever sees everything shares with everybody. It opens what its reader may see, and no more.
    """

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("user_id", "entity", "name"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    entity: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)


class SavedFilterRole(Model):
    """A role whose holders are offered a saved filter."""

    __tablename__ = "saved_filter_role"
    __table_args__ = {"extend_existing": False}

    saved_filter_id: Mapped[int] = mapped_column(ForeignKey("saved_filter.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True, index=True)


_finds, _looks, _saved = Find.__table__, ListLook.__table__, SavedFilter.__table__
_shares = SavedFilterRole.__table__


@dataclass(frozen=True)
class Saved:
    """A saved filter as it is offered to a reader."""

    id: int
    name: str
    address: str
    words: str
    own: bool


@dataclass(frozen=True)
class Kept:
    """All that is kept of one list for one person."""

    columns: tuple[str, ...] = ()
    size: int | None = None
    words: Pairs | None = None  # of the search asked for; None when it is not kept
    saved: tuple[Saved, ...] = ()


def as_words(pairs: Pairs) -> str:
    """Words as they are kept: the same search is the same text."""
    return json.dumps(sorted(pairs), ensure_ascii=False)


def of_words(text: str) -> Pairs:
    return [(name, value) for name, value in json.loads(text)]


# --- Reading ----------------------------------------------------------------------------------------------


def _offered() -> ColumnElement[bool]:
    """Saved filters of one's own, and those that others share with one's role."""
    roles = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == bindparam("user_id"))
    shared = select(_shares.c.saved_filter_id).where(_shares.c.role_id.in_(roles))
    here = or_(_saved.c.organisation_id.is_(None), _saved.c.organisation_id == bindparam("organisation_id"))
    return or_(_saved.c.user_id == bindparam("user_id"), and_(_saved.c.id.in_(shared), here))


@cache
def _kept() -> Select[Any]:
    """All of a list in one statement, made once: every list asks for it."""
    user: Any = User.__table__.c.id
    entity: Any = bindparam("entity")
    of_find = and_(_finds.c.key == bindparam("find"), _finds.c.user_id == user, _finds.c.entity == entity)
    return (
        select(
            _looks.c.columns,
            _looks.c.size,
            _finds.c.words.label("found"),
            _saved.c.id,
            _saved.c.name,
            _saved.c.address,
            _saved.c.words,
            _saved.c.user_id,
        )
        .select_from(User.__table__)
        .outerjoin(_looks, and_(_looks.c.user_id == user, _looks.c.entity == entity))
        .outerjoin(_finds, and_(of_find, _finds.c.at > bindparam("since")))
        .outerjoin(_saved, and_(_saved.c.entity == entity, _offered()))
        .where(user == bindparam("user_id"))
        .order_by(_saved.c.name, _saved.c.id)
    )


def kept(session: Session, entity: str, find: str = "") -> Kept:
    """What the session's viewer keeps of the list of an entity, and the words that the key stands for."""
    viewer = viewer_of(session)
    values = {
        "user_id": viewer.user_id,
        "organisation_id": viewer.organisation_id,
        "entity": entity,
        "find": find,
        "since": now() - KEPT,
    }
    rows = connection_of(session).execute(_kept(), values).all()
    if not rows:
        return Kept()
    first = rows[0]
    return Kept(
        tuple(filter(None, (first.columns or "").split(","))),
        first.size,
        of_words(first.found) if first.found is not None else None,
        tuple(
            Saved(row.id, row.name, row.address, row.words, row.user_id == viewer.user_id)
            for row in rows
            if row.id is not None
        ),
    )


# --- Writing: in the session's transaction; committing is the caller's ------------------------------------


def remember(session: Session, entity: str, words: Pairs, secret: str) -> str:
    """Keep the words of a search; the key to them. The same words of the same person have the same key."""
    user_id, text, moment = viewer_of(session).user_id, as_words(words), now()
    digest = hmac.digest(secret.encode(), f"find\n{user_id}\n{entity}\n{text}".encode(), sha256)
    key = urlsafe_b64encode(digest[:15]).decode()
    found = session.execute(select(_finds.c.at).where(_finds.c.key == key)).scalar()
    if found is None:
        session.execute(delete(_finds).where(_finds.c.at < moment - KEPT))
        with suppress(IntegrityError), session.begin_nested():  # somebody who pressed twice has made it already
            session.execute(insert(_finds).values(key=key, user_id=user_id, entity=entity, words=text, at=moment))
    elif moment - found > _RENEWED:
        session.execute(update(_finds).where(_finds.c.key == key).values(at=moment))
    return key


def choose(session: Session, entity: str, **look: Any) -> None:
    """Keep the columns or the length of page of a list."""
    own = {"user_id": viewer_of(session).user_id, "entity": entity}
    where = and_(*(_looks.c[name] == value for name, value in own.items()))
    if not session.execute(update(_looks).where(where).values(**look)).rowcount:  # type: ignore[attr-defined]
        with suppress(IntegrityError), session.begin_nested():
            session.execute(insert(_looks).values(**{"columns": "", **own, **look}))


def save(session: Session, entity: str, name: str, address: str, words: Pairs) -> int:
    """Keep a filter under a name; under a name that is taken the new one stands in the old one's place."""
    own = {"user_id": viewer_of(session).user_id, "entity": entity, "name": name}
    what = {"address": address, "words": as_words(words)}
    where = and_(*(_saved.c[column] == value for column, value in own.items()))
    found = session.execute(select(_saved.c.id).where(where)).scalar()
    if found is None:
        return int(session.execute(insert(_saved).values(**own, **what).returning(_saved.c.id)).scalar_one())
    session.execute(update(_saved).where(_saved.c.id == found).values(**what))
    return int(found)


def own_saved(session: Session, entity: str, id_: int) -> Any:
    """A saved filter of the viewer's own, or None."""
    where = (_saved.c.id == id_, _saved.c.entity == entity, _saved.c.user_id == viewer_of(session).user_id)
    return session.execute(select(_saved).where(*where)).first()


def rename(session: Session, id_: int, name: str) -> None:
    session.execute(update(_saved).where(_saved.c.id == id_).values(name=name))


def taken(session: Session, entity: str, name: str) -> bool:
    """Whether the viewer has a saved filter of this name."""
    where = (_saved.c.user_id == viewer_of(session).user_id, _saved.c.entity == entity, _saved.c.name == name)
    return session.execute(select(_saved.c.id).where(*where)).first() is not None


def forget(session: Session, id_: int) -> None:
    session.execute(delete(_saved).where(_saved.c.id == id_))


def roles_of(session: Session, ids: Collection[int]) -> dict[int, set[int]]:
    """Roles that these saved filters are shared with."""
    found: dict[int, set[int]] = {}
    for id_, role_id in session.execute(select(_shares).where(_shares.c.saved_filter_id.in_(ids))):
        found.setdefault(id_, set()).add(role_id)
    return found


def may_share(session: Session) -> bool:
    """Whether there is anybody to share with: the colleagues of one's organisation, or everybody."""
    viewer = viewer_of(session)
    return viewer.sees_everything or viewer.organisation_id is not None


def share(session: Session, id_: int, roles: Iterable[int]) -> None:
    """Offer a saved filter to the holders of exactly these roles."""
    roles, viewer = set(roles), viewer_of(session)
    organisation_id = None if viewer.sees_everything else viewer.organisation_id
    session.execute(delete(_shares).where(_shares.c.saved_filter_id == id_))
    if roles:
        session.execute(insert(_shares), [{"saved_filter_id": id_, "role_id": role} for role in sorted(roles)])
    session.execute(update(_saved).where(_saved.c.id == id_).values(organisation_id=organisation_id))
