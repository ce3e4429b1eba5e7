"""What the search keeps beside the records: known words, and how the texts were folded.

The trigram index itself follows from the declarations and is made by the program after the migrations; here it is
only taken away again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_word",
        sa.Column("key", sa.String(10), nullable=False),
        sa.Column("word", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("key", "word", name=op.f("pk_search_word")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_recipe",
        sa.Column("entity", sa.String(100), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", name=op.f("pk_search_recipe")),
    )
    op.create_table(
        "alike_question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_alike_question_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alike_question")),
    )
    op.create_index(op.f("ix_alike_question_user_id_at"), "alike_question", ["user_id", "at"])


def downgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        found = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE %_found USING fts5%'"
        for name in bind.execute(sa.text(found)).scalars().all():
            for kind in ("added", "changed", "deleted"):
                op.execute(f"DROP TRIGGER IF EXISTS {name}_{kind}")
            op.execute(f"DROP TABLE {name}")
    else:
        found = (
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%_folded_trigram' AND schemaname = current_schema()"
        )
        for name in bind.execute(sa.text(found)).scalars().all():
            op.execute(f'DROP INDEX "{name}"')
    op.drop_table("alike_question")
    op.drop_table("search_recipe")
    op.drop_table("search_word")
