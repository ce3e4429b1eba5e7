"""The history is only added to: the database itself refuses to change or delete its lines."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSAL = "the history is only added to"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER change_no_{event} BEFORE {event.upper()} ON change "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION change_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER change_no_rewriting BEFORE UPDATE OR DELETE ON change "
        "FOR EACH ROW EXECUTE FUNCTION change_refuse()"
    )
    op.execute(
        "CREATE TRIGGER change_no_truncate BEFORE TRUNCATE ON change "
        "FOR EACH STATEMENT EXECUTE FUNCTION change_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("update", "delete"):
            op.execute(f"DROP TRIGGER change_no_{event}")
        return
    op.execute("DROP TRIGGER change_no_truncate ON change")
    op.execute("DROP TRIGGER change_no_rewriting ON change")
    op.execute("DROP FUNCTION change_refuse()")
