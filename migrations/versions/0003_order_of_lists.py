"""Far pages of the lists: an index on the order in which each list opens, with the number behind it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW = (
    ("agenda_item", "position"),
    ("goal", "number"),
    ("municipality", "name"),
    ("plan", "made_on"),
    ("precinct", "name"),
    ("problem", "number"),
    ("risk_assessment", "assessed_on"),
    ("risk_factor", "position"),
    ("staff", "name"),
)
# Here an index on the column alone has served so far; the longer one does its work too.
LONGER = (
    ("activity", "due_on"),
    ("case", "opened_on"),
    ("contact", "held_on"),
    ("family", "name"),
    ("meeting", "held_on"),
    ("member", "name"),
    ("monitoring", "held_on"),
    ("signal", "received_at"),
)


def upgrade() -> None:
    for table, column in (*NEW, *LONGER):
        op.create_index(op.f(f"ix_{table}_{column}_id"), table, [column, "id"])
    for table, column in LONGER:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)


def downgrade() -> None:
    for table, column in LONGER:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    for table, column in (*NEW, *LONGER):
        op.drop_index(op.f(f"ix_{table}_{column}_id"), table)
