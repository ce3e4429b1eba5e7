"""What is said of a requirement in a case; the set of risk factors and the name of a version of a procedure."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("procedure_version") as batch:
        batch.add_column(sa.Column("title", sa.String(length=200), nullable=False, server_default=""))
        batch.add_column(sa.Column("factor_set_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_procedure_version_factor_set_id"), "factor_set", ["factor_set_id"], ["id"], ondelete="RESTRICT"
        )
        batch.create_index(op.f("ix_procedure_version_factor_set_id"), ["factor_set_id"])
    op.execute(
        "UPDATE procedure_version SET title = (SELECT substr(procedure.name, 1, 190) FROM procedure"
        " WHERE procedure.id = procedure_version.procedure_id) || ', № ' || CAST(number AS VARCHAR(10))"
    )
    with op.batch_alter_table("procedure_version") as batch:
        batch.alter_column("title", server_default=None)
    with op.batch_alter_table("mark") as batch:
        batch.add_column(sa.Column("kind", sa.String(length=30), nullable=False, server_default="DONE"))
    op.execute(sa.text("UPDATE mark SET kind = 'WAIVED' WHERE waived = :yes").bindparams(yes=True))
    with op.batch_alter_table("mark") as batch:
        batch.alter_column("kind", server_default=None)
        batch.drop_column("waived")


def downgrade() -> None:
    # Whether something is needed could not be said before: nothing of it stands for «done» or «not needed».
    op.execute("DELETE FROM mark WHERE kind = 'NEEDED'")
    with op.batch_alter_table("mark") as batch:
        batch.add_column(sa.Column("waived", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE mark SET waived = :yes WHERE kind = 'WAIVED'").bindparams(yes=True))
    with op.batch_alter_table("mark") as batch:
        batch.alter_column("waived", server_default=None)
        batch.drop_column("kind")
    with op.batch_alter_table("procedure_version") as batch:
        batch.drop_index(op.f("ix_procedure_version_factor_set_id"))
        batch.drop_constraint(op.f("fk_procedure_version_factor_set_id"), type_="foreignkey")
        batch.drop_column("factor_set_id")
        batch.drop_column("title")
