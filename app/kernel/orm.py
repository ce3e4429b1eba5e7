"""The base of every entity: identity, who and when, the lost-update guard, and the folded search text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, cast

from flask_appbuilder import Model as Model
from flask_appbuilder.security.sqla import models as _accounts  # noqa: F401  defined before the naming, in any order
from flask_babel import gettext
from sqlalchemy import (
    DateTime,
    Enum,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    func,
    inspect,
    select,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import Mapped, Mapper, Session, declared_attr, mapped_column

from app.kernel.declare import N_, NOBODY, SYSTEM, Admin, Choice, Viewer
from app.kernel.likeness import fold as fold
from app.kernel.likeness import searched

metadata = Model.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[dt.datetime]):
    """A point in time, aware, kept in UTC on both databases (SQLite forgets the zone by itself)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


Model.registry.update_type_annotation_map(
    {
        dt.datetime: Moment(),
        Choice: Enum(Choice, native_enum=False, create_constraint=False, length=30),
    }
)


def label(values: Iterable[Any]) -> str:
    """The name of a record from its naming columns: «3. Ребёнок не получает образовательных услуг»."""
    words = []
    for value in values:
        if isinstance(value, str):
            words.append(value)
        elif isinstance(value, dt.date):
            words.append(f"{value:%d.%m.%Y}")
        elif isinstance(value, int):
            words.append(f"{value}.")
        elif isinstance(value, Choice):
            words.append(gettext(value.value))
        elif value is not None:
            words.append(str(value))
    return " ".join(filter(None, words))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Row(Model):
    """Anything kept under a number."""

    __abstract__ = True
    # Flask-AppBuilder's own setting would merge two classes of one table in silence.
    __table_args__: Any = {"extend_existing": False}
    __admin__: ClassVar[Admin]

    id: Mapped[int] = mapped_column(primary_key=True, info={"label": N_("No.")}, sort_order=-10)

    def __str__(self) -> str:
        return label(getattr(self, name) for name in self.__admin__.name) or f"№ {self.id}"


class Record(Row):
    """An entity of the domain: it has an author, a history, and a version that two editors cannot both overwrite."""

    __abstract__ = True

    chosen = frozenset[str]()  # fields that a person has filled in a form: they are held to what is offered there

    created_at: Mapped[dt.datetime] = mapped_column(default=now, info={"label": N_("Created")}, sort_order=90)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("ab_user.id", ondelete="SET NULL"), index=True, sort_order=91
    )
    changed_at: Mapped[dt.datetime] = mapped_column(
        default=now, onupdate=now, info={"label": N_("Changed")}, sort_order=92
    )
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), sort_order=93)
    version: Mapped[int] = mapped_column(default=1, sort_order=94)
    folded: Mapped[str] = mapped_column(Text, default="", sort_order=95)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    def prepare(self, session: Session) -> None:
        """Fill in what follows from the rest, inside the transaction, before the record is checked and written."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the record as a whole: pairs of field and a sentence that names the remedy."""
        return iter(())

    def undeletable(self) -> str | None:
        """Why the record may not be deleted by itself, as a message to translate; None when it may.

        What goes together with the record it belongs to is not asked: whoever deletes a case deletes its papers.
        """
        return None


def viewer_of(session: Any) -> Viewer:
    """Who this session reads for; nobody unless somebody was named."""
    return session.info.get("viewer") or NOBODY


def connection_of(session: Session) -> Connection:
    """The connection of the session's transaction. To ask the session each time takes longer than some statements."""
    held: Connection | None = session.info.get("connection")
    if held is None or held.closed or not session.in_transaction():
        held = session.info["connection"] = session.connection()
    return held


@contextmanager
def acting_as(session: Any, viewer: Viewer = SYSTEM) -> Iterator[None]:
    """Read and write for this viewer for a while: the system itself in commands, a colleague in tests."""
    before = session.info.get("viewer")
    session.info["viewer"] = viewer
    try:
        yield
    finally:
        session.info["viewer"] = before


def changed(record: Any, attribute: str) -> tuple[Any, Any] | None:
    """Old and new value of a column that a flush is about to write, or None when it stays."""
    history = inspect(record).attrs[attribute].history
    if not history.has_changes():
        return None
    return (history.deleted[0] if history.deleted else None, history.added[0] if history.added else None)


def searched_text(record: Row) -> str:
    """The folded text by which the record is found: its own declared columns, without its relations."""
    columns = inspect(type(record)).columns
    return searched(getattr(record, name) for name in record.__admin__.search if name in columns)


def _is_written(record: Record) -> bool:
    """Whether the record itself changes, with its links to others. Its child rows are records of their own."""
    state: Any = inspect(record)
    links = (relation.key for relation in state.mapper.relationships if relation.secondary is not None)
    names = (*state.mapper.columns.keys(), *links)
    return state.pending or any(state.attrs[name].history.has_changes() for name in names if name in state.dict)


def _stamp(mapper: Mapper[Any], connection: Connection, record: Record) -> None:
    if not _is_written(record):
        return
    if inspect(record).persistent:
        record.changed_at = now()  # a change of links alone is a change too: the version must tell of it
    record.folded = searched_text(record)
    session = Session.object_session(record)
    user_id = viewer_of(session).user_id if session else None
    if record.created_by_id is None and inspect(record).pending:
        record.created_by_id = user_id
    if user_id is not None:
        record.changed_by_id = user_id


def _never_reuse_numbers(mapper: Mapper[Any], entity: type[Row]) -> None:
    # SQLite would give a deleted record's number to the next one, and with it the other's history.
    cast(Table, mapper.local_table).dialect_options["sqlite"]["autoincrement"] = True


def _index_order(mapper: Mapper[Any], entity: type[Row]) -> None:
    # The order in which a list opens, with the number behind it: a far page is walked to and not sorted.
    table, sort = cast(Table, mapper.local_table), entity.__admin__.order[0]
    if sort in table.c and not (table.c[sort].unique or table.c[sort].primary_key):
        Index(None, table.c[sort], table.c.id)


event.listen(Row, "instrument_class", _never_reuse_numbers, propagate=True)
event.listen(Row, "instrument_class", _index_order, propagate=True)
event.listen(Record, "before_insert", _stamp, propagate=True)
event.listen(Record, "before_update", _stamp, propagate=True)


def next_number(session: Session, column: Any, pattern: Callable[[int], str]) -> str:
    """The first free number of a register: ``next_number(session, Case.number, "И-2026/{:02}".format)``."""
    table = column.class_.__table__
    n = session.execute(select(func.count()).select_from(table)).scalar_one()
    while True:
        n += 1
        number = pattern(n)
        if not session.execute(select(table.c.id).where(table.c[column.key] == number)).first():
            return number


SHORT = String(200)
LONG = Text()
