"""Triage of signals by facts, urgent measures with their moment, primary assessment."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

REFERENCES = {"procedure_id": "procedure", "factor_set_id": "factor_set", "agreed_with_id": "staff"}
MOMENTS = ("triaged_at", "urgent_due_at", "agreed_at")
WORDS = ("risk_reason", "urgent_measures", "late_reason", "assessment")
WAITING = sa.text("urgent_due_at IS NOT NULL AND agreed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "signal_factor",
        sa.Column("signal_id", sa.Integer(), nullable=False),
        sa.Column("factor_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["factor_id"], ["risk_factor.id"], name=op.f("fk_signal_factor_factor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signal.id"], name=op.f("fk_signal_factor_signal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("signal_id", "factor_id", name=op.f("pk_signal_factor")),
    )
    op.create_index(op.f("ix_signal_factor_factor_id"), "signal_factor", ["factor_id"])
    with op.batch_alter_table("signal") as batch:
        for name, target in REFERENCES.items():
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch.create_foreign_key(op.f(f"fk_signal_{name}"), target, [name], ["id"], ondelete="RESTRICT")
            batch.create_index(op.f(f"ix_signal_{name}"), [name])
        for name in MOMENTS:
            batch.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        for name in WORDS:
            batch.add_column(sa.Column(name, sa.Text(), nullable=True))
        batch.add_column(sa.Column("phone", sa.String(length=200), nullable=True))
        batch.add_column(sa.Column("assessed_on", sa.Date(), nullable=True))
    op.create_index("ix_signal_waiting", "signal", ["urgent_due_at"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_index("ix_signal_waiting", "signal")
    with op.batch_alter_table("signal") as batch:
        batch.drop_column("assessed_on")
        batch.drop_column("phone")
        for name in (*WORDS, *MOMENTS):
            batch.drop_column(name)
        for name in REFERENCES:
            batch.drop_index(op.f(f"ix_signal_{name}"))
            batch.drop_constraint(op.f(f"fk_signal_{name}"), type_="foreignkey")
            batch.drop_column(name)
    op.drop_table("signal_factor")
