"""Who changed what: one line per field, added in the transaction of the change and never touched again."""

from __future__ import annotations

import datetime as dt
import enum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Index, Select, event, inspect, select
from sqlalchemy.orm import Mapped, Session

from app.kernel.declare import ADMINISTRATOR, N_, Admin, Choice, May, column, computed, derived
from app.kernel.orm import LONG, SHORT, Record, Row, now, viewer_of
from app.kernel.scope import within
from app.kernel.told import entity_told, field_told, value_told

# Upkeep that says nothing to a reader of the history.
_SILENT = frozenset({"version", "folded", "changed_at", "changed_by_id", "created_at", "created_by_id", "id"})


class ChangeKind(Choice):
    """What was done to a record."""

    ADDED = N_("Added")
    CHANGED = N_("Changed")
    DELETED = N_("Deleted")
    HINTED = N_("Another organisation was told to ask here")
    RESTORED = N_("Restored")


class Change(Row):
    """A line of the history: who, when, which field of which record, the old value and the new one."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_record", "entity", "record_id"),)

    at: Mapped[dt.datetime] = column(N_("When"), default=now)
    user_id: Mapped[int | None] = column(N_("User number"))
    user: Mapped[str] = column(N_("Who"), SHORT)
    entity: Mapped[str] = column(N_("Entity"), SHORT)
    record_id: Mapped[int] = column(N_("Record number"))
    kind: Mapped[ChangeKind] = column(N_("What was done"))
    field: Mapped[str | None] = column(N_("Field"), SHORT)
    old: Mapped[str | None] = column(N_("Old value"), LONG)
    new: Mapped[str | None] = column(N_("New value"), LONG)
    subject = computed(N_("Entity"), entity_told)
    what = derived(N_("Field"), field_told, ("entity", "field"))
    was = derived(N_("Was"), value_told, ("entity", "field", "old"))
    became = derived(N_("Became"), value_told, ("entity", "field", "new"))

    __admin__ = Admin(
        one=N_("Line of the history"),
        title=N_("History of changes"),
        name=("id",),
        # A card on a telephone shows the first seven: what was and what is among them.
        list=("at", "user", "subject", "record_id", "what", "was", "became", "kind"),
        form={},
        show=("at", "user", "subject", "record_id", "kind", "what", "was", "became"),
        search=(),
        filters=("at", "user", "subject", "record_id", "kind"),
        order=("id", "desc"),
        # Old values may tell of any family: only whoever sees everything reads the whole history.
        scope=within(),
        may={ADMINISTRATOR: May.READ | May.EXPORT},
        help=N_("Every change of every record."),
        icon="history",
    )


def as_text(value: Any) -> str | None:
    """A stored value as the history keeps it."""
    if value is None:
        return None
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return str(value)


def kept_fields(entity: type[Row]) -> list[str]:
    """The stored values of which the history tells."""
    attributes = inspect(entity).column_attrs
    return [one.key for one in attributes if one.key not in _SILENT and not one.columns[0].info.get("secret")]


def _lines(record: Record, kind: ChangeKind) -> list[dict[str, str | None]]:
    state: Any = inspect(record)
    lines = []
    for name in kept_fields(type(record)):
        if kind is ChangeKind.DELETED:
            lines.append({"field": name, "old": as_text(getattr(record, name)), "new": None})
            continue
        history = state.attrs[name].history
        if history.has_changes():
            old, new = (as_text(values[0]) if values else None for values in (history.deleted, history.added))
            if old != new:
                lines.append({"field": name, "old": old, "new": new})
    for relation in state.mapper.relationships:
        if relation.secondary is None or relation.key not in state.dict:
            continue
        history = state.attrs[relation.key].history
        if kind is not ChangeKind.DELETED and history.has_changes():
            # Numbers, as of single references: who reads them may not be allowed the names.
            old_ids = [str(other.id) for other in (*history.unchanged, *history.deleted)]
            new_ids = [str(other.id) for other in (*history.unchanged, *history.added)]
            lines.append({"field": relation.key, "old": "; ".join(old_ids), "new": "; ".join(new_ids)})
    return lines


def _write(session: Session, context: Any) -> None:
    moment, viewer = now(), viewer_of(session)
    rows: list[dict[str, Any]] = []
    for records, kind in (
        (session.new, ChangeKind.ADDED),
        (session.dirty, ChangeKind.CHANGED),
        (session.deleted, ChangeKind.DELETED),
    ):
        for record in records:
            if not isinstance(record, Record):
                continue
            for line in _lines(record, kind):
                rows.append(
                    {
                        "at": moment,
                        "user_id": viewer.user_id,
                        "user": session.info.get("user_name") or "система",
                        "entity": type(record).__tablename__,
                        "record_id": record.id,
                        "kind": kind,
                        **line,
                    }
                )
    if rows:
        session.execute(Change.__table__.insert(), rows)


@cache
def newest_line() -> tuple[Any, Any]:
    """What every write changes: the number and the moment of the newest line. Free to ask, however long the history."""
    c = Change.__table__.alias().c  # of its own: the list of changes is a select from the same table
    id_, at = (select(column).order_by(c.id.desc()).limit(1).scalar_subquery() for column in (c.id, c.at))
    return id_, at


@cache
def _newest() -> Select[Any]:
    return select(*newest_line())


def newest_change(connection: Connection) -> Any:
    return connection.execute(_newest()).one()


def last_change(session: Session, record: Record) -> Any:
    """The newest line of a record's history: who, and at what moment. None when it has none."""
    c = Change.__table__.c
    lines = select(c.user, c.at).where(c.entity == record.__table__.name, c.record_id == record.id)
    return session.connection().execute(lines.order_by(c.id.desc()).limit(1)).first()


def _refuse_rewriting(session: Session, context: Any, instances: Any) -> None:
    if any(isinstance(record, Change) for record in (*session.dirty, *session.deleted)):
        raise RuntimeError("the history is only added to")


def keep_history(session: Any) -> None:
    """Write the history of every change that goes through this session (or factory)."""
    event.listen(session, "after_flush", _write)
    event.listen(session, "before_flush", _refuse_rewriting)
