"""Identity numbers of family members: СНИЛС and ИИН, found by the whole number."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBERS = (("snils", 14), ("iin", 12))


def upgrade() -> None:
    for name, length in NUMBERS:
        op.add_column("member", sa.Column(name, sa.String(length), nullable=True))
        op.create_index(op.f(f"ix_member_{name}"), "member", [name])


def downgrade() -> None:
    for name, _length in NUMBERS:
        op.drop_index(op.f(f"ix_member_{name}"), "member")
        op.drop_column("member", name)
