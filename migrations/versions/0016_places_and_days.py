"""Time zones of organisations, the day on which a plan was cancelled, cases whose terms wait to be worked out anew."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("organisation", "deadline"):
        with op.batch_alter_table(name) as batch:
            batch.add_column(sa.Column("zone", sa.String(length=30), nullable=True))
    with op.batch_alter_table("plan") as batch:
        batch.add_column(sa.Column("cancelled_on", sa.Date(), nullable=True))
    # Nothing of a cancelled plan changes any more, so its last change was the cancelling.
    plan = sa.table("plan", sa.column("status"), sa.column("changed_at"), sa.column("cancelled_on"))
    op.execute(plan.update().where(plan.c.status == "CANCELLED").values(cancelled_on=sa.func.date(plan.c.changed_at)))
    op.create_table(
        "unsettled",
        sa.Column("case_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_unsettled")),
    )
    # What a cancelled plan had kept is told anew, and days of moments are those of the place now.
    op.execute('INSERT INTO unsettled (case_id) SELECT id FROM "case"')


def downgrade() -> None:
    op.drop_table("unsettled")
    with op.batch_alter_table("plan") as batch:
        batch.drop_column("cancelled_on")
    for name in ("deadline", "organisation"):
        with op.batch_alter_table(name) as batch:
            batch.drop_column("zone")
