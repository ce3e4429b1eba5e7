"""Whether an organisation is named to others who type a family that it keeps."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("organisation") as table:
        table.add_column(sa.Column("told_of", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("organisation") as table:
        table.alter_column("told_of", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("organisation") as table:
        table.drop_column("told_of")
