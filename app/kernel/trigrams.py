"""The index by which a part of a text is found, and the words whose typing errors are forgiven.

Both follow from ``Record.folded`` and are made from the declarations: an entity that says what it is ``found`` by gets
them. SQLite keeps a trigram table of FTS5 beside the entity's, by triggers; PostgreSQL an index of pg_trgm. Nothing in
them is lost that could not be made anew (:func:`make`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    event,
    exists,
    insert,
    inspect,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from app.kernel.likeness import forgiven, keys, known_words, nearest, searched
from app.kernel.orm import Record
from app.kernel.schema import FOLDED, Schema, schema_of

SHORTEST = 3  # letters that a trigram has
_TRIGGERS = ("_added", "_changed", "_deleted")
_PG_TRGM = text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
_RECIPE = "1"  # counts on when a text is folded in another way

# The words of the texts, each under all that is left of its beginning when letters are missing (likeness.keys).
WORDS = Table(
    "search_word",
    Model.metadata,
    Column("key", String(10), primary_key=True),
    Column("word", String(40), primary_key=True),
    sqlite_with_rowid=False,
)
# How the texts of an entity were folded: when its declaration changes, they are folded anew.
RECIPES = Table(
    "search_recipe",
    Model.metadata,
    Column("entity", String(100), primary_key=True),
    Column("recipe", Text, nullable=False),
)


def index_name(schema: Schema) -> str:
    return f"{schema.table.name}_found"


def is_found(schema: Schema) -> bool:
    return schema.admin.found is not None


# --- Asking -----------------------------------------------------------------------------------------------


class _Holds(FunctionElement[bool]):
    """That a folded text holds one of several parts, asked in each database's own way.

    It has no type of its own: a Boolean one would be compared with 1 on SQLite, which then reads the whole table.
    """

    inherit_cache = True


@compiles(_Holds, "sqlite")
def _in_fts(element: Any, compiler: Any, **options: Any) -> str:
    index, id_, phrase, _patterns = (compiler.process(part, **options) for part in element.clauses)
    return f"{id_} IN (SELECT rowid FROM {index} WHERE {index} MATCH {phrase})"


@compiles(_Holds)
def _by_like(element: Any, compiler: Any, **options: Any) -> str:
    *_others, patterns = element.clauses
    return f"({compiler.process(patterns, **options)})"


def escape_like(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def holds(schema: Schema, columns: Any, *words: Sequence[str]) -> ColumnElement[bool]:
    """Rows whose folded text holds one of the parts given for each word.

    By the index, when there is one and the parts are long enough.
    """
    likes = [or_(*(columns.folded.like(f"%{escape_like(part)}%", escape="\\") for part in parts)) for parts in words]
    if not is_found(schema) or min(len(part) for parts in words for part in parts) < SHORTEST:
        return and_(*likes)
    phrases = (" OR ".join('"' + part.replace('"', '""') + '"' for part in parts) for parts in words)
    phrase = " AND ".join(f"({alternatives})" for alternatives in phrases)
    index: ColumnElement[Any] = literal_column(index_name(schema))
    return _Holds(index, columns.id, bindparam(None, phrase, type_=Text, unique=True), and_(*likes))


def similar_words(connection: Connection, word: str, most: int = 100) -> list[str]:
    """Words of the texts that may have been meant, the nearest first."""
    errors = forgiven(word)
    if not errors or not word.isalpha():
        return []
    statement = select(WORDS.c.word).where(WORDS.c.key.in_(sorted(keys(word, errors)))).distinct()
    return nearest(word, connection.execute(statement).scalars(), most)


# --- Keeping ----------------------------------------------------------------------------------------------


def learn(connection: Connection, words: Collection[str]) -> None:
    """Take these words into the ones whose errors are forgiven."""
    # Two people may write the same new surname at once.
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    taken = dialect.insert(WORDS).on_conflict_do_nothing()
    asked = sorted(words)
    for at in range(0, len(asked), 200):
        some = asked[at : at + 200]
        there = select(WORDS.c.word).where(WORDS.c.key.in_({word[:6] for word in some}), WORDS.c.word.in_(some))
        known = set(connection.execute(there).scalars())
        rows = [{"key": key, "word": word} for word in some if word not in known for key in sorted(keys(word))]
        if rows:
            connection.execute(taken, rows)


def forget(connection: Connection, words: Collection[str], found: Iterable[Schema]) -> None:
    """Drop those of the words that no record holds any more: what is deleted leaves no surname behind."""
    if not words:
        return
    for word in sorted(words):
        if not connection.execute(select(or_(*(_held(schema, word) for schema in found)))).scalar():
            connection.execute(delete(WORDS).where(WORDS.c.key.in_(sorted(keys(word))), WORDS.c.word == word))


def _held(schema: Schema, word: str) -> ColumnElement[bool]:
    return exists().select_from(schema.table).where(holds(schema, schema.table.c, (word,)))


def _follow(session: Session, context: Any) -> None:
    new: set[str] = set()
    old: set[str] = set()
    for record in (*session.new, *session.dirty):
        if isinstance(record, Record) and is_found(schema_of(type(record))):
            history: Any = inspect(record).attrs.folded.history
            new.update(*map(known_words, history.added or ()))
            old.update(*map(known_words, history.deleted or ()))
    for record in session.deleted:
        if isinstance(record, Record) and is_found(schema_of(type(record))):
            old.update(known_words(record.folded))
    if new:
        learn(session.connection(), new - old)
    if old - new:
        forget(session.connection(), old - new, _found_entities())


def follow(session: Any) -> None:
    """Learn and forget words with every change that goes through this session (or factory)."""
    event.listen(session, "after_flush", _follow)


def _records() -> list[Schema]:
    mappers = sorted(Model.registry.mappers, key=lambda mapper: mapper.class_.__name__)
    return [
        schema_of(mapper.class_)
        for mapper in mappers
        if issubclass(mapper.class_, Record) and hasattr(mapper.class_, "__admin__")
    ]


def _found_entities() -> list[Schema]:
    return [schema for schema in _records() if is_found(schema)]


# --- Making -----------------------------------------------------------------------------------------------


def make(connection: Connection) -> None:
    """Make what is missing and make anew what was made otherwise. Takes a moment when there is nothing to do.

    Not by a migration: it follows from the declarations, and a migration of SQLite that copies a table leaves its
    triggers behind.
    """
    if not _check_sqlite(connection):
        raise RuntimeError("This SQLite has no trigram index: 3.34 or newer with FTS5 is needed.")
    made = _made(connection)
    for schema in _records():
        if made.get(schema.table.name) != (recipe := _recipe(schema)):
            _refold(connection, schema)
            connection.execute(delete(RECIPES).where(RECIPES.c.entity == schema.table.name))
            connection.execute(insert(RECIPES).values(entity=schema.table.name, recipe=recipe))
    if connection.dialect.name == "sqlite":
        for schema in _found_entities():
            _make_fts(connection, schema)
    elif _has_pg_trgm(connection):
        for schema in _found_entities():
            connection.execute(
                text(
                    f"CREATE INDEX IF NOT EXISTS ix_{schema.table.name}_folded_trigram "
                    f'ON "{schema.table.name}" USING gin (folded gin_trgm_ops)'
                )
            )


def _check_sqlite(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    driver: Any = connection.dialect.dbapi
    with_fts5 = connection.execute(text("SELECT sqlite_compileoption_used('ENABLE_FTS5')")).scalar()
    return driver.sqlite_version_info >= (3, 34) and bool(with_fts5)


def _has_pg_trgm(connection: Connection) -> bool:
    """Whether the extension is there, or could be added. Without it the search works, and slower."""
    if connection.execute(_PG_TRGM).scalar():
        return True
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION pg_trgm"))
    except DBAPIError:
        logging.getLogger(__name__).warning("The extension pg_trgm may not be added: see docs/operations.md")
        return False
    return True


def _searched_columns(schema: Schema) -> list[Any]:
    fields = schema.fields(schema.admin.search)
    return [field.column for field in fields if field.kind in FOLDED]


def _recipe(schema: Schema) -> str:
    names = ",".join(column.key for column in _searched_columns(schema))
    return f"{_RECIPE} {names}{' found' if is_found(schema) else ''}"


def _refold(connection: Connection, schema: Schema) -> None:
    """Fold the texts of all rows by the declaration."""
    t, columns, last = schema.table, _searched_columns(schema), 0
    change = t.update().where(t.c.id == bindparam("at")).values(folded=bindparam("now"))
    words: set[str] = set()
    while True:
        some = select(t.c.id, t.c.folded, *columns).where(t.c.id > last).order_by(t.c.id).limit(5_000)
        rows = connection.execute(some).all()
        if not rows:
            break
        last, changed = rows[-1][0], []
        for id_, folded, *values in rows:
            now = searched(values)
            if now != folded:
                changed.append({"at": id_, "now": now})
            if is_found(schema):
                words |= known_words(now)
        if changed:
            connection.execute(change, changed)
    learn(connection, words)


def _make_fts(connection: Connection, schema: Schema) -> None:
    table, name = f'"{schema.table.name}"', index_name(schema)
    into = f"INSERT INTO {name}(rowid, folded) VALUES (new.id, new.folded);"
    out = f"INSERT INTO {name}({name}, rowid, folded) VALUES ('delete', old.id, old.folded);"
    wanted = {
        name: f"CREATE VIRTUAL TABLE {name} USING fts5"
        f"(folded, content={table}, content_rowid='id', tokenize='trigram')",
        f"{name}_added": f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {into} END",
        f"{name}_changed": f"CREATE TRIGGER {name}_changed AFTER UPDATE OF folded ON {table} "
        f"WHEN new.folded IS NOT old.folded BEGIN {out} {into} END",
        f"{name}_deleted": f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {table} BEGIN {out} END",
    }
    known = text("SELECT name FROM sqlite_master WHERE name LIKE :name")
    there = set(connection.execute(known, {"name": f"{name}%"}).scalars())
    missing = [statement for what, statement in wanted.items() if what not in there]
    for statement in missing:
        connection.execute(text(statement))
    if missing:
        connection.execute(text(f"INSERT INTO {name}({name}) VALUES ('rebuild')"))


def is_made(connection: Connection) -> bool:
    """Whether the texts are folded as the declarations say, and the index is whole. Each start asks."""
    made = _made(connection)
    if any(made.get(schema.table.name) != _recipe(schema) for schema in _records()):
        return False
    if connection.dialect.name == "sqlite":
        parts = [index_name(schema) + part for schema in _found_entities() for part in ("", *_TRIGGERS)]
        known = text("SELECT name FROM sqlite_master")
    else:
        if not connection.execute(_PG_TRGM).scalar():
            return True  # it works without, and will be made when somebody has added the extension
        parts = [f"ix_{schema.table.name}_folded_trigram" for schema in _found_entities()]
        known = text("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()")
    return set(parts) <= set(connection.execute(known).scalars())


def _made(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(RECIPES.c.entity, RECIPES.c.recipe))
    return {row.entity: row.recipe for row in rows}
