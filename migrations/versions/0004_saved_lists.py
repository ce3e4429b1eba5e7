"""What a person keeps of a list: the words of a search, the look of a list, saved filters"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "find",
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE", name="fk_find_user_id"),
        sa.PrimaryKeyConstraint("key", name="pk_find"),
    )
    op.create_index("ix_find_user_id", "find", ["user_id"])
    op.create_index("ix_find_at", "find", ["at"])
    op.create_table(
        "list_look",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE", name="fk_list_look_user_id"),
        sa.PrimaryKeyConstraint("user_id", "entity", name="pk_list_look"),
    )
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE", name="fk_saved_filter_user_id"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], ondelete="CASCADE", name="fk_saved_filter_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_filter"),
        sa.UniqueConstraint("user_id", "entity", "name", name="uq_saved_filter_user_id_entity_name"),
    )
    op.create_index("ix_saved_filter_entity", "saved_filter", ["entity"])
    op.create_index("ix_saved_filter_organisation_id", "saved_filter", ["organisation_id"])
    op.create_table(
        "saved_filter_role",
        sa.Column("saved_filter_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_filter_id"],
            ["saved_filter.id"],
            ondelete="CASCADE",
            name="fk_saved_filter_role_saved_filter_id",
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE", name="fk_saved_filter_role_role_id"),
        sa.PrimaryKeyConstraint("saved_filter_id", "role_id", name="pk_saved_filter_role"),
    )
    op.create_index("ix_saved_filter_role_role_id", "saved_filter_role", ["role_id"])


def downgrade() -> None:
    for table in ("saved_filter_role", "saved_filter", "list_look", "find"):
        op.drop_table(table)
