"""The bin: what was deleted, and the records from whose pages it can be put back."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bin_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bin_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_bin_entry_at"), "bin_entry", ["at"])
    op.create_index(op.f("ix_bin_entry_user_id"), "bin_entry", ["user_id"])
    op.create_table(
        "bin_place",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["bin_entry.id"], name=op.f("fk_bin_place_entry_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id", "entity", "record_id", name=op.f("pk_bin_place")),
    )
    op.create_index("ix_bin_place_record", "bin_place", ["entity", "record_id"])


def downgrade() -> None:
    op.drop_table("bin_place")
    op.drop_table("bin_entry")
