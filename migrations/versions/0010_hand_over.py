"""Who is away, and from whom to whom cases have passed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def kept(table: str) -> list[sa.Column | sa.Constraint]:
    """What every record keeps of itself."""
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], ["ab_user.id"], name=op.f(f"fk_{table}_{name}"), ondelete="SET NULL")
            for name in ("created_by_id", "changed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def staff(table: str, name: str, ondelete: str = "RESTRICT") -> sa.Constraint:
    return sa.ForeignKeyConstraint([name], ["staff.id"], name=op.f(f"fk_{table}_{name}"), ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("stand_in_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        staff("absence", "staff_id", "CASCADE"),
        staff("absence", "stand_in_id"),
        *kept("absence"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("giver_id", sa.Integer(), nullable=True),
        sa.Column("receiver_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("temporary", sa.Boolean(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint("giver_id <> receiver_id", name="ck_handover_two"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_handover_case_id"), ondelete="CASCADE"),
        staff("handover", "giver_id"),
        staff("handover", "receiver_id"),
        *kept("handover"),
        sqlite_autoincrement=True,
    )
    for name in ("created_by_id", "staff_id", "stand_in_id"):
        op.create_index(op.f(f"ix_absence_{name}"), "absence", [name])
    op.create_index(op.f("ix_absence_since_id"), "absence", ["since", "id"])
    for name in ("case_id", "created_by_id", "giver_id", "receiver_id", "state"):
        op.create_index(op.f(f"ix_handover_{name}"), "handover", [name])
    op.create_index(op.f("ix_handover_day_id"), "handover", ["day", "id"])


def downgrade() -> None:
    op.drop_table("handover")
    op.drop_table("absence")
