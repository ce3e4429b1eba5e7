"""The criteria of a set of risk factors, printed under its table."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("factor_set", sa.Column("criteria", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("factor_set", "criteria")
