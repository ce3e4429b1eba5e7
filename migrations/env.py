"""Alembic's door to the application: one metadata for everything, Flask-AppBuilder's own tables too.

A command hands its connection over (app/kernel/database.py). Without one, a developer has called ``alembic``,
and the database of the settings is taken.
"""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum, create_engine

from app.kernel import access, alike, personal  # noqa: F401  their tables belong to the metadata
from app.kernel.database import engine_options, prepare_engine, told_by_models
from app.kernel.orm import Moment
from models import metadata


def plain_types(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Types in the words of SQLAlchemy alone: a migration must still run when our code has moved on.

    A choice is written as its text, so that a new value needs no migration.
    """
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,  # SQLite alters a table only by copying it; PostgreSQL does not mind
        render_item=plain_types,
        compare_type=True,
        include_name=told_by_models,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    from config import settings

    url = str(settings()["SQLALCHEMY_DATABASE_URI"])
    engine = create_engine(url, **engine_options(url))
    prepare_engine(engine)
    with engine.connect() as connection:
        run(connection)
