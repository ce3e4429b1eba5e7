"""Users: how they are made, how they sign in and out, and the lock after wrong passwords. No screens here."""

from __future__ import annotations

import datetime as dt
import logging
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from flask import current_app
from flask_appbuilder.security.sqla.models import Role, User, assoc_user_role
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.kernel.access import LONGEST, SignIn, UserAccount, digest
from app.kernel.grants import is_administered
from app.kernel.history import Change, ChangeKind
from app.kernel.orm import now, viewer_of

log = logging.getLogger(__name__)

FAILURES = 6
LOCKED = dt.timedelta(minutes=30)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

FieldChange: TypeAlias = tuple[str, str | None, str | None]  # field, old value, new value

_users, _accounts, _sign_ins = User.__table__, UserAccount.__table__, SignIn.__table__


class Refusal(Exception):
    """Why a change of an account or a role is not made; the text is for whoever asked for it."""


# --- History ----------------------------------------------------------------------------------------------


def write_history(
    session: Session, entity: str, record_id: int, kind: ChangeKind, changes: Iterable[FieldChange]
) -> None:
    """Lines of the history for what is no record of the domain: a role, an account."""
    line = {
        "at": now(),
        "user_id": viewer_of(session).user_id,
        "user": session.info.get("user_name") or "система",
        "entity": entity,
        "record_id": record_id,
        "kind": kind,
    }
    rows = [line | {"field": name, "old": old, "new": new} for name, old, new in changes if old != new]
    if rows:
        session.execute(insert(Change.__table__), rows)


@contextmanager
def administering(session: Session) -> Iterator[None]:
    """A change of roles or accounts: one at a time, committed here, never the last administrator's loss."""
    session.execute(select(Role.id).with_for_update()).all()
    before = is_administered(session)
    yield
    session.flush()
    if before and not is_administered(session):
        raise Refusal(_("This would leave no active administrator. Name another one first."))
    session.commit()


# --- Passwords --------------------------------------------------------------------------------------------

_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else when read aloud
_WORDS = frozenset(
    {
        "password", "passw", "pass", "qwerty", "qwertyuiop", "admin", "administrator", "letmein", "welcome",
        "iloveyou", "changeme", "secret", "ryadom", "пароль", "админ", "администратор", "йцукен", "привет",
        "люблю", "любовь", "рядом", "секрет", "солнышко",
    }
)  # fmt: skip
_ROWS = (
    "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb",
    "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "йцукенгшщзхъфывапролджэячсмитьбю",
    "abcdefghijklmnopqrstuvwxyz", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
)  # fmt: skip


def one_time_password() -> str:
    """Four groups of four: easy to read aloud and to type, with about 79 bits in it."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> str:
    """The same letters typed on another system are the same password: «й» may arrive as one code or two."""
    return unicodedata.normalize("NFKC", password)


def password_fault(password: str, login: str) -> str:
    """What is wrong with a new password, in a sentence for whoever chose it; empty when it is good."""
    plain, shortest, longest = _normal(password).lower(), SHORTEST_PASSWORD, LONGEST_PASSWORD
    if len(plain) < shortest:
        return str(_("The password needs at least %(count)d characters: a few words do well.", count=shortest))
    if len(plain) > longest:
        return str(_("The password is longer than %(count)d characters.", count=longest))
    if len(login) > 2 and len(plain.replace(login.lower(), "")) < shortest // 2:
        return str(_("The password must not be the login."))
    if _is_common(plain):
        return str(_("This password is among those that are guessed first. Choose another."))
    return ""


def _is_common(plain: str) -> bool:
    letters = re.sub(r"[\W\d_]+", "", plain)
    unit = re.fullmatch(r"(.+?)\1*", letters)
    return (
        len(set(plain)) < 5
        or bool(unit and unit.group(1) in _WORDS)
        or re.fullmatch(r"(.{1,6}?)\1+", plain) is not None
        or any(plain in row * 3 or plain[::-1] in row * 3 for row in _ROWS)
    )


def hashed(password: str) -> str:
    config = current_app.config
    return generate_password_hash(
        _normal(password),
        method=config.get("FAB_PASSWORD_HASH_METHOD", "scrypt"),
        salt_length=config.get("FAB_PASSWORD_HASH_SALT_LENGTH", 16),
    )


def set_password(session: Session, user_id: int, password: str, *, must_change: bool) -> None:
    """A new password. Whoever was signed in with the old one no longer is, and a lock is lifted."""
    ensure_account(session, user_id)
    session.execute(update(_users).where(_users.c.id == user_id).values(password=hashed(password), fail_login_count=0))
    session.execute(
        update(_accounts).where(_accounts.c.user_id == user_id).values(must_change=must_change, locked_until=None)
    )
    sign_out_everywhere(session, user_id)
    write_history(session, "account", user_id, ChangeKind.CHANGED, [("password", None, "***")])


# --- Users ------------------------------------------------------------------------------------------------


def are_there(session: Session) -> bool:
    """Whether anybody has an account yet."""
    return session.execute(select(_users.c.id).limit(1)).first() is not None


def fold_login(login: str) -> str:
    """Logins are kept and asked for in small letters."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def split_name(name: str) -> tuple[str, str]:
    """First name with patronymic, and surname, of a name that begins with the surname."""
    last, _space, first = " ".join(name.split()).partition(" ")
    return first[:64], last[:64]


def ensure_account(session: Session, user_id: int) -> None:
    """The account's own row, for a user that was made by other means than :func:`create_user`."""
    if session.execute(select(_accounts.c.user_id).where(_accounts.c.user_id == user_id)).first() is None:
        session.execute(insert(_accounts).values(user_id=user_id, must_change=False))


def create_user(
    session: Session,
    login: str,
    password: str,
    role_names: Collection[str],
    staff: Any = None,
    name: str = "",
    *,
    must_change: bool = False,
) -> User:
    """A new user with these roles, linked to a member of staff if one is given; the caller commits."""
    login = fold_login(login)
    if not re.fullmatch(r"[\w.@+-]{1,64}", login):
        raise Refusal(_("A login is made of letters, digits and the marks . _ - @ +, without spaces."))
    if session.execute(select(_users.c.id).where(_users.c.username == login)).first():
        raise Refusal(_("The login “%(login)s” is taken.", login=login))
    roles = {role.name: role.id for role in session.execute(select(Role.id, Role.name))}
    if unknown := [role for role in role_names if role not in roles]:
        raise Refusal(_("There is no role “%(role)s”.", role=unknown[0]))
    first, last = split_name(name or getattr(staff, "name", ""))
    user = User(
        username=login,
        first_name=first,
        last_name=last or login[:64],
        email=f"{login}@localhost",  # Flask-AppBuilder wants one; nothing is ever sent to it
        password=hashed(password),
        active=True,
    )
    session.add(user)
    session.flush()
    session.execute(insert(_accounts).values(user_id=user.id, must_change=must_change))
    changes: list[FieldChange] = [("login", None, login), ("active", None, "True")]
    write_history(session, "account", user.id, ChangeKind.ADDED, changes)
    set_roles(session, user.id, [roles[role] for role in role_names])
    if staff is not None:
        staff.user_id = user.id
        session.flush()
    return user


def role_ids(session: Session, user_id: int) -> set[int]:
    c = assoc_user_role.c
    return set(session.execute(select(c.role_id).where(c.user_id == user_id)).scalars())


def set_roles(session: Session, user_id: int, wanted: Collection[int]) -> None:
    """Give a user exactly these roles."""
    links, c = assoc_user_role, assoc_user_role.c
    held, wanted = role_ids(session, user_id), set(wanted)
    if held == wanted:
        return
    names = {role.id: role.name for role in session.execute(select(Role.id, Role.name))}
    if gone := held - wanted:
        session.execute(delete(links).where(c.user_id == user_id, c.role_id.in_(gone)))
    if new := wanted - held:
        session.execute(insert(links), [{"user_id": user_id, "role_id": role_id} for role_id in sorted(new)])
    old_names, new_names = ("; ".join(sorted(names[id_] for id_ in ids)) for ids in (held, wanted))
    write_history(session, "account", user_id, ChangeKind.CHANGED, [("roles", old_names or None, new_names or None)])


def set_active(session: Session, user_id: int, active: bool) -> None:
    """Let a user in, or shut him out from this moment on."""
    was = bool(session.execute(select(_users.c.active).where(_users.c.id == user_id)).scalar_one())
    if was != active:
        session.execute(update(_users).where(_users.c.id == user_id).values(active=active))
        write_history(session, "account", user_id, ChangeKind.CHANGED, [("active", str(was), str(active))])
    if not active:
        sign_out_everywhere(session, user_id)


# --- Signing in and out -----------------------------------------------------------------------------------


def authenticate(session: Session, login: str, password: str) -> User | None:
    """The user of this login and password, unless he is inactive or locked. Commits: every attempt counts."""
    user = session.scalars(select(User).where(User.username == fold_login(login), User.active.is_(True))).first()
    if user is None:
        _take_as_long(password)
        log.warning("sign-in failed: no such active user")
        return None
    return user if proves(session, user, password) else None


def proves(session: Session, user: User, password: str) -> bool:
    """Whether the password is the user's; after several wrong ones nobody gets an answer for a while.

    An attempt is counted before it is judged, so that many at once do not slip past the lock.
    """
    user_id, kept = user.id, user.password
    if not _reserve_attempt(session, user_id):
        _take_as_long(password)
        log.warning("sign-in refused: user %s is locked", user_id)
        return False
    if not kept or len(password) > LONGEST_PASSWORD or not check_password_hash(kept, _normal(password)):
        log.warning("sign-in failed: user %s", user_id)
        return False
    session.execute(update(_users).where(_users.c.id == user_id).values(fail_login_count=0))
    session.execute(update(_accounts).where(_accounts.c.user_id == user_id).values(locked_until=None))
    session.commit()
    return True


def _take_as_long(password: str) -> None:
    """A refusal without a check must not be told from one with a check by its speed."""
    check_password_hash(current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], password[:LONGEST_PASSWORD])


def _reserve_attempt(session: Session, user_id: int) -> bool:
    ensure_account(session, user_id)
    moment = now()
    failed = func.coalesce(_users.c.fail_login_count, 0)
    of_user, of_account = _users.c.id == user_id, _accounts.c.user_id == user_id
    locked_until = session.execute(select(_accounts.c.locked_until).where(of_account)).scalar_one()
    if locked_until is not None and locked_until > moment:
        session.commit()
        return False
    if locked_until is not None:
        session.execute(update(_users).where(of_user, failed >= FAILURES).values(fail_login_count=0))
        session.execute(update(_accounts).where(of_account).values(locked_until=None))
    counted: Any = session.execute(update(_users).where(of_user, failed < FAILURES).values(fail_login_count=failed + 1))
    attempts = session.execute(select(failed).where(of_user)).scalar_one()
    if attempts >= FAILURES:
        session.execute(update(_accounts).where(of_account).values(locked_until=moment + LOCKED))
    session.commit()
    return bool(counted.rowcount)


def sign_in(session: Session, user_id: int) -> str:
    """Remember that the user is signed in; the secret goes into his cookie or token. The caller commits."""
    secret, moment = secrets.token_urlsafe(32), now()
    session.execute(delete(_sign_ins).where(_sign_ins.c.at < moment - LONGEST))
    session.execute(insert(_sign_ins).values(digest=digest(secret), user_id=user_id, at=moment, seen_at=moment))
    session.execute(
        update(_users)
        .where(_users.c.id == user_id)
        .values(login_count=func.coalesce(_users.c.login_count, 0) + 1, last_login=moment.replace(tzinfo=None))
    )
    return secret


def sign_out(session: Session, sign_in_digest: str | None) -> None:
    session.execute(delete(_sign_ins).where(_sign_ins.c.digest == sign_in_digest))


def sign_out_everywhere(session: Session, user_id: int) -> None:
    session.execute(delete(_sign_ins).where(_sign_ins.c.user_id == user_id))
